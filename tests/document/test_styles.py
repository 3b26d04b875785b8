"""What goes between blocks and braces: nothing is lost, and a piece finds its place in either."""

from __future__ import annotations

import pytest

from cfgmig.document import Cut, Delete, Document, MoveTo, Restore


def document(text: str) -> Document:
    return Document.parse(text, "a.yaml")


def test_comments_stay_where_their_key_went_into_braces() -> None:
    text = "a: {b: 1}\n# of c\nc: 2  # noted\nd: 3\n"
    done = document(text).edit([MoveTo(("c",), ("a", "c"))])
    assert done.document.text == "a: {b: 1, c: 2}\n# of c\n# noted\nd: 3\n"
    assert [note.line for note in done.notes] == [2, 3]
    assert all("went into braces" in note.message for note in done.notes)


def test_comments_stay_at_their_column() -> None:
    text = "a: {b: 1}\ns:\n  # of c\n  c: 2\n  d: 3\n"
    done = document(text).edit([MoveTo(("s", "c"), ("a", "c"))])
    assert done.document.text == "a: {b: 1, c: 2}\ns:\n  # of c\n  d: 3\n"


def test_a_key_without_comments_leaves_nothing() -> None:
    done = document("a: {b: 1}\nc: 2\nd: 3\n").edit([MoveTo(("c",), ("a", "c"))])
    assert done.document.text == "a: {b: 1, c: 2}\nd: 3\n"
    assert done.notes == ()


def test_comments_inside_of_a_value_go_along_and_stay_nowhere() -> None:
    text = "a: {b: 1}\n# of c\nc: [1,  # one\n  2]  # noted\nd: 3\n"
    done = document(text).edit([MoveTo(("c",), ("a", "c"))])
    assert done.document.text == "a: {b: 1, c: [1,  # one\n  2]}\n# of c\n# noted\nd: 3\n"
    assert [note.line for note in done.notes] == [3, 4]


FLOW = "a: {b: 1, c: 2}\n"
LINES = "a: {\n    b: 1,\n    c: 2\n  }\n"
BLOCK = "a:\n  b: 1\n  c: 2\n"
DASH = "l:\n- b: 1\n  c: 2\n"


@pytest.mark.parametrize("origin", [FLOW, LINES, BLOCK])
@pytest.mark.parametrize("goal", [FLOW, LINES, BLOCK])
@pytest.mark.parametrize("name", ["b", "c"])
def test_a_piece_goes_back_into_either_style(origin: str, goal: str, name: str) -> None:
    path = ("a", name)
    cut = Cut.from_dict(document(origin).cut(path).to_dict())
    short = document(goal).edit([Delete(path)]).document
    back = short.edit([Restore(cut)]).document
    assert back.data == {"a": {"b": 1, "c": 2}}
    if origin == goal:
        assert back.text == goal


def test_a_piece_beside_a_dash_goes_back_into_braces() -> None:
    cut = document(DASH).cut(("l", 0, "b"))
    back = document("l:\n- {c: 2}\n").edit([Restore(cut)]).document
    assert back.data == {"l": [{"b": 1, "c": 2}]}
