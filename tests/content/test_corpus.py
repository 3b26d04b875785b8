"""Real configs to the head and back: valid, nothing but meaning in the diff, no trace left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.migration import Grade
from cfgmig.migration.effect import Changed, Dropped, Moved
from cfgmig.migration.run import Outcome
from cfgmig.migration.trace import origin
from tests.content.test_detection import expected
from tests.content.tools import data, errors, head, migrate, parse, plan, without_stash

OPEN = {
    # No file of the manifold types ever said a radius or where its checkpoints go.
    "frequency_optimal": {("loss.radial", "missing"), ("checkpoints.save_dir", "missing")},
    # The foundation names its checkpoints by a template, but no folder.
    "v5_12_5_foundation": {("checkpoints", "missing")},
}
"""What remains to be written by hand in the head's terms, and why."""


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[Path]:
    return sorted((corpus / "ternary_vae" / "configs").glob("*.yaml"))


@pytest.fixture(scope="module")
def upgraded(files: list[Path]) -> dict[str, Outcome]:
    return {
        file.stem: migrate(parse(file.read_bytes(), file.name), expected(file), head())
        for file in files
    }


def test_every_file_is_valid_as_what_it_is(files: list[Path]) -> None:
    for file in files:
        assert errors(parse(file.read_bytes(), file.name), expected(file)) == [], file.name


def test_the_head_accepts_every_upgraded_file(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        assert set(errors(outcome.document, head())) == OPEN.get(name, set()), name


def test_every_version_on_the_way_accepts_the_file(files: list[Path]) -> None:
    for file in files:
        document = parse(file.read_bytes(), file.name)
        for step in plan(expected(file), head()).steps:
            document = migrate(document, step.origin, step.goal).document
            assert set(errors(document, step.goal)) == OPEN.get(file.stem, set()), (
                file.name,
                step.goal,
            )


def test_a_second_run_changes_nothing(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        again = migrate(parse(outcome.document.to_bytes(), name), head(), head())
        assert not again.changed, name


def test_step_by_step_gives_the_same_file(files: list[Path], upgraded: dict[str, Outcome]) -> None:
    for file in files:
        document = parse(file.read_bytes(), file.name)
        for step in plan(expected(file), head()).steps:
            document = migrate(document, step.origin, step.goal).document
        assert data(document) == data(upgraded[file.stem].document), file.name


def test_the_way_back_gives_the_same_data(files: list[Path], upgraded: dict[str, Outcome]) -> None:
    for file in files:
        version = expected(file)
        before = parse(file.read_bytes(), file.name)
        there = parse(upgraded[file.stem].document.to_bytes(), file.name)
        back = migrate(there, head(), version, stamp=False).document
        assert data(back) == before.data, file.name
        if plan(version, head()).grade is Grade.EXACT:
            after = migrate(before, version, head(), stamp=False).document
            assert migrate(after, head(), version, stamp=False).document.text == before.text


def test_no_comment_is_lost(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        after = outcome.document.text
        lost = {one.text for one in outcome.before.comments() if one.text.strip("# ") not in after}
        assert lost == set(), name


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    else:
        yield path, value


def _line(document: Document, path: tuple[Any, ...]) -> str:
    return document.text.splitlines()[document.position(path).line - 1].strip()


def _key(line: str) -> str:
    """A line without its comment's column, which follows its neighbours'."""
    return " ".join(line.split())


def test_the_diff_shows_nothing_but_what_was_done(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        before, after = outcome.before, outcome.document
        changed = {one.path for one in outcome.effects if isinstance(one, Changed)}
        seen = set()
        for path, _ in _leaves(data(after)):
            old = origin(outcome.effects, path)
            if old is None:
                continue
            seen.add(old)
            if path in changed:
                continue
            if old[-1] == path[-1]:
                assert _key(_line(after, path)) == _key(_line(before, old)), (name, path)
        gone = {path for path, _ in _leaves(before.data)} - seen
        taken = [one.path for one in outcome.effects if isinstance(one, Dropped)]
        moved = [one.source for one in outcome.effects if isinstance(one, Moved)]
        for path in gone:
            assert any(path[: len(one)] == one for one in [*taken, *moved]) or any(
                one[-1] == path[-1] for one in taken
            ), (name, path)


def test_the_diff_adds_no_line_without_an_operation(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        old = {_key(line) for line in outcome.before.text.splitlines()}
        new = [line for line in without_stash(outcome.document.text).splitlines() if line.strip()]
        words = " ".join(outcome.log) + " schema_version"
        for line in new:
            key = line.strip().partition(":")[0].strip('"')
            assert _key(line) in old or key in words, (name, line)
