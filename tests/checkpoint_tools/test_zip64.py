"""Archives as torch writes them: data descriptors, padded headers, zip64 records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoint_tools import Refused, open_checkpoint
from tests.checkpoint_tools.large import sparse_torch_zip

Edit = Callable[[bytearray], None]


def _flip(mark: bytes, shift: int, last: bool = False) -> Edit:
    def edit(data: bytearray) -> None:
        data[(data.rindex if last else data.index)(mark) + shift] ^= 1

    return edit


def _cut_descriptor(data: bytearray) -> None:
    at = data.index(b"PK\7\x08")
    data[at : at + 4] = b"PK\0\0"


def _drop_locator(data: bytearray) -> None:
    at = data.rindex(b"PK\6\7")
    del data[at : at + 20]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_flip(b"PK\7\x08", 4), "data descriptor"),
        (_flip(b"PK\7\x08", 8), "data descriptor"),
        (_flip(b"PK\7\x08", 12, last=True), "data descriptor"),
        (_cut_descriptor, "data descriptor"),
        (_flip(b"PK\6\6", 4, last=True), "zip64 end record"),
        (_flip(b"PK\6\6", 24, last=True), "zip64 end record"),
        (_flip(b"PK\6\6", 40, last=True), "end records disagree"),
        (_flip(b"PK\6\6", 48, last=True), "end records disagree"),
        (_flip(b"PK\6\7", 8, last=True), "locator"),
        (_flip(b"PK\6\7", 16, last=True), "locator"),
        (_flip(b"PK\5\6", 8, last=True), "several disks"),
        (_flip(b"PK\5\6", 4, last=True), "several disks"),
        (_flip(b"PK\5\6", 12, last=True), "disagree"),
        (_drop_locator, "does not end where"),
        (_flip(b"PK\1\2", 34), "no entry"),
        (_flip(b"PK\1\2", 32), "comment"),
        (_flip(b"PK\3\4", 28), "belong to nobody|reaches into"),
    ],
)
def test_records_that_disagree_are_refused(edit: Edit, said: str, tmp_path: Path) -> None:
    sparse_torch_zip(tmp_path / "a.pt", 2, 64)
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        assert checkpoint.read("layers.1.weight") == bytes(64)
    data = bytearray((tmp_path / "a.pt").read_bytes())
    edit(data)
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(Refused, match=said):
        open_checkpoint(tmp_path / "a.pt")


def test_more_than_four_gigabytes(tmp_path: Path) -> None:
    sparse_torch_zip(tmp_path / "a.pt", 3, 3 << 30)
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        assert checkpoint.stored_bytes == 9 << 30
        assert checkpoint.storages[2].offset > 6 << 30
        size = checkpoint.tensors["layers.2.weight"].numel
        assert checkpoint.read_slice("layers.2.weight", (size - 4,), (size,)) == bytes(16)
