from __future__ import annotations

import pytest

from cfgmig.errors import UsageError
from cfgmig.migration import (
    IRREVERSIBLE,
    MISSING,
    STASH,
    Add,
    Convert,
    CopyOf,
    Custom,
    Default,
    Grade,
    Move,
    Not,
    Operation,
    Remove,
    Scale,
    Values,
)
from cfgmig.migration.operations import Blocked

WORDS = [
    Move("width", "model.width"),
    Move("phases.*.name", "stages.*.title", optional=True),
    Add("model.depth", 2),
    Add("model.depth", None, implicit=True),
    Add("model.extra", {"a": [1, {"b": None}]}),
    Add("seed", STASH, optional=True),
    Add("old_width", CopyOf("model.width")),
    Remove("seed", STASH),
    Remove("seed", 42, implicit=True),
    Remove("hidden", CopyOf("width"), optional=True),
    Default("lr", 0.1),
    Default("lr", 0.1, new=0.01),
    Convert("target", Scale(0.01)),
    Convert("frozen", Not(), optional=True),
    Convert("kind", Values({"a": "b"})),
    Custom("Two keys become one.", lambda data: [], lambda data: []),
]


@pytest.mark.parametrize("word", WORDS, ids=repr)
def test_a_word_is_described_and_its_own_double_reverse(word: Operation) -> None:
    assert word.reverse().reverse() == word
    assert word.describe().endswith(".")
    assert word.reverse().describe().endswith(".")
    assert word.paths or isinstance(word, Custom)
    assert isinstance(word.grade, Grade)


def test_reversals() -> None:
    assert Move("a", "b.c").reverse() == Move("b.c", "a")
    assert Add("a", 1).reverse() == Remove("a", 1)
    assert Add("a", 1, implicit=True).reverse() == Remove("a", 1, implicit=True)
    assert Remove("a", STASH, optional=True).reverse() == Add("a", STASH, optional=True)
    assert Default("a", 1, new=2).reverse() == Default("a", 2, new=1)
    assert Default("a", 1).reverse() == Default("a", MISSING, new=1)
    gone = Remove("a", IRREVERSIBLE)
    assert gone.reverse() == Blocked(gone)


@pytest.mark.parametrize(
    ("word", "grade"),
    [
        (Move("a", "b"), Grade.EXACT),
        (Add("a", 1), Grade.EXACT),
        (Default("a", 1), Grade.SAME_MEANING),
        (Remove("a", STASH), Grade.GUARDED),
        (Remove("a", 1), Grade.GUARDED),
        (Remove("a", IRREVERSIBLE), Grade.IRREVERSIBLE),
        (Remove("a", IRREVERSIBLE).reverse(), Grade.IRREVERSIBLE),
        (Convert("a", Scale(2)), Grade.EXACT),
        (Custom("x", lambda data: [], IRREVERSIBLE), Grade.IRREVERSIBLE),
    ],
    ids=repr,
)
def test_grades(word: Operation, grade: Grade) -> None:
    assert word.grade is grade
    assert word.grade.words


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Move("a..b", "c"), "not a path: 'a..b'"),
        (lambda: Move("", "c"), "the path is empty"),
        (lambda: Move("a.*", "b"), "a.* has 1 stars and b has 0"),
        (lambda: Move("a", "a"), "a is where it is"),
        (lambda: Move("a", "a.b"), "hold one another"),
        (lambda: Add("a.*", 1), "ends in a star"),
        (lambda: Add("a", MISSING), "needs a value"),
        (lambda: Add("a", object()), "cannot hold a object"),
        (lambda: Add("a", STASH, implicit=True), "cannot be implicit"),
        (lambda: Add("a", CopyOf("a")), "copy of itself"),
        (lambda: Add("a", CopyOf("b.*")), "stars"),
        (lambda: Remove("a", MISSING), "needs restore="),
        (lambda: Remove("a.*", 1), "ends in a star"),
        (lambda: Default("a", STASH), "needs a value"),
        (lambda: Default("a", MISSING), "needs the old default"),
        (lambda: Convert("a", 3), "needs a codec"),
        (lambda: CopyOf("a."), "not a path"),
        (lambda: Custom(" ", lambda data: [], IRREVERSIBLE), "needs a summary"),
        (lambda: Custom("x", lambda data: [], STASH), "down is a function"),
        (lambda: Values({}), "at least one pair"),
        (lambda: Values({1: 2}, others="drop"), "others is"),
        (lambda: Scale(0), "no way back"),
        (lambda: Scale("2"), "needs a number"),
    ],
)
def test_nonsense_is_refused_when_it_is_written(build: object, says: str) -> None:
    with pytest.raises(UsageError) as refusal:
        build()  # type: ignore[operator]
    assert says in refusal.value.message


def test_the_words_are_exported() -> None:
    from cfgmig import migration

    for name in migration.__all__:
        assert getattr(migration, name) is not None
    with pytest.raises(AttributeError):
        migration.Rename  # noqa: B018
