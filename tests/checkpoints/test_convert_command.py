"""`cfgmig checkpoint convert`, from the outside; other libraries read what it wrote."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints.conftest import zeros
from tests.cli.running import Done, run, run_json
from tests.conftest import ROOT

np = pytest.importorskip("numpy", reason="numpy reads the files")
torch = pytest.importorskip("torch", reason="torch writes the files")
safetensors = pytest.importorskip("safetensors")
library = pytest.importorskip("safetensors.torch")

BYTES = 48 + 12 + 40
"""Of the tensors in `model`."""


def convert(*arguments: object, **how: Any) -> Done:
    return run("checkpoint", "convert", *arguments, **how)


def model() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "enc.w": torch.randn(3, 4, generator=generator),
        "enc.b": torch.zeros(3),
        "steps": torch.arange(5),
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What a trainer saves."""
    path = tmp_path / "a.pt"
    moments = {"state": {0: {"exp_avg": torch.full((3, 4), 0.1)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({"epoch": 3, "model_state_dict": model(), "optimizer_state_dict": moments}, path)
    return path


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, torch.Tensor):
        return found.dtype == wanted.dtype and torch.equal(found, wanted)
    return bool(found == wanted)


def test_there_and_back(source: Path, tmp_path: Path) -> None:
    middle, back = tmp_path / "b.safetensors", tmp_path / "c.pt"
    done = convert(source, middle)
    assert (done.returncode, done.stderr) == (0, "")
    found = library.load_file(middle)
    assert same(
        {k.removeprefix("model_state_dict."): v for k, v in found.items() if "model" in k}, model()
    )
    assert "optimizer_state_dict.state.0.exp_avg" in found
    assert convert(middle, back).returncode == 0
    assert same(torch.load(back, weights_only=True), torch.load(source, weights_only=True))


def test_the_ledger(source: Path, tmp_path: Path) -> None:
    found = run_json("checkpoint", "convert", source, tmp_path / "b.safetensors", "--model-only")
    assert found["ledger"] == {
        "source": BYTES + 48,
        "source_copied": BYTES,
        "source_transformed": 0,
        "source_dropped": 48,
        "target": BYTES,
        "target_copied": BYTES,
        "target_gathered": 0,
        "target_computed": 0,
        "target_invented": 0,
        "target_shared": 0,
        "dropped": {"optimizer_state_dict.state.0.exp_avg": 48},
    }
    assert found["dropped"] == ["optimizer_state_dict.state.0.exp_avg"]
    assert found["files"] == {"b.safetensors": (tmp_path / "b.safetensors").stat().st_size}
    said = convert(source, tmp_path / "c.safetensors", "--model-only").stdout
    assert f"source    {BYTES + 48} bytes = {BYTES} copied + 0 transformed + 48 dropped" in said
    assert "dropped   optimizer_state_dict.state.0.exp_avg\n" in said


def test_only_the_model(source: Path, tmp_path: Path) -> None:
    assert convert(source, tmp_path / "b.safetensors", "--model-only").returncode == 0
    assert same(library.load_file(tmp_path / "b.safetensors"), model())
    assert convert(source, tmp_path / "b.pt", "--model-only").returncode == 0
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert same(dict(found["model_state_dict"]), model())
    assert "optimizer_state_dict" not in found


def test_shards_and_one_file_again(source: Path, tmp_path: Path) -> None:
    folder, one = tmp_path / "shards", tmp_path / "one.safetensors"
    assert convert(source, folder, "--model-only", "--max-shard", "60B").returncode == 0
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == BYTES
    files = sorted(set(index["weight_map"].values()))
    assert [file.name for file in sorted(folder.glob("*.safetensors"))] == files
    found = {}
    for file in files:
        part = library.load_file(folder / file)
        assert sum(tensor.nbytes for tensor in part.values()) <= 60
        assert {index["weight_map"][name] for name in part} == {file}
        found |= part
    assert len(files) == 2
    assert same(found, model())
    assert convert(folder, one).returncode == 0
    assert same(library.load_file(one), model())


def test_what_a_cast_lost(tmp_path: Path) -> None:
    values = torch.tensor([1.0, 70_000.0, -1e6, 1e-9, 0.1, 0.0])
    torch.save(
        {"w": values, "exact": torch.tensor([0.5, 2.0]), "n": torch.arange(3)}, tmp_path / "a.pt"
    )
    target = tmp_path / "b.safetensors"
    found = run_json("checkpoint", "convert", tmp_path / "a.pt", target, "--cast", "F16")
    made = library.load_file(target)
    assert torch.equal(made["w"], values.half())
    assert made["n"].dtype == torch.int64
    loss = found["losses"]["w"]
    # 70,000 and -10^6 become infinite, 10^-9 zero, and 0.1 is rounded.
    counts = (loss["elements"], loss["changed"], loss["overflow"], loss["underflow"])
    assert counts == (6, 4, 2, 1)
    gap = abs(float(np.float16(np.float32(0.1))) - float(np.float32(0.1)))
    assert loss["max_abs"] == pytest.approx(gap, rel=1e-6)
    assert found["losses"]["exact"]["changed"] == 0
    said = convert(tmp_path / "a.pt", target, "--cast", "half", "--overwrite")
    assert said.returncode == 2
    said = convert(tmp_path / "a.pt", target, "--cast", "float16", "--overwrite").stdout
    assert "cast      w: 4 of 6 numbers changed, 2 overflow, 1 underflow," in said
    assert "cast      1 tensor without any loss\n" in said


@pytest.mark.parametrize(
    ("value", "kind", "code"),
    [
        (70_000.0, "overflow", 3),
        (1e-9, "overflow", 0),
        (1e-9, "underflow", 3),
        (0.1, "underflow", 0),
        (0.1, "change", 3),
        (0.5, "change", 0),
    ],
)
def test_a_loss_that_fails(value: float, kind: str, code: int, tmp_path: Path) -> None:
    library.save_file({"w": torch.tensor([value])}, tmp_path / "a.safetensors")
    target = tmp_path / "b.safetensors"
    done = convert(tmp_path / "a.safetensors", target, "--cast", "f16", "--fail-on", kind)
    assert done.returncode == code
    assert target.exists() == (code == 0)
    assert len(list(tmp_path.iterdir())) == 1 + (code == 0)
    if code:
        assert "'w': 1 of 1 numbers" in done.stderr


def test_an_optimizer_keeps_its_type(source: Path, tmp_path: Path) -> None:
    assert convert(source, tmp_path / "b.pt", "--cast", "BF16").returncode == 0
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert torch.equal(found["model_state_dict"]["enc.w"], model()["enc.w"].bfloat16())
    assert found["optimizer_state_dict"]["state"][0]["exp_avg"].dtype == torch.float32


def test_other_names(tmp_path: Path) -> None:
    wrapped = {f"module.{name}": tensor for name, tensor in model().items()}
    torch.save({"model_state_dict": wrapped, "epoch": 1}, tmp_path / "a.pt")
    done = convert(tmp_path / "a.pt", tmp_path / "b.pt", "--strip-prefix", "module.")
    assert done.returncode == 0
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert same(found, {"model_state_dict": model(), "epoch": 1})
    target = tmp_path / "c.safetensors"
    options = ["--rename", "enc.w=dec.w", "--drop", "steps", "--model-only"]
    assert convert(tmp_path / "b.pt", target, *options).returncode == 0
    wanted = {"dec.w": model()["enc.w"], "enc.b": model()["enc.b"]}
    assert same(library.load_file(target), wanted)


def test_patterns_leave_out(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    options = ["--drop", "optimizer_state_dict", "--drop", "enc.*"]
    found = run_json("checkpoint", "convert", source, target, *options)
    assert list(library.load_file(target)) == ["model_state_dict.steps"]
    assert len(found["dropped"]) == 3


def test_tied_tensors(tmp_path: Path) -> None:
    weight = torch.arange(6.0)
    torch.save({"embed": weight, "head": weight}, tmp_path / "a.pt")
    for aliases, names in (("duplicate", {"embed", "head"}), ("once", {"embed"})):
        middle, back = tmp_path / f"{aliases}.safetensors", tmp_path / f"{aliases}.pt"
        assert convert(tmp_path / "a.pt", middle, "--aliases", aliases).returncode == 0
        assert set(library.load_file(middle)) == names
        assert convert(middle, back).returncode == 0
        found = torch.load(back, weights_only=True)
        assert found["embed"].data_ptr() == found["head"].data_ptr()
        assert torch.equal(found["head"], weight)
        assert run("checkpoint", "diff", tmp_path / "a.pt", middle).returncode == 0


def test_numpy_reads_it(tmp_path: Path) -> None:
    values = {"w": np.arange(6, dtype="<f4").reshape(2, 3), "n": np.array([1, -2])}
    np.savez(tmp_path / "a.npz", **values)
    assert convert(tmp_path / "a.npz", tmp_path / "b.npz").returncode == 0
    with np.load(tmp_path / "b.npz") as found:
        assert all(np.array_equal(found[name], values[name]) for name in values)
    assert convert(tmp_path / "a.npz", tmp_path / "c.npy", "--drop", "n").returncode == 0
    assert np.array_equal(np.load(tmp_path / "c.npy"), values["w"])
    assert convert(tmp_path / "a.npz", tmp_path / "d.bin").returncode == 0
    assert torch.equal(torch.load(tmp_path / "d.bin")["w"], torch.tensor(values["w"]))


def test_a_dry_run_says_what_would_happen(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    options = ["--model-only", "--cast", "F16", "--rename", "enc.b=bias"]
    found = run_json("checkpoint", "convert", source, target, *options, "--dry-run")
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1
    kinds = {one["name"]: (one["kind"], one["dtype"], one["bytes"]) for one in found["outputs"]}
    assert kinds == {
        "enc.w": ("COMPUTE", "float16", 24),
        "bias": ("COMPUTE", "float16", 6),
        "steps": ("COPY", "int64", 40),
    }
    origins = {one["name"]: one["from"] for one in found["outputs"]}
    assert origins["bias"] == "cast(model_state_dict.enc.b; float16)"
    assert found["bytes"] == {"COPY": 40, "GATHER": 0, "COMPUTE": 30}
    assert found["disk_free"] > found["disk_needed"] > 70
    done = convert(source, target, *options, "--dry-run")
    assert (
        "COMPUTE   bias: float16 [3]  from cast(model_state_dict.enc.b; float16)\n" in done.stdout
    )
    assert done.stdout.endswith("nothing was written\n")
    assert convert(source, target, *options).returncode == 0
    assert found["files"] == {"b.safetensors": target.stat().st_size}


def test_what_is_turned_round_is_gathered(tmp_path: Path) -> None:
    torch.save({"w": torch.arange(6.0).reshape(2, 3).t()}, tmp_path / "a.pt")
    target = tmp_path / "b.safetensors"
    (one,) = run_json("checkpoint", "convert", tmp_path / "a.pt", target, "--dry-run")["outputs"]
    assert one["kind"] == "GATHER"
    assert convert(tmp_path / "a.pt", target).returncode == 0
    assert library.load_file(target)["w"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_target_that_is_there(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    target.write_bytes(b"mine")
    for option in ([], ["--dry-run"]):
        done = convert(source, target, *option)
        assert done.returncode == 2
        assert "--overwrite" in done.stderr
    assert target.read_bytes() == b"mine"
    assert convert(source, target, "--overwrite", "-q").stdout == ""
    assert len(library.load_file(target)) == 4
    before = source.read_bytes()
    assert convert(source, source, "--overwrite").returncode == 2
    (tmp_path / "link.pt").symlink_to(source)
    assert convert(target, tmp_path / "link.pt", "--overwrite").returncode == 2
    assert convert(source, tmp_path / "none/b.pt").returncode == 2
    assert convert(source, tmp_path / "none/b.pt", "--dry-run").returncode == 2
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    "options",
    [
        ["b"],
        ["b.safetensors", "--format", "zip"],
        ["b.safetensors", "--max-shard", "1GB"],
        ["b", "--max-shard", "banana"],
        ["b", "--max-shard", "0"],
        ["b", "--max-shard", "nanGB"],
        ["b.pt", "--cast", "I8"],
        ["b.pt", "--aliases", "never"],
        ["b.pt", "--fail-on", "nothing"],
        ["b.pt", "--from", "1.0"],
        ["b.pt", "--family", "demo"],
        ["b.pt", "--rename", "enc.w"],
        ["b.pt", "--rename", "enc.w=enc.b"],
        ["b.pt", "--rename", "nothing=enc.x"],
        ["b.pt", "--drop", "nothing"],
        ["b.pt", "--strip-prefix", "nothing."],
        ["b.npy"],
    ],
)
def test_wrong_usage(options: list[str], source: Path, tmp_path: Path) -> None:
    done = convert(source, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "this is an error in cfgmig itself" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_sizes_of_shards() -> None:
    from cfgmig.cli.checkpoint_convert import byte_count

    sizes = {"5GB": 5 * 10**9, "500MB": 5 * 10**8, "1.5GiB": 3 << 29, "12": 12, "7 kb": 7000}
    assert {text: byte_count(text) for text in sizes} == sizes


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_mode_follows_the_umask(umask: int, mode: int, source: Path, tmp_path: Path) -> None:
    assert convert(source, tmp_path / "b.safetensors", umask=umask).returncode == 0
    assert (tmp_path / "b.safetensors").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("name", ["b.safetensors", "b.pt"])
def test_the_same_bytes_again(name: str, source: Path, tmp_path: Path) -> None:
    found = set()
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        shutil.copyfile(source, folder / "x.pt")
        done = convert("x.pt", name, "--cast", "F16", cwd=folder, env={"PYTHONHASHSEED": seed})
        assert done.returncode == 0
        found.add(hashlib.sha256((folder / name).read_bytes()).hexdigest())
    assert len(found) == 1


SLOW = """
import sys, time
from pathlib import Path
from checkpoint_tools.writing.copying import Copier
begun, copy = Path("begun"), Copier.run
def run(self, *arguments):
    if begun.exists():
        time.sleep(60)
    copy(self, *arguments)
    begun.touch()
Copier.run = run
from cfgmig.cli.main import main
sys.argv = ["cfgmig", "checkpoint", "convert", "a.pt", "b.safetensors"]
main()
"""
"""A conversion that stops between its first tensor and its second."""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_leaves_no_target(sent: signal.Signals, tmp_path: Path) -> None:
    values = {f"w{n}": torch.full((1 << 16,), float(n)) for n in range(4)}
    torch.save(values, tmp_path / "a.pt")
    running = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 15
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < until
        assert running.poll() is None
        time.sleep(0.01)
    assert list(tmp_path.glob(".b.safetensors*"))  # what is begun lies beside its place
    running.send_signal(sent)
    _, said = running.communicate()
    if sent == signal.SIGINT:
        assert (running.returncode, said) == (130, "cfgmig: interrupted; nothing was written\n")
        assert not list(tmp_path.glob(".b.safetensors*"))
    assert not (tmp_path / "b.safetensors").exists()
    assert convert("a.pt", "b.safetensors", cwd=tmp_path).returncode == 0
    assert same(library.load_file(tmp_path / "b.safetensors"), values)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pt", "b.safetensors", "begun"]


@pytest.mark.parametrize("name", ["\x1b[31mred", "line\nfeed", "\u202egnp"])
def test_hostile_names_are_shown_escaped(name: str, tmp_path: Path) -> None:
    source = zeros(tmp_path / "a.safetensors", {name: (2,), "w": (1,)})
    for options in (["--dry-run"], ["--drop", "w", "--cast", "F16", "-v"]):
        done = convert(source, tmp_path / "b.safetensors", *options)
        assert done.returncode == 0, done.stderr
        for bad in ("\x1b", "\u202e", "line\nfeed"):
            assert bad not in done.stdout + done.stderr
    assert list(library.load_file(tmp_path / "b.safetensors")) == [name]


def test_a_copy_needs_no_numbers(source: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom cfgmig.cli.main import run\n"
        f"assert run(['checkpoint', 'convert', {str(source)!r}, 'b.safetensors', '-q']) == 0\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'ruamel', 'typer', 'rich', 'yaml'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "HEAVY []\n"


def test_to_another_version(files: Path, tmp_path: Path) -> None:
    source, target = files / "v5_12_4_best_Q.pt", tmp_path / "new.pt"
    found = run_json("checkpoint", "convert", source, target, "--to", "5.12.5")
    assert (found["from"], found["to"]) == ("5.12.4", "5.12.5")
    before = torch.load(source, weights_only=False)["model_state_dict"]
    assert same(dict(torch.load(target, weights_only=True)["model_state_dict"]), dict(before))
    assert convert(source, tmp_path / "x.pt", "--to", "0.0").returncode == 2
    assert not (tmp_path / "x.pt").exists()


def test_ties_outlive_a_cast_and_a_model_of_its_own(tmp_path: Path) -> None:
    weight = torch.arange(6.0)
    torch.save({"embed": weight, "head": weight, "other": weight.clone()}, tmp_path / "a.pt")
    assert convert(tmp_path / "a.pt", tmp_path / "b.pt", "--cast", "F16").returncode == 0
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert found["embed"].dtype == torch.float16
    assert found["embed"].data_ptr() == found["head"].data_ptr() != found["other"].data_ptr()
    once, alone = tmp_path / "once.safetensors", tmp_path / "alone.pt"
    assert convert(tmp_path / "a.pt", once, "--aliases", "once").returncode == 0
    assert convert(once, alone, "--model-only").returncode == 0
    found = torch.load(alone, weights_only=True)
    assert set(found) == {"embed", "head", "other"}
    assert found["embed"].data_ptr() == found["head"].data_ptr()


def test_full_names_on_both_sides_of_a_new_name(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    pair = "model_state_dict.enc.w=model_state_dict.enc.v"
    assert convert(source, target, "--rename", pair).returncode == 0
    assert "model_state_dict.enc.v" in library.load_file(target)


def test_what_leaves_the_model_lies_beside_the_result(corpus: Path, tmp_path: Path) -> None:
    source = corpus / "ternary_vae/checkpoints/v5_5_latest.pt"
    up, down = tmp_path / "up.safetensors", tmp_path / "down.pt"
    done = convert(source, up, "--to", "5.12.5", "--model-only")
    assert done.returncode == 0, done.stderr
    kept = library.load_file(tmp_path / "up.safetensors.stash.safetensors")
    assert len(kept) == 24
    done = convert(up, down, "--to", "5.5.2")
    assert done.returncode == 0, done.stderr
    before = torch.load(source, weights_only=True)["model"]
    after = torch.load(down, weights_only=True)
    assert same(dict(after), dict(before))


def test_a_config_says_what_the_weights_become(corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "deep.yaml"
    shipped = ROOT / "examples/ternary_vae/configs/v5_12_4_from_scratch.yaml"
    config.write_text(shipped.read_text().replace("improved", "frozen"))
    source = corpus / "ternary_vae/checkpoints/v5_11_best.pt"
    target = tmp_path / "deep.safetensors"
    done = convert(source, target, "--for", config, "--model-only")
    assert done.returncode == 0, done.stderr
    shapes = {name: tuple(one.shape) for name, one in library.load_file(target).items()}
    assert shapes["projection.proj_B.direction_net.8.weight"] == (16, 64)
    assert shapes["projection.proj_A.direction_net.4.weight"] == (64, 64)
    with safetensors.safe_open(target, "np") as opened:
        texts = opened.metadata()
    inside, before = json.loads(texts["config"]), json.loads(texts["config_before"])
    assert inside["model"]["projection_layers"] == 2
    assert before["model"]["projection_layers"] == 1
    assert inside["schema_version"] == before["schema_version"] == "ternary_vae/5.12.5"
    found = run("checkpoint", "verify", source, target, "--round-trip", "--probe")
    assert found.returncode == 0, found.stdout
    assert "as they should be, bit for bit" in found.stdout


def test_settings_that_no_tensor_tells_are_asked_for(corpus: Path, tmp_path: Path) -> None:
    folder = corpus / "ternary_vae/checkpoints"
    silent, told = (tmp_path / name for name in ("a.safetensors", "b.safetensors"))
    bare = tmp_path / "bare.safetensors"
    state = torch.load(folder / "v5_5_latest.pt", weights_only=True)["model"]
    library.save_file(dict(state), bare)
    asked = "say it with `--for CONFIG`"
    assert asked in convert(bare, silent, "--to", "5.12.5").stdout
    done = convert(folder / "v5_12_4_best_Q.pt", told, "--to", "5.12.5", "--model-only")
    assert done.returncode == 0, done.stderr
    assert asked not in done.stdout
