"""Edits compose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgmig.document import Edit
from cfgmig.document.receipt import apply, compose


@st.composite
def edits(draw: st.DrawFn, text: str) -> list[Edit]:
    marks = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(marks[::2], marks[1::2], strict=False))
    found: list[Edit] = []
    for start, end in pairs:
        if found and found[-1].end == start and start == end:
            continue
        found.append(Edit(start, end, draw(st.text("xyz\n", max_size=3)), f"w{start}"))
    return found


@given(st.data(), st.text("abc\n", max_size=20))
def test_composition_is_doing_one_after_the_other(data: st.DataObject, text: str) -> None:
    first = data.draw(edits(text))
    middle = apply(text, first)
    second = data.draw(edits(middle))
    last = apply(middle, second)
    assert apply(text, compose(first, second)) == last
    third = data.draw(edits(last))
    assert apply(text, compose(compose(first, second), third)) == apply(last, third)


def test_reasons_are_kept() -> None:
    both = compose([Edit(0, 1, "b", "one")], [Edit(0, 1, "c", "two")])
    assert both == (Edit(0, 1, "c", "two"),)


def test_overlapping_edits_are_no_receipt() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply("abc", [Edit(0, 2, "", ""), Edit(1, 3, "", "")])
