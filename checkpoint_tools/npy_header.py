"""The header of a .npy array, read by its own small grammar; nothing is evaluated.

Format: numpy.lib.format, versions 1.0 to 3.0.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.dtypes import BY_NPY
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.text import quote

MAGIC = b"\x93NUMPY"
_TEXT = r"(?:'([^'\\]*)'|\"([^\"\\]*)\")"
_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
# Possessive blanks: no header makes the search go back and forth.
_ENTRY = re.compile(
    r"[ ]*+(?:'(descr|fortran_order|shape)'|\"(descr|fortran_order|shape)\")[ ]*+:[ ]*+"
    rf"(?:{_TEXT}|(True|False)"
    rf"|\([ ]*+((?:{_NUMBER}L?[ ]*+,[ ]*+)*(?:{_NUMBER}L?)?)[ ]*+\))[ ]*+(,|(?=\}}))"
)
_KINDS = {
    "O": "Python objects, which only a pickle can hold",
    "V": "raw records",
    "U": "text",
    "S": "text",
    "a": "text",
    "M": "dates",
    "m": "time spans",
}


class NpyHeader(NamedTuple):
    """What a .npy header says; `offset` is where the data begin, `strides` count elements."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    swapped: bool
    offset: int


def header_length(head: bytes, file: str, base: int = 0) -> int:
    """How many bytes stand before the data, from the first twelve bytes of the file."""
    if head[:6] != MAGIC or len(head) < 12:
        raise Malformed("does not begin as a .npy array", file=file, offset=base)
    version = (head[6], head[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise Malformed(f"is a .npy of version {head[6]}.{head[7]}", file=file, offset=base + 6)
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    if length > limits.MAX_NPY_HEADER:
        raise Unsafe(
            f"the header says it has {length} bytes; {limits.MAX_NPY_HEADER} are allowed",
            file=file,
            offset=base + 8,
        )
    return 8 + width + length


def read_header(data: bytes, file: str, base: int = 0) -> NpyHeader:
    """The header that is `data`, magic number included."""
    begin = 10 if data[6] == 1 else 12
    try:
        text = data[begin:].decode("utf-8" if data[6] == 3 else "latin-1")
    except UnicodeDecodeError as error:
        raise Malformed("the header is no text", file=file, offset=base + begin) from error
    found = _entries(text, file, base + begin)
    if set(found) != {"descr", "fortran_order", "shape"}:
        raise Malformed(
            "the header must hold descr, fortran_order and shape", file=file, offset=base + begin
        )
    shape = tuple(int(part.strip(" L")) for part in found["shape"].split(",") if part.strip())
    if len(shape) > limits.MAX_DIMENSIONS:
        raise Malformed(f"has {len(shape)} dimensions", file=file, offset=base + begin)
    dtype, swapped = _dtype(found["descr"], file, base + begin)
    strides: list[int] = []
    step = 1
    fortran = found["fortran_order"] == "True"
    for length in shape if fortran else reversed(shape):
        strides.append(step)
        step *= max(length, 1)
        if step > limits.MAX_ELEMENTS:
            raise Malformed("the shape overflows 63 bits", file=file, offset=base + begin)
    return NpyHeader(
        dtype, shape, tuple(strides if fortran else reversed(strides)), swapped, len(data)
    )


def _entries(text: str, file: str, offset: int) -> dict[str, str]:
    """The three entries of the header's dictionary as text."""
    body = text.rstrip(" \n")
    if body[:1] != "{" or body[-1:] != "}":
        raise Malformed("the header is no dictionary", file=file, offset=offset)
    found: dict[str, str] = {}
    position = 1
    while body[position:].strip(" ") not in ("}", ""):
        match = _ENTRY.match(body, position)
        if match is None:
            shown = body[position : position + 40]
            structured = re.match(r" *+['\"]descr['\"] *+: *+\[", body[position:])
            if structured:
                raise Unsafe("structured arrays are not read", file=file, offset=offset + position)
            raise Malformed(
                f"the header cannot be read at {quote(shown)}", file=file, offset=offset + position
            )
        key = match[1] or match[2]
        value = next((part for part in match.group(3, 4, 5, 6) if part is not None), "")
        expected = {"descr": match[3] or match[4], "fortran_order": match[5], "shape": match[6]}
        if key in found or expected[key] is None:
            raise Malformed(
                f"the header's {key} stands twice or is of the wrong kind",
                file=file,
                offset=offset + position,
            )
        found[key] = value
        position = match.end()
    return found


def _dtype(descr: str, file: str, offset: int) -> tuple[str, bool]:
    match = re.fullmatch(r"([<>|=]?)([a-zA-Z])([0-9]{0,6})(\[.{0,20}\])?", descr)
    known = BY_NPY.get(f"{match[2]}{match[3]}") if match and match[1] != "=" else None
    if match is None or known is None:
        kind = _KINDS.get(match[2], "") if match else ""
        why = f": it holds {kind}" if kind else ""
        raise Unsafe(f"arrays of dtype {quote(descr)} are not read{why}", file=file, offset=offset)
    return known.name, match[1] == ">" and known.swap > 1
