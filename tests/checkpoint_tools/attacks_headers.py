"""safetensors and .npy headers that lie, repeat themselves or never end."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.checkpoint_tools import building as b

Make = Callable[[Path], bytes]
_GOOD = b.entry([2], 0, 8)


def _st(header: dict[str, Any] | bytes, data: bytes = bytes(8)) -> Make:
    return lambda _: b.safetensors(header, data)


def _one(**changes: Any) -> Make:
    return _st({"a": _GOOD | changes})


def _raw(text: str, data: bytes = bytes(8)) -> Make:
    return _st(text.encode(), data)


def _inner(body: str) -> Make:
    return _raw('{"a":{' + body + "}}")


def _npy(header: str | bytes, data: bytes = bytes(24), **kwargs: Any) -> Make:
    return lambda _: b.npy(header, data, **kwargs)


_PLAIN = json.dumps(_GOOD)
_EMPTY = ",".join(f'"t{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(9))

TABLE: dict[str, tuple[Make, str]] = {
    "s_len_past_eof.safetensors": (lambda _: struct.pack("<Q", 10**6) + b"{}", "header"),
    "s_len_max.safetensors": (lambda _: b"\xff" * 8 + b"{}", "header"),
    "s_len_over_cap.safetensors": (lambda _: struct.pack("<Q", 2 * 10**8) + b"{}", "header"),
    "s_len_zero.safetensors": (lambda _: bytes(16), "header"),
    "s_seven_bytes.safetensors": (lambda _: bytes(7), "header"),
    "s_overlap.safetensors": (
        _st({"a": b.entry([2], 0, 8), "b": b.entry([2], 4, 12)}, bytes(12)), "overlaps"
    ),
    "s_hole.safetensors": (
        _st({"a": b.entry([1], 0, 4), "b": b.entry([1], 8, 12)}, bytes(12)), "gap"
    ),
    "s_trailing.safetensors": (_st({"a": _GOOD}, bytes(9)), "follow"),
    "s_missing_data.safetensors": (_st({"a": _GOOD}, bytes(4)), "missing"),
    "s_reversed.safetensors": (_one(data_offsets=[8, 0]), "needs"),
    "s_negative.safetensors": (_one(data_offsets=[-8, 0]), "none"),
    "s_negative_shape.safetensors": (_one(shape=[-2]), "none"),
    "s_float.safetensors": (_one(shape=[2.0]), "none"),
    "s_exponent.safetensors": (_inner('"dtype":"F32","shape":[2e0],"data_offsets":[0,8]'), "none"),
    "s_bool.safetensors": (_one(shape=[True, 2]), "none"),
    "s_nan.safetensors": (_inner('"dtype":"F32","shape":[NaN],"data_offsets":[0,8]'), "NaN"),
    "s_huge_int.safetensors": (
        _inner('"dtype":"F32","shape":[' + "9" * 100_000 + '],"data_offsets":[0,8]'), "digits"
    ),
    "s_leading_zero.safetensors": (
        _inner('"dtype":"F32","shape":[02],"data_offsets":[0,8]'), "JSON"
    ),
    "s_shape_overflow.safetensors": (_one(shape=[2**32, 2**32]), "overflows"),
    "s_shape_zero_times_huge.safetensors": (
        _one(shape=[0, 2**62, 2**62], data_offsets=[0, 0]), "overflows"
    ),
    "s_shape_many_dims.safetensors": (_one(shape=[1] * 100_000), "dimensions"),
    "s_unknown_dtype.safetensors": (_one(dtype="F33"), "type"),
    "s_dtype_markup.safetensors": (_one(dtype="\x1b[31m"), "type"),
    "s_f4_odd.safetensors": (_one(dtype="F4", shape=[3], data_offsets=[0, 2]), "needs"),
    "s_dup_key.safetensors": (_raw(f'{{"a":{_PLAIN},"a":{_PLAIN}}}'), "twice"),
    "s_dup_key_plain.safetensors": (
        _raw(f'{{"a":{_PLAIN},"a":{_PLAIN}}}'.replace(" ", "")), "twice"
    ),
    "s_dup_key_escape.safetensors": (_raw(f'{{"a":{_PLAIN},"\\u0061":{_PLAIN}}}'), "twice"),
    "s_dup_inner.safetensors": (
        _inner('"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]'), "twice"
    ),
    "s_dup_metadata.safetensors": (
        _raw('{"__metadata__":{},"__metadata__":{},"a":' + _PLAIN + "}"), "twice"
    ),
    "s_dup_in_metadata.safetensors": (
        _raw('{"__metadata__":{"k":"1","k":"2"},"a":' + _PLAIN + "}"), "twice"
    ),
    "s_leading_space.safetensors": (_raw(" {}", b""), "begin with"),
    "s_unknown_inner_key.safetensors": (_one(extra=1), "nothing else"),
    "s_inner_missing.safetensors": (_inner('"dtype":"F32","shape":[2]'), "nothing else"),
    "s_list.safetensors": (_raw("[]" + " " * 20, b""), "begin with"),
    "s_inner_list.safetensors": (_raw('{"a":[]}', b""), "nothing else"),
    "s_metadata_number.safetensors": (_raw('{"__metadata__":{"k":1}}', b""), "texts"),
    "s_bad_utf8.safetensors": (_st(b'{"\xff":' + _PLAIN.encode() + b"}"), "UTF-8"),
    "s_lone_surrogate.safetensors": (_raw('{"\\ud800":' + _PLAIN + "}"), "string"),
    "s_control_in_name.safetensors": (_raw('{"a\nb":' + _PLAIN + "}"), "string"),
    "s_deep.safetensors": (_raw('{"a":' + "[" * 200_000 + "]" * 200_000 + "}"), "nested"),
    "s_deep_objects.safetensors": (_raw('{"a":' + '{"a":' * 100_000 + "1"), "nested"),
    "s_not_json.safetensors": (_raw('{"a":' + _PLAIN + ",}"), "quoted"),
    "s_cut.safetensors": (_raw('{"a":' + _PLAIN), "comma"),
    "s_after_header.safetensors": (_raw('{"a":' + _PLAIN + "}x"), "follows"),
    "s_many_empty.safetensors": (
        lambda _: b.safetensors(("{" + ",".join(
            f'"{n:06d}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(400_000)
        ) + "}").encode()), "400000"
    ),
    "s_blank_header.safetensors": (
        lambda _: b.safetensors(b"{" + b" " * 30_000_000 + b"x"), "quoted"
    ),
    "s_large_header.safetensors": (
        lambda _: b.safetensors(b"{}" + b" " * 40_000_000), "allowed"
    ),
    "n_blank_header.npy": (_npy("{'shape': (" + " " * 60_000 + "x}"), "read"),
    "n_blank_numbers.npy": (_npy("{'shape': (" + "1 , " * 15_000 + "x}"), "read"),
    "n_object_pickle.npy": (_npy(b.npy_header("|O", "(1,)"), b.pickled(b"N")), "Python objects"),
    "n_dtype_struct.npy": (
        _npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }"), "structured"
    ),
    "n_dtype_void.npy": (_npy(b.npy_header("|V8", "(3,)")), "raw records"),
    "n_dtype_text.npy": (_npy(b.npy_header("<U2", "(3,)")), "text"),
    "n_dtype_date.npy": (_npy(b.npy_header("<M8[ns]", "(3,)")), "dates"),
    "n_header_deep.npy": (_npy("{'descr': " + "(" * 60_000 + "}"), "read"),
    "n_header_call.npy": (
        _npy("{'descr': __import__('os').system('x'), 'fortran_order': False, 'shape': ()}"), "read"
    ),
    "n_header_4GB.npy": (_npy(b.npy_header(), length=2**32 - 1, version=2), "header"),
    "n_header_past_end.npy": (_npy(b.npy_header(), length=60_000), "bytes"),
    "n_header_version.npy": (_npy(b.npy_header(), version=9), "version"),
    "n_shape_huge.npy": (_npy(b.npy_header(shape="(1000000, 1000000)")), "needs"),
    "n_shape_overflow.npy": (_npy(b.npy_header(shape=f"({2**62}, {2**62})")), "overflows"),
    "n_shape_digits.npy": (_npy(b.npy_header(shape=f"({'9' * 5000},)")), "read"),
    "n_shape_negative.npy": (_npy(b.npy_header(shape="(-2, 3)")), "read"),
    "n_shape_text.npy": (_npy(b.npy_header(shape="'x'")), "wrong kind"),
    "n_key_twice.npy": (
        _npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}"), "twice"
    ),
    "n_key_missing.npy": (_npy("{'descr': '<f4', 'shape': (2, 3)}"), "must hold"),
    "n_trailing.npy": (_npy(b.npy_header(), bytes(25)), "needs"),
    "n_short.npy": (_npy(b.npy_header(), bytes(23)), "needs"),
    "n_cut_header.npy": (lambda _: b"\x93NUMPY\x01", ".npy"),
}  # fmt: skip
