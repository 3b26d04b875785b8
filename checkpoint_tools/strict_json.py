"""JSON as checkpoints need it: no key twice, no endless numbers, bounded depth."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

from checkpoint_tools import limits
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.text import quote

_LONGEST_INTEGER = 20
_BLANK = re.compile(r"[ \t\n\r]*+")


class _Bad(ValueError):
    """What a hook of the JSON scanner found."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Bad(f"the key {quote(key)} stands twice in one object")
            seen.add(key)
    return found


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise _Bad(f"a number of {len(text)} digits")
    return int(text)


def _float(text: str) -> float:
    if len(text) > 40:
        raise _Bad(f"a number of {len(text)} digits")
    return float(text)


def _constant(text: str) -> NoReturn:
    raise _Bad(f"{text} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


class JsonText:
    """JSON text of a file, decoded piece by piece; positions in errors are bytes of the file.

    Args:
        data: the UTF-8 bytes.
        file: the name of the file.
        base: where `data` begins in it.
    """

    def __init__(self, data: bytes, file: str, base: int = 0) -> None:
        self.file = file
        self._base = base
        try:
            self.text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("is not UTF-8", file=file, offset=base + error.start) from error
        self._ascii = len(self.text) == len(data)

    def refuse(self, position: int, reason: str) -> Malformed:
        """The error at a position of the text."""
        before = position if self._ascii else len(self.text[:position].encode("utf-8"))
        return Malformed(reason, file=self.file, offset=self._base + before)

    def skip(self, position: int) -> int:
        """The next position that is not blank."""
        found = _BLANK.match(self.text, position)
        return position if found is None else found.end()

    def string(self, position: int) -> tuple[str, int]:
        """The string whose opening quote stands at `position`, and the position after it."""
        if self.text[position : position + 1] != '"':
            raise self.refuse(position, "a quoted name is expected here")
        try:
            found, end = scanstring(self.text, position + 1, True)
            found.encode("utf-8")
        except (UnicodeEncodeError, ValueError) as error:
            raise self.refuse(position, f"this text is no JSON string: {error}") from error
        return found, end

    def value(self, position: int) -> tuple[Any, int]:
        """The value that begins at `position`, and the position after it."""
        try:
            return _DECODER.raw_decode(self.text, position)
        except json.JSONDecodeError as error:
            raise self.refuse(error.pos, f"is no JSON: {error.msg}") from error
        except _Bad as error:
            raise self.refuse(position, str(error)) from error
        except RecursionError as error:
            raise Unsafe(
                f"JSON is nested deeper than {limits.MAX_DEPTH} levels",
                file=self.file,
                offset=self._base + position,
            ) from error


def read_json(data: bytes, file: str) -> Any:
    """The one value that a whole JSON file holds."""
    text = JsonText(data, file)
    value, end = text.value(text.skip(0))
    if text.skip(end) != len(text.text):
        raise text.refuse(end, "something follows the end of the JSON value")
    return value
