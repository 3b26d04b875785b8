"""How the three readers of the field read a plain scalar, and a spelling they agree on.

PyYAML reads YAML 1.1; ruamel.yaml reads YAML 1.2 with a few 1.1 habits (underscores,
dates) and is what cfgmig validates; the YAML 1.2 core schema is what others follow.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Reading = tuple[str, object]
"""The kind (`str`, `bool`, `null`, `int`, `float`, `date`) and the value."""

# compiled when the first suspect turns up: most files have none
_TRUE = r"yes|Yes|YES|true|True|TRUE|on|On|ON"
_FALSE = r"no|No|NO|false|False|FALSE|off|Off|OFF"
_FLOAT_11 = r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
_INT_11 = r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)"
_BASE60 = r"[-+]?(?:[1-9][0-9_]*(?::[0-5]?[0-9])+|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)"
_FLOAT_CORE = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_INT_CORE = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:.*"
_NUMBER = (
    r"(?P<sign>[-+]?)(?P<whole>[0-9][0-9_]*)?(?:\.(?P<part>[0-9_]*))?"
    r"(?:(?P<e>[eE])(?P<esign>[-+]?)(?P<power>[0-9]+))?"
)
_DULL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*(?:[eE][-+][0-9]+)?)?")
_WORDS = frozenset(
    ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "="]
)
_DIGITS = frozenset("-+.0123456789")


class Readings(NamedTuple):
    """One spelling, read three times."""

    yaml11: Reading
    ruamel: Reading
    core: Reading

    @property
    def agree(self) -> bool:
        """Whether everybody reads the same."""
        return self.yaml11 == self.ruamel == self.core


def is_suspect(text: str) -> bool:
    """A quick look: most scalars are read alike by all."""
    if not text or text[0] not in _DIGITS:
        return text in _WORDS
    return not _DULL.fullmatch(text)


def read(text: str) -> Readings:
    """All three readings of a plain scalar on one line."""
    from cfgmig.document.scalars import plain_value

    value = plain_value(text)
    kind = {"NoneType": "null", "datetime": "date"}.get(type(value).__name__, type(value).__name__)
    shown = text if kind == "date" else repr(value) if kind == "float" else value
    return Readings(_yaml11(text), (kind, shown), _core(text))


def _special(text: str) -> Reading | None:
    """What the two schemas read alike."""
    if text in ("", "~", "null", "Null", "NULL"):
        return "null", None
    word = text.lower()
    if word == text or text in (word.upper(), word.title(), ".NaN", word[:1] + word[1:].title()):
        if word == ".nan":
            return "float", "nan"
        if word.lstrip("+-") == ".inf" and len(word) <= 5:
            return "float", "-inf" if word[0] == "-" else "inf"
    return None


def _yaml11(text: str) -> Reading:
    special = _special(text)
    if special is not None:
        return special
    if re.fullmatch(_TRUE, text) or re.fullmatch(_FALSE, text):
        return "bool", bool(re.fullmatch(_TRUE, text))
    digits = text.replace("_", "")
    if re.fullmatch(_FLOAT_11, text):
        return _float(digits)
    if re.fullmatch(_INT_11, text):
        return _octal_or_other(digits)
    if re.fullmatch(_BASE60, text):
        return _base60(digits)
    if text == "=":
        return "nothing", text
    return ("date" if re.fullmatch(_DATE, text) else "str"), text


def _core(text: str) -> Reading:
    special = _special(text)
    if special is not None:
        return special
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return "bool", text.lower() == "true"
    if re.fullmatch(_INT_CORE, text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return _int(text[2:] if base != 10 else text, base)
    return _float(text) if re.fullmatch(_FLOAT_CORE, text) else ("str", text)


def _int(digits: str, base: int) -> Reading:
    try:
        return "int", int(digits, base)
    except ValueError:  # thousands of digits
        return "str", digits


def _float(digits: str) -> Reading:
    return "float", repr(float(digits))


def _octal_or_other(digits: str) -> Reading:
    sign, plain = (digits[0], digits[1:]) if digits[0] in "+-" else ("", digits)
    for prefix, base in (("0b", 2), ("0x", 16), ("0", 8)):
        if plain.startswith(prefix) and plain != "0":
            return _int(sign + plain.removeprefix(prefix), base)
    return _int(digits, 10)


def _base60(digits: str) -> Reading:
    sign = -1 if digits[0] == "-" else 1
    parts = digits.lstrip("+-").split(":")
    if "." not in digits:
        total = 0
        for part in parts:
            total = total * 60 + int(part)
        return "int", sign * total
    number = 0.0
    for part in parts:
        number = number * 60 + float(part)
    return "float", repr(sign * number)


def respell(text: str) -> str | None:
    """A spelling with the same digits that all read as ruamel.yaml reads `text`."""
    wanted = read(text).ruamel
    if wanted[0] == "int":
        candidate = str(wanted[1])
    elif wanted[0] == "float":
        candidate = _dotted(text)
    else:
        candidate = ""
    return candidate if candidate and read(candidate) == Readings(wanted, wanted, wanted) else None


def _dotted(text: str) -> str:
    """A float with a dot and a signed exponent, which every reader takes for one."""
    found = re.fullmatch(_NUMBER, text.replace("_", ""))
    if found is None:
        return ""
    number = f"{found['sign']}{found['whole'] or '0'}.{found['part'] or '0'}"
    return f"{number}{found['e']}{found['esign'] or '+'}{found['power']}" if found["e"] else number
