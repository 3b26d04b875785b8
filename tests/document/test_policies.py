"""Bytes before, changes, bytes after: one row for each policy, and the notes that it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.document import Delete, Document, Insert, MoveTo, Rewrite, SetValue
from cfgmig.document.changes import Change


def path(text: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in text.split("."))


def move(source: str, target: str) -> Change:
    return MoveTo(path(source), path(target))


def put(at: str, value: Any, **more: Any) -> Change:
    return SetValue(path(at), value, **more)


def new(at: str, value: Any, **more: Any) -> Change:
    return Insert(path(at), value, **more)


def cut(at: str, prune: bool = True) -> Change:
    return Delete(path(at), prune)


SECTIONS = (
    "# header\n\none:\n  # about a\n  a: 1\n\n  # about b\n  b: 2  # two\n\n"
    "two:\n  c: 3\n\n  # about d\n  d: 4\n"
)
ROWS: list[tuple[str, str, list[Change], str]] = [
    ("rename", "a: 1  # x\nb: 2\n", [move("a", "long")], "long: 1  # x\nb: 2\n"),
    ("rename keeps quotes", '"a": 1\n', [move("a", "b")], '"b": 1\n'),
    ("rename in a list", "l:\n- a: 1\n  b: 2\n", [move("l.0.a", "l.0.z")],
     "l:\n- z: 1\n  b: 2\n"),
    ("rename keeps aligned values", "model_x:   1\nab:        2\ncdefg:     3\n",
     [move("ab", "abcd")], "model_x:   1\nabcd:      2\ncdefg:     3\n"),
    ("aligned comments stay aligned", "a: 1    # x\nbb: 2   # y\nc: 30   # z\n",
     [put("c", 5), move("a", "aaa")], "aaa: 1  # x\nbb: 2   # y\nc: 5    # z\n"),
    ("an equal value is not respelled", "a: 1e-4\nb: 'x'\n", [put("a", 0.0001), put("b", "x")],
     "a: 1e-4\nb: 'x'\n"),
    ("floats get dot and sign", "a: 1\n", [put("a", 1e-6)], "a: 1.0e-06\n"),
    ("the file's own words", "a: True\nb: ~\n", [new("c", False), new("d", None)],
     "a: True\nb: ~\nc: False\nd: ~\n"),
    ("the file's own quotes", "a: 'x'\n", [new("c", "yes"), new("d", "1e-4")],
     "a: 'x'\nc: 'yes'\nd: '1e-4'\n"),
    ("a spelling", "a: yes\n", [Rewrite(("a",), "true")], "a: true\n"),
    ("scalar to block", "a: 1  # x\nb: 2\n", [put("a", {"k": [{"m": 1}]})],
     "a:  # x\n  k:\n  - m: 1\nb: 2\n"),
    ("block to scalar", "a:  # x\n  b: 1  # y\nc: 2\n", [put("a", 5)], "a: 5  # x\nc: 2\n"),
    ("only what differs in a mapping", "a:\n  b: 1 # c1\n  c: 2 # c2\n",
     [put("a", {"b": 1, "c": 3, "d": 4})], "a:\n  b: 1 # c1\n  c: 3 # c2\n  d: 4\n"),
    ("lists as they are", "a:\n  - 1\n  - 2\n", [put("a", [1, 2, 3])], "a:\n  - 1\n  - 2\n  - 3\n"),
    ("flow stays flow", "{a: 1, b: 2}\n", [cut("a"), new("c", [1])], "{b: 2, c: [1]}\n"),
    ("flow, several lines", "a: [\n  1,  # one\n  2,  # two\n]\n", [cut("a.0"), new("a.1", 3)],
     "a: [\n  2,  # two\n  3,\n]\n"),
    ("empty values take keys", "a: {}\nb:\nc: null # x\n",
     [new("a.x", 1), new("b.y.z", 2), new("c.q", True)],
     "a:\n  x: 1\nb:\n  y:\n    z: 2\nc: # x\n  q: true\n"),
    ("delete drops one run of blank lines", SECTIONS, [cut("one.b")],
     SECTIONS.replace("\n  # about b\n  b: 2  # two\n", "")),
    ("owned comments move along", SECTIONS, [move("one.b", "two.b")],
     SECTIONS.replace("\n  # about b\n  b: 2  # two\n", "") + "\n  # about b\n  b: 2  # two\n"),
    ("emptied parents go", SECTIONS, [move("two.d", "one.d"), move("two.c", "one.c")],
     "# header\n\none:\n  # about a\n  a: 1\n\n  # about b\n  b: 2  # two\n\n"
     "  # about d\n  d: 4\n\n  c: 3\n"),
    ("without pruning", "a:\n  b: 1\nc: 2\n", [cut("a.b", False)], "a: {}\nc: 2\n"),
    ("everything gone", "# h\n\na: 1\n# t\n", [cut("a")], "# h\n\n{}\n# t\n"),
    ("a section title stays", "# Phase\na: 1\nb: 2\n\nc: 3\n", [cut("a")],
     "# Phase\nb: 2\n\nc: 3\n"),
    ("a banner stays", "x: 1\n\n# ======\n# Model\n# ======\nm: 1\n\ny: 2\n", [cut("m")],
     "x: 1\n\n# ======\n# Model\n# ======\n\ny: 2\n"),
    ("a header stays", "# about this file\na: 1\n\nb: 2\n", [cut("a")],
     "# about this file\n\nb: 2\n"),
    ("options are nobody's", "a: 1\n# b: 2\nc: 3\n", [cut("c")], "a: 1\n# b: 2\n"),
    ("a comment glued to the entry before", "a: 1\n# about b\nb: 2\nc: 3\n", [cut("b")],
     "a: 1\nc: 3\n"),
    ("the text after the last key stays", "a: 1\nb:\n  c: 2\n  # tail\n\n# more\n", [cut("b")],
     "a: 1\n  # tail\n\n# more\n"),
    ("deeper comments go with their mapping", "a:\n  b: 1\n  # inner\nc: 2\n", [cut("a")],
     "c: 2\n"),
    ("first key of an item", "l:\n  - a: 1\n    b: 2\n", [cut("l.0.a")], "l:\n  - b: 2\n"),
    ("first key above a comment", "l:\n  - a: 1\n    # about b\n    b: 2\n", [cut("l.0.a")],
     "l:\n  -\n    # about b\n    b: 2\n"),
    ("only key of an item", "l:\n  - a: 1\n", [cut("l.0.a")], "l:\n  - {}\n"),
    ("an item", "l:\n  - a: 1\n    b: 2\n  - c\n", [cut("l.0"), new("l.1", {"x": {"y": 1}})],
     "l:\n  - c\n  - x:\n      y: 1\n"),
    ("to a new section", "a:\n    b: 1\n    c: 2\n", [move("a.b", "n.m.b")],
     "a:\n    c: 2\nn:\n    m:\n        b: 1\n"),
    ("several to one new section", "a: 1\nb: 2\nc: 3\n", [move("a", "s.a"), move("c", "s.c")],
     "b: 2\ns:\n  a: 1\n  c: 3\n"),
    ("below its own key", "a: 1  # x\nb: 2\n", [move("a", "a.b")], "a:\n  b: 1  # x\nb: 2\n"),
    ("above its own key", "a:\n  b:\n    c: 1\nd: 2\n", [move("a.b", "a")], "a:\n  c: 1\nd: 2\n"),
    ("a block scalar moves", "a: |\n  x\n    y\n\nb: 1\n", [move("a", "s.t.a")],
     "b: 1\ns:\n  t:\n    a: |\n      x\n        y\n"),
    ("CRLF", "a: 1\r\nb: 2\r\n", [new("c", {"d": 1}), cut("a")], "b: 2\r\nc:\r\n  d: 1\r\n"),
    ("no final newline", "a: 1\nb: 2", [new("c", 3)], "a: 1\nb: 2\nc: 3"),
    ("no final newline, last goes", "a: 1\nb: 2", [cut("b")], "a: 1"),
    ("a block scalar at such an end", "a: |\n  x", [new("b", 1)], "a: |-\n  x\nb: 1"),
    ("a byte order mark", "\ufeffa: 1\n", [put("a", 2)], "\ufeffa: 2\n"),
    ("an empty file", "", [new("a.b", 1)], "a:\n  b: 1\n"),
    ("nothing but a comment", "# x\n", [new("a", 1)], "# x\na: 1\n"),
    ("document markers", "--- # x\na: 1\n...\n", [new("b", 2)], "--- # x\na: 1\nb: 2\n...\n"),
    ("tags travel", "a: !ref <x>\nb: 1\n", [move("a", "c.a")], "b: 1\nc:\n  a: !ref <x>\n"),
    ("an alias becomes a value", "a: &x 1\nb: *x\n", [put("b", 2)], "a: &x 1\nb: 2\n"),
    ("raw text", "a:\n    b: 1\n", [new("a.c", 2, raw="# why\nc:   2 # as it was\n")],
     "a:\n    b: 1\n    # why\n    c:   2 # as it was\n"),
    ("a comment comes along", "a: 1\n", [new("b", 2, comment="why\nso")],
     "a: 1\n# why\n# so\nb: 2\n"),
    ("there and back", SECTIONS, [move("one.b", "n.b"), move("n.b", "one.b")], SECTIONS),
]  # fmt: skip


@pytest.mark.parametrize(("before", "changes", "after"), [row[1:] for row in ROWS],
                         ids=[row[0] for row in ROWS])  # fmt: skip
def test_policy(before: str, changes: list[Change], after: str) -> None:
    document = Document.parse(before.encode(), "a.yaml")
    assert document.edit(changes).document.to_bytes().decode() == after
    untouched = document.edit([SetValue(at, node.value) for at, node in document.scalars() if at])
    assert untouched.document.to_bytes().decode() == before
    assert untouched.edits == ()


def test_schema_order_decides_the_place() -> None:
    document = Document.parse("# header\n\nmodel:\n  b: 1\n\ntrain:\n  z: 1\n", "a.yaml")
    order = {(): ("version", "model", "data", "train"), ("model",): ("a", "b", "c")}
    changes = [new("version", "x/1"), new("data.path", "p"), new("model.a", 1), new("model.c", 2)]
    assert document.edit(changes, lambda at: order.get(at, ())).document.text == (
        "# header\n\nversion: x/1\n\nmodel:\n  a: 1\n  b: 1\n  c: 2\n\n"
        "data:\n  path: p\n\ntrain:\n  z: 1\n"
    )


def test_what_is_kept_is_noted() -> None:
    edited = Document.parse("x: 1\n# === T ===\na: 1\n\nb: 2\n", "a.yaml").edit([cut("a")])
    assert [note.line for note in edited.notes] == [2]
    assert "kept" in edited.notes[0].message


SHARED = "base: &b\n  lr: 1\n  n: 2\nx:\n  <<: *b\n  m: 3\ny: *b\n"


def test_the_same_change_at_every_use_is_made_once() -> None:
    document = Document.parse(SHARED, "a.yaml")
    changes = [move(f"{at}.lr", f"{at}.rate") for at in ("x", "base", "y")]
    edited = document.edit([*changes, put("base.n", 3), put("x.n", 3), put("y.n", 3)])
    assert edited.document.text == SHARED.replace("lr: 1\n  n: 2", "rate: 1\n  n: 3")


def test_aligned_neighbours_do_not_disturb_what_follows() -> None:
    before = "a: &x {k: 1}\nb: 2\n"
    after = Document.parse(before, "a.yaml").edit([move("b", "c")]).document
    assert after.text == "a: &x {k: 1}\nc: 2\n"


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        (
            "model:  # why\n  lr: false\nz: 1\n",
            ("model", "lr"),
            ("model", "fresh", "deeper"),
            "model:  # why\n  fresh:\n    deeper: false\nz: 1\n",
        ),
        (
            "a:\n  b:\n    c: 1  # k\nz: 1\n",
            ("a", "b", "c"),
            ("a", "fresh", "c"),
            "a:\n  fresh:\n    c: 1  # k\nz: 1\n",
        ),
        ("a: {b: 1}\nz: 2\n", ("a", "b"), ("a", "c", "d"), "a: {c: {d: 1}}\nz: 2\n"),
    ],
)
def test_a_lone_key_moves_deeper_into_its_own_section(
    text: str, source: tuple[str, ...], target: tuple[str, ...], expected: str
) -> None:
    document = Document.parse(text)
    assert document.edit([MoveTo(source, target)]).document.text == expected
