"""safetensors: eight bytes of length, a JSON header, the data.

The header is read entry by entry, with the rules of the format's own specification: the first
byte is `{`, no key stands twice, the data are covered without gap or overlap.
"""

from __future__ import annotations

import re
from math import prod
from typing import Any, NamedTuple

from checkpoint_tools import limits, strided
from checkpoint_tools.dtypes import BY_SAFETENSORS
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.protocol import Checkpoint, Note, Storage, TensorRef
from checkpoint_tools.formats.torch_tensors import name_notes
from checkpoint_tools.sources import Source
from checkpoint_tools.strict_json import JsonText
from checkpoint_tools.text import quote

NAME = "safetensors"
_N = r"(?:0|[1-9][0-9]{0,18})"
# An entry as the reference library writes it; anything else takes the slower way.
_PLAIN = re.compile(
    rf'"([^"\\\x00-\x1f]+)":\{{"dtype":"([A-Z0-9_]+)","shape":\[((?:{_N}(?:,{_N})*)?)\],'
    rf'"data_offsets":\[({_N}),({_N})\]\}}(,?)'
)


class Entry(NamedTuple):
    """One tensor of a header; `position` is where its entry begins in the text."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
    position: int


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the header of a safetensors file."""
    length = _header_length(source)
    data = source.read_at(8, length)
    if data[:1] != b"{":
        raise Malformed("the header does not begin with {", file=source.name, offset=8)
    count = data.count(b'"data_offsets"')
    if count > limits.MAX_TENSORS:
        raise Unsafe(
            f"holds {count} tensors; {limits.MAX_TENSORS} are allowed", file=source.name, offset=8
        )
    text = JsonText(data, source.name, 8)
    entries, facts = _entries(text)
    base = 8 + length
    _check_cover(text, entries, base, source.size - base)
    steps = {shape: strided.c_strides(shape) for shape in {entry.shape for entry in entries}}
    tensors = [
        TensorRef(e.name, e.dtype, e.shape, steps[e.shape], index, 0, None, (e.name,))
        for index, e in enumerate(entries)
    ]
    storages = [Storage(e.name, 0, base + e.begin, e.end - e.begin) for e in entries]
    notes = name_notes([entry.name for entry in entries])
    stripped = len(data.rstrip(b" "))
    if stripped != length and base % 8:
        notes.append(Note("padding", f"the header ends with {length - stripped} blanks"))
    return Checkpoint(
        NAME,
        [source],
        tensors,
        storages,
        metadata=dict(facts),
        container={"header_bytes": length},
        notes=notes,
    )


def _header_length(source: Source) -> int:
    if source.size < 10:
        raise Malformed(
            f"has {source.size} bytes, too few for a header", file=source.name, offset=source.size
        )
    length = int.from_bytes(source.read_at(0, 8), "little")
    if length > source.size - 8:
        raise Malformed(
            f"the header should have {length} bytes, and the file has {source.size}",
            file=source.name,
            offset=0,
        )
    if length < 2 or length > limits.MAX_SAFETENSORS_HEADER:
        raise Malformed(
            f"the header should have {length} bytes; {limits.MAX_SAFETENSORS_HEADER} are allowed",
            file=source.name,
            offset=0,
        )
    return length


def _entries(text: JsonText) -> tuple[list[Entry], dict[str, str]]:
    """All tensors of the header, and the texts under __metadata__."""
    entries: list[Entry] = []
    facts: dict[str, str] | None = None
    seen: set[str] = set()
    position = text.skip(1)
    if text.text[position : position + 1] == "}":
        _check_end(text, position + 1)
        return [], {}
    while True:
        match = _PLAIN.match(text.text, position)
        entry: Entry | None
        if match is not None and match[1] != "__metadata__":
            entry, end = _plain_entry(text, match, position), match.end(5) + 2
        else:
            name, value, end = _slow_entry(text, position)
            if name == "__metadata__":
                if facts is not None:
                    raise text.refuse(position, "__metadata__ stands twice")
                facts, entry = _facts(text, value, position), None
            else:
                entry = _checked(text, name, value, position)
        if entry is not None:
            if entry.name in seen:
                raise text.refuse(position, f"the tensor {quote(entry.name)} stands twice")
            seen.add(entry.name)
            entries.append(entry)
            if match is not None and match[6]:
                position = match.end()
                continue
        position = text.skip(end)
        mark = text.text[position : position + 1]
        if mark == "}":
            _check_end(text, position + 1)
            return entries, facts or {}
        if mark != ",":
            raise text.refuse(position, "a comma or the end of the header is expected here")
        position = text.skip(position + 1)


def _check_end(text: JsonText, position: int) -> None:
    if text.text[position:].strip(" "):
        raise text.refuse(position, "something follows the end of the header")


def _plain_entry(text: JsonText, match: re.Match[str], position: int) -> Entry:
    name, code, shape, begin, end, _ = match.groups()
    sizes = tuple(map(int, shape.split(","))) if shape else ()
    return _entry(text, name, code, sizes, int(begin), int(end), position)


def _slow_entry(text: JsonText, position: int) -> tuple[str, Any, int]:
    name, after = text.string(position)
    after = text.skip(after)
    if text.text[after : after + 1] != ":":
        raise text.refuse(after, "a colon is expected here")
    value, end = text.value(text.skip(after + 1))
    return name, value, end


def _facts(text: JsonText, value: Any, position: int) -> dict[str, str]:
    if type(value) is not dict or any(type(item) is not str for item in value.values()):
        raise text.refuse(position, "__metadata__ must hold texts and nothing else")
    return value


def _checked(text: JsonText, name: str, value: Any, position: int) -> Entry:
    def refuse(what: str) -> Malformed:
        return text.refuse(position, f"the entry of {quote(name)} {what}")

    if type(value) is not dict or set(value) != {"dtype", "shape", "data_offsets"}:
        raise refuse("must hold dtype, shape and data_offsets and nothing else")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if type(code) is not str or type(shape) is not list or type(offsets) is not list:
        raise refuse("holds something of the wrong kind")
    if len(offsets) != 2 or any(type(n) is not int or n < 0 for n in (*shape, *offsets)):
        raise refuse("holds a length or an offset that is none")
    return _entry(text, name, code, tuple(shape), offsets[0], offsets[1], position)


def _entry(
    text: JsonText,
    name: str,
    code: str,
    shape: tuple[int, ...],
    begin: int,
    end: int,
    position: int,
) -> Entry:
    dtype = BY_SAFETENSORS.get(code)
    problem = ""
    numel = prod(shape)
    short = len(shape) <= limits.MAX_DIMENSIONS and len(name) <= limits.MAX_NAME
    if dtype is not None and short and numel and dtype.bits * numel == 8 * (end - begin):
        return Entry(name, dtype.name, shape, begin, end, position)
    if dtype is None:
        problem = f"is of unknown type {quote(code)}"
    elif len(shape) > limits.MAX_DIMENSIONS:
        problem = f"has {len(shape)} dimensions"
    elif len(name) > limits.MAX_NAME:
        problem = "has a name without end"
    elif prod(filter(None, shape)) > limits.MAX_ELEMENTS:
        problem = "has a shape that overflows 63 bits"
    elif dtype.bits * numel != 8 * (end - begin):
        problem = f"needs {dtype.bits * numel / 8:g} bytes and is given {end - begin}"
    if problem or dtype is None:
        raise text.refuse(position, f"the tensor {quote(name)} {problem}")
    return Entry(name, dtype.name, shape, begin, end, position)


def _check_cover(text: JsonText, entries: list[Entry], base: int, size: int) -> None:
    """The tensors must cover the data without a gap, an overlap or a rest."""
    reach, previous = 0, ""
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != reach:
            kind = "overlaps" if entry.begin < reach else "leaves a gap behind"
            other = quote(previous) if previous else "the header"
            raise text.refuse(entry.position, f"the tensor {quote(entry.name)} {kind} {other}")
        reach, previous = entry.end, entry.name
    if reach != size:
        what = "bytes are missing" if reach > size else "bytes follow the last tensor"
        raise Malformed(
            f"{abs(size - reach)} {what}", file=text.file, offset=base + min(reach, size)
        )
