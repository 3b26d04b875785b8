"""Our own configs of every version and dialect: their upgrades were read by people."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.errors import Refused
from tests.content_hsmn.tools import (
    GOLDEN,
    data,
    errors,
    family,
    golden,
    head,
    migrate,
    parse,
    read,
    version_of,
)

FILES = golden()
ROUGH = {"flat-v1--notes"}
"""Flat YAML whose comments and blank lines come back in other places."""


def test_there_is_one_for_each_version_and_dialect() -> None:
    assert {version_of(file) for file in FILES} == set(family().names)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_up(file: Path) -> None:
    before = read(file)
    assert errors(before, version_of(file)) == []
    after = migrate(before, version_of(file), head()).document
    assert after.to_bytes() == file.with_name(f"{file.stem}.head{file.suffix}").read_bytes()
    assert errors(after, head()) == []


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_down(file: Path) -> None:
    before, version = read(file), version_of(file)
    up = migrate(before, version, head(), stamp=False).document
    down = migrate(parse(up.to_bytes(), file.name), head(), version, stamp=False).document
    assert data(down) == data(before)
    if file.stem in ROUGH:
        comments = [one.text for one in before.comments()]
        assert sorted(one.text for one in down.comments()) == sorted(comments)
    else:
        assert down.to_bytes() == file.read_bytes()
    again = migrate(parse(down.to_bytes(), file.name), version, head(), stamp=False)
    assert data(again.document) == data(up)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_step_by_step_gives_the_same(file: Path) -> None:
    from tests.content_hsmn.tools import plan

    document = read(file)
    for step in plan(version_of(file), head()).steps:
        document = migrate(document, step.origin, step.goal).document
    whole = migrate(read(file), version_of(file), head()).document
    assert data(document) == data(whole)


@pytest.mark.parametrize("word", ["context_window", "sequence_length"])
def test_the_two_ends_of_a_conflict(word: str) -> None:
    folder = GOLDEN.parent / "conflicts"
    file = folder / "flat-v6.json"
    with pytest.raises(Refused, match="`sequence_length` is 16384, but `context_window` is 4096"):
        migrate(read(file), "flat-v6", head())
    up = migrate(read(file), "flat-v6", head(), prefer=(word,)).document
    assert up.to_bytes() == (folder / f"flat-v6.{word}.json").read_bytes()
    down = migrate(up, head(), "flat-v6", stamp=False).document
    assert data(down) == data(read(file))
    assert list(data(down)) == list(data(read(file)))


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_no_comment_is_lost(file: Path) -> None:
    before = read(file)
    after = migrate(before, version_of(file), head()).document.text
    own = before.text.partition("# >>> cfgmig stash")[0].count("\n")
    comments = [one.text for one in before.comments() if one.line <= own]
    assert [text for text in comments if text.strip("# ") not in after] == []


def test_the_golden_trial_of_v2() -> None:
    file = next(one for one in FILES if one.stem == "flat-v2")
    before = read(file).data
    assert (before["hd_dim"], before["hidden_dim"], before["vocab_size"]) == (896, 1232, 8000)
    steps = {}
    document = read(file)
    for origin, goal in (("flat-v2", "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "5")):
        document = migrate(document, origin, goal).document
        steps[goal] = data(document)
    assert steps["2"]["model"]["adapter"]["hd_dim"] == 1232
    assert steps["3"]["tokenizer"]["target_vocab_size"] == 8000
    assert steps["3"]["data"]["hd"]["sample_length"] == 512
    assert steps["4"]["model"]["context_window"] == 1048576
    assert set(steps["4"]["model"]["hd_dims"].values()) == {1232}
    assert steps["5"]["tokenizer"]["active_vocab_size"] == 8000
    assert steps["5"]["tokenizer"]["total_vocab_size"] == 300000
    assert "embedding_dim" not in steps["5"]["model"]
    notes = migrate(read(file), "flat-v2", head()).notes
    assert any("was 896 and is 1232" in note.message for note in notes)
