"""A value that follows from others: computed, clamped, and given back."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.errors import LossyError, UsageError
from cfgmig.migration import MISSING, Revise, Tell
from cfgmig.migration.on_data import apply
from cfgmig.migration.on_fields import unexplained
from cfgmig.migration.site import Site
from tests.migration.demo import chain, migrate, up_and_down


def _at_most(data: Any) -> Any:
    """At most ten times the depth; three times it where nothing is said."""
    said, depth = data.get("width"), data.get("depth")
    if depth is None:
        return MISSING
    return 3 * depth if said is None else min(said, 10 * depth)


STEP = Revise("width", _at_most, "The width follows the depth.")


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("depth: 2\nwidth: 99  # wide\n", 20),
        ("depth: 2\nwidth: 5\n", 5),
        ("depth: 2\nwidth: 6  # as computed, but said\n", 6),
        ("depth: 2\nwidth: null\n", 6),
        ("depth: 2\n", 6),
        ("width: 99\n", 99),
    ],
)
def test_up_and_down(text: str, width: int) -> None:
    up, down = up_and_down(text, chain([STEP]))
    assert Document.parse(up).data["width"] == width
    assert down == text
    up, down = up_and_down('{\n  "depth": 2,\n  "width": 99\n}\n', chain([STEP]), name="a.json")
    assert '"width": 20' in up
    assert down == '{\n  "depth": 2,\n  "width": 99\n}\n'


def test_a_note_tells_both_values_at_the_line() -> None:
    up = migrate("depth: 2\nwidth: 99\n", chain([STEP]))
    assert [(note.line, note.message) for note in up.notes] == [
        (2, "`width` was 99 and is 20: The width follows the depth.")
    ]


def test_an_edit_outlives_the_way_back() -> None:
    up = migrate("depth: 2\nwidth: 99\n", chain([STEP])).document
    edited = Document.parse(up.text.replace("width: 20", "width: 7"), "config.yaml")
    assert migrate(edited, chain([STEP]), "2>1").document.data == {"depth": 2, "width": 7}


def test_without_a_stash_it_is_a_loss() -> None:
    with pytest.raises(LossyError):
        apply([STEP], {"depth": 2, "width": 99}, site=Site(stash=False))
    site = Site(stash=False)
    assert apply([STEP], {"depth": 2, "width": 6}, site=site) == {"depth": 2, "width": 6}


def test_the_function_cannot_change_the_file() -> None:
    def meddle(data: Any) -> Any:
        data["depth"] = 0
        return MISSING

    assert apply([Revise("width", meddle, "Nothing.")], {"depth": 2}) == {"depth": 2}


def test_a_remark_changes_nothing_and_is_heard_where_it_applies() -> None:
    site = Site()
    assert apply([Tell("depth", "look here"), Tell("x", "not here")], {"depth": 2}, site=site) == {
        "depth": 2
    }
    assert [one.message for one in site.told] == ["look here"]
    up = migrate("a: 1\n\ndepth: 2\n", chain([Tell("depth", "look here")]))
    assert [(note.line, note.message) for note in up.notes] == [(3, "look here")]
    assert migrate(up.document, chain([Tell("depth", "look here")]), "2>1").notes == ()


def test_what_is_no_leaf_is_refused() -> None:
    with pytest.raises(UsageError):
        Revise("a.*", _at_most, "Every one.")
    with pytest.raises(UsageError):
        Revise("a", _at_most, " ")


def test_the_law() -> None:
    before, after = {"width": ("int | null", None)}, {"width": ("int", 8)}
    assert unexplained([STEP], before, after) == []
    assert unexplained([Tell("width", "look")], before, before) == []
    assert len(unexplained([Tell("width", "look")], before, after)) == 2
