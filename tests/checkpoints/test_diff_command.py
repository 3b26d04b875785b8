"""`cfgmig checkpoint diff`, from the outside."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints.conftest import write_safetensors, zeros
from tests.cli.running import Done, run, run_json
from tests.conftest import ROOT

torch = pytest.importorskip("torch", reason="torch writes the files")
save_file = pytest.importorskip("safetensors.torch").save_file


def diff(*arguments: object, **how: Any) -> Done:
    return run("checkpoint", "diff", *arguments, **how)


def state() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "enc.w": torch.randn(3, 4, generator=generator),
        "enc.b": torch.zeros(3),
        "steps": torch.arange(5),
    }


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """One state dict in a trainer's container, and bare."""
    left, right = tmp_path / "a.pt", tmp_path / "b.safetensors"
    moments = {"state": {0: {"exp_avg": torch.ones(3, 4)}}}
    torch.save({"epoch": 3, "model_state_dict": state(), "optimizer_state_dict": moments}, left)
    save_file(state(), right)
    return left, right


def test_containers_and_formats_do_not_matter(two: tuple[Path, Path]) -> None:
    done = diff(*two)
    assert (done.returncode, done.stdout) == (0, "")
    assert "3 tensors on both sides: 3 equal\n" in done.stderr
    assert f"not compared: 1 of {two[0]}," in done.stderr
    every = diff(*two, "--all")
    assert every.returncode == 1
    assert "only left   optimizer_state_dict.state.0.exp_avg\n" in every.stdout
    assert "only right  enc.w\n" in every.stdout
    assert diff(two[0], two[0], "--all", "-q").stderr == ""


def test_two_keys_for_one_model(tmp_path: Path, two: tuple[Path, Path]) -> None:
    torch.save({"model": state(), "epoch": 4}, tmp_path / "c.pt")
    assert diff(two[0], tmp_path / "c.pt").returncode == 0


def test_one_bit_among_many_tensors(tmp_path: Path) -> None:
    names = [f"layers.{n}.w" for n in range(2000)]
    data = {name: struct.pack("<6f", *range(n, n + 6)) for n, name in enumerate(names)}
    shapes = dict.fromkeys(names, (2, 3))
    left = write_safetensors(tmp_path / "a.safetensors", data, shapes)
    changed = bytearray(data["layers.1234.w"])
    changed[4 * 4] ^= 1  # the lowest bit of element [1, 1], which is 1238
    data["layers.1234.w"] = bytes(changed)
    right = write_safetensors(tmp_path / "b.safetensors", data, shapes)
    found = run_json("checkpoint", "diff", left, right, code=1)
    (pair,) = found["pairs"]
    assert (pair["left"], pair["right"], pair["verdict"]) == (*["layers.1234.w"] * 2, "different")
    step = 2.0**-13  # of floats from 1024 to 2048
    assert (pair["differing"], pair["where"], pair["largest"]) == (1, [1, 1], step)
    assert pair["values"] == [1238.0, 1238.0 + step]
    assert found["counts"]["equal"] == 1999


@pytest.mark.parametrize(
    ("options", "code", "verdict"),
    [
        ((), 1, "different"),
        (("--atol", "0.25"), 0, "close"),
        (("--atol", "0.24"), 1, "different"),
        (("--rtol", "0.0625"), 0, "close"),
        (("--rtol", "0.06"), 1, "different"),
        (("--atol=0.125", "--rtol=0.03125"), 0, "close"),
    ],
)
def test_tolerance(options: tuple[str, ...], code: int, verdict: str, tmp_path: Path) -> None:
    left, right = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_file({"w": torch.tensor([1.0, 3.75])}, left)
    save_file({"w": torch.tensor([1.0, 4.0])}, right)
    done = diff(left, right, *options)
    assert done.returncode == code
    assert done.stdout == (
        f"{verdict.ljust(10)}  w: 1 of 2 numbers; largest deviation 0.25 at [1], 3.75 against 4\n"
    )


def test_numbers_that_are_none(tmp_path: Path) -> None:
    left, right = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_file({"w": torch.tensor([math.nan, 1.0, math.inf])}, left)
    save_file({"w": torch.tensor([math.nan, 1.0, math.inf])}, right)
    assert diff(left, right).returncode == 0
    save_file({"w": torch.tensor([0.0, 1.0, math.inf])}, right)
    (pair,) = run_json("checkpoint", "diff", left, right, "--atol", "9", code=1)["pairs"]
    assert (pair["largest"], pair["where"], pair["differing"]) == ("inf", [0], 1)


def test_structure(tmp_path: Path, two: tuple[Path, Path]) -> None:
    other = state()
    other["enc.w"] = torch.zeros(4, 3)
    other["enc.b"] = other["enc.b"].half()
    del other["steps"]
    other["new"] = torch.zeros(2)
    save_file(other, tmp_path / "c.safetensors")
    lines = [
        "only left   steps\n",
        "only right  new\n",
        "shape       enc.w: float32 [3, 4] against float32 [4, 3]\n",
        "dtype       enc.b: float32 [3] against float16 [3]\n",
    ]
    for option in ([], ["--no-values"]):
        done = diff(two[0], tmp_path / "c.safetensors", *option)
        assert done.returncode == 1
        assert done.stdout == "".join(lines)


def test_without_values_only_headers_count(tmp_path: Path, two: tuple[Path, Path]) -> None:
    other = {name: tensor + 1 for name, tensor in state().items()}
    save_file(other, tmp_path / "c.safetensors")
    done = diff(two[0], tmp_path / "c.safetensors", "--no-values", "-v")
    assert done.returncode == 0
    assert done.stdout.count("alike") == 3
    assert "of one shape and type" in done.stderr
    assert diff(two[0], tmp_path / "c.safetensors").returncode == 1


def test_names_may_differ(tmp_path: Path, two: tuple[Path, Path]) -> None:
    new = {
        "module.encoder.weight": "enc.w",
        "module.encoder.bias": "enc.b",
        "module.steps": "steps",
    }
    values = state()
    save_file({name: values[old] for name, old in new.items()}, tmp_path / "c.safetensors")
    maps = ["--map", "enc.w=encoder.weight", "--map", "enc.b=encoder.bias"]
    done = diff(two[0], tmp_path / "c.safetensors", "--strip", "module.", *maps, "-v")
    assert done.returncode == 0, done.stdout
    assert "equal       enc.w -> encoder.weight\n" in done.stdout
    starred = {"a.0.w": torch.zeros(2), "a.1.w": torch.ones(2)}
    save_file(starred, tmp_path / "d.safetensors")
    save_file({name.replace("a.", "b.x."): t for name, t in starred.items()}, tmp_path / "e.pth")
    done = diff(tmp_path / "d.safetensors", tmp_path / "e.pth", "--map", "a.*.w=b.x.*.w")
    assert done.returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--map", "nothing=x"],
        ["--map", "enc.w"],
        ["--map", "enc.w=enc.b"],
        ["--map", "enc.*=b"],
        ["--map", "enc.w=a", "--map", "enc.w=b"],
        ["--strip", "nothing."],
        ["--atol", "-1"],
        ["--atol", "nan"],
        ["--output-format", "xml"],
    ],
)
def test_wrong_usage(options: list[str], two: tuple[Path, Path]) -> None:
    done = diff(*two, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "this is an error in cfgmig itself" not in done.stderr


def test_files_that_are_none(tmp_path: Path, two: tuple[Path, Path]) -> None:
    assert diff(two[0], tmp_path / "none.pt").returncode == 2
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(two[1].read_bytes()[:-1])
    done = diff(two[0], cut)
    assert done.returncode == 3
    assert done.stderr.startswith(f"{cut}: byte ")


def test_shards_against_one_file(tmp_path: Path) -> None:
    values = {f"w{n}": torch.full((3,), float(n)) for n in range(4)}
    index: dict[str, str] = {}
    folder = tmp_path / "shards"
    folder.mkdir()
    for at in (0, 1):
        part = {f"w{n}": values[f"w{n}"] for n in (at, at + 2)}
        save_file(part, folder / f"m{at}.safetensors")
        index |= dict.fromkeys(part, f"m{at}.safetensors")
    text = json.dumps({"metadata": {}, "weight_map": index})
    (folder / "model.safetensors.index.json").write_text(text)
    torch.save(values, tmp_path / "one.pt")
    assert diff(folder, tmp_path / "one.pt").returncode == 0
    values["w2"][1] = 9.0
    torch.save(values, tmp_path / "one.pt")
    assert (
        "w2: 1 of 3 numbers; largest deviation 7 at [1]" in diff(folder, tmp_path / "one.pt").stdout
    )


@pytest.mark.parametrize("name", ["\x1b[31mred", "line\nfeed", "\u202egnp", "[bold]x[/]"])
def test_hostile_names_are_shown_escaped(name: str, tmp_path: Path) -> None:
    left = zeros(tmp_path / "a.safetensors", {name: (2,), "w": (1,)})
    right = zeros(tmp_path / "b.safetensors", {"w": (2,)})
    done = diff(left, right, "-v")
    assert done.returncode == 1
    for bad in ("\x1b", "\u202e", "line\nfeed"):
        assert bad not in done.stdout + done.stderr
    assert run_json("checkpoint", "diff", left, right, code=1)["only_left"] == [name]


def test_equal_files_need_no_numbers(two: tuple[Path, Path], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom cfgmig.cli.main import run\n"
        f"assert run(['checkpoint', 'diff', {str(two[0])!r}, {str(two[1])!r}]) == 0\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'ruamel', 'typer', 'rich', 'yaml'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "HEAVY []\n"


def test_along_a_migration(files: Path, tmp_path: Path) -> None:
    old, new = files / "v5_12_4_best_Q.pt", tmp_path / "new.pt"
    saved = torch.load(old, weights_only=False)
    torch.save({"model_state_dict": saved["model_state_dict"]}, new)
    done = diff(old, new, "--along", "5.12.5")
    assert done.returncode == 0, done.stdout + done.stderr
    name = next(iter(saved["model_state_dict"]))
    saved["model_state_dict"][name] += 1
    torch.save({"model_state_dict": saved["model_state_dict"]}, new)
    done = diff(old, new, "--along", "5.12.5")
    assert done.returncode == 1
    assert name in done.stdout
