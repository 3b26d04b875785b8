from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgmig.paths import fill, format_path, match, parse_path

SEGMENT = st.one_of(st.integers(0, 99), st.text(min_size=1).filter(lambda text: text != "*"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("[0][1].x", (0, 1, "x")),
        ("a.*.c", ("a", "*", "c")),
        ('a."x.y".b', ("a", "x.y", "b")),
        (r'"say \"hi\""', ('say "hi"',)),
    ],
)
def test_parse(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path
    assert format_path(path) == text


@pytest.mark.parametrize("text", [".a", "a..b", "a.", "a[x]", "a]b", 'a"b"'])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


@given(st.lists(SEGMENT).map(tuple))
def test_format_and_parse_are_inverse(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


def test_match_and_fill() -> None:
    pattern = parse_path("phases.*.name")
    assert match(pattern, ("phases", 3, "name")) == (3,)
    assert match(pattern, ("phases", 3)) is None
    assert match(pattern, ("phases", 3, "other")) is None
    assert fill(parse_path("stages.*.title"), (3,)) == ("stages", 3, "title")
    with pytest.raises(ValueError, match="stars"):
        fill(pattern, ())
