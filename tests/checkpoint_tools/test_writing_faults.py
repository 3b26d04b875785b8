"""Whole or not at all: full disks, killed runs, links, changing sources, two runs at once."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoint_tools import Malformed, open_checkpoint
from checkpoint_tools.formats.protocol import Checkpoint
from checkpoint_tools.plan import Cast, LossError, Plan, Take, identity_plan, plan_of
from checkpoint_tools.writing import Unwritable, convert
from checkpoint_tools.writing import copying as copying_module
from tests.checkpoint_tools.building import entry, safetensors
from tests.conftest import ROOT

COUNT, SIZE = 8, 300_000


def build(path: Path, count: int = COUNT, size: int = SIZE) -> bytes:
    """A file of `count` float32 tensors of `size` bytes each."""
    header = {f"t{i}": entry([size // 4], i * size, (i + 1) * size) for i in range(count)}
    data = b"".join(os.urandom(size) for _ in range(count))
    path.write_bytes(safetensors(header, data))
    return path.read_bytes()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Checkpoint]:
    build(tmp_path / "in.safetensors")
    with open_checkpoint(tmp_path / "in.safetensors") as opened:
        yield opened


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(source: Checkpoint, target: Path, **how: object) -> None:
    convert(source, identity_plan(source), target, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".npz", ""])
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mode_follows_the_umask(
    mask: int, suffix: str, source: Checkpoint, tmp_path: Path
) -> None:
    target = tmp_path / f"out{suffix}"
    old = os.umask(mask)
    try:
        run(source, target, format=None if suffix else "sharded")
    finally:
        os.umask(old)
    if not suffix:
        assert stat.S_IMODE(target.stat().st_mode) == 0o777 & ~mask
    for path in target.iterdir() if not suffix else [target]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_what_is_there_is_kept_unless_told(source: Checkpoint, tmp_path: Path) -> None:
    target = tmp_path / "out.safetensors"
    target.write_bytes(b"precious")
    with pytest.raises(Unwritable, match="is there already"):
        run(source, target)
    assert target.read_bytes() == b"precious"
    run(source, target, overwrite=True)
    assert target.stat().st_size > SIZE
    assert names(tmp_path) == ["in.safetensors", "out.safetensors"]


def test_targets_that_are_refused(source: Checkpoint, tmp_path: Path) -> None:
    before = (tmp_path / "in.safetensors").read_bytes()
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "victim")
    (tmp_path / "hard.safetensors").hardlink_to(tmp_path / "in.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    for name, why in {
        "link.safetensors": "symbolic link",
        "hard.safetensors": "one file",
        "in.safetensors": "one file",
        "folder.safetensors": "no regular file",
        "pipe.safetensors": "no regular file",
        "none/out.safetensors": "folder does not exist",
    }.items():
        with pytest.raises(Unwritable, match=why) as caught:
            run(source, tmp_path / name, overwrite=True)
        assert "\n" not in str(caught.value)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(Unwritable, match="something in it"):
        run(source, tmp_path / "full", format="sharded", overwrite=True)
    assert not (tmp_path / "victim").exists()
    assert (tmp_path / "in.safetensors").read_bytes() == before
    assert not [name for name in names(tmp_path) if "part" in name]


def test_an_error_leaves_nothing(source: Checkpoint, tmp_path: Path) -> None:
    def stop(done: int, total: int, name: str) -> None:
        raise KeyboardInterrupt

    for target, format in (("a.safetensors", None), ("a.pt", None), ("a", "sharded")):
        with pytest.raises(KeyboardInterrupt):
            run(source, tmp_path / target, format=format, progress=stop)
    np = pytest.importorskip("numpy", reason="numbers are computed with numpy")
    big = safetensors({"x": entry([2], 0, 8)}, np.array([1, 70_000], "<f4").tobytes())
    (tmp_path / "big.safetensors").write_bytes(big)
    with open_checkpoint(tmp_path / "big.safetensors") as checkpoint:
        plan = plan_of([("x", Cast(Take("x"), "float16"))])
        with pytest.raises(LossError, match="'x': 1 of 2 numbers overflow as float16"):
            convert(checkpoint, plan, tmp_path / "a.safetensors", fail_on={"overflow"})
        assert names(tmp_path) == ["big.safetensors", "in.safetensors"]
        convert(checkpoint, plan, tmp_path / "a.safetensors", fail_on={"underflow"})


def test_a_source_that_changes_meanwhile(source: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "in.safetensors"

    def touch(done: int, total: int, name: str) -> None:
        os.utime(path, ns=(1, 1))

    with pytest.raises(Malformed, match="changed while it was read"):
        run(source, tmp_path / "out.safetensors", progress=touch)
    assert names(tmp_path) == ["in.safetensors"]


def test_a_source_that_shrinks_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "in.safetensors"
    build(path)
    for suffix in ("safetensors", "pt"):
        build(path)
        with open_checkpoint(path) as checkpoint:
            os.truncate(path, SIZE * 2)
            with pytest.raises(Malformed, match=r"shorter|changed"):
                run(checkpoint, tmp_path / f"out.{suffix}")
        assert names(tmp_path) == ["in.safetensors"]


@pytest.mark.parametrize("missing", [(), ("_range",), ("_range", "_sendfile")])
@pytest.mark.parametrize("shift", [0, 8])
def test_every_way_of_copying_gives_the_same(
    missing: tuple[str, ...], shift: int, source: Checkpoint, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import errno

    calls: list[str] = []

    def failing(*arguments: object) -> int:
        calls.append("x")
        raise OSError(errno.EXDEV, "not here")

    for way in missing:
        name = "_by_range" if way == "_range" else "_by_sendfile"
        monkeypatch.setattr(copying_module, name, failing)
    metadata = {"x": "y" * (4096 - 20 + shift)} if shift else None
    run(source, tmp_path / "out.safetensors", metadata=metadata)
    run(source, tmp_path / "shared.safetensors", reflink=True)
    for name in ("out", "shared"):
        with open_checkpoint(tmp_path / f"{name}.safetensors") as checkpoint:
            for tensor in source.tensors:
                assert checkpoint.read(tensor) == source.read(tensor)
    # Only where pages keep their borders is the kernel asked at all.
    assert len(calls) == len(missing)


def test_blocks_are_shared_where_the_file_system_can(
    source: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system with shared blocks is played by a copy; it takes whole blocks only."""
    import fcntl
    import struct

    shared: list[int] = []

    def clone(target: int, request: int, wish: bytes) -> int:
        assert request == 0x4020940D
        descriptor, offset, length, at = struct.unpack("qQQQ", wish)
        assert offset % 4096 == length % 4096 == at % 4096 == 0
        os.pwrite(target, os.pread(descriptor, length, offset), at)
        shared.append(length)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", clone)
    for suffix, least in (("safetensors", COUNT * SIZE - 8192), ("pt", COUNT * (SIZE - 8192))):
        shared.clear()
        target = tmp_path / f"out.{suffix}"
        report = convert(source, identity_plan(source), target, reflink=True)
        assert sum(shared) == report.ledger.target_shared
        assert report.ledger.target_copied == COUNT * SIZE
        if suffix == "safetensors":
            assert sum(shared) >= least
        with open_checkpoint(target) as checkpoint:
            for index in range(len(checkpoint.storages)):
                checkpoint.verify(index)
            for tensor in source.tensors:
                assert checkpoint.read(tensor) == source.read(tensor)


def test_progress_is_told_to_its_end(source: Checkpoint, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run(source, tmp_path / "a.pt", progress=lambda *event: told.append(event))
    assert told[-1][:2] == (COUNT * SIZE, COUNT * SIZE)
    assert [event[0] for event in told] == sorted({event[0] for event in told})


CHILD = """
import sys, time
from checkpoint_tools import open_checkpoint
from checkpoint_tools.plan import identity_plan
from checkpoint_tools.writing import convert
def slowly(done, total, name):
    print(done, flush=True)
    time.sleep(float(sys.argv[3]))
import checkpoint_tools.writing.engine as engine
engine._Meter._STEP = 1
with open_checkpoint(sys.argv[1]) as checkpoint:
    how = {} if "." in sys.argv[2] else {"format": "sharded", "max_shard": 700_000}
    convert(checkpoint, identity_plan(checkpoint), sys.argv[2], progress=slowly, **how)
"""


def child(source: Path, target: Path, pause: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", CHILD, str(source), str(target), str(pause)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


@pytest.mark.parametrize("target", ["out.safetensors", "out.pt", "out"])
def test_killed_runs_leave_what_the_next_one_clears(target: str, tmp_path: Path) -> None:
    source, home = tmp_path / "in.safetensors", tmp_path / "home"
    build(source)
    home.mkdir()
    for events in (1, 3, 8):
        process = child(source, home / target, 0.05)
        assert process.stdout is not None
        for _ in range(events):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        left = names(home)
        assert left in ([f".{target}.checkpoint-part"], [target]), left
    if target not in names(home):
        process = child(source, home / target, 0)
        process.communicate()
        assert process.returncode == 0
    assert names(home) == [target]
    whole = tmp_path / f"whole-{target}"
    with open_checkpoint(source) as checkpoint:
        how = {} if "." in target else {"format": "sharded", "max_shard": 700_000}
        run(checkpoint, whole, **how)
    if whole.is_dir():
        for path in whole.iterdir():
            assert path.read_bytes() == (home / target / path.name).read_bytes()
    else:
        assert whole.read_bytes() == (home / target).read_bytes()


@pytest.mark.parametrize("target", ["out.safetensors", "out"])
def test_two_runs_at_once(target: str, tmp_path: Path) -> None:
    """The second is refused and does no harm to the first."""
    source = tmp_path / "in.safetensors"
    build(source)
    process = child(source, tmp_path / target, 0.05)
    assert process.stdout is not None
    process.stdout.readline()
    refused = pytest.raises(Unwritable, match="another run is writing it")
    with open_checkpoint(source) as checkpoint, refused:
        run(checkpoint, tmp_path / target, format=None if "." in target else "sharded")
    process.communicate()
    assert process.returncode == 0
    assert names(tmp_path) == ["in.safetensors", target]


def test_many_runs_at_once(tmp_path: Path) -> None:
    """One wins or all in turn; the file is whole whenever it is there."""
    source = tmp_path / "in.safetensors"
    expected = build(source, 2, 40_000)
    outcomes: list[str] = []

    def work() -> None:
        with open_checkpoint(source) as checkpoint:
            for _ in range(10):
                try:
                    run(checkpoint, tmp_path / "out.safetensors", overwrite=True, durable=False)
                    outcomes.append("done")
                except Unwritable as error:
                    outcomes.append(error.reason)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "out.safetensors").exists():
            assert len((tmp_path / "out.safetensors").read_bytes()) in range(
                len(expected) - 16, len(expected) + 16
            )
        time.sleep(0.001)
    assert set(outcomes) <= {"done", "another run is writing it"}
    assert "done" in outcomes
    assert names(tmp_path) == ["in.safetensors", "out.safetensors"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """4 MB of disk."""
    point = tmp_path / "disk"
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "checkpoint-test", str(point)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no tmpfs can be mounted here: {error}")
    yield point
    subprocess.run(["umount", str(point)], check=True)


@pytest.mark.parametrize("target", ["out.safetensors", "out.pt", "out.npz", "out"])
def test_a_full_disk_leaves_nothing(
    target: str, source: Checkpoint, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3_000_000))
    format = None if "." in target else "sharded"
    with pytest.raises(Unwritable, match=r"needs \d+ bytes, and \d+ are free"):
        run(source, small_disk / target, format=format)
    monkeypatch.setattr("checkpoint_tools.writing.conversion._check_room", lambda *_: None)
    with pytest.raises(Unwritable, match="the disk is full"):
        run(source, small_disk / target, format=format)
    assert names(small_disk) == ["ballast"]
    ballast.unlink()
    run(source, small_disk / target, format=format)
    assert names(small_disk) == [target]


def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    build(tmp_path / "in.safetensors")
    made = set()
    for seed in ("0", "1", "4242"):
        script = CHILD.replace("float(sys.argv[3])", "0")
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        for target in ("a.pt", "a.safetensors", "a.npz"):
            arguments = [str(tmp_path / "in.safetensors"), str(tmp_path / target), "0"]
            subprocess.run(
                [sys.executable, "-c", script, *arguments],
                check=True,
                env=environment,
                stdout=subprocess.DEVNULL,
            )
        made.add(tuple((tmp_path / t).read_bytes() for t in ("a.pt", "a.safetensors", "a.npz")))
        for target in ("a.pt", "a.safetensors", "a.npz"):
            (tmp_path / target).unlink()
    assert len(made) == 1


MEASURED = """
import sys
from checkpoint_tools import open_checkpoint
from checkpoint_tools.plan import *
from checkpoint_tools.writing import convert
with open_checkpoint(sys.argv[1]) as checkpoint:
    side = checkpoint.tensors["t0"].shape[0]
    square = Reshape(Take("t0"), (-1, 2500))
    plans = {
        "rename": identity_plan(checkpoint),
        "turn": plan_of([("x", Transpose(square))], checkpoint.tensors),
        "cast": plan_of([("x", Cast(Take("t0"), "bfloat16"))], checkpoint.tensors),
        "columns": plan_of([("x", Slice(square, 1, 5, 2400))], checkpoint.tensors),
        "padded": plan_of([("x", Pad(square, 1, 3, 4))], checkpoint.tensors),
    }
    convert(checkpoint, plans[sys.argv[3]], sys.argv[2], durable=False)
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1])
heavy = {"torch", "pydantic"} | ({"numpy"} if sys.argv[3] != "cast" else set())
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


@pytest.mark.parametrize("how", ["rename", "turn", "cast", "columns", "padded"])
def test_two_hundred_megabytes_in_little_memory(how: str, tmp_path: Path) -> None:
    size = 200_000_000
    path = tmp_path / "in.safetensors"
    head = safetensors({"t0": entry([size // 4], 0, size)})
    path.write_bytes(head)
    os.truncate(path, len(head) + size)  # without blocks: this is about memory
    for target in ("out.safetensors", "out.pt"):
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(path), str(tmp_path / target), how],
            check=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        limit = 100_000 if how == "cast" else 64_000
        assert int(done.stdout) < limit, f"{how}: {done.stdout} KiB"
        (tmp_path / target).unlink()


def test_a_plan_is_not_run_in_part(source: Checkpoint, tmp_path: Path) -> None:
    from checkpoint_tools.plan import PlanError

    with pytest.raises(PlanError, match="neither used nor dropped"):
        convert(source, Plan({"x": Take("t0")}), tmp_path / "out.safetensors")
    with pytest.raises(PlanError, match="names no format"):
        run(source, tmp_path / "out.xyz")
    assert names(tmp_path) == ["in.safetensors"]
