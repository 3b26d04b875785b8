from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoint_tools import building
from tests.checkpoint_tools.attacks import ATTACKS, Attack

ROOT = Path(__file__).resolve().parents[2]
Measure = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def measured() -> Iterator[Measure]:
    """Opens a path in a confined child and tells how that went."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs /proc to measure the memory of a child")
    command = [sys.executable, "-m", "tests.checkpoint_tools.confined"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:

        def measure(path: Path) -> dict[str, Any]:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(f"{path}\n")
            child.stdin.flush()
            found: dict[str, Any] = json.loads(child.stdout.readline())
            return found

        yield measure
        assert child.stdin is not None
        child.stdin.close()


def _everything(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_size for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_is_refused_in_one_line_quickly_and_small(
    attack: Attack, tmp_path: Path, measured: Measure
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    marker = tmp_path / "marker"
    path = attack.build(folder, marker)
    before = _everything(tmp_path)

    found = measured(path)

    assert found["code"] == 3, found
    assert "\n" not in found["message"]
    assert found["message"].isprintable()
    assert attack.word in found["message"]
    assert str(folder) in found["message"]
    assert found["seconds"] < 2
    assert found["bytes"] < 100_000_000
    assert _everything(tmp_path) == before
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.pt", building.good_torch_zip),
        ("a.pth", building.good_legacy),
        ("a.safetensors", building.good_safetensors),
        ("a.npy", building.good_npy),
    ],
)
def test_the_same_builders_also_make_files_that_open(
    name: str, make: Callable[[], bytes], tmp_path: Path, measured: Measure
) -> None:
    (tmp_path / name).write_bytes(make())
    assert measured(tmp_path / name)["code"] == 0


def test_sharded_and_distributed_builders_make_folders_that_open(
    tmp_path: Path, measured: Measure
) -> None:
    for name in ("sharded", "distributed"):
        (tmp_path / name).mkdir()
    building.sharded(tmp_path / "sharded")
    building.Distributed().write(tmp_path / "distributed")
    for name in ("sharded", "distributed"):
        assert measured(tmp_path / name)["code"] == 0
