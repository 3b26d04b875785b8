"""What makes an edit trustworthy: predicted tree, comments, line ends, an independent reader."""

from __future__ import annotations

from collections import Counter
from math import isnan
from typing import TYPE_CHECKING, Any

from cfgmig.document.draft import Draft
from cfgmig.document.node import UNSET, Node, wanted
from cfgmig.errors import Refused

if TYPE_CHECKING:
    from cfgmig.document.document import Document


class Mismatch(Exception):  # turned into a refusal, or into a smaller attempt
    """The new text is not what was predicted."""


def same(first: Any, second: Any) -> bool:
    """Equality that sees types and the order of keys; NaN equals itself."""
    kind = type(first)
    if kind is type(second) and (kind is str or kind is int):
        return bool(first == second)
    if isinstance(first, dict):
        return (
            isinstance(second, dict)
            and len(first) == len(second)
            and all(
                same(a, b) and same(first[a], second[b]) for a, b in zip(first, second, strict=True)
            )
        )
    if isinstance(first, (list, tuple)):
        return (
            isinstance(second, (list, tuple))
            and len(first) == len(second)
            and all(same(a, b) for a, b in zip(first, second, strict=True))
        )
    if isinstance(first, bool) or isinstance(second, bool) or first is None or second is None:
        return first is second
    if isinstance(first, float) and isinstance(second, float):
        return first == second or (isnan(first) and isnan(second))
    if isinstance(first, int) != isinstance(second, int):
        return False
    return bool(first == second) and isinstance(first, str) == isinstance(second, str)


class Comparison:
    """Walks the predicted tree and the re-read one side by side.

    Raises:
        Mismatch: at the first difference.
    """

    def __init__(self, draft: Draft, name: str) -> None:
        self.draft = draft
        self.name = name
        self.twins: dict[Node, Node] = {}

    def compare(self, expected: Node, found: Node) -> None:
        """Compare two nodes and all below."""
        if expected.anchor is not None and expected.kind != "alias":
            self.twins[expected] = found
        structural = expected.kind in ("mapping", "sequence") and (
            not expected.synthetic
            or expected in self.draft.entries_of
            or expected in self.draft.items_of
        )
        if expected.synthetic and not structural:
            self._value(expected, found)
        elif expected.kind != found.kind:
            raise Mismatch(f"a {expected.kind} became a {found.kind}")
        elif (expected.tag, expected.anchor) != (found.tag, found.anchor):
            raise Mismatch(f"tag or anchor changed at {expected!r}")
        elif expected.kind == "mapping":
            self._mapping(expected, found)
        elif expected.kind == "sequence":
            self._sequence(expected, found)
        elif expected.kind == "alias":
            if self.twins.get(expected.target or expected, found.target) is not found.target:
                raise Mismatch(f"alias *{expected.anchor} stands for something else")
        else:
            self._scalar(expected, found)

    def _mapping(self, expected: Node, found: Node) -> None:
        entries = self.draft.entries(expected)
        self._shape(expected, found, len(entries), len(found.entries))
        for old, new in zip(entries, found.entries, strict=True):
            key, other = old.key, new.key
            if key is not other and not _untouched(key, other):
                self.compare(key, other)
            value, other = old.value, new.value
            if not _untouched(value, other):
                self.compare(value, other)

    def _sequence(self, expected: Node, found: Node) -> None:
        items = self.draft.items(expected)
        self._shape(expected, found, len(items), len(found.items))
        for old, new in zip(items, found.items, strict=True):
            self.compare(old, new)

    def _shape(self, expected: Node, found: Node, count: int, got: int) -> None:
        if expected.style != found.style:
            raise Mismatch(f"a {expected.style} {expected.kind} became a {found.style} one")
        if count != got:
            raise Mismatch(f"a {expected.kind} of {count} became one of {got}")

    def _scalar(self, expected: Node, found: Node) -> None:
        if expected.style != found.style or expected.content != found.content:
            raise Mismatch(f"{expected.raw!r} reads differently now")
        if expected.raw != found.raw and "\n" not in expected.raw:
            raise Mismatch(f"{expected.raw!r} is spelled {found.raw!r}")

    def _value(self, expected: Node, found: Node) -> None:
        value = wanted(expected)
        if value is UNSET and not expected.raw:
            return
        if expected.anchor != found.anchor and expected.kind != "alias":
            raise Mismatch("an anchor was lost")
        if expected.raw:
            if found.raw != expected.raw:
                raise Mismatch(f"{expected.raw!r} is not one scalar")
            return
        from cfgmig.document.scalars import construct

        if not same(value, construct(found, self.name, self.draft.json)):
            raise Mismatch(f"{value!r} reads differently")


def _untouched(expected: Node, found: Node) -> bool:
    """Whether both are plainly the same scalar; most are, so this looks before `compare` does."""
    return (
        expected.kind == "scalar" == found.kind
        and expected.start >= 0
        and expected.raw == found.raw
        and expected.content == found.content
        and expected.style == found.style
        and expected.tag is None is found.tag
        and expected.anchor is None is found.anchor
    )


def check(draft: Draft, before: Document, after: Document) -> None:
    """Compare what an edit made of a document with what it had to.

    Raises:
        Mismatch: it is something else.
    """
    if after.root is None:
        raise Mismatch("nothing is left")
    Comparison(draft, after.name).compare(draft.root, after.root)
    if not after.root.synthetic and max(before.count, 1) != after.count:
        raise Mismatch("the number of documents changed")
    if not draft.json:
        _check_comments(draft, before, after)
    _check_line_ends(before.text, after.text, draft.gained)


def _check_comments(draft: Draft, before: Document, after: Document) -> None:
    had = [before.text[at:end].rstrip() for at, end in before.comment_spans()]
    got = [after.text[at:end].rstrip() for at, end in after.comment_spans()]
    if had == got and not draft.added and not draft.dropped:
        return
    old, new = Counter(had), Counter(got)
    old.update(text.rstrip() for text in draft.added)
    old.subtract(text.rstrip() for text in draft.dropped)
    if +old != new or any(count < 0 for count in old.values()):
        changed = [text for text in {**old, **new} if old[text] != new[text]]
        raise Mismatch(f"comments changed: {changed[:3]}")


def _check_line_ends(before: str, after: str, gained: bool) -> None:
    if before and after and (before.endswith("\n") or gained) != after.endswith("\n"):
        raise Mismatch("the final line end changed")
    for text, other in ((before, after),):
        pairs, lines = text.count("\r\n"), text.count("\n")
        if lines and other.count("\r\n") and not pairs:
            raise Mismatch("a new kind of line end")
        if pairs and pairs == lines and other.count("\r\n") != other.count("\n"):
            raise Mismatch("a new kind of line end")


def verify_final(before: Document, after: Document, expected: Any) -> None:
    """Have an independent parser read what was written.

    A small reader of the common subset of YAML answers first, if the text is in its subset and
    it agrees; else ruamel.yaml's pure safe loader decides. For JSON, the json module; for
    TOML, tomllib.

    Raises:
        Refused: kind "verification-failed": it does not read as `expected`, types and the order
            of keys included.
    """
    if after.bom != before.bom:
        raise _failed(after, "the byte order mark changed")
    if after.kind == "json":
        import json

        found = json.loads(after.text)
    elif after.kind == "toml":
        import tomllib

        found = tomllib.loads(after.text)
    else:
        from cfgmig.document import subset_reader

        found = subset_reader.read(after.text)
        if found is not subset_reader.DECLINED and same(expected, found):
            return
        found = reference(after.text)
    if not same(expected, found):
        raise _failed(after, f"an independent parser reads {_difference(expected, found, '')}")


def _failed(document: Document, message: str) -> Refused:
    return Refused(
        f"the result is not what was meant: {message}; nothing was changed",
        kind="verification-failed", file=document.name,
        help="please report this file: it is a defect of cfgmig",
    )  # fmt: skip


def _difference(expected: Any, found: Any, path: str) -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        if list(expected) != list(found):
            return f"other keys at {path or 'the top'}: {list(found)}"
        for key in expected:
            if not same(expected[key], found[key]):
                return _difference(expected[key], found[key], f"{path}.{key}".strip("."))
    return f"{found!r} where {expected!r} was meant ({path or 'the whole file'})"


def reference(text: str) -> Any:
    """What ruamel.yaml's pure safe loader reads; an application's own tags read as their content.

    Raises:
        Refused: it does not read it.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.error import YAMLError

    class Lenient(SafeConstructor):
        """Reads the content of values with unknown tags."""

    def content(constructor: Any, node: Any) -> Any:
        if hasattr(node.value, "startswith"):
            return node.value
        node.tag = None
        if node.id == "mapping":
            return constructor.construct_mapping(node, deep=True)
        return constructor.construct_sequence(node, deep=True)

    Lenient.add_constructor(None, content)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Lenient
    try:
        return next(iter(yaml.load_all(text)), None)
    except (YAMLError, ValueError) as error:
        message = " ".join(str(error).split())
        raise Refused(
            f"ruamel.yaml cannot read the result: {message}", kind="verification-failed"
        ) from error
