"""Random TOML files and random words: up and down again, nothing is lost."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Document
from cfgmig.errors import Refused, UsageError
from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    Default,
    Move,
    Not,
    Operation,
    Remove,
    Scale,
    Values,
)
from cfgmig.migration.on_data import apply
from cfgmig.migration.site import Site
from cfgmig.migration.values import same_content
from cfgmig.paths import format_path, get
from tests.document.generate import paths
from tests.document.toml_generate import document
from tests.migration.demo import chain, migrate
from tests.migration.test_toml import said


def word_for(rng: Random, data: Any) -> Operation | None:
    """A word that says something about data."""
    known = [path for path in paths(data) if all(isinstance(one, str) for one in path)]
    if not known:
        return None
    path = rng.choice(known)
    value, name = get(data, path), format_path(path)
    free = format_path(rng.choice([("new",), ("fresh", "deep"), (*path[:-1], "new")]))
    words = [Remove(name, STASH), Move(name, free), Move(name, free), Default(free, 0.5)]
    words.append(Add(free, rng.choice([1, "x", [1, 2], {"a": 1, "b": {"c": 2}}])))
    if isinstance(value, bool):
        words.append(Convert(name, Not()))
    elif isinstance(value, int | float):
        words.append(Convert(name, Scale(rng.choice([0.01, 62, 3]))))
    elif isinstance(value, str):
        words.append(Convert(name, Values({value: "x", "other": "y"})))
    return rng.choice(words)


def plan_for(rng: Random, data: Any) -> tuple[list[list[Operation]], Any]:
    """Operations of one or two steps, and what they make of plain data."""
    configs: list[list[Operation]] = []
    site = Site()
    for number in range(1, rng.randint(2, 3)):
        site.origin, site.goal = str(number), str(number + 1)
        configs.append([])
        for _ in range(rng.randint(1, 3)):
            try:
                word = word_for(rng, data)
                data = data if word is None else apply([word], data, site=site)
            except (Refused, UsageError):
                continue
            configs[-1] += [] if word is None else [word]
    return configs, data


def emptied(value: Any) -> bool:
    """Whether an empty table is in it: such a one does not survive that something moves there."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == {} or any(map(emptied, inner))


@given(st.integers(0, 10**9))
@settings(max_examples=80, deadline=None)
def test_a_random_file_up_and_down(seed: int) -> None:
    rng = Random(seed)
    text = document(rng)[0].replace("\t", " ")
    before = Document.parse(text.encode(), "a.toml")
    if emptied(before.data):
        return
    configs, expected = plan_for(rng, before.data)
    graph = chain(*configs)
    try:
        up = migrate(before, graph, name="a.toml").document
        down = migrate(up, graph, f"{len(configs) + 1}>1", name="a.toml").document
    except Refused:
        return
    assert same_content(up.data, expected)
    assert same_content(down.data, before.data)
    assert sorted(c.text for c in down.comments()) == sorted(c.text for c in before.comments())
    assert said(down.text) == said(before.text)
