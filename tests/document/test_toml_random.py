"""Random TOML documents and changes: the laws hold, or the change is refused."""

from __future__ import annotations

import tomllib
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Delete, Document, Insert, MoveTo, SetValue
from cfgmig.document.changes import Change, Cut, Restore
from cfgmig.document.receipt import apply
from cfgmig.document.verify import verify_final
from cfgmig.errors import Refused
from tests.document.generate import Undefined, change, expect, paths
from tests.document.toml_generate import document

SEEDS = st.integers(0, 10**9)
BITS = [
    '"', "'", '"""', "'''", "#", "\n", "=", ".", "[", "]", "[[", "]]", "{", "}", ",", "\\",
    "\\u0041", "\t", " ", "1", "a", "-", "0x", "1e5", "inf", "2024-01-01", "\r\n", "é", "\x7f",
]  # fmt: skip


def alike(left: Any, right: Any) -> bool:
    """Equal in type and value; the order of keys means nothing."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(alike(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(alike, left, right))
    return repr(left) == repr(right)


def has_null(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(has_null, inner))


def planned(rng: Random, data: Any, count: int) -> tuple[list[Change], Any]:
    """Changes, and what a model of plain dicts and lists makes of the data."""
    changes: list[Change] = []
    for _ in range(count):
        wanted = change(rng, data)
        try:
            expected = expect(data, wanted)
        except (Undefined, TypeError, KeyError, IndexError, StopIteration):
            continue
        source = getattr(wanted, "source", ())
        if not has_null(getattr(wanted, "value", 0)) and not isinstance((*source, "")[-2:][0], int):
            changes.append(wanted)
            data = expected
    return changes, data


def hold(before: Document, changes: list[Change], expected: Any) -> bool:
    """Apply changes and check every law; False if they are refused."""
    refused: Refused | None = None
    try:
        edited = before.edit(changes)
    except Refused as problem:
        refused = problem
    if refused is not None:
        assert refused.kind in ("unsupported-shape", "key-collision", "not-found")
        assert refused.line
        return False
    after = edited.document
    assert alike(tomllib.loads(after.text), expected)
    assert alike(after.data, expected)
    assert apply(before.text, edited.edits) == after.text
    verify_final(before, after, after.data)
    old = Counter(comment.text for comment in before.comments())
    new = Counter(comment.text for comment in after.comments())
    written = sum(isinstance(one, Insert) and one.comment is not None for one in changes)
    assert sum((new - old).values()) <= written
    if not any(isinstance(one, Delete | SetValue) for one in changes):
        assert not old - new
    if before.text and after.text:
        assert before.text.endswith("\n") == after.text.endswith("\n")
    return True


def parsed(seed: int) -> tuple[Random, Document]:
    rng = Random(seed)
    text, data = document(rng)
    found = Document.parse(text.encode(), "a.toml")
    assert alike(found.data, data)
    return rng, found


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_changes(seed: int) -> None:
    rng, before = parsed(seed)
    hold(before, *planned(rng, before.data, rng.choice([1, 1, 2, 5])))


def test_most_changes_are_not_refused() -> None:
    done = total = 0
    for seed in range(300):
        rng, before = parsed(seed)
        done += hold(before, *planned(rng, before.data, 1))
        total += 1
    assert done > total * 0.9


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_what_is_cut_can_be_put_back(seed: int) -> None:
    rng, before = parsed(seed)
    path = rng.choice(paths(before.data))
    try:
        cut = Cut.from_dict(before.cut(path).to_dict())
    except Refused:
        return
    back = before.edit([Delete(path)]).document.edit([Restore(cut)]).document
    assert alike(back.data, before.data)
    assert sorted(c.text for c in back.comments()) == sorted(c.text for c in before.comments())


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_a_table_that_moves_leaves_every_other_byte(seed: int) -> None:
    rng, before = parsed(seed)
    tables = [
        block for block in before.blocks[1:] if not any(isinstance(x, int) for x in block.path)
    ]
    if not tables:
        return
    path = rng.choice(tables).path
    try:
        edited = before.edit([MoveTo(path, ("somewhere", "else"))])
    except Refused:
        return
    heads = [one for one in edited.edits if "somewhere" in one.text]
    assert heads
    back = edited.document.edit([MoveTo(("somewhere", "else"), path)]).document
    assert alike(back.data, before.data)


@given(SEEDS)
@settings(max_examples=200, deadline=None)
def test_damaged_texts_are_read_as_tomllib_reads_them(seed: int) -> None:
    rng = Random(seed)
    text = document(rng)[0].lstrip("\ufeff")
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(text) + 1)
        other = rng.randrange(len(text) + 1)
        text = rng.choice([
            text[:at] + rng.choice(BITS) + text[at:],
            text[:at] + text[at + rng.randrange(1, 6) :],
            text[:at] + text[other : other + 20] + text[at:],
            text[:at],
        ])  # fmt: skip
    try:
        wanted = tomllib.loads(text)
    except ValueError:
        with pytest.raises(Refused) as caught:
            Document.parse(text, "a.toml")
        assert caught.value.line
        return
    assert alike(Document.parse(text, "a.toml").data, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many(block: int) -> None:
    for seed in range(block * 1000, block * 1000 + 1000):
        rng, before = parsed(seed)
        hold(before, *planned(rng, before.data, rng.choice([1, 1, 2, 5])))
