"""The typed reading: YAML 1.2 core as ruamel.yaml's safe pure loader has it."""

from __future__ import annotations

import re
from typing import Any

from cfgmig.document.node import Node
from cfgmig.errors import Refused

_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_FIRST = frozenset("-+.0123456789")
_FLOAT = re.compile(
    r"""(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))""",
    re.X,
)
_INT = re.compile(r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+")
_DATE = re.compile(
    r"""(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})
    (?:(?:[Tt]|[ \t]+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})
    (?:\.(?P<fraction>[0-9]*))?
    (?:[ \t]*(?P<tz>Z|(?P<sign>[-+])(?P<tz_hour>[0-9]{1,2})(?::(?P<tz_minute>[0-9]{2}))?))?)?""",
    re.X,
)
_DATE_SHAPE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_SHORT_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CORE = "tag:yaml.org,2002:"


def plain_value(text: str) -> Any:
    """What a plain scalar reads as."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _FLOAT.fullmatch(text):
        return _as_float(text)
    if _INT.fullmatch(text):
        return _as_int(text)
    if _DATE_SHAPE.match(text):
        return _as_date(text)
    return text


def _as_int(text: str) -> Any:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    try:
        for prefix, base in (("0b", 2), ("0x", 16), ("0o", 8)):
            if digits.startswith(prefix):
                return sign * int(digits[2:], base)
        return sign * int(digits)
    except ValueError:  # nothing but underscores, or thousands of digits: no reader has a number
        return text


def _as_float(text: str) -> Any:
    word = text.replace("_", "").lower()
    if word.endswith(".inf"):
        return float("-inf") if word[0] == "-" else float("inf")
    if word == ".nan":
        return float("nan")
    try:
        return float(word)
    except ValueError:
        return text


def _as_date(text: str) -> Any:
    found = _DATE.fullmatch(text)
    if found is None or (found["hour"] is None and not _SHORT_DATE.fullmatch(text)):
        return text
    import datetime

    part = {name: int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute")}
    try:
        if found["hour"] is None:
            return datetime.date(part["year"], part["month"], part["day"])
        moment = datetime.datetime(
            part["year"], part["month"], part["day"], part["hour"], part["minute"],
            int(found["second"]),
        )  # fmt: skip
        return _as_datetime(found, moment)
    except ValueError:
        return text


def _as_datetime(found: re.Match[str], moment: Any) -> Any:
    import datetime

    fraction = found["fraction"] or ""
    micro = int(fraction[:6].ljust(6, "0")) + (len(fraction) > 6 and int(fraction[6]) > 4)
    zone = None
    if found["sign"]:
        delta = datetime.timedelta(
            hours=int(found["tz_hour"]), minutes=int(found["tz_minute"] or 0)
        )
        zone = datetime.timezone(-delta if found["sign"] == "-" else delta, name=found["tz"])
    elif found["tz"] == "Z":
        zone = datetime.timezone(datetime.timedelta(0), name="Z")
    if micro > 999999:
        return moment.replace(tzinfo=zone) + datetime.timedelta(seconds=1)
    return moment.replace(microsecond=micro, tzinfo=zone)


def resolve(node: Node) -> Any:
    """The typed value of a scalar node; an application's own tag reads as its text."""
    tag = node.tag
    if tag is None:
        return node.content if node.style else plain_value(node.content)
    if not tag.startswith(CORE):
        return node.content
    return _tagged(tag[len(CORE) :], node)


def _tagged(kind: str, node: Node) -> Any:
    text = node.content
    if kind == "null":
        return None
    if kind == "bool":
        words = {"yes": True, "no": False, "y": True, "n": False, "true": True, "false": False,
                 "on": True, "off": False}  # fmt: skip
        return words.get(text.lower(), text)
    if kind == "int":
        return _as_int(text) if text.strip("+-_") else text
    if kind == "float":
        return _as_float(text) if text else text
    if kind == "timestamp":
        return _as_date(text)
    if kind == "binary":
        import base64

        try:
            return base64.decodebytes(text.encode("ascii"))
        except ValueError:
            return text
    return text


def resolve_key(key: Node) -> Any:
    """A hashable stand-in for a key, equal for keys that read the same."""
    if key.kind == "alias" and key.target is not None:
        key = key.target
    if key.kind == "scalar":
        if key.content == "<<" and not key.style:
            return ("<<",)
        return key.value
    if key.kind == "sequence":
        return (list, tuple(resolve_key(item) for item in key.items))
    return (dict, tuple((resolve_key(e.key), resolve_key(e.value)) for e in key.entries))


def is_merge(key: Node) -> bool:
    """Whether a key is the merge key `<<`."""
    if key.kind != "scalar" or key.content != "<<":
        return False
    return key.tag == CORE + "merge" if key.tag else not key.style


def construct(root: Node, name: str = "<text>", json: bool = False) -> Any:
    """The typed data of a tree: aliases share one object, merge keys are applied.

    Raises:
        Refused: a mapping or sequence is used as a key, or `<<` merges what is no mapping.
    """
    return _Constructor(name, json).build(root)


class _Constructor:
    def __init__(self, name: str, json: bool) -> None:
        self.name = name
        self.json = json
        self.shared: dict[int, Any] = {}

    def build(self, node: Node) -> Any:
        kind = node.kind
        if kind == "scalar":
            return node.value
        if kind == "alias" and node.target is not None:
            node = node.target
            known = self.shared.get(id(node), self)
            return node.value if node.kind == "scalar" else known
        value: Any
        if node.kind == "sequence":
            value = [self.build(item) for item in node.items]
        else:
            value = self.mapping(node)
        value = self.tagged(node, value) if node.tag else value
        if node.anchor is not None:
            self.shared[id(node)] = value
        return value

    def tagged(self, node: Node, value: Any) -> Any:
        kind = (node.tag or "").removeprefix(CORE)
        if node.kind == "mapping" and kind == "set":
            return set(value)
        if node.kind == "sequence" and kind in ("omap", "pairs"):
            pairs = [pair for item in value if isinstance(item, dict) for pair in item.items()]
            return dict(pairs) if kind == "omap" else pairs
        return value

    def mapping(self, node: Node) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        if not self.json:
            for entry in node.entries:
                if entry.key.content == "<<" and is_merge(entry.key):
                    for pairs in self.merged(entry.value):
                        out.update(pairs)
        build = self.build
        for entry in node.entries:
            key = entry.key
            if key.kind == "scalar":
                if key.content == "<<" and not self.json and is_merge(key):
                    continue
                out[key.value] = build(entry.value)
            else:
                out[self.key(key)] = build(entry.value)
        return out

    def key(self, key: Node) -> Any:
        value = self.build(key)
        value = tuple(value) if isinstance(value, list) else value
        try:
            hash(value)
        except TypeError:
            raise Refused(
                "a mapping is used as a key", kind="unsupported-shape", file=self.name
            ) from None
        return value

    def merged(self, node: Node) -> list[dict[Any, Any]]:
        target = node.target if node.kind == "alias" else node
        if target is not None and target.kind == "mapping":
            value = self.build(node)
            return [value if isinstance(value, dict) else {}]
        if target is not None and target.kind == "sequence":
            return [pairs for item in reversed(target.items) for pairs in self.merged(item)]
        raise Refused("`<<` merges something that is no mapping", kind="not-yaml", file=self.name)
