"""GGUF: what is listed of a file, what is read, and every lie that is refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import CheckpointError, Malformed, Refused, open_checkpoint, sniff
from checkpoint_tools.formats import gguf_values
from checkpoint_tools.formats.gguf import BLOCKS, PLAIN
from tests.checkpoint_tools.attacks_gguf import (
    ARRAY,
    ATTACKS,
    BOOL,
    EIGHT,
    F16,
    F32,
    FLOAT32,
    ONE,
    Q4_0,
    STRING,
    UINT8,
    UINT32,
    build,
    deep,
    info,
    pair,
)  # fmt: skip
from tests.checkpoint_tools.test_attacks import Measure, measured

__all__ = ["measured"]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def put(*args: Any, name: str = "a.gguf", **named: Any) -> Path:
        path = tmp_path / name
        path.write_bytes(build(*args, **named))
        return path

    return put


GOOD = (
    [
        pair("general.architecture", STRING, "demo"),
        pair("demo.block_count", UINT32, 2),
        pair("demo.scale", FLOAT32, 0.5),
        pair("demo.flag", BOOL, True),
        pair("demo.tags", ARRAY, (STRING, ["a", "é"])),
        pair("demo.nested", ARRAY, (ARRAY, [(UINT8, [1, 2]), (UINT8, [])])),
    ],
    [
        info("blk.0.weight", [3, 2], F32, 0),
        info("blk.0.bias", [2], F16, 32),
        info("blk.1.weight", [64, 2], Q4_0, 64),
    ],
    struct.pack("<6f", 0, 1, 2, 3, 4, 5) + bytes(8)
    + struct.pack("<2e", 0.5, -2) + bytes(28)
    + bytes(range(72)),
)  # fmt: skip


def test_names_shapes_and_numbers(write: Any) -> None:
    for version in (2, 3):
        path = write(*GOOD, version=version)
        assert sniff(path).format == "gguf"
        with open_checkpoint(path) as found:
            assert found.format == "gguf"
            assert found.container["version"] == version
            assert [ref.shape for ref in found.tensors.values()] == [(2, 3), (2,), (2, 64)]
            assert [ref.dtype for ref in found.tensors.values()] == ["float32", "float16", "Q4_0"]
            assert [ref.nbytes for ref in found.tensors.values()] == [24, 4, 72]
            assert found.referenced_bytes == found.stored_bytes == 100
            assert found.notes == []
            assert struct.unpack("<6f", found.read("blk.0.weight")) == (0, 1, 2, 3, 4, 5)
            assert struct.unpack("<2f", found.read_slice("blk.0.weight", (1, 1), (2, 3))) == (4, 5)
            assert struct.unpack("<2e", b"".join(found.stream("blk.0.bias"))) == (0.5, -2)
            (run,) = found.runs("blk.0.bias")
            assert path.read_bytes()[run.offset :][: run.nbytes] == struct.pack("<2e", 0.5, -2)


def test_metadata(write: Any) -> None:
    with open_checkpoint(write(*GOOD)) as found:
        assert found.metadata == {
            "general.architecture": "demo",
            "demo.block_count": 2,
            "demo.scale": 0.5,
            "demo.flag": True,
            "demo.tags": ["a", "é"],
            "demo.nested": [[1, 2], []],
        }


EXTREMES = {
    0: 255, 1: -128, 2: 65535, 3: -32768, 4: 2**32 - 1, 5: -(2**31), 6: 1.5, 10: 2**64 - 1,
    11: -(2**63), 12: 1e300, 7: False,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "extreme"), EXTREMES.items())
def test_every_kind_of_number(kind: int, extreme: float, write: Any) -> None:
    single, several = pair("a", kind, extreme), pair("b", ARRAY, (kind, [extreme] * 3))
    with open_checkpoint(write([single, several])) as found:
        assert found.metadata == {"a": extreme, "b": [extreme] * 3}
        assert type(found.metadata["a"]) is type(extreme)


def test_long_arrays_are_told_by_their_beginning(write: Any) -> None:
    pairs = [
        pair("numbers", ARRAY, (UINT32, list(range(100_000)))),
        pair("texts", ARRAY, (STRING, [str(n) * 3 for n in range(70_000)])),
        pair("flags", ARRAY, (BOOL, [True] * 300_000)),
        pair("arrays", ARRAY, (ARRAY, [(UINT8, [n]) for n in range(65)])),
        pair("last", UINT32, 7),
    ]
    with open_checkpoint(write(pairs)) as found:
        numbers = found.metadata["numbers"]
        assert numbers == {"array_of": "uint32", "length": 100_000, "first": list(range(8))}
        texts = found.metadata["texts"]
        assert (texts["length"], texts["first"][7]) == (70_000, "777")
        assert found.metadata["flags"]["first"] == [True] * 8
        assert found.metadata["arrays"]["first"][-1] == [7]
        assert found.metadata["last"] == 7


def test_bytes_that_are_no_text_are_escaped(write: Any) -> None:
    with open_checkpoint(write([pair("a", STRING, b"x\xff")])) as found:
        assert found.metadata == {"a": "x\\xff"}


BITS = {
    "Q4_0": 4.5, "Q4_1": 5, "Q5_0": 5.5, "Q5_1": 6, "Q8_0": 8.5, "Q8_1": 10, "Q2_K": 2.625,
    "Q3_K": 3.4375, "Q4_K": 4.5, "Q5_K": 5.5, "Q6_K": 6.5625, "Q8_K": 9.125, "IQ2_XXS": 2.0625,
    "IQ2_XS": 2.3125, "IQ3_XXS": 3.0625, "IQ1_S": 1.5625, "IQ4_NL": 4.5, "IQ3_S": 3.4375,
    "IQ2_S": 2.5625, "IQ4_XS": 4.25, "IQ1_M": 1.75, "TQ1_0": 1.6875, "TQ2_0": 2.0625,
    "MXFP4": 4.25, "NVFP4": 4.5, "Q1_0": 1.125,
}  # fmt: skip
"""Bits per weight, as they are published for each type."""


@pytest.mark.parametrize("kind", BLOCKS)
def test_quantised_tensors_are_listed_and_not_read(kind: int, write: Any) -> None:
    name = BLOCKS[kind][0]
    size = int(768 * BITS[name]) // 8
    with open_checkpoint(write([], [info("w", [256, 3], kind, 0)], bytes(size))) as found:
        ref = found.tensors["w"]
        assert (ref.dtype, ref.shape, ref.nbytes) == (name, (3, 256), size)
        assert found.storages[0].nbytes == found.referenced_bytes == size
        for read in (found.read, found.stream, found.runs, found.pieces):
            with pytest.raises(Refused, match=f"'w' is quantised as {name} "):
                read("w")
    with pytest.raises(Malformed, match="bytes"):
        open_checkpoint(write([], [info("w", [256, 3], kind, 0)], bytes(size - 1)))


def test_plain_types_by_their_size(write: Any) -> None:
    sizes = {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2}
    assert set(sizes) == set(PLAIN)
    for kind, size in sizes.items():
        with open_checkpoint(write([], [info("w", [5], kind, 0)], bytes(5 * size))) as found:
            assert found.tensors["w"].nbytes == len(found.read("w")) == 5 * size


def test_an_alignment_of_its_own(write: Any) -> None:
    pairs = [pair("general.alignment", UINT32, 128)]
    infos = [info("a", [1], F32, 0), info("b", [1], F32, 128)]
    data = struct.pack("<f", 3) + bytes(124) + struct.pack("<f", 5)
    with open_checkpoint(write(pairs, infos, data, alignment=128)) as found:
        assert struct.unpack("<f", found.read("b")) == (5,)
        assert found.container["alignment"] == 128


def test_legal_but_odd(write: Any) -> None:
    scalar, empty = info("s", [], F32, 0), info("e", [0, 4], F32, 32)
    long = info("n" * 65, [1], F32, 96)
    data = struct.pack("<f", 3) + bytes(96) + bytes(32)
    with open_checkpoint(write([], [scalar, empty, long], data)) as found:
        assert (found.tensors["s"].shape, found.tensors["e"].shape) == ((), (4, 0))
        assert struct.unpack("<f", found.read("s")) == (3,)
        assert found.read("e") == b""
        said = [note.message for note in found.notes]
        assert f"64 bytes before '{'n' * 65}' are unused" in said
        assert f"the tensor name '{'n' * 65}' is longer than 64 bytes" in said
        assert "32 bytes follow the last tensor" in said
    with open_checkpoint(write([], [info("a\x1b[2J", [1], F32, 0)], bytes(4))) as found:
        assert "hide" in found.notes[0].message


def test_vocabularies_have_no_tensors(write: Any, tmp_path: Path) -> None:
    with open_checkpoint(write([pair("a", UINT8, 1)], alignment=1)) as found:
        assert found.tensors == {}


def test_inspect_shows_a_tree(write: Any, capfd: pytest.CaptureFixture[str]) -> None:
    from cfgmig.cli.main import run

    path = write(*GOOD, name="x.gguf")
    assert run(["checkpoint", "inspect", str(path), "--quiet"]) == 0
    shown = capfd.readouterr().out
    assert "gguf" in shown
    assert "Q4_0, 72 B" in shown
    assert "[2, 64]" in shown
    assert run(["checkpoint", "inspect", str(path), "--output-format", "json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["tensors"][2]["bytes"] == 72
    assert found["metadata"]["general.architecture"] == "demo"
    assert found["container"]["blocks"] == {"Q4_0": {"elements": 32, "bytes": 18}}


@pytest.mark.parametrize("name", ATTACKS)
def test_lies_are_refused_quickly_and_small(name: str, tmp_path: Path, measured: Measure) -> None:
    data, word = ATTACKS[name]
    path = tmp_path / f"{name}.gguf"
    path.write_bytes(data)
    found = measured(path)
    assert found["code"] == 3, found
    assert "\n" not in found["message"]
    assert found["message"].isprintable()
    assert word in found["message"]
    assert 0 <= found["offset"] <= len(data)
    assert found["seconds"] < 2
    assert found["bytes"] < 100_000_000


def test_the_same_builders_make_files_that_open(tmp_path: Path, measured: Measure) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(build([deep(3)], ONE, EIGHT))
    assert measured(path)["code"] == 0


def test_every_cut_is_refused(tmp_path: Path) -> None:
    whole = build(*GOOD)
    path = tmp_path / "a.gguf"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            open_checkpoint(path)


def test_every_changed_byte_is_refused_or_read(tmp_path: Path) -> None:
    whole = build(*GOOD)
    path = tmp_path / "a.gguf"
    opened = 0
    for at in range(len(whole)):
        for flip in (1, 0x80, 0xFF):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
            try:
                with open_checkpoint(path) as found:
                    opened += 1
                    for name, ref in found.tensors.items():
                        if ref.dtype not in BITS:
                            assert len(found.read(name)) == ref.nbytes
            except CheckpointError:
                continue
    assert 0 < opened < 3 * len(whole)


def test_a_header_is_read_in_parts(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the parts, the values are the same: every border falls somewhere."""
    pairs = [*GOOD[0], pair("words", ARRAY, (STRING, ["abc" * (n % 5) for n in range(200)]))]
    path = write(pairs, *GOOD[1:])
    with open_checkpoint(path) as found:
        expected = found.metadata, list(found.tensors.values())
    for step in range(1, 60):
        monkeypatch.setattr(gguf_values, "_STEP", step)
        with open_checkpoint(path) as found:
            assert (found.metadata, list(found.tensors.values())) == expected
