"""What must hold for every word and every plan, on generated data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    CopyOf,
    Default,
    Grade,
    Move,
    Not,
    Operation,
    Remove,
    Scale,
    Values,
)
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.on_data import apply, apply_plan
from cfgmig.migration.plan import make_plan
from cfgmig.migration.revision import Revision
from cfgmig.migration.site import Site
from cfgmig.migration.values import equal, same_content
from cfgmig.paths import find, format_path, get, has

NAMES = ["lr", "seed", "width", "model", "loss", "steps"]
LEAF = st.one_of(
    st.integers(-9, 999), st.booleans(), st.sampled_from([0.1, 2.5, 99.7]),
    st.sampled_from(["adam", "sgd", "runs/a"]), st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip
SECTION = st.dictionaries(st.sampled_from(NAMES), LEAF, min_size=1, max_size=4)
DATA = st.dictionaries(st.sampled_from(NAMES), LEAF | SECTION, min_size=1, max_size=5)


def leaves(data: Any) -> list[str]:
    paths = [*find(data, ("*",)), *find(data, ("*", "*"))]
    return [format_path(p) for p in paths if all(isinstance(s, str) for s in p)]


@st.composite
def words(draw: st.DrawFn, data: Any) -> Operation:
    """An operation that fits `data`, and says something about it."""
    there = draw(st.sampled_from(leaves(data)))
    path = tuple(there.split("."))
    value = get(data, path)
    choices: list[Operation] = [Remove(there, STASH), Remove(there, value), Remove(there, 5)]
    for free in ("new", "fresh.deep", f"{path[0]}_2", "model.fresh.deeper"):
        if not _is_free(data, tuple(free.split(".")), path):
            continue
        choices += [
            Move(there, free),
            Add(free, draw(LEAF)),
            Add(free, draw(SECTION)),
            Add(free, 1, implicit=True),
            Add(free, CopyOf(there)),
            Default(free, draw(LEAF)),
            Default(free, 1, new=2),
        ]
    if isinstance(value, bool):
        choices.append(Convert(there, Not()))
    elif isinstance(value, int | float):
        choices.append(Convert(there, Scale(draw(st.sampled_from([0.01, 62, 3])))))
    elif isinstance(value, str):
        choices.append(Convert(there, Values({value: "x", "other": "x"})))
        choices.append(Convert(there, Values({value: "x", "other": "y"})))
    return draw(st.sampled_from(choices))


def _is_free(data: Any, path: tuple[str, ...], source: tuple[str, ...]) -> bool:
    above = [path[:depth] for depth in range(1, len(path))]
    return (
        not has(data, path)
        and source not in above
        and (len(source) == 1 or source[:-1] not in above)
        and all(not has(data, one) or isinstance(get(data, one), dict) for one in above)
    )


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_word_and_its_reverse_leave_no_trace(draws: st.DataObject) -> None:
    data = draws.draw(DATA)
    word = draws.draw(words(data))
    site = Site()
    changed = apply([word], data, site=site)
    assert same_content(apply([word.reverse()], changed, site=site), data)
    assert site.kept == []
    if word.grade is Grade.EXACT:
        # Without a stash a whole number may come back as a float of the same value.
        blank = Site(stash=False)
        there = apply([word], data, site=blank)
        assert equal(apply([word.reverse()], there, site=blank), data)
    assert word.describe()


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_plan_up_and_down_and_up_again(draws: st.DataObject) -> None:
    data = draws.draw(DATA)
    revisions, now, site = [], data, Site()
    for number in range(1, 4):
        site.origin, site.goal = str(number), str(number + 1)
        config: list[Operation] = []
        for _ in range(draws.draw(st.integers(0, 3))):
            if not leaves(now):
                break
            config.append(draws.draw(words(now)))
            now = apply(config[-1:], now, site=site)
        path = Path(f"{number:04}_x.py")
        revisions.append(
            Revision(str(number + 1), str(number), "Something.", tuple(config), [], path)
        )
    graph = RevisionGraph("demo", revisions)
    up, down = make_plan(graph, "1", "4"), make_plan(graph, "4", "1")
    site = Site()
    upper = apply_plan(up, data, site=site)
    assert same_content(upper, now)
    kept = [(one.origin, one.path, one.value) for one in site.kept]
    assert same_content(apply_plan(down, upper, site=site), data)
    assert site.kept == []
    assert same_content(apply_plan(up, data, site=site), upper)
    assert [(one.origin, one.path, one.value) for one in site.kept] == kept
    assert not make_plan(graph, "4", "4")
