"""The command under faults: files that attack it, a kill, two runs at once."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXAMPLE = (ROOT / "examples/ternary_vae/configs/v5_12_4_from_scratch.yaml").read_text()
SECONDS, MEGABYTES = 20, 400


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cfgmig", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment(),
        preexec_fn=limited,
    )


HOSTILE = {
    "deep_flow": b"a: " + b"[" * 1000 + b"]" * 1000 + b"\n",
    "deep_block": b"".join(b" " * depth + b"a:\n" for depth in range(1000)),
    "very_deep": b"[" * 100_000,
    "alias_bomb": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n".encode()
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ),
    "undecodable": EXAMPLE.encode().replace(b"pin_memory", b"pin_\xff\xfe"),
    "utf_16": EXAMPLE.encode("utf-16"),
    "nul": EXAMPLE.encode().replace(b"64", b"6\x004", 1),
    "duplicate": EXAMPLE.encode() + b"riemannian: {}\n",
    "two_documents": EXAMPLE.encode() + b"---\n" + EXAMPLE.encode(),
    "empty": b"",
    "only_comments": b"# nothing\n",
    "a_list": b"- 1\n- 2\n",
    "binary": bytes(range(256)) * 64,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("verb", ["check", "upgrade"])
def test_hostile_files_are_refused_in_words(verb: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_bytes(HOSTILE[name])
    done = run(tmp_path, verb, file.name)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert done.returncode in ((1, 2, 3) if verb == "check" else (2, 3)), said
    assert file.name in said
    assert file.read_bytes() == HOSTILE[name]
    assert {path.name for path in tmp_path.iterdir()} <= {file.name, ".cfgmig"}


def test_a_tag_is_never_obeyed(tmp_path: Path) -> None:
    file = tmp_path / "tagged.yaml"
    file.write_text(EXAMPLE + "x: !!python/object/apply:os.system ['touch hacked']\n")
    assert run(tmp_path, "check", file.name).returncode == 1
    assert run(tmp_path, "upgrade", file.name).returncode == 0
    assert "x: !!python/object/apply:os.system ['touch hacked']\n" in file.read_text()
    assert not (tmp_path / "hacked").exists()


def test_a_file_of_200_kilobytes(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    comments = "".join(f"# {number}: {'x' * 60}\n" for number in range(3000))
    file.write_text(EXAMPLE + comments)
    assert file.stat().st_size > 200_000
    done = run(tmp_path, "upgrade", file.name)
    assert done.returncode == 0, done.stderr
    assert comments in file.read_text()


def fleet(folder: Path, count: int) -> dict[Path, bytes]:
    folder.mkdir(exist_ok=True)
    (folder / ".git").mkdir(exist_ok=True)
    files = {folder / f"{number:03}.yaml": f"# run {number}\n{EXAMPLE}" for number in range(count)}
    for file, text in files.items():
        file.write_text(text)
    return {file: text.encode() for file, text in files.items()}


@pytest.mark.slow
def test_kill_at_random_points_of_a_run_over_500_files(tmp_path: Path) -> None:
    before = fleet(tmp_path / "fleet", 500)
    done = run(tmp_path / "fleet", "upgrade", "--quiet", ".")
    assert done.returncode == 0, done.stderr
    after = {file: file.read_bytes() for file in before}
    assert run(tmp_path / "fleet", "undo", "--quiet").returncode == 0
    start = time.perf_counter()
    run(tmp_path / "fleet", "upgrade", "--quiet", "--check", ".")
    planning = time.perf_counter() - start
    rng = random.Random(7)
    for _ in range(12):
        process = subprocess.Popen(
            command("upgrade", "--quiet", "."), cwd=tmp_path / "fleet", env=environment()
        )
        time.sleep(planning * rng.uniform(0.7, 1.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for file, old in before.items():
            assert file.read_bytes() in (old, after[file])
        if (tmp_path / "fleet/.cfgmig").exists():
            run(tmp_path / "fleet", "undo", "--quiet")
        assert {file: file.read_bytes() for file in before} in (before, after)
        for file, old in before.items():
            file.write_bytes(old)
    left = {path.name for path in (tmp_path / "fleet").iterdir()}
    assert left == {*(file.name for file in before), ".git", ".cfgmig"}


def test_two_runs_at_once_never_mix(tmp_path: Path) -> None:
    before = fleet(tmp_path / "fleet", 40)
    runs = [
        subprocess.Popen(
            command("upgrade", "--quiet", "."),
            cwd=tmp_path / "fleet",
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = [(process.communicate()[1], process.returncode) for process in runs]
    assert any(code == 0 for _, code in results), results
    for said, code in results:
        assert "Traceback" not in said
        assert code in (0, 2, 3)
        assert code == 0 or "help:" in said
    texts = {file: file.read_bytes() for file in before}
    assert all(b"schema_version" in text for text in texts.values())
    assert run(tmp_path / "fleet", "upgrade", "--check", ".").returncode == 0
