"""Patches of lines: what they say, where they find their lines, what they leave alone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgmig.document.receipt import apply
from cfgmig.migration.patch import checked, difference, find, spelled

OLD = "a: 1\n# b\nb: 2\nc: 3\nd: 4\n"
NEW = "a: 1\nb: 2\n\nc: 3\n# d\nd: 4\n"
PATCH = ("@@ 1", " a: 1", "-# b", " b: 2", "+", " c: 3", "+# d", " d: 4")
LINES = st.lists(st.sampled_from(["", "a", "b", "  c", "# d"]), max_size=8)


def patched(text: str, patch: tuple[str, ...]) -> str:
    return apply(text, find(text, patch).edits)


def test_it_is_a_unified_diff_of_one_line_around() -> None:
    assert spelled(difference(OLD, NEW)) == PATCH
    assert spelled(difference("x\n" * 9 + OLD, "x\n" * 9 + NEW))[0] == "@@ 10"
    assert spelled(difference(OLD, OLD)) == ()
    assert patched(OLD, PATCH) == NEW


@given(LINES, LINES)
def test_it_makes_one_text_of_the_other(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    patch = spelled(difference(before, after))
    if old:
        assert patched(before, checked(patch)) == after
    bare = tuple(line.rstrip() for line in patch)  # editors take blanks off the ends of lines
    if old:
        assert patched(before, bare) == after


def test_hunks_follow_their_lines() -> None:
    assert patched(f"new: 0\n{OLD}", PATCH) == f"new: 0\n{NEW}"
    twice = "k: 1\nk: 1\nk: 1\n"
    assert patched(twice, ("@@ 2", "+# here", " k: 1")) == "k: 1\n# here\nk: 1\nk: 1\n"


def test_a_hunk_without_its_lines_is_counted() -> None:
    found = find(OLD.replace("c: 3", "c: 5"), PATCH)
    assert (found.edits, found.missed) == ((), 1)


@pytest.mark.parametrize("text", [OLD.replace("\n", "\r\n"), OLD.removesuffix("\n")])
def test_line_ends_stay_as_they_are(text: str) -> None:
    eol = "\r\n" if "\r" in text else "\n"
    wanted = NEW.replace("\n", eol)
    assert patched(text, PATCH) == (wanted if text.endswith("\n") else wanted.removesuffix(eol))


@pytest.mark.parametrize("patch", [["a: 1"], [" a: 1"], ["@@ x"], ["@@ 1", "?"]])
def test_what_is_no_patch_is_refused(patch: list[str]) -> None:
    with pytest.raises(ValueError, match=r"patch|invalid literal"):
        checked(patch)


def test_blank_hunks_are_told_from_others() -> None:
    rng = Random(1)
    lines = [f"k{number}: 1" for number in range(rng.randint(20, 30))]
    spaced = [*lines[:3], "", *lines[3:12], "# note", *lines[12:]]
    first, second = difference("\n".join(lines), "\n".join(spaced))
    assert (first.blank, second.blank) == (True, False)
