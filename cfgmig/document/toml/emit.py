"""New keys and values of a TOML file as text, in the manner of that file."""

from __future__ import annotations

import re
from collections import Counter
from math import isinf, isnan
from typing import Any

from cfgmig.document.node import Node, leaves
from cfgmig.errors import Refused, UsageError
from cfgmig.paths import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {
    "\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f",
}  # fmt: skip


def quote_of(root: Node | None) -> str:
    """The quotes that most one-line strings of a file stand in."""
    quotes = Counter(leaf.style for leaf in leaves(root) if leaf.style) if root else Counter()
    return "'" if quotes["'"] > quotes['"'] else '"'


def key(name: str, quote: str = "") -> str:
    """One segment of a key; `quote` are the quotes of the one that it replaces."""
    if quote == "'" and name.isprintable() and "'" not in name:
        return f"'{name}'"
    return name if _BARE.fullmatch(name) and not quote else _basic(name)


def dotted(path: Path) -> str:
    """A dotted key, or what stands in a header: indexes of arrays of tables are not written."""
    return ".".join(key(segment) for segment in path if isinstance(segment, str))


def inline(value: Any, quote: str = '"', at: str = "") -> str:
    """A value on one line.

    Args:
        value: plain data.
        quote: the quotes of strings, unless only the others can say them.
        at: how a refusal calls the value.

    Raises:
        Refused: it holds null, which TOML has not.
        UsageError: it is no data.
    """
    if value is None:
        raise Refused(
            f"{f'`{at}`' if at else 'the value'} would be null, and TOML has no null",
            kind="unsupported-shape", help="keep this config as YAML or JSON",
        )  # fmt: skip
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, str):
        return string(str(value), quote)
    if isinstance(value, dict):
        pairs = (f"{key(str(name))} = {inline(one, quote, at)}" for name, one in value.items())
        body = ", ".join(pairs)
        return f"{{ {body} }}" if body else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(inline(one, quote, at) for one in value) + "]"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise UsageError(f"a {type(value).__name__} cannot be written into a config")


def _float(value: float) -> str:
    if isnan(value):
        return "nan"
    if isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def string(text: str, quote: str) -> str:
    """A string in the wanted quotes; in the others where it could not be said without escapes."""
    plain = text.isprintable()
    if plain and quote == "'" and "'" not in text:
        return f"'{text}'"
    if plain and quote != "'" and ("\\" in text or '"' in text) and "'" not in text:
        return f"'{text}'"
    return _basic(text)


def _basic(text: str) -> str:
    return '"' + "".join(_escaped(ch) for ch in text) + '"'


def _escaped(ch: str) -> str:
    if ch in _ESCAPES:
        return _ESCAPES[ch]
    if ch.isprintable():
        return ch
    code = ord(ch)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def table(path: Path, value: dict[str, Any], quote: str) -> list[str]:
    """The lines of a table under its header; tables inside it get headers of their own.

    Raises:
        Refused: it holds null.
    """
    lines = [f"[{dotted(path)}]"]
    below: list[str] = []
    for name, one in value.items():
        inner = (*path, str(name))
        if isinstance(one, dict) and one:
            below += ["", *table(inner, one, quote)]
        else:
            lines.append(f"{key(str(name))} = {inline(one, quote, dotted(inner))}")
    return lines + below
