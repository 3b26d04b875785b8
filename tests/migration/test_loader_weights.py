"""Revision and adaptation files that say something wrong about weights: file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.errors import UsageError
from cfgmig.migration import EXACT, Move, preserving
from cfgmig.migration.loader import load_adaptations, load_revision
from cfgmig.migration.revision import reversed_words

REVISION = '''\
"""Renames the head.

More of it.
"""

from cfgmig.migration import STASH, Move, Remove, preserving

revision = "2.0"
revises = "1.0"
config = []
'''
ADAPTATION = '''\
"""Adds layers.

They begin as the identity.
"""

from cfgmig.migration import Move, preserving

settings = ("layers",)
guarantee = preserving(1e-6, "the output")


def weights(state):
    return [Move("a", "b")] if state.facts else None
'''


def revision_file(folder: Path, more: str) -> Path:
    path = folder / "0001_rename.py"
    path.write_text(REVISION + more)
    return path


def adaptation_file(folder: Path, text: str, name: str = "0001_deepen.py") -> Path:
    path = folder / "adaptations" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_revision_with_all_its_parts(tmp_path: Path) -> None:
    path = revision_file(
        tmp_path,
        'weights = [Move("head", "lm_head"), Remove("aux", STASH)]\n'
        'checkpoint = [Move("best", "metrics.best")]\n'
        "guarantee = preserving(1e-5)\n",
    )
    found = load_revision(path)
    assert [word.describe() for word in found.on_weights(None, up=True)] == [
        "head moves to lm_head.",
        "aux leaves the schema; what it says stays in the file's stash.",
    ]
    assert found.on_weights(None, up=False) == reversed_words(found.on_weights(None, up=True))
    assert found.on_checkpoint(up=True) == (Move("best", "metrics.best"),)
    assert found.on_checkpoint(up=False) == (Move("metrics.best", "best"),)
    assert found.guarantee == preserving(1e-5)
    assert (found.summary, found.explanation) == ("Renames the head.", "More of it.")


def test_what_a_revision_need_not_say(tmp_path: Path) -> None:
    found = load_revision(revision_file(tmp_path, ""))
    assert (found.on_weights(None, up=True), found.checkpoint, found.guarantee) == ((), (), EXACT)


def test_weights_may_be_a_function(tmp_path: Path) -> None:
    text = 'def weights(state):\n    return [Move(state, "b")] if state else None\n'
    found = load_revision(revision_file(tmp_path, text))
    assert found.on_weights("a", up=True) == (Move("a", "b"),)
    assert found.on_weights("a", up=False) == (Move("b", "a"),)
    assert found.on_weights("", up=True) == ()


@pytest.mark.parametrize(
    ("more", "line", "says"),
    [
        ("weights = 3\n", 11, "`weights` is no list of operations"),
        ("x = 1\nweights = ['a']\n", 12, "weights[0] is no operation: 'a'"),
        ("weights = [Move('a', 'b'), Move]\n", 11, "weights[1] is no operation"),
        ("checkpoint = {}\n", 11, "`checkpoint` is no list of operations"),
        ("checkpoint = [1]\n", 11, "checkpoint[0] is no operation: 1"),
        ("weights = []\nguarantee = 'exact'\n", 12, "`guarantee` is 'exact'"),
        ("guarantee: object = None\n", 11, "`guarantee` is None"),
        ("weights = [Move('a.*', 'b')]\n", 11, "1 stars"),
        ("weights = [\n    Remove('a'),\n]\n", 12, "restore"),
    ],
)
def test_errors_of_a_revision_name_file_and_line(
    more: str, line: int, says: str, tmp_path: Path
) -> None:
    path = revision_file(tmp_path, more)
    with pytest.raises(UsageError) as refusal:
        load_revision(path)
    assert says in refusal.value.message
    assert (refusal.value.file, refusal.value.line) == (str(path), line)


def test_adaptations_are_read_in_order(tmp_path: Path) -> None:
    adaptation_file(tmp_path, ADAPTATION.replace("layers", "width"), "0002_widen.py")
    adaptation_file(tmp_path, ADAPTATION)
    adaptation_file(tmp_path, "raise ValueError\n", "_helper.py")
    deepen, widen = load_adaptations(tmp_path)
    assert (deepen.name, deepen.settings) == ("0001_deepen", ("layers",))
    assert (widen.name, widen.settings) == ("0002_widen", ("width",))
    assert (deepen.summary, deepen.explanation) == ("Adds layers.", "They begin as the identity.")
    assert deepen.guarantee == preserving(1e-6, "the output")
    assert load_adaptations(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('settings = ("layers",)\n', "", 1, "it has no tuple `settings`"),
        ('("layers",)', '"layers"', 8, "it has no tuple `settings`"),
        ('("layers",)', "()", 8, "it has no tuple `settings`"),
        ('("layers",)', '("layers", 3)', 8, "it has no tuple `settings`"),
        ("def weights", "def weight", 1, "`weights` is no function"),
        ('preserving(1e-6, "the output")', "1e-6", 9, "`guarantee` is 1e-06"),
        ("def weights(state):\n", "weights = 3\n\n\ndef other(state):\n", 12, "no function"),
        ("def weights(state):", "def weights(state)", 12, "cannot be read"),
        ("from cfgmig.migration import Move", "import nowhere_at_all", 6, "No module named"),
    ],
)
def test_errors_of_an_adaptation_name_file_and_line(
    old: str, new: str, line: int, says: str, tmp_path: Path
) -> None:
    assert old in ADAPTATION
    path = adaptation_file(tmp_path, ADAPTATION.replace(old, new, 1))
    with pytest.raises(UsageError) as refusal:
        load_adaptations(tmp_path)
    assert says in refusal.value.message
    assert (refusal.value.file, refusal.value.line) == (str(path), line)


def test_two_adaptations_with_one_number(tmp_path: Path) -> None:
    adaptation_file(tmp_path, ADAPTATION)
    second = adaptation_file(tmp_path, ADAPTATION, "0001_widen.py")
    with pytest.raises(UsageError, match="the number 0001 is taken by 0001_deepen") as refusal:
        load_adaptations(tmp_path)
    assert refusal.value.file == str(second)


def test_an_adaptation_of_no_name(tmp_path: Path) -> None:
    adaptation_file(tmp_path, ADAPTATION, "deepen.py")
    with pytest.raises(UsageError, match="no name for an adaptation"):
        load_adaptations(tmp_path)
