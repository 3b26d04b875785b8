"""GGUF files put together byte by byte from the published description, and ones that lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
UINT8, UINT32, FLOAT32, BOOL, STRING, ARRAY = 0, 4, 6, 7, 8, 9
F32, F16, Q4_0, Q8_0, Q4_K = 0, 1, 2, 8, 12


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value(kind: int, content: Any) -> bytes:
    if kind == STRING:
        return text(content)
    if kind == ARRAY:
        inner, items = content
        body = b"".join(value(inner, item) for item in items)
        return struct.pack("<IQ", inner, len(items)) + body
    return struct.pack(f"<{CODES[kind]}", content)


def pair(key: str | bytes, kind: int, content: Any) -> bytes:
    return text(key) + struct.pack("<I", kind) + value(kind, content)


def info(
    name: str | bytes, dims: Sequence[int], kind: int, offset: int, rank: int | None = None
) -> bytes:
    count = len(dims) if rank is None else rank
    shape = struct.pack(f"<{len(dims)}Q", *dims)
    return text(name) + struct.pack("<I", count) + shape + struct.pack("<IQ", kind, offset)


def build(
    pairs: Sequence[bytes] = (),
    infos: Sequence[bytes] = (),
    data: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    alignment: int = 32,
) -> bytes:
    tensors, keys = counts or (len(infos), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + b"".join((*pairs, *infos))
    return head + bytes(-len(head) % alignment) + data


HUGE = 2**60
ONE = [info("a", [8], F32, 0)]
EIGHT = bytes(32)


def deep(levels: int) -> bytes:
    body = struct.pack("<IQ", UINT8, 0)
    for _ in range(levels):
        body = struct.pack("<IQ", ARRAY, 1) + body
    return text("a") + struct.pack("<I", ARRAY) + body


def _array(kind: int, count: int, body: bytes = b"") -> bytes:
    return text("a") + struct.pack("<IIQ", ARRAY, kind, count) + body


ATTACKS: dict[str, tuple[bytes, str]] = {
    "cut_magic": (b"GGUF", "header"),
    "cut_header": (build()[:20], "header"),
    "version_0": (build(version=0), "version 0"),
    "version_1": (build(version=1), "version 1"),
    "version_4": (build(version=4), "version 4"),
    "big_endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "tensors_2_60": (build(counts=(HUGE, 0)), "should hold"),
    "tensors_many": (build(counts=(300_000, 0), data=bytes(9_000_000)), "should hold"),
    "pairs_2_60": (build(counts=(0, HUGE)), "should hold"),
    "tensors_too_few": (build([], ONE, counts=(2, 0)), "bytes"),
    "pairs_too_few": (build([pair("a", UINT8, 1)], counts=(0, 3)), "is empty"),
    "pairs_for_no_bytes": (build(counts=(0, 3)), "should hold"),
    "key_past_end": (build([struct.pack("<Q", 999) + b"a" * 20]), "a key"),
    "key_2_63": (build([struct.pack("<Q", 2**63) + b"a" * 20]), "allowed"),
    "key_long": (build([pair("k" * 70_000, UINT8, 1)]), "allowed"),
    "key_empty": (build([pair("", UINT8, 1)]), "empty"),
    "key_not_ascii": (build([pair("é", UINT8, 1)]), "ASCII"),
    "key_not_text": (build([pair(b"\xff", UINT8, 1)]), "UTF-8"),
    "key_twice": (build([pair("a", UINT8, 1)] * 2), "twice"),
    "kind_unknown": (build([text("a") + struct.pack("<I", 13) + bytes(8)]), "kind 13"),
    "bool_2": (build([text("a") + struct.pack("<I", BOOL) + b"\2"]), "bool"),
    "bools_2": (build([_array(BOOL, 4, b"\0\1\3\1")]), "bool"),
    "string_past_end": (
        build([text("a") + struct.pack("<IQ", STRING, 999) + b"abc"]), "the file ends"
    ),
    "string_2_64": (
        build([text("a") + struct.pack("<IQ", STRING, 2**64 - 1) + b"abc"]), "the file ends"
    ),
    "string_huge": (build([pair("a", STRING, b"x" * 9_000_000)]), "of text"),
    "array_2_60": (build([_array(UINT32, HUGE, bytes(64))]), "should have"),
    "array_2_60_bools": (build([_array(BOOL, HUGE, bytes(64))]), "should have"),
    "array_2_60_strings": (build([_array(STRING, HUGE, bytes(64))]), "should have"),
    "array_2_60_arrays": (build([_array(ARRAY, HUGE, bytes(64))]), "should have"),
    "array_kind": (build([_array(77, 1, bytes(64))]), "kind 77"),
    "array_deep": (build([deep(5)]), "nested"),
    "array_very_deep": (build([deep(200_000)]), "nested"),
    "array_of_empty_strings": (build([_array(STRING, 3_000_000, bytes(24_000_000))]), "hold more"),
    "array_of_empty_arrays": (build([_array(ARRAY, 60_000, bytes(720_000))]), "hold more"),
    "array_string_past_end": (
        build([_array(STRING, 100, text("x") * 99 + struct.pack("<Q", 2**62))]), "a string"
    ),
    "array_beyond_all_reason": (build([_array(UINT8, 40_000_000, bytes(40_000_000))]), "at most"),
    "alignment_0": (build([pair("general.alignment", UINT32, 0)], ONE, EIGHT), "multiple of 8"),
    "alignment_12": (build([pair("general.alignment", UINT32, 12)], ONE, EIGHT), "multiple of 8"),
    "alignment_kind": (build([pair("general.alignment", STRING, "8")], ONE, EIGHT), "uint32"),
    "alignment_2_31": (build([pair("general.alignment", UINT32, 2**31)], ONE, EIGHT), "2147483648"),
    "alignment_2_30": (build([pair("general.alignment", UINT32, 2**30)], ONE, EIGHT), "needs"),
    "name_past_end": (build([], [struct.pack("<Q", 999) + bytes(30)]), "the name of a tensor"),
    "name_long": (build([], [info("n" * 5000, [8], F32, 0)], EIGHT), "allowed"),
    "name_not_text": (build([], [info(b"\xff", [8], F32, 0)], EIGHT), "UTF-8"),
    "name_twice": (build([], [*ONE, info("a", [8], F32, 32)], EIGHT * 2), "twice"),
    "rank_2_32": (build([], [info("a", [8], F32, 0, rank=2**32 - 1)], EIGHT), "dimensions"),
    "rank_past_end": (build([], [info("a", [8], F32, 0, rank=60)], EIGHT), "the record of a"),
    "shape_overflow": (build([], [info("a", [2**40, 2**40], F32, 0)], EIGHT), "63 bits"),
    "shape_zero_times_huge": (build([], [info("a", [0, HUGE, HUGE], F32, 0)]), "63 bits"),
    "shape_2_60": (build([], [info("a", [HUGE], F32, 0)], EIGHT), "needs"),
    "type_removed": (build([], [info("a", [32], 4, 0)], EIGHT), "removed"),
    "type_unknown": (build([], [info("a", [32], 999, 0)], EIGHT), "unknown"),
    "block_not_whole": (build([], [info("a", [33], Q4_0, 0)], EIGHT), "whole blocks of 32"),
    "block_scalar": (build([], [info("a", [], Q8_0, 0)], EIGHT * 2), "whole blocks"),
    "block_past_end": (build([], [info("a", [256], Q4_K, 0)], bytes(143)), "needs 144"),
    "offset_crooked": (build([], [info("a", [8], F32, 4)], EIGHT * 2), "multiple of 32"),
    "offset_2_63": (build([], [info("a", [8], F32, 2**63)], EIGHT), "needs"),
    "offset_past_end": (build([], [info("a", [8], F32, 32)], EIGHT), "needs"),
    "data_cut": (build([], ONE, EIGHT[:-1]), "needs"),
    "overlap": (
        build([], [info("a", [16], F32, 0), info("b", [8], F32, 32)], EIGHT * 2), "overlaps 'a'"
    ),
    "same_place": (build([], [*ONE, info("b", [8], F32, 0)], EIGHT * 2), "overlaps 'a'"),
}  # fmt: skip
