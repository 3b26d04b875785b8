from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfgmig.errors import LossyError, UsageError
from cfgmig.migration import Cast, Codec, Compose, Grade, Not, ReplacePrefix, Scale, Values
from cfgmig.migration.values import equal, identical


@pytest.mark.parametrize(
    ("codec", "value", "result"),
    [
        (Scale(0.01), 99.7, 0.997),
        (Scale(0.01), 80, 0.8),
        (Scale(62), 5, 310),
        (Scale(0.01), 100, 1),
        (Scale(0.01), None, None),
        (Scale(1000), 0.1, 100.0),
        (Scale(3, divide=True), 1.0, 1 / 3),
        (Values({"none": None, "all": "full"}), "none", None),
        (Values({1: "one"}, others="keep"), True, True),
        (Values({None: "off"}), None, "off"),
        (Not(), True, False),
        (Not(), None, None),
        (Cast(float), 3, 3.0),
        (Cast(int), 3.0, 3),
        (Cast(int), "12", 12),
        (Cast(str), True, "true"),
        (Cast(str), 1.5, "1.5"),
        (Cast(bool), "True", True),
        (Cast(bool), 0, False),
        (ReplacePrefix("old/", "new/"), "old/runs", "new/runs"),
        (ReplacePrefix("old/", ""), "runs", "runs"),
        (ReplacePrefix("", "old/"), "runs", "old/runs"),
        (ReplacePrefix("", "old/"), "/runs", "/runs"),
        (ReplacePrefix("", "old/"), "s3://bucket", "s3://bucket"),
        (ReplacePrefix("old/", ""), None, None),
        (Compose(Values({"1": 1}, others="keep"), Scale(10)), "1", 10),
    ],
)
def test_apply(codec: Codec, value: Any, result: Any) -> None:
    assert identical(codec.apply(value), result)
    assert codec.describe()


@pytest.mark.parametrize(
    ("codec", "value", "says"),
    [
        (Values({"a": 1, "b": 2}), "c", '"c" is none of the known values: "a", "b"'),
        (Values({"a": 1, "b": 1}).reverse(), 1, '1 may have been "a" or "b"'),
        (Scale(2), "x", '"x" is not a number'),
        (Scale(2), True, "true is not a number"),
        (Not(), 1, "1 is neither true nor false"),
        (Cast(int), 1.5, "1.5 is not a whole number"),
        (Cast(float), "fast", '"fast" is not a number'),
        (Cast(bool), 2, "2 is not a boolean"),
        (Cast(str), [1], "[1] is not a string"),
        (Cast(int), float("inf"), "not a whole number"),
    ],
)
def test_no_place(codec: Codec, value: Any, says: str) -> None:
    with pytest.raises(LossyError) as refusal:
        codec.apply(value)
    assert says in refusal.value.message


@pytest.mark.parametrize(
    ("codec", "grade"),
    [
        (Values({"a": "b", "b": "a"}), Grade.EXACT),
        (Values({"a": "b"}, others="keep"), Grade.GUARDED),
        (Values({"a": 1, "b": 1}), Grade.GUARDED),
        (Values({"a": 1, "b": 1}, reverse={1: "a"}), Grade.SAME_MEANING),
        (Scale(62), Grade.EXACT),
        (Cast(int), Grade.GUARDED),
        (ReplacePrefix("a", "b"), Grade.GUARDED),
        (Compose(Not(), Values({True: "on", False: "off"})), Grade.EXACT),
        (Compose(Not(), Cast(str)), Grade.GUARDED),
    ],
)
def test_grades(codec: Codec, grade: Grade) -> None:
    assert codec.grade is grade
    assert codec.reverse().reverse() == codec
    assert codec.reverse().describe()


def test_reverse_mapping_decides() -> None:
    codec = Values({"cos": "cosine", "cosine": "cosine"}, reverse={"cosine": "cosine"})
    assert codec.reverse().apply("cosine") == "cosine"
    assert codec.reverse().reverse().apply("cos") == "cosine"


def test_nonsense() -> None:
    for build in (
        lambda: Cast(list),
        Compose,
        lambda: ReplacePrefix("a", "a"),
        lambda: Scale(float("nan")),
    ):
        with pytest.raises(UsageError):
            build()


@given(
    st.one_of(st.integers(-(10**9), 10**9), st.decimals(-1000, 1000, places=4).map(float)),
    st.sampled_from([0.01, 100, 62, 0.1, 1000]),
)
def test_scale_and_back_is_the_same_number(value: float, factor: float) -> None:
    codec = Scale(factor)
    assert equal(codec.reverse().apply(codec.apply(value)), value)


@given(st.dictionaries(st.text(max_size=3), st.integers(), min_size=1, max_size=5))
def test_an_exact_mapping_and_back_is_identity(mapping: dict[str, int]) -> None:
    codec = Values(mapping)
    if codec.grade is Grade.EXACT:
        for old, new in mapping.items():
            assert identical(codec.apply(old), new)
            assert identical(codec.reverse().apply(new), old)
