"""What is allowed is read, and what is odd about it is said, fit to be printed."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from checkpoint_tools import Checkpoint, Malformed, Note, Unreadable, open_checkpoint, sniff
from tests.checkpoint_tools import building as b

NASTY = "a\x1b[31m\r\n[red]\u202eb"


def opened(tmp_path: Path, value: bytes, **storages: bytes) -> Checkpoint:
    path = tmp_path / "a.pt"
    path.write_bytes(b.torch_zip(b.pickled(value), {k[1:]: v for k, v in storages.items()}))
    return open_checkpoint(path)


def kinds(checkpoint: Checkpoint) -> dict[str, str]:
    assert all(note.message.isprintable() for note in checkpoint.notes)
    return {note.kind: note.message for note in checkpoint.notes}


def test_control_characters_in_names(tmp_path: Path) -> None:
    tensor = b.tensor("0", (2,), (1,), 2)
    with opened(tmp_path, b.mapping({NASTY: tensor, "": b.mapping({})}), _0=bytes(8)) as checkpoint:
        assert list(checkpoint.tensors) == [NASTY]
        assert kinds(checkpoint)["name"].startswith(r"the tensor name 'a\x1b[31m\r\n[red]\u202eb'")
    header = {NASTY: b.entry([1], 0, 4), "": b.entry([1], 4, 8)}
    path = tmp_path / "a.safetensors"
    path.write_bytes(b.safetensors(header, bytes(8)))
    with open_checkpoint(path) as checkpoint:
        assert set(checkpoint.tensors) == {NASTY, ""}
        assert len([note for note in checkpoint.notes if note.kind == "name"]) == 2


def test_names_in_refusals_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b.safetensors({NASTY: b.entry([3], 0, 4)}, bytes(4)))
    with pytest.raises(Malformed) as caught:
        open_checkpoint(path)
    assert str(caught.value).isprintable()
    assert caught.value.offset == 9


def test_fifty_names_for_one_storage(tmp_path: Path) -> None:
    same = {f"t{n}": b.tensor("0", (4,), (1,), 4) for n in range(25)}
    views = {f"v{n}": b.tensor("0", (3,), (1,), 4, offset=n % 2) for n in range(25)}
    with opened(tmp_path, b.mapping(same | views), _0=bytes(16)) as checkpoint:
        assert checkpoint.tensors["t24"].alias_of == "t0"
        assert checkpoint.tensors["v3"].alias_of == "v1"
        assert "3 tensors are overlapping views" in kinds(checkpoint)["overlap"]
        assert checkpoint.stored_bytes == checkpoint.referenced_bytes == 16


def test_bloat_and_storages_of_nobody(tmp_path: Path) -> None:
    value = b.mapping({"w": b.tensor("0", (10,), (1,), 1_000_000)})
    with opened(tmp_path, value, _0=bytes(4_000_000), _7=bytes(8)) as checkpoint:
        assert (checkpoint.stored_bytes, checkpoint.referenced_bytes) == (4_000_008, 40)
        assert "40 of the 4000000 bytes" in kinds(checkpoint)["bloat"]
        assert "storage '7'" in kinds(checkpoint)["unused"]


def test_names_that_collide_once_dotted(tmp_path: Path) -> None:
    one, two = b.tensor("0", (1,), (1,), 2), b.tensor("0", (1,), (1,), 2, offset=1)
    value = b.mapping({"a": b.mapping({"b.c": one}), "a.b": b.mapping({"c": two})})
    with opened(tmp_path, value, _0=struct.pack("<2f", 1, 2)) as checkpoint:
        assert list(checkpoint.tensors) == ["a.b.c", '"a.b"."c"']
        assert checkpoint.tensors['"a.b"."c"'].path == ("a.b", "c")
        assert checkpoint.read('"a.b"."c"') == struct.pack("<f", 2)
        assert "name" in kinds(checkpoint)


def test_a_small_broadcast_is_read(tmp_path: Path) -> None:
    with opened(tmp_path, b.mapping({"w": b.tensor("0", (3, 2), (0, 1), 2)}), _0=b"abcdefgh") as c:
        assert c.read("w") == b"abcdefgh" * 3


def test_old_names_of_old_files(tmp_path: Path) -> None:
    value = (
        b"ctorch._utils\n_rebuild_tensor\n(" + b.storage("0", 2, "cuda.FloatStorage"[5:])
        + b.integer(0) + b.integers((2,)) + b.integers((1,)) + b"tR"
    )  # fmt: skip
    items = {"w": value, "text": b"U\x03abc", "bytes": b"U\x02\xff\xfe"}
    with opened(tmp_path, b.mapping(items), _0=bytes(8)) as checkpoint:
        assert checkpoint.tensors["w"].shape == (2,)
        assert checkpoint.metadata["text"] == "abc"
        assert checkpoint.metadata["bytes"] == "\xff\xfe"


def test_state_dict_metadata_is_kept(tmp_path: Path) -> None:
    extra = b.mapping({"_metadata": b.ORDERED + b")R"})
    value = b.ORDERED + b")R(" + b.text("w") + b.tensor("0", (2,), (1,), 2) + b"u" + extra + b"b"
    with opened(tmp_path, value, _0=bytes(8)) as checkpoint:
        assert checkpoint.skeleton.extra == {}  # type: ignore[attr-defined]


def test_mapping_keys_that_are_no_text(tmp_path: Path) -> None:
    pairs = b.integer(1) + b.text("a") + b.text("1") + b.text("b") + b"N" + b.text("c")
    with opened(tmp_path, b"}(" + pairs + b"u") as checkpoint:
        assert checkpoint.metadata == {"1": "a", "1 (str)": "b", "None": "c"}
        json.dumps(checkpoint.metadata)


def test_padding_of_a_safetensors_header(tmp_path: Path) -> None:
    raw = json.dumps({"a": b.entry([2], 0, 8)}).encode() + b" " * 4000
    (tmp_path / "a.safetensors").write_bytes(b.safetensors(raw, bytes(8)))
    with open_checkpoint(tmp_path / "a.safetensors") as checkpoint:
        assert checkpoint.container == {"header_bytes": len(raw)}
        assert checkpoint.tensors["a"].shape == (2,)


def test_four_bit_numbers(tmp_path: Path) -> None:
    header = {"a": b.entry([2, 3], 0, 3, "F4"), "b": b.entry([4], 3, 6, "F6_E2M3")}
    (tmp_path / "a.safetensors").write_bytes(b.safetensors(header, b"abcdef"))
    with open_checkpoint(tmp_path / "a.safetensors") as checkpoint:
        assert checkpoint.read("a") == b"abc"
        assert checkpoint.read("b") == b"def"
        assert checkpoint.tensors["a"].nbytes == 3


def test_a_file_that_changes_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b.good_npy())
    with open_checkpoint(path) as checkpoint:
        checkpoint.sources[0].park()
        path.write_bytes(b.good_npy() + b"x")
        with pytest.raises(Malformed, match="changed"):
            checkpoint.read("array")


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b.good_npy())
    with open_checkpoint(path) as checkpoint:
        with path.open("r+b") as file:
            file.truncate(50)
        with pytest.raises(Malformed, match="shorter"):
            checkpoint.read("array")


def test_checksums_are_compared_on_request(tmp_path: Path) -> None:
    data = bytearray(b.good_torch_zip())
    at = data.index(bytes(range(24)))
    path = tmp_path / "a.pt"
    path.write_bytes(data)
    with open_checkpoint(path) as checkpoint:
        checkpoint.verify(0)
    data[at] ^= 1
    path.write_bytes(data)
    with open_checkpoint(path) as checkpoint, pytest.raises(Malformed, match="CRC-32"):
        checkpoint.verify(0)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pt", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("a.bin", b"<!DOCTYPE html>", "web page"),
        ("a.txt", b"hello", "no checkpoint that is known"),
        ("a.pt", b"", "empty"),
    ],
)
def test_other_files_are_named(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Unreadable, match=said):
        open_checkpoint(tmp_path / name)


def test_formats_are_told_by_content(tmp_path: Path) -> None:
    for name, data in {
        "torch_zip": b.good_torch_zip(), "torch_legacy": b.good_legacy(), "npy": b.good_npy(),
        "safetensors": b.good_safetensors(), "npz": b.zip_bytes({"x.npy": b.good_npy()}),
    }.items():  # fmt: skip
        (tmp_path / "unnamed").write_bytes(data)
        found = sniff(tmp_path / "unnamed")
        assert found.format == name
        assert found.evidence
    assert Note("a", "b").kind == "a"
