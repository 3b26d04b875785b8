"""`cfgmig checkpoint verify`, from the outside."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Done, run, run_json

torch = pytest.importorskip("torch", reason="torch writes the files")
save_file = pytest.importorskip("safetensors.torch").save_file

STATE = "model_state_dict"


def verify(*arguments: object) -> Done:
    return run("checkpoint", "verify", *arguments)


def convert(*arguments: object) -> None:
    done = run("checkpoint", "convert", *arguments)
    assert done.returncode == 0, done.stderr


def model() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "w": torch.randn(3, 4, generator=generator),
        "turned": torch.arange(6.0).reshape(2, 3).t(),
        "zero": torch.zeros(3),
        "none": torch.zeros(0),
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.pt"
    moments = {"state": {0: {"exp_avg": torch.full((3, 4), 0.1)}}}
    torch.save({STATE: model(), "optimizer_state_dict": moments}, path)
    return path


def data_offset(path: Path, name: str) -> int:
    """Where a tensor begins in a safetensors file."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    begin, _ = json.loads(content[8 : 8 + length])[name]["data_offsets"]
    return 8 + length + int(begin)


def flip(path: Path, at: int, bits: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= bits
    path.write_bytes(bytes(content))


def test_every_tensor_is_accounted_for(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    convert(source, target, "--model-only", "--drop", "zero")
    before = sorted(tmp_path.iterdir())
    found = run_json("checkpoint", "verify", source, target, "--model-only", "--drop", "zero")
    assert found["fine"] is True
    accounts = {name.removeprefix(f"{STATE}."): word for name, word in found["accounts"].items()}
    assert accounts == {
        "w": "copied",
        "turned": "copied",
        "zero": "dropped",
        "none": "copied",
        "optimizer_state_dict.state.0.exp_avg": "dropped",
    }
    assert found["origins"] == {name: f"{STATE}.{name}" for name in ("w", "turned", "none")}
    for name, digest in found["sha256"].items():
        elements = model()[name].contiguous().numpy().tobytes()
        assert digest == hashlib.sha256(elements).hexdigest()
    assert sorted(tmp_path.iterdir()) == before
    said = verify(source, target, "--model-only", "--drop", "zero", "-v")
    assert said.stdout.startswith(f"{target} is what {source} gives\n")
    assert "source    5 tensors: 3 copied, 2 dropped\n" in said.stdout
    assert "dropped   model_state_dict.zero\n" in said.stdout


@pytest.mark.parametrize(
    ("name", "element", "byte", "bits", "said"),
    [
        ("w", 5, 0, 1, "1 number; largest deviation"),
        ("turned", 5, 3, 0x80, "1 number; largest deviation 10 at [2, 1], -5 and not 5"),
        ("zero", 1, 3, 0x80, "other bits for the same numbers"),
    ],
)
def test_one_bit(
    name: str, element: int, byte: int, bits: int, said: str, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "b.safetensors"
    convert(source, target)
    assert verify(source, target).returncode == 0
    full = f"{STATE}.{name}"
    flip(target, data_offset(target, full) + 4 * element + byte, bits)
    done = verify(source, target)
    assert done.returncode == 1
    assert f"{target} is not what" in done.stdout
    assert f"different {full}: {said}" in done.stdout


def test_what_lacks_and_what_is_too_much(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    values = {name: tensor.contiguous() for name, tensor in model().items()}
    save_file({**values, "w": values["w"].half(), "new": torch.ones(1)}, target)
    done = verify(source, target, "--model-only")
    assert done.returncode == 1
    assert "dtype     w: float16 [3, 4], not float32 [3, 4]\n" in done.stdout
    assert "extra     new does not come from the source\n" in done.stdout
    del values["turned"]
    save_file({**values, "w": torch.zeros(4, 3)}, target)
    done = verify(source, target, "--model-only")
    assert "shape     w: float32 [4, 3], not float32 [3, 4]\n" in done.stdout
    assert "missing   turned is not in the target\n" in done.stdout


@pytest.mark.parametrize("target", ["b.safetensors", "b.pt", "b.npz", "shards"])
def test_every_format_and_back(target: str, source: Path, tmp_path: Path) -> None:
    options = ["--format", "sharded"] if target == "shards" else []
    convert(source, tmp_path / target, "--model-only", *options)
    found = run_json(
        "checkpoint", "verify", source, tmp_path / target, "--model-only", "--round-trip"
    )
    assert found["fine"] is True
    back = found["round_trip"]
    assert back["fine"] is True
    names = {f"{STATE}.{name}": tensor for name, tensor in model().items()}
    assert back["sha256"] == {
        name: hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()
        for name, tensor in names.items()
    }


def test_casts(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.safetensors"
    convert(source, target, "--cast", "BF16")
    assert verify(source, target).returncode == 1
    done = verify(source, target, "--cast", "bf16")
    assert done.returncode == 0
    assert "5 tensors: 1 copied, 4 transformed" in done.stdout
    done = verify(source, target, "--cast", "bf16", "--round-trip")
    assert done.returncode == 1
    assert f"{target} is what" in done.stdout
    assert "there is no way back: 'model_state_dict.w': a cast from float32" in done.stdout
    convert(source, tmp_path / "c.safetensors", "--cast", "F64")
    wide = verify(source, tmp_path / "c.safetensors", "--cast", "F64", "--round-trip")
    assert wide.returncode == 0, wide.stdout


def test_a_bare_model_is_taken_as_such(source: Path, tmp_path: Path) -> None:
    save_file({n: t.contiguous() for n, t in model().items()}, tmp_path / "b.safetensors")
    done = verify(source, tmp_path / "b.safetensors")
    assert done.returncode == 0, done.stdout


def test_wrong_usage(source: Path, tmp_path: Path) -> None:
    assert verify(source).returncode == 2
    assert verify(source, tmp_path / "none.pt").returncode == 2
    assert verify(source, source, "--from", "1.0").returncode == 2
    assert verify(source, source, "--probe").returncode == 2
    cut = tmp_path / "cut.pt"
    cut.write_bytes(source.read_bytes()[:-100])
    assert verify(source, cut).returncode == 3


def test_a_migration_says_what_it_was_made_from(files: Path, tmp_path: Path) -> None:
    source, other = files / "v5_12_4_best_Q.pt", files / "v5_12_4_latest.pt"
    target = tmp_path / "new.pt"
    convert(source, target, "--to", "5.12.5")
    found = run_json("checkpoint", "verify", source, target, "--round-trip")
    assert (found["is_source"], found["to"]) == (True, "5.12.5")
    done = verify(other, target)
    assert done.returncode == 1
    assert "is another file than the target says" in done.stdout
    shutil.copyfile(source, tmp_path / "copy.pt")
    assert verify(tmp_path / "copy.pt", target).returncode == 0
