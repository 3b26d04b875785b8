"""Sizes: many tensors, large files, and what start-up costs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkpoint_tools import open_checkpoint
from tests.checkpoint_tools import building as b
from tests.checkpoint_tools.large import sparse_safetensors, sparse_torch_zip

ROOT = Path(__file__).resolve().parents[2]

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
class Guard:
    def find_spec(self, name, path=None, target=None):
        heavy = ("torch", "numpy", "pydantic", "safetensors", "fsspec", "cfgmig")
        if name.partition(".")[0] in heavy:
            raise AssertionError(f"imported {name}")
sys.meta_path.insert(0, Guard())
from checkpoint_tools import open_checkpoint
for path in sys.argv[2:]:
    with open_checkpoint(path) as checkpoint:
        for name, ref in checkpoint.tensors.items():
            if ref.nbytes < 1000:
                checkpoint.read(name)
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak[0].split()[1]))
"""


def probe(*paths: Path) -> int:
    """Peak resident KiB of a bare interpreter that opens `paths`."""
    command = [sys.executable, "-I", "-S", "-c", PROBE, str(ROOT), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr
    return int(done.stdout)


def test_nothing_heavy_is_imported_and_nothing_but_itself(tmp_path: Path) -> None:
    made = {
        "a.pt": b.good_torch_zip(), "a.pth": b.good_legacy(), "a.npy": b.good_npy(),
        "a.safetensors": b.good_safetensors(), "a.npz": b.zip_bytes({"x.npy": b.good_npy()}, 8),
    }  # fmt: skip
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    for name in ("sharded", "distributed"):
        (tmp_path / name).mkdir()
    b.sharded(tmp_path / "sharded")
    b.Distributed().write(tmp_path / "distributed")
    probe(*sorted(tmp_path.iterdir()))


def test_two_and_twenty_gigabytes_take_the_same_memory(tmp_path: Path) -> None:
    peaks = []
    for count in (30, 300):
        sparse_torch_zip(tmp_path / f"{count}.pt", count, 64 << 20)
        sparse_safetensors(tmp_path / f"{count}.safetensors", count, 64 << 20)
        peaks.append(probe(tmp_path / f"{count}.pt", tmp_path / f"{count}.safetensors"))
    assert max(peaks) < 25_000
    assert abs(peaks[0] - peaks[1]) < 2_000


def test_twenty_thousand_tensors_are_planned_in_half_a_second(tmp_path: Path) -> None:
    sparse_torch_zip(tmp_path / "many.pt", 20_000, 64)
    sparse_safetensors(tmp_path / "many.safetensors", 20_000, 64)
    for name in ("many.pt", "many.safetensors"):
        best = 9.0
        for _ in range(3):
            begin = time.process_time()
            with open_checkpoint(tmp_path / name) as checkpoint:
                assert len(checkpoint.tensors) == 20_000
            best = min(best, time.process_time() - begin)
        # Half a second on a quiet machine; a busy one is slower by up to three times.
        assert best < 1.5


def test_opening_reads_kilobytes_of_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    read = 0
    original = os.pread

    def counted(descriptor: int, nbytes: int, offset: int) -> bytes:
        nonlocal read
        read += nbytes
        return original(descriptor, nbytes, offset)

    sparse_torch_zip(tmp_path / "a.pt", 32, 64 << 20)
    sparse_safetensors(tmp_path / "a.safetensors", 32, 64 << 20)
    monkeypatch.setattr(os, "pread", counted)
    for name in ("a.pt", "a.safetensors"):
        read = 0
        with open_checkpoint(tmp_path / name) as checkpoint:
            assert checkpoint.stored_bytes == 2 << 30
        assert read < 40_000
