"""What a codec for tensors refuses, and what it notices only when the numbers are there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cfgmig.errors import UsageError
from cfgmig.migration import (
    Convert,
    Grade,
    Joined,
    Repeated,
    Reshaped,
    Resized,
    Split,
    TensorCodec,
    Transposed,
)
from cfgmig.migration.guarantee import (
    EXACT,
    STRUCTURAL,
    Guarantee,
    preserving,
    structural,
    weakest,
)
from cfgmig.migration.on_weights import apply
from checkpoint_tools.plan import LossError, Take, Type
from tests.migration.arrays import computed, numbered, same, state_of

EVERY: list[TensorCodec] = [
    Transposed(),
    Transposed(0, 2),
    Reshaped((2, 3), (6,)),
    Repeated(2),
    Resized(0, 2, 5),
    Resized(0, 5, 2),
    Split(("a", "b"), (1, 2)),
    Joined(("a", "b"), (1, 2), 1),
]


@pytest.mark.parametrize("codec", EVERY, ids=str)
def test_the_way_back_of_the_way_back(codec: TensorCodec) -> None:
    assert codec.reverse().reverse() == codec
    assert hash(codec.reverse().reverse()) == hash(codec)
    assert codec.describe()
    assert codec.describe() in Convert("x", codec).describe()
    with pytest.raises(UsageError, match="this is for tensors, not for 3"):
        codec.apply(3)


@pytest.mark.parametrize(
    ("codec", "up", "down"),
    [
        (Transposed(), Grade.EXACT, Grade.EXACT),
        (Reshaped((2,), (1, 2)), Grade.EXACT, Grade.EXACT),
        (Split(("a", "b"), (1, 1)), Grade.EXACT, Grade.EXACT),
        (Repeated(2), Grade.EXACT, Grade.GUARDED),
        (Resized(0, 2, 5), Grade.EXACT, Grade.GUARDED),
        (Resized(0, 2, 2), Grade.EXACT, Grade.EXACT),
    ],
)
def test_grades(codec: TensorCodec, up: Grade, down: Grade) -> None:
    assert (codec.grade, codec.reverse().grade) == (up, down)
    assert Convert("x", codec).grade == up


def test_what_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match=r"\[2, 3\] and \[5\] differ in size"):
        Reshaped((2, 3), (5,))
    for parts, sizes in ((("a",), (1, 2)), (("a", "a"), (1, 2))):
        with pytest.raises(UsageError, match="as many different names as sizes"):
            Split(parts, sizes)


def converted(codec: TensorCodec, array: Any) -> Any:
    arrays = {"x": array}
    state = state_of(arrays)
    apply([Convert("x", codec)], state, key="k", what="step")
    return computed(state, arrays)["x"]


def test_copies_become_one_while_they_are_equal() -> None:
    one = numbered(x=(2, 3))["x"]
    one[0, 0] = np.nan
    twice = np.concatenate([one, one], 1)
    assert converted(Repeated(2, 1).reverse(), twice).tobytes() == one.tobytes()
    twice[1, 4] += 1
    with pytest.raises(LossError, match="the 2 copies differ: it was trained since"):
        converted(Repeated(2, 1).reverse(), twice)


def test_only_what_was_filled_in_is_cut() -> None:
    wide = np.float32([[1, 2, 7, 7], [3, 4, 7, 7]])
    assert converted(Resized(1, 2, 4, 7).reverse(), wide).tolist() == [[1, 2], [3, 4]]
    wide[1, 3] = 8
    with pytest.raises(LossError, match="elements beyond 2 are not 7"):
        converted(Resized(1, 2, 4, 7).reverse(), wide)
    assert converted(Resized(1, 4, 4), wide).tolist() == wide.tolist()


def test_a_fill_that_a_narrow_type_rounds_is_known_again() -> None:
    of = Type("bfloat16", (4,))
    cut: Any = Resized(0, 2, 4, 0.1).reverse().on(Take("x"), of)
    # 0.1 in bfloat16, as it arrives in numpy, which lacks the type.
    assert cut.function(np.float32([1, 2, 0.10009765625, 0.10009765625])).tolist() == [1, 2]
    with pytest.raises(LossError):
        cut.function(np.float32([1, 2, 0.1, 0.1]))


def test_two_walks_give_equal_plans() -> None:
    """Or else a file that may be of two versions would always be called ambiguous."""
    arrays = numbered(x=(4, 4), y=(4,))
    words = [Convert("x", Repeated(2).reverse()), Convert("y", Resized(0, 2, 4).reverse())]
    states = [state_of(arrays), state_of(arrays)]
    for state in states:
        apply(words, state, key="k", what="step")
    assert states[0].tensors == states[1].tensors
    assert states[0].types["x"].shape == (2, 4)


def test_split_and_join_along_any_dimension() -> None:
    arrays = numbered(x=(2, 6))
    for dim, sizes in ((0, (1, 1)), (1, (1, 5)), (-1, (4, 2)), (1, (0, 6))):
        split = Convert("x", Split(("a", "b"), sizes, dim))
        state = state_of(arrays)
        apply([split], state, key="k", what="step")
        made = computed(state, arrays)
        expected = np.split(arrays["x"], [sizes[0]], axis=dim)
        assert same(made, dict(zip("ab", expected, strict=True)))
        apply([split.reverse()], state, key="k", what="back")
        assert same(computed(state, arrays), arrays)


def test_the_weakest_promise_is_left() -> None:
    close, closer = preserving(1e-3, "the loss"), preserving(1e-6)
    assert weakest([]) == EXACT
    assert weakest([EXACT, closer, close]) == close
    assert weakest([close, STRUCTURAL, EXACT]) == STRUCTURAL
    assert Guarantee("exact").words == "exact: the same numbers"
    assert close.words == "function-preserving: the largest deviation of the loss is 0.001"
    assert closer.words == "function-preserving: the largest deviation is 1e-06"
    assert structural("half is left").words == "structural: half is left"
    assert STRUCTURAL.words == "structural: it fits, no more"
