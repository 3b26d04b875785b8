"""What comes down is what went up, to the byte: comments, blank lines and braces included."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Document
from cfgmig.errors import Refused
from cfgmig.migration import STASH, Add, Move, Regroup, Remove
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.plan import make_plan
from cfgmig.migration.run import Outcome, run

from .demo import chain, migrate
from .layouts import NAMES, Writer, way_up

SEEDS = st.integers(0, 10**9)
FLAT = """\
# Run of the week

name: a
# how wide
width: 8  # latent

# training
lr: 0.1
steps: 10
# nobody's
seed: 1
"""
SECTIONS = chain([Regroup({"width": "model.width", "lr": "train.lr", "steps": "train.steps"},
                          rest="other")])  # fmt: skip


def walk(document: Document, graph: RevisionGraph, way: list[str], order: Any) -> Outcome:
    """From version to version; each stop is a run of its own."""
    outcome = None
    for origin, goal in pairwise(way):
        plan = make_plan(graph, origin, goal)
        outcome = run(document, plan, order=lambda _version: lambda _path: order)
        document = outcome.document
    assert outcome is not None
    return outcome


def there_and_back(seed: int, spell: Any, name: str, each: bool = False) -> None:
    """One random config up and down: the same bytes, unless only blank lines differ."""
    rng = Random(seed)
    data = Document.parse(Writer(rng).text(), "a.yaml")
    text = spell(data)
    document = Document.parse(text, name)
    order = tuple(rng.sample(NAMES, len(NAMES))) if rng.random() < 0.5 else ()
    try:
        graph = way_up(rng, document.data)
        head = len(graph.revisions) + 1
        stops = [str(n) for n in range(1, head + 1)] if each else ["1", str(head)]
        up = walk(document, graph, stops, order)
    except Refused:
        return
    down = walk(up.document, graph, [str(head), "1"], order)
    if "stash" in up.document.text and not each:
        assert down.document.text == text
    else:  # blank lines alone are not worth a stash
        assert _filled(down.document.text) == _filled(text)


def _filled(text: str) -> list[str]:
    """The lines that are not blank, without those of a stash."""
    return [line for line in text.partition("# >>> cfgmig")[0].split("\n") if line.strip()]


@given(SEEDS)
@settings(max_examples=250, deadline=None)
def test_yaml_comes_back_to_the_byte(seed: int) -> None:
    there_and_back(seed, lambda one: one.text, "a.yaml")


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_other_line_ends_come_back(seed: int) -> None:
    there_and_back(seed, lambda one: one.text.replace("\n", "\r\n"), "a.yaml")
    there_and_back(seed, lambda one: one.text.removesuffix("\n"), "a.yaml")


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_json_comes_back_to_the_byte(seed: int) -> None:
    there_and_back(seed, lambda one: json.dumps(one.data, indent=Random(seed).choice([2, 4, None])),
                   "a.json")  # fmt: skip


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_what_went_up_in_several_runs_comes_down_in_one(seed: int) -> None:
    there_and_back(seed, lambda one: one.text, "a.yaml", each=True)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many(block: int) -> None:
    for seed in range(block * 1000, block * 1000 + 1000):
        there_and_back(seed, lambda one: one.text, "a.yaml", each=bool(seed % 2))


def test_the_difference_is_kept_as_a_patch() -> None:
    up = migrate(FLAT, SECTIONS).document
    stash = up.text[up.text.index("# >>> cfgmig stash") :].splitlines()
    assert "# [1 -> 2] * layout" in stash
    assert stash[stash.index("# [1 -> 2] * layout") + 1].startswith("#   @@ ")
    assert migrate(up, SECTIONS, "2>1").document.text == FLAT


def test_a_text_that_comes_back_by_itself_keeps_no_patch() -> None:
    graph = chain([Move("lr", "train.lr"), Remove("seed", STASH)])
    up = migrate("a: 1\nlr: 0.1  # fast\nseed: 1\n", graph).document
    assert "stash" in up.text
    assert "layout" not in up.text


def test_what_comes_from_a_newer_version_takes_nothing_along() -> None:
    flat = "\n".join(f"key{number}: {number}" for number in range(9)) + "\n"
    graph = chain([Regroup({"key3": "model.depth", "key5": "model.width"}, rest="other")])
    up = migrate(flat, graph).document
    down = migrate(up, graph, "2>1").document
    assert down.text == flat
    assert migrate(down, graph).document.text == up.text


def test_lines_that_changed_since_keep_their_layout() -> None:
    up = migrate(FLAT, SECTIONS).document
    body, mark, stash = up.text.partition("# >>> cfgmig stash")
    changed = body.replace("lr: 0.1", "lr: 0.2").replace("# nobody's", "# mine")
    assert changed.count("# mine") == 1
    down = migrate(changed + mark + stash, SECTIONS, "2>1")
    assert down.document.data == Document.parse(FLAT, "a.yaml").data | {"lr": 0.2}
    assert down.document.text.count("# mine") == 1
    assert "# nobody's" not in down.document.text
    assert any("keep their layout" in note.message for note in down.notes)
    assert all(1 <= note.line <= down.document.text.count("\n") for note in down.notes)


def test_a_patch_never_changes_what_a_file_says() -> None:
    up = migrate(FLAT, SECTIONS).document
    at = up.text.index("#   @@ ")
    broken = up.text[:at] + "#   @@ 1\n#    name: a\n#   +more: 1\n" + up.text[at:]
    down = migrate(broken, SECTIONS, "2>1").document
    assert down.data == Document.parse(FLAT, "a.yaml").data


@pytest.mark.parametrize("line", ["#   name: a", "#   @@ x", "#   ?"])
def test_a_broken_patch_is_named_by_its_line(line: str) -> None:
    up = migrate(FLAT, SECTIONS).document.text
    head = up.index("# [1 -> 2] * layout\n") + len("# [1 -> 2] * layout\n")
    with pytest.raises(Refused, match="the stash cannot be read") as caught:
        migrate(up[:head] + line + "\n" + up[head:], SECTIONS, "2>1")
    assert caught.value.line == up[:head].count("\n")


def test_a_flow_section_that_was_emptied_comes_back_in_braces() -> None:
    text = "model: {width: 8, depth: 2}  # small\nlr: 0.1\n"
    graph = chain([Move("model.width", "net.width"), Move("model.depth", "net.depth")])
    up = migrate(text, graph).document
    assert up.data == {"lr": 0.1, "net": {"width": 8, "depth": 2}}
    assert migrate(up, graph, "2>1").document.text == text


def test_a_piece_of_a_flow_section_comes_back_into_a_block() -> None:
    text = "lr: 0.1\nmodel: {\n    width: 8,\n    depth: 2\n  }\n"
    graph = chain([Remove("model.width", STASH), Move("model.depth", "net.deep.depth")])
    up = migrate(text, graph).document
    assert up.data == {"lr": 0.1, "net": {"deep": {"depth": 2}}}
    assert migrate(up, graph, "2>1").document.text == text


def test_without_a_stash_there_is_no_patch() -> None:
    graph = chain([Move("model.width", "width"), Add("model.depth", 2)])
    up = migrate("# a\nmodel:\n  # b\n  width: 8\n\n  c: 1\n", graph, stash=False).document
    assert "stash" not in up.text


def test_a_section_that_only_passed_by_is_not_taken_for_a_key_of_its_name() -> None:
    text = "loss: 7\nseed: 1\n"
    words = [Remove("loss", STASH), Move("seed", "loss.beta"), Move("loss.beta", "loss_2")]
    graph = chain(words)
    up = migrate(text, graph).document
    assert up.data == {"loss_2": 1}
    assert migrate(up, graph, "2>1").document.text == text
