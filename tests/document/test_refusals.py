"""What is refused, with its kind and its place; nothing is ever approximated."""

from __future__ import annotations

import pytest

from cfgmig.document import Delete, Document, Insert, MoveTo, SetValue
from cfgmig.document.changes import Change
from cfgmig.errors import Refused

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
UNREADABLE: list[tuple[str | bytes, str, int | None]] = [
    ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3),
    ("1: a\n0x1: b\n", "duplicate-key", 2),
    ("a: {b: 1, 'b': 2}\n", "duplicate-key", 1),
    ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n", "duplicate-key", 4),
    ("a: 1\n".encode("utf-16"), "encoding", 1),
    ("a: 1\n".encode("utf-32"), "encoding", 1),
    ("a: 1\nbbbb: 2\n".encode("utf-16-le"), "encoding", 1),
    (b"a: 1\nb: \xff\n", "encoding", 2),
    ("a: 1\nb: x\0y\n", "encoding", 2),
    ("a: \x01\n", "encoding", 1),
    ("a: 1\rb: 2\n", "encoding", 1),
    ("a: 1 # x\x85b: 2\n", "encoding", 1),
    ("a: 1\u2028b: 2\n", "encoding", 1),
    ("a: \ud800\n", "encoding", None),
    ("a:\n\tb: 1\n", "not-yaml", 2),
    ("a: [1\nb: 2\n", "not-yaml", 2),
    ("a: *b\n", "not-yaml", 1),
    ("a: &a [*a]\n", "alias-bomb", 1),
    (BOMB, "alias-bomb", 10),
    ("[" * 100_000, "too-deep", 1),
    ("".join(" " * i + "a:\n" for i in range(300)), "too-deep", 201),
]


@pytest.mark.parametrize(("text", "kind", "line"), UNREADABLE)
def test_unreadable(text: str | bytes, kind: str, line: int | None) -> None:
    with pytest.raises(Refused) as caught:
        Document.parse(text, "a.yaml")
    assert (caught.value.kind, caught.value.line, caught.value.file) == (kind, line, "a.yaml")


def test_the_byte_that_is_no_utf8_is_named() -> None:
    with pytest.raises(Refused, match=r"byte 8 \(0xff\)"):
        Document.parse(b"a: 1\nb: \xff\n", "a.yaml")


SHARED = "base: &b\n  lr: 1\nx:\n  <<: *b\n  m: 3\ny: *b\n"
EDITS: list[tuple[str, Change, str, int | None]] = [
    (SHARED, SetValue(("base", "lr"), 5), "shared-node", 1),
    (SHARED, SetValue(("y", "lr"), 5), "shared-node", 6),
    (SHARED, SetValue(("x", "lr"), 5), "shared-node", 2),
    (SHARED, Insert(("x", "lr"), 5), "shared-node", 2),
    (SHARED, Delete(("x", "lr")), "shared-node", 2),
    (SHARED, Delete(("base",)), "shared-node", 1),
    (SHARED, MoveTo(("base",), ("z", "base")), "shared-node", None),
    ("a: 1\n---\nb: 1\n", SetValue(("a",), 2), "unsupported-shape", 1),
    ("a: 1\n", SetValue(("b", "c"), 2), "not-found", 1),
    ("a: 1\n", Delete(("b",)), "not-found", 1),
    ("a: 1\n", MoveTo(("b",), ("c",)), "not-found", 1),
    ("a: 1\n", Insert(("a",), 2), "key-collision", 1),
    ("a: 1\n", Insert(("a", "c"), 2), "key-collision", 1),
    ("a: 1\nb: 2\n", MoveTo(("a",), ("b",)), "key-collision", 2),
    ("1: x\na: 2\n", MoveTo(("a",), ("1",)), "key-collision", 1),
    ("a: [1]\n", Insert(("a", 5), 2), "not-found", 1),
    ("? a\n: 1\nb: 2\n", Delete(("a",)), "unsupported-shape", 1),
    ("? a\n: 1\nb: 2\n", MoveTo(("a",), ("b", "a")), "key-collision", 3),
    ("a: [b: 1]\n", Delete(("a", 0, "b")), "unsupported-shape", 1),
    ("b:\n  # why\n  c:\n    d: 1\na: {x: 1}\n", MoveTo(("b", "c"), ("a", "c")),
     "unsupported-shape", 4),
    ("a: 1\n", SetValue((), 1), "unsupported-shape", 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "change", "kind", "line"), EDITS)
def test_edit(text: str, change: Change, kind: str, line: int | None) -> None:
    document = Document.parse(text, "a.yaml")
    with pytest.raises(Refused) as caught:
        document.edit([change])
    assert (caught.value.kind, caught.value.line) == (kind, line)
    assert caught.value.file == "a.yaml"


def test_a_refused_change_undoes_the_ones_before() -> None:
    document = Document.parse("a: 1\n", "a.yaml")
    with pytest.raises(Refused):
        document.edit([SetValue(("a",), 2), Delete(("b",))])
    assert document.text == "a: 1\n"
    assert document.data == {"a": 1}
