"""Two keys for one thing: equal, alone, null, or a person decides."""

from __future__ import annotations

import pytest

from cfgmig.document import Document
from cfgmig.errors import LossyError, Refused, UsageError
from cfgmig.migration import Unite
from cfgmig.migration.on_data import apply
from cfgmig.migration.on_fields import unexplained
from cfgmig.migration.plan import make_plan
from cfgmig.migration.run import run
from cfgmig.migration.site import Site
from tests.migration.demo import chain, up_and_down

ASK = Unite("model.size", "model.width", meanings=("what was asked", "what was built"))
KEEP = Unite("model.size", "model.width", default="target", alone="target")


def test_a_conflict_stops_and_names_the_flag() -> None:
    text = "model:\n  size: 3\n  width: 8\n"
    with pytest.raises(Refused) as caught:
        run(Document.parse(text, "a.yaml"), make_plan(chain([ASK]), "1", "2"))
    said = str(caught.value)
    assert "a.yaml:2" in said
    assert "`model.size` is 3, but `model.width` is 8 (line 3)" in said
    assert "`--prefer size` (what was asked) or `--prefer width` (what was built)" in said


@pytest.mark.parametrize(("prefer", "stays"), [("size", 3), ("width", 8)])
def test_the_preferred_key_stays_and_both_come_back(prefer: str, stays: int) -> None:
    text = "model:\n  size: 3   # asked\n  width: 8   # built\n"
    graph = chain([ASK])
    plan, back = make_plan(graph, "1", "2"), make_plan(graph, "2", "1")
    up = run(Document.parse(text, "a.yaml"), plan, prefer=(prefer, "something_else"))
    assert up.document.data == {"model": {"width": stays}}
    assert [note.message for note in up.notes] == [
        f"`model.size` was 3 and `model.width` 8: {stays} stays"
    ]
    assert up.notes[0].line == 2
    assert run(up.document, back).document.text == text


def test_preferring_both_is_no_answer() -> None:
    with pytest.raises(Refused, match="--prefer"):
        apply([ASK], {"model": {"size": 3, "width": 8}}, site=Site(prefer=("size", "width")))


def test_a_default_decides_and_says_so() -> None:
    site = Site()
    after = apply([KEEP], {"model": {"size": 3, "width": 8}}, site=site)
    assert after == {"model": {"width": 8}}
    assert [one.message for one in site.told] == ["`model.size` was 3 and `model.width` 8: 8 stays"]


@pytest.mark.parametrize("step", [ASK, KEEP], ids=["ask", "keep"])
@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("model:\n  size: 3  # alone\n", 3),
        ("model:\n  width: 3  # alone\n", 3),
        ("model:\n  size: 3\n  width: 3  # the same\n", 3),
        ("model:\n  size: null\n  width: 3\n", 3),
        ("model:\n  size: 3\n  width: null\n", 3),
        ("model:\n  size: null\n", None),
        ("model:\n  depth: 1\n", "nothing"),
    ],
)
def test_without_a_conflict_nobody_is_asked(step: Unite, text: str, width: object) -> None:
    graph = chain([step])
    up, down = up_and_down(text, graph)
    assert Document.parse(up).data["model"].get("width", "nothing") == width
    assert down == text


def test_without_a_stash_a_conflict_is_a_loss() -> None:
    with pytest.raises(LossyError, match="would be lost"):
        apply([KEEP], {"model": {"size": 3, "width": 8}}, site=Site(stash=False))
    assert apply([KEEP], {"model": {"size": 8, "width": 8}}, site=Site(stash=False)) == {
        "model": {"width": 8}
    }


@pytest.mark.parametrize("step", [ASK, KEEP], ids=["ask", "keep"])
@pytest.mark.parametrize("key", ["size", "width"])
def test_without_a_stash_nothing_is_noted(step: Unite, key: str) -> None:
    site = Site(stash=False)
    assert apply([step], {"model": {key: 3}}, site=site) == {"model": {"width": 3}}
    assert site.kept == []


def test_the_way_back_of_a_new_file() -> None:
    data = {"model": {"width": 8}}
    assert apply([ASK.reverse()], data) == {"model": {"size": 8}}
    assert apply([KEEP.reverse()], data) == data
    assert apply([ASK.reverse()], {}) == {}


def test_a_key_is_not_united_with_itself() -> None:
    with pytest.raises(UsageError):
        Unite("a.b", "a.b")
    with pytest.raises(UsageError):
        Unite("a.*", "b.*")


def test_the_law() -> None:
    both = {"model.size": ("int", 1), "model.width": ("int | null", None)}
    assert unexplained([ASK], both, {"model.width": ("int", 8)}) == []
    assert unexplained([ASK], {"model.size": ("int", 1)}, {"model.width": ("int", 8)}) == []
    (found,) = unexplained([ASK], {"model.width": ("int", 8)}, {"model.width": ("int", 8)})
    assert found.path == "model.size"
