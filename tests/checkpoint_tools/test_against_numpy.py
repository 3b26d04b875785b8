from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import open_checkpoint

np = pytest.importorskip("numpy", reason="numpy is the reference here")

CODES = ["f2", "f4", "f8", "c8", "c16", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def arrays() -> dict[str, Any]:
    base = np.arange(24).reshape(2, 3, 4)
    made = {f"{order}{code}": base.astype(order + code) for code in CODES for order in "<>"}
    return made | {
        "fortran": np.asfortranarray(base.astype("<f4")),
        "fortran_big": np.asfortranarray(base.astype(">c16")),
        "scalar": np.float64(3.5).reshape(()),
        "empty": np.zeros((0, 4), "<i2"),
    }


def little(array: Any) -> bytes:
    return bytes(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes("C"))


@pytest.mark.parametrize("name", list(arrays()))
def test_npy(name: str, tmp_path: Path) -> None:
    array = arrays()[name]
    np.save(tmp_path / "a.npy", array)
    with open_checkpoint(tmp_path / "a.npy") as checkpoint:
        assert checkpoint.tensors["array"].shape == array.shape
        assert checkpoint.tensors["array"].dtype == array.dtype.newbyteorder("=").name
        assert checkpoint.read("array") == little(array)


@pytest.mark.parametrize("save", ["savez", "savez_compressed"])
def test_npz(save: str, tmp_path: Path) -> None:
    getattr(np, save)(tmp_path / "a.npz", **arrays())
    with open_checkpoint(tmp_path / "a.npz") as checkpoint:
        assert list(checkpoint.tensors) == list(arrays())
        for name, array in arrays().items():
            assert checkpoint.read(name) == little(array)
            assert b"".join(checkpoint.stream(name, 40)) == little(array)
        if save == "savez_compressed":
            with pytest.raises(ValueError, match="deflated"):
                list(checkpoint.runs("<f4"))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_header_versions(version: tuple[int, int], tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, np.ones(3), version=version)
    with open_checkpoint(tmp_path / "a.npy") as checkpoint:
        assert checkpoint.tensors["array"].shape == (3,)
