"""A flat file gets sections, and every key finds its way back."""

from __future__ import annotations

import json

import pytest

from cfgmig.errors import Refused, UsageError
from cfgmig.migration import Add, Regroup
from cfgmig.migration.on_data import apply, sorted_keys
from cfgmig.migration.on_fields import unexplained
from cfgmig.migration.trace import destination
from cfgmig.paths import parse_path
from tests.migration.demo import chain, migrate, up_and_down

TABLE = {"width": "model.width", "steps": "train.steps", "budget": "train.budget", "seed": "seed"}
STEP = Regroup(TABLE, rest="extra")
ORDER = {"": ("width", "depth", "steps", "budget", "seed", "model", "train", "extra")}


def test_keys_go_to_their_places_and_all_others_to_the_rest() -> None:
    data = {"depth": 3, "width": 8, "odd": [1], "seed": 1}
    after = apply([STEP], data)
    assert after == {"seed": 1, "model": {"width": 8}, "extra": {"depth": 3, "odd": [1]}}
    assert list(after["extra"]) == ["depth", "odd"]


def test_without_a_rest_other_keys_stay() -> None:
    assert apply([Regroup(TABLE)], {"odd": 1, "steps": 2}) == {"odd": 1, "train": {"steps": 2}}


@pytest.mark.parametrize("data", [{}, {"seed": 1}, {"extra": 5}, {"train": 1, "depth": 2}])
def test_data_comes_back(data: dict[str, object]) -> None:
    assert apply([STEP.reverse()], apply([STEP], data)) == data


def test_a_key_that_is_called_like_a_section_makes_room_for_it() -> None:
    table = {"model": "info.name", "width": "model.width"}
    data = {"width": 8, "model": "small", "odd": 1}
    after = apply([Regroup(table, rest="extra")], data)
    assert after == {"info": {"name": "small"}, "model": {"width": 8}, "extra": {"odd": 1}}
    assert apply([Regroup(table, rest="extra").reverse()], after) == data


@pytest.mark.parametrize(
    "keys",
    [
        ["width", "depth", "steps", "budget", "seed"],
        ["seed", "steps", "odd", "width", "budget", "strange"],
        ["strange", "odd", "budget", "width", "depth"],
    ],
)
def test_json_comes_back_to_the_byte(keys: list[str]) -> None:
    text = json.dumps({key: index for index, key in enumerate(keys)}, indent=2) + "\n"
    up, down = up_and_down(text, chain([STEP]), order=ORDER, name="config.json")
    assert up != text
    assert down == text


def test_json_with_sections_comes_back_from_flat_to_the_byte() -> None:
    text = '{\n  "model": {\n    "width": 8\n  },\n  "extra": {\n    "b": 1,\n    "a": 2\n  }\n}\n'
    flat = migrate(text, chain([STEP]), "2>1", order=ORDER, name="config.json").document
    assert flat.data["a"] == 2
    assert migrate(flat, chain([STEP]), order=ORDER).document.text == text


def test_comments_travel_with_their_keys() -> None:
    text = "# about the file\n\nodd: 1  # odd\n# how wide\nwidth: 8\ndepth: 3  # deep\n"
    up = migrate(text, chain([STEP]), order=ORDER).document.text
    assert "  # how wide\n  width: 8\n" in up
    assert "  odd: 1  # odd\n  depth: 3  # deep\n" in up
    assert up.startswith("# about the file\n")


def test_a_crowd_is_told_once() -> None:
    text = "".join(f"key_{n}: {n}\n" for n in range(40))
    (line,) = migrate(text, chain([STEP])).log
    assert "40 keys moved to `extra`" in line
    assert len(line) < 300


def test_a_taken_place_is_refused() -> None:
    with pytest.raises(Refused, match="which is there too"):
        apply([Regroup(TABLE)], {"width": 1, "model": {"width": 2}})
    with pytest.raises(Refused, match="has no place"):
        apply([STEP], {"odd": 1, "extra": 5})


def test_two_keys_cannot_share_a_place() -> None:
    with pytest.raises(UsageError, match=r"two keys go to a\.b"):
        Regroup({"x": "a.b", "y": "a.b"})
    with pytest.raises(UsageError, match="names no place"):
        Regroup({"x": "a.*"})
    with pytest.raises(UsageError, match="x cannot move below itself"):
        Regroup({"x": "x.y"})


def test_the_law_knows_every_key() -> None:
    before = {"width": ("int", 8), "odd": ("any", None), "seed": ("int", 1)}
    after = {"model": ("section", {}), "model.width": ("int", 8), "seed": ("int", 1)}
    after["extra"] = ("dict[str, any]", {})
    table = {"width": "model.width", "seed": "seed"}
    assert unexplained([Regroup(table, rest="extra")], before, after) == []
    found = unexplained([Regroup(table)], before, after)
    assert {one.path for one in found} == {"odd", "extra"}
    missing = unexplained([Regroup({**table, "gone": "model.gone"}, rest="extra")], before, after)
    assert [one.path for one in missing] == ["gone"]


def test_one_key_of_an_open_section_may_go() -> None:
    from cfgmig.migration import STASH, Remove

    rows = {"extra": ("dict[str, int]", {}), "extra.*": ("int", None)}
    assert unexplained([Remove("extra.old", STASH, optional=True)], rows, rows) == []


def test_where_a_flat_key_went_is_known() -> None:
    from cfgmig.migration.plan import make_plan

    plan = make_plan(chain([STEP], [Add("note", 1)]), "1", "3")
    assert destination(plan, ("width",)) == (parse_path("model.width"), "2")
    assert destination(plan, ("odd",)) == (parse_path("extra.odd"), "2")
    assert destination(plan, ("seed",)) is None


def test_as_many_keys_as_possible_keep_the_order_of_the_schema() -> None:
    assert sorted_keys(("b", "x", "a", "c", "d"), ("a", "b", "c", "d")) in (
        frozenset("bcd"),
        frozenset("acd"),
    )
    assert sorted_keys((), ("a",)) == frozenset()
    assert sorted_keys(("x",), ("a",)) == frozenset()
