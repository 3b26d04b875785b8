"""New values as text: spelled so that YAML 1.1, YAML 1.2 and OmegaConf read the same type."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from math import isnan
from typing import Any

from cfgmig.document.node import Node
from cfgmig.document.scalars import plain_value
from cfgmig.errors import UsageError

# Plain text that is syntactically safe in a block; flow collections forbid a few more.
_SAFE = re.compile(
    r"[\w/.<(^$=+~;\\-]"
    r"(?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff:#]|:(?=[^\s,\[\]{}])|(?<=\S)#)*"
)
_FLOW_MARKS = re.compile(r"[,\[\]{}?]")
# Words and shapes that some reader takes for something else than a string (YAML 1.1 types of
# PyYAML, 1.2 of ruamel.yaml, OmegaConf's own float), whatever the active reader thinks.
_WORDS = frozenset(
    """yes no on off true false null none nan inf ~ = << - + . -- --- ...""".split()  # noqa: SIM905
)
_NUMBER_LIKE = re.compile(
    r"""[-+]?(?:
      0[bB][01_]*|0[xX][0-9a-fA-F_]*|0[oO]?[0-7_]*
    | [0-9][0-9_]*(?::[0-9][0-9_]*)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]*)?
    | \.[0-9_]+(?:[eE][-+]?[0-9]*)?
    | \.?(?:inf|nan)(?:inity)?
    | [0-9_]+
    ) """,
    re.X | re.I,
)
_DATE_LIKE = re.compile(r"[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?")
_ESCAPES = {
    "\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0",
    "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip
_SHORT_LIST = 72
_NULLS = ("null", "~", "Null", "NULL")
_TRUES = ("true", "True", "TRUE")
_FALSES = ("false", "False", "FALSE")
_SPELLINGS = frozenset(_NULLS + _TRUES + _FALSES)


class Style:
    """How a file spells things: its own majority wherever it has one."""

    def __init__(self, root: Node | None, eol: str) -> None:
        words: Counter[str] = Counter()
        quotes: Counter[str] = Counter()
        lists: Counter[bool] = Counter()
        stack = [] if root is None else [root]
        while stack:
            node = stack.pop()
            if node.kind == "scalar":
                style = node.style
                if style:
                    if style in "'\"":
                        quotes[style] += 1
                elif node.raw in _SPELLINGS and node.tag is None:
                    words[node.raw] += 1
            elif node.kind == "mapping":
                stack += [entry.key for entry in node.entries]
                stack += [entry.value for entry in node.entries]
            elif node.items:
                stack += node.items
                if _all_inline(node):
                    lists[node.style == "flow"] += 1
        self.eol = eol
        self.null = _majority(words, _NULLS)
        self.true = _majority(words, _TRUES)
        self.false = _majority(words, _FALSES)
        if not (words[self.false] or words["false"]):
            self.false = _like(self.true, "false")
        if not (words[self.true] or words["true"]):
            self.true = _like(self.false, "true")
        self.quote = "'" if quotes["'"] > quotes['"'] else '"'
        self.flow_lists = lists[True] >= lists[False]


def _all_inline(node: Node) -> bool:
    return all(item.kind == "scalar" and item.style not in ("|", ">") for item in node.items)


def _majority(words: Counter[str], spellings: tuple[str, ...]) -> str:
    return max(spellings, key=lambda word: (words[word], -spellings.index(word)))


def _like(model: str, word: str) -> str:
    if model.isupper():
        return word.upper()
    return word.capitalize() if model[0].isupper() else word


def ambiguous(text: str) -> bool:
    """Whether some reader takes the plain text for something else than a string."""
    return (
        text.lower() in _WORDS
        or _NUMBER_LIKE.fullmatch(text) is not None
        or _DATE_LIKE.fullmatch(text) is not None
        or not isinstance(plain_value(text), str)
    )


def plain_safe(text: str, flow: bool) -> bool:
    """Whether a string may stand unquoted for every reader."""
    if not text or text != text.strip() or ambiguous(text):
        return False
    if not _SAFE.fullmatch(text) or text.startswith(("- ", "? ", "---", "...", "-", "=", "<<")):
        return False
    if flow and _FLOW_MARKS.search(text):
        return False
    return len(text) < 900 and (text.isascii() or text.isprintable())


def number(value: float) -> str:
    """A float with a dot and a signed exponent: every YAML reader sees a float."""
    if isnan(value):
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
        exponent = exponent if exponent[0] in "+-" else f"+{exponent}"
        return f"{mantissa}e{exponent}"
    return text


def quoted(text: str, quote: str) -> str:
    """A quoted string, in the wanted quotes unless only the others can say it."""
    printable = all(ch.isprintable() for ch in text) and "\ufeff" not in text
    if printable and (quote == "'" or ("\\" in text or '"' in text)):
        return "'" + text.replace("'", "''") + "'"
    out = ""
    for ch in text:
        if ch in _ESCAPES:
            out += _ESCAPES[ch]
        elif ch.isprintable() and ch != "\ufeff":
            out += ch
        else:
            code = ord(ch)
            out += (
                f"\\x{code:02x}"
                if code < 256
                else (f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")
            )
    return f'"{out}"'


def scalar(value: Any, style: Style, flow: bool = False, quote: str = "") -> str:
    """One scalar on one line; `quote` is the style of the scalar that it replaces.

    Raises:
        UsageError: YAML has no scalar for such a value.
    """
    if value is None:
        return style.null
    if isinstance(value, bool):
        return style.true if value else style.false
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return number(float(value))
    if isinstance(value, str):
        text = str(value)
        if quote in ("'", '"'):
            return quoted(text, quote)
        return text if plain_safe(text, flow) else quoted(text, style.quote)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise UsageError(f"a {type(value).__name__} cannot be written into a config")


def inline(value: Any, style: Style, quote: str = "", flow: bool = True) -> str:
    """A value on one line, collections in flow style."""
    if isinstance(value, dict):
        pairs = (f"{scalar(k, style, True)}: {inline(v, style)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(inline(item, style) for item in value) + "]"
    return scalar(value, style, flow, quote)


def is_inline(value: Any, style: Style) -> bool:
    """Whether a value is written on its key's line: a scalar, or a list as the file has them."""
    if isinstance(value, dict):
        return not value
    if isinstance(value, (list, tuple)):
        plain = not any(isinstance(item, (dict, list, tuple)) for item in value)
        return not value or (style.flow_lists and plain and len(inline(value, style)) < _SHORT_LIST)
    return True


def block(value: Any, style: Style, step: int, offset: int) -> Iterator[str]:
    """The lines of a non-empty collection in block style, from column 0.

    `step` is the indentation of a mapping in a mapping, `offset` that of a list in one.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            name = scalar(key, style)
            if is_inline(item, style):
                yield f"{name}: {inline(item, style, flow=False)}"
                continue
            yield f"{name}:"
            pad = " " * (step if isinstance(item, dict) else offset)
            yield from (pad + line for line in block(item, style, step, offset))
        return
    for item in value:
        if is_inline(item, style):
            yield f"- {inline(item, style, flow=False)}"
            continue
        lines = block(item, style, step, offset)
        yield f"- {next(lines)}"
        yield from (f"  {line}" for line in lines)


def json_text(value: Any, ascii_only: bool, indent: int | None = None) -> str:
    """A value as JSON, NaN and infinities as the json module writes them."""
    try:
        return json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    except TypeError as error:
        raise UsageError(f"it cannot be written into JSON: {error}") from error
