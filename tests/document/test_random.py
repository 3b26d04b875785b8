"""Random documents, random changes: the laws hold, or the change is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Document
from cfgmig.document.changes import Change, Insert
from cfgmig.document.receipt import apply
from cfgmig.document.verify import reference, same, verify_final
from cfgmig.errors import Refused

from .generate import Undefined, change, expect, json_text, paths, yaml_text

SEEDS = st.integers(0, 10**9)


def unordered(data: Any) -> Any:
    if isinstance(data, dict):
        pairs = sorted(data.items(), key=lambda pair: str(pair[0]))
        return {str(key): unordered(value) for key, value in pairs}
    return [unordered(item) for item in data] if isinstance(data, list) else data


def planned(rng: Random, data: Any, count: int) -> tuple[list[Change], Any]:
    changes: list[Change] = []
    for _ in range(count):
        wanted = change(rng, data)
        try:
            data = expect(data, wanted)
        except (Undefined, TypeError, KeyError, IndexError, StopIteration):
            continue
        changes.append(wanted)
    return changes, data


def hold(document: Document, changes: list[Change], expected: Any) -> bool:
    """Apply changes and check every law; False if they are refused."""
    refused = ""
    try:
        edited = document.edit(changes)
    except Refused as refusal:
        refused = refusal.kind
    assert refused != "verification-failed", (document.text, changes)
    if refused:
        return False
    after = edited.document
    assert same(unordered(after.data), unordered(expected)), (document.text, changes)
    assert apply(document.text, edited.edits) == after.text
    verify_final(document, after, after.data)
    if document.kind == "yaml":
        assert same(after.data, reference(after.text))
        old = Counter(comment.text for comment in document.comments())
        new = Counter(comment.text for comment in after.comments())
        written = sum(isinstance(one, Insert) and one.comment is not None for one in changes)
        assert sum((new - old).values()) <= written
        assert not any("===" in text for text in old - new if not _replaced(changes))
    kinds = {line[-2:] == "\r\n" for line in after.text.splitlines(keepends=True)[:-1]}
    assert len(kinds) <= 1
    return True


def _replaced(changes: list[Change]) -> bool:
    """Whether a whole section may have gone, with the titles inside of it."""
    return any(type(one).__name__ in ("Delete", "SetValue") for one in changes)


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_yaml(seed: int) -> None:
    rng = Random(seed)
    document = Document.parse(yaml_text(rng).encode(), "a.yaml")
    hold(document, *planned(rng, document.data, rng.choice([1, 1, 2, 5])))


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_json(seed: int) -> None:
    rng = Random(seed)
    document = Document.parse(json_text(rng), "a.json")
    hold(document, *planned(rng, document.data, rng.choice([1, 1, 2, 5])))


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_one_by_one_means_the_same(seed: int) -> None:
    rng = Random(seed)
    document = Document.parse(yaml_text(rng), "a.yaml")
    changes, _ = planned(rng, document.data, 4)
    try:
        together = document.edit(changes).document
        single = document
        for one in changes:
            single = single.edit([one]).document
    except Refused:
        return
    assert same(unordered(together.data), unordered(single.data))


def real(corpus: Path, seed: int, rounds: int) -> None:
    rng = Random(seed)
    done = total = 0
    for file in sorted([*corpus.glob("*/configs/*.y*ml"), *corpus.glob("hsmn/**/*.json")]):
        data = file.read_bytes()
        if rng.random() < 0.2:
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if rng.random() < 0.2:
            data = data.rstrip()
        try:
            document = Document.parse(data, file.name)
        except Refused:
            continue
        if not isinstance(document.data, dict) or not paths(document.data):
            continue
        for _ in range(rounds if len(data) < 20_000 else 1):
            changes, expected = planned(rng, document.data, rng.choice([1, 1, 3]))
            changes = [one for one in changes if _named(one)] if len(changes) == 1 else changes
            total += 1
            done += hold(document, changes, expected) if changes else 1
    assert done > total * 0.7


def _named(wanted: Change) -> bool:
    path = getattr(wanted, "source", None) or getattr(wanted, "path", ())
    return not isinstance(path[-1], int)


def test_real_files(corpus: Path) -> None:
    real(corpus, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_real_files_long(corpus: Path, seed: int) -> None:
    real(corpus, seed, 30)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many(block: int) -> None:
    for seed in range(block * 1000, block * 1000 + 1000):
        rng = Random(seed)
        document = Document.parse(yaml_text(rng), "a.yaml")
        hold(document, *planned(rng, document.data, rng.choice([1, 1, 2, 5])))
