"""Text from files, made fit to be printed."""

from __future__ import annotations

_LONGEST = 300
# Bidirectional controls can make a name read as another one.
_HIDDEN = frozenset("\u200b\u200e\u200f\u2028\u2029\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def is_plain(text: str) -> bool:
    """Whether every character of `text` shows itself when printed."""
    return text.isprintable() and (text.isascii() or _HIDDEN.isdisjoint(text))


def escape(text: str) -> str:
    """`text` on one line, with control and invisible characters written as escapes."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "..."
    if is_plain(text):
        return text
    return "".join(
        char if char.isprintable() and char not in _HIDDEN else _escaped(char) for char in text
    )


def quote(text: str) -> str:
    """`escape(text)` between single quotes."""
    return f"'{escape(text)}'"


def _escaped(char: str) -> str:
    code = ord(char)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if short:
        return short
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
