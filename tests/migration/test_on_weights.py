"""The words on a state dict: names, order, and numbers that numpy computes by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cfgmig.errors import LossyError, Refused
from cfgmig.migration import (
    IRREVERSIBLE,
    STASH,
    Add,
    Convert,
    CopyOf,
    Custom,
    Default,
    Joined,
    Move,
    Operation,
    Remove,
    Repeated,
    Reshaped,
    Resized,
    Scale,
    Split,
    Transposed,
)
from cfgmig.migration.on_weights import StateDict, apply
from cfgmig.migration.revision import reversed_words
from checkpoint_tools.plan import Concat, Init, Take
from tests.migration.arrays import computed, kept, numbered, same, state_of

MODEL = numbered(
    embed=(4, 3),
    layers__0__qkv__weight=(6, 2),
    layers__0__qkv__bias=(6,),
    layers__0__out__weight=(2, 2),
    layers__1__qkv__weight=(6, 2),
    layers__1__qkv__bias=(6,),
    layers__1__out__weight=(2, 2),
    norm__weight=(2,),
    head__weight=(4, 2),
    head__bias=(4,),
)
QKV = Split(("layers.*.q.*", "layers.*.k.*", "layers.*.v.*"), (2, 2, 2))


def applied(*operations: Operation, arrays: Any = MODEL, key: str = "1..2") -> StateDict:
    state = state_of(arrays)
    apply(operations, state, key=key, what="step")
    return state


def names(*operations: Operation, arrays: Any = MODEL) -> list[str]:
    return list(applied(*operations, arrays=arrays).tensors)


def renamed(**new: str) -> dict[str, Any]:
    table = {old.replace("__", "."): to for old, to in new.items()}
    return {table.get(name, name): array for name, array in MODEL.items()}


UNTOUCHED: list[Operation] = [
    Move("nowhere", "else", optional=True),
    Move("layers.*.mlp.*", "layers.*.up.*", optional=True),
    Add("bias", Init("float32", (1,)), implicit=True),
    Add("blocks.*.gate", Init("float32", (1,)), optional=True),
    Add("head.scale", STASH, optional=True),
    Remove("nowhere", STASH, optional=True),
    Remove("nowhere", Init("float32", (1,)), implicit=True),
    Convert("nowhere.weight", Transposed(), optional=True),
    Convert("nowhere.weight", Split(("a", "b"), (1, 1)), optional=True),
    Convert("whole", Joined(("a", "b"), (1, 1)), optional=True),
    Custom("Nothing to do.", lambda _: [], lambda _: []),
]


@pytest.mark.parametrize("operation", UNTOUCHED)
def test_what_does_not_apply_changes_nothing(operation: Operation) -> None:
    state = state_of(MODEL)
    assert apply([operation], state, key="k", what="step") == ()
    assert same(computed(state, MODEL), MODEL)
    assert (state.kept, state.gone, state.dropped) == ({}, set(), [])


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (Move("embed", "tokens"), renamed(embed="tokens")),
        (
            Move("head", "lm.head"),
            renamed(head__weight="lm.head.weight", head__bias="lm.head.bias"),
        ),
        (
            Move("layers.*.qkv", "blocks.*.attention"),
            renamed(
                layers__0__qkv__weight="blocks.0.attention.weight",
                layers__0__qkv__bias="blocks.0.attention.bias",
                layers__1__qkv__weight="blocks.1.attention.weight",
                layers__1__qkv__bias="blocks.1.attention.bias",
            ),
        ),
        (
            Move("*.weight", "*.scale"),
            renamed(norm__weight="norm.scale", head__weight="head.scale"),
        ),
    ],
)
def test_moves_keep_numbers_and_places(move: Move, expected: dict[str, Any]) -> None:
    state = applied(move)
    assert same(computed(state, MODEL), expected)
    apply([move.reverse()], state, key="k", what="back")
    assert same(computed(state, MODEL), MODEL)


def test_a_name_that_only_begins_alike_stays() -> None:
    arrays = numbered(head=(1,), head2=(1,), head__x=(1,), my__head=(1,))
    assert names(Move("head", "tail"), arrays=arrays) == ["tail", "head2", "tail.x", "my.head"]


def test_renumbered_tensors_stand_in_the_order_of_their_numbers() -> None:
    arrays = numbered(first=(1,), net__0__w=(1,), net__2__w=(2,), net__2__b=(3,), last=(1,))
    assert names(Move("net.0", "net.5"), arrays=arrays) == [
        "first", "net.2.w", "net.2.b", "net.5.w", "last",
    ]  # fmt: skip
    swapped = applied(
        Move("net.0", "net.9"), Move("net.2", "net.0"), Move("net.9", "net.2"), arrays=arrays
    )
    assert list(swapped.tensors) == ["first", "net.0.w", "net.0.b", "net.2.w", "last"]
    assert np.array_equal(computed(swapped, arrays)["net.0.w"], arrays["net.2.w"])
    stars = numbered(a__0__x__1=(1,), a__0__x__2=(1,), a__1__x__1=(1,), z=(1,))
    assert names(Move("a.*.x.1", "a.*.x.3"), arrays=stars) == [
        "a.0.x.2", "a.0.x.3", "a.1.x.3", "z",
    ]  # fmt: skip


def test_new_tensors_join_their_siblings() -> None:
    gate = Add("layers.*.gate", Init("float32", (1,)))
    state = applied(gate)
    assert list(state.tensors)[1:9] == [
        "layers.0.qkv.weight", "layers.0.qkv.bias", "layers.0.out.weight", "layers.0.gate",
        "layers.1.qkv.weight", "layers.1.qkv.bias", "layers.1.out.weight", "layers.1.gate",
    ]  # fmt: skip
    assert not computed(state, MODEL)["layers.1.gate"].any()
    more = [Add(f"layers.{n}.gate", Init("float32", (1,))) for n in (7, 2, 10)]
    assert names(*more)[7:11] == ["layers.2.gate", "layers.7.gate", "layers.10.gate", "norm.weight"]
    assert names(Add("layers.x", Init("float32", (1,))))[7] == "layers.x"
    assert names(Add("other", Init("float32", (1,))))[-1] == "other"
    later = numbered(top=(1,), layers__2__w=(1,), end=(1,))
    assert names(Add("layers.1.w", Init("float32", (1,))), arrays=later)[1] == "layers.1.w"
    assert list(applied(Add("a", Init("float32", (1,))), arrays={}).tensors) == ["a"]


def test_an_added_tensor_is_made_of_others() -> None:
    state = applied(
        Add("twin", CopyOf("embed")),
        Add("layers.*.copy.weight", Concat((Take("layers.*.out.weight"), Take("embed")), 0)),
        arrays={**MODEL, "embed": MODEL["embed"][:, :2]},
    )
    made = computed(state, {**MODEL, "embed": MODEL["embed"][:, :2]})
    assert np.array_equal(made["twin"], MODEL["embed"][:, :2])
    assert np.array_equal(
        made["layers.1.copy.weight"],
        np.concatenate([MODEL["layers.1.out.weight"], MODEL["embed"][:, :2]]),
    )


def test_split_parts_take_the_place_of_the_whole() -> None:
    split = Convert("layers.*.qkv.*", QKV)
    state = applied(split)
    assert list(state.tensors)[:8] == [
        "embed",
        "layers.0.q.weight", "layers.0.q.bias", "layers.0.k.weight", "layers.0.k.bias",
        "layers.0.v.weight", "layers.0.v.bias", "layers.0.out.weight",
    ]  # fmt: skip
    made = computed(state, MODEL)
    for number in "01":
        for leaf in ("weight", "bias"):
            parts = np.split(MODEL[f"layers.{number}.qkv.{leaf}"], 3)
            for letter, part in zip("qkv", parts, strict=True):
                assert np.array_equal(made[f"layers.{number}.{letter}.{leaf}"], part)
    apply([split.reverse()], state, key="k", what="back")
    assert same(computed(state, MODEL), MODEL)


def test_a_part_may_keep_the_name_of_the_whole() -> None:
    arrays = numbered(a=(1,), w=(4, 2), z=(1,))
    split = Convert("w", Split(("u", "w"), (1, 3)))
    state = applied(split, arrays=arrays)
    assert sorted(state.tensors) == ["a", "u", "w", "z"]
    assert next(iter(state.tensors)) == "a"
    assert np.array_equal(computed(state, arrays)["w"], arrays["w"][1:])
    apply([split.reverse()], state, key="k", what="back")
    assert same(computed(state, arrays), arrays)


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        (Transposed(), lambda a: a.T),
        (Transposed(0, 0), lambda a: a),
        (Reshaped((4, 3), (2, 6)), lambda a: a.reshape(2, 6)),
        (Repeated(3, 1), lambda a: np.tile(a, (1, 3))),
        (Resized(0, 4, 6, 0.5), lambda a: np.pad(a, ((0, 2), (0, 0)), constant_values=0.5)),
        (Resized(1, 3, 3), lambda a: a),
    ],
)
def test_codecs_there_and_back(codec: Any, expected: Any) -> None:
    operation = Convert("embed", codec)
    state = applied(operation)
    assert np.array_equal(computed(state, MODEL)["embed"], expected(MODEL["embed"]))
    apply([operation.reverse()], state, key="k", what="back")
    assert same(computed(state, MODEL), MODEL)


def test_a_custom_word_sees_the_types() -> None:
    def up(weights: Any) -> list[Operation]:
        wide = [name for name, type in weights.tensors.items() if type.shape == (6, 2)]
        return [Convert(name, Transposed()) for name in wide]

    def down(weights: Any) -> list[Operation]:
        wide = [name for name, type in weights.tensors.items() if type.shape == (2, 6)]
        return [Convert(name, Transposed()) for name in wide]

    word = Custom("Wide ones are turned.", up, down)
    state = applied(word)
    assert state.shapes["layers.1.qkv.weight"] == (2, 6)
    apply([word.reverse()], state, key="k", what="back")
    assert same(computed(state, MODEL), MODEL)
    odd = Custom("Odd.", lambda _: [Default("embed", 1)], lambda _: [])
    with pytest.raises(Refused, match="Default has no meaning for tensors"):
        applied(odd)


def test_what_is_stashed_comes_back() -> None:
    words = (Remove("head", STASH),)
    state = applied(*words)
    assert list(state.tensors)[-1] == "norm.weight"
    assert state.dropped == ["head.weight", "head.bias"]
    assert state.gone == {"head.weight", "head.bias"}
    beside = kept(state, MODEL)
    assert same(beside, {f"1..2/head.{leaf}": MODEL[f"head.{leaf}"] for leaf in ("weight", "bias")})
    # As a later run does it: the kept tensors lie in a file of their own.
    arrays = {**computed(state, MODEL), **{f"stash:{key}": one for key, one in beside.items()}}
    later = state_of(computed(state, MODEL), beside)
    apply(reversed_words(words), later, key="1..2", what="back")
    assert same(computed(later, arrays), MODEL)
    assert later.kept == {}


def test_a_stash_of_another_step_is_left_alone() -> None:
    state = state_of({"a": MODEL["embed"]}, {"0..1/head.weight": MODEL["head.weight"]})
    with pytest.raises(Refused, match="kept beside the converted file, and that is not there"):
        apply([Add("head", STASH)], state, key="1..2", what="back")
    assert list(state.kept) == ["0..1/head.weight"]


def test_what_was_trained_is_not_replaced_by_what_it_began_as() -> None:
    add = Add("norm.bias", Init("float32", (2,)))
    trained = {**MODEL, "norm.bias": np.float32([3, 4])}
    down = applied(add.reverse(), arrays=trained)
    assert "norm.bias" not in down.tensors
    beside = kept(down, trained)
    assert np.array_equal(beside["1..2/norm.bias"], trained["norm.bias"])
    again = state_of(computed(down, trained), beside)
    apply([add], again, key="1..2", what="again")
    made = computed(again, {**trained, "stash:1..2/norm.bias": beside["1..2/norm.bias"]})
    assert made["norm.bias"].tolist() == [3, 4]
    copied = applied(Add("twin", Take("embed")).reverse(), arrays={**MODEL, "twin": MODEL["embed"]})
    assert copied.kept == {}


def test_there_is_no_way_back_from_what_is_irreversible() -> None:
    drop = Remove("head", IRREVERSIBLE)
    assert kept(applied(drop), MODEL) == {}
    with pytest.raises(LossyError, match="no way back from: head is dropped for good"):
        applied(drop.reverse())


ADDED = Init("float32", (1,))
REFUSED: list[tuple[Operation, str]] = [
    (Move("nowhere", "else"), "there is nothing at `nowhere`"),
    (Move("layers.*.mlp", "layers.*.up"), r"there is nothing at `layers\.\*\.mlp`"),
    (Move("embed", "head.bias"), "`embed` would go to `head.bias`, which is taken"),
    (Move("layers.0", "layers.1"), "which is taken"),
    (Add("embed", ADDED), "`embed` is there already"),
    (Add("layers.*.out.weight", ADDED), "`layers.0.out.weight` is there already"),
    (Add("blocks.*.gate", ADDED), "no section matches"),
    (Add("layers.*.x", Take("*.*.y")), "has not the stars"),
    (Add("x", Take("*.y")), "there is no tensor"),
    (Add("x", Take("nowhere")), "there is no tensor 'nowhere'"),
    (Add("x", Concat((Take("embed"), Take("head.bias")))), "cannot be joined"),
    (Add("x", 3), "needs an expression, not 3"),
    (Remove("nowhere", STASH), "there is nothing at"),
    (Convert("nowhere", Transposed()), "there is no tensor `nowhere`"),
    (Convert("head", Transposed()), "there is no tensor `head`"),
    (Convert("head.bias", Transposed()), "dimension"),
    (Convert("embed", Scale(2)), "no codec for tensors"),
    (Convert("embed", Reshaped((3, 4), (12,))), r"its shape is \[4, 3\], not \[3, 4\]"),
    (Convert("embed", Resized(0, 5, 6)), "its length is 4, not 5"),
    (Convert("embed", Resized(7, 5, 6)), "there is no dimension 7"),
    (Convert("embed", Repeated(3, 0).reverse()), "4 is no multiple of 3"),
    (Convert("embed", Repeated(3, 2).reverse()), "there is no dimension 2"),
    (Convert("embed", Split(("a", "b"), (1, 2))), "is 4 long, not 3"),
    (Convert("embed", Split(("a", "b"), (1, 3), 4)), "there is no dimension 4"),
    (Convert("embed", Split(("a", "head.bias"), (1, 3))), "`head.bias` is there already"),
    (Convert("layers.*.qkv.*", Split(("a", "b"), (1, 3))), "stars"),
    (Convert("x", Joined(("embed", "nowhere"), (4, 1))), "there is no tensor `nowhere`"),
    (Convert("x", Joined(("nowhere", "embed"), (4, 4))), "there is no tensor `nowhere`"),
    (Convert("x", Joined(("nowhere", "none"), (4, 4))), "there is no tensor `nowhere`"),
    (Convert("x", Joined(("embed", "head.weight"), (3, 4))), "is not 3 long"),
    (Convert("x", Joined(("embed", "head.weight"), (4, 4), 5)), "there is no dimension 5"),
    (Convert("norm.weight", Joined(("embed", "head.weight"), (4, 4))), "is there already"),
    (Convert("x", Joined(("layers.*.out.weight", "embed"), (2, 4))), "stars"),
    (Default("embed", 1), "Default has no meaning for tensors"),
]


@pytest.mark.parametrize(("operation", "says"), REFUSED)
def test_what_does_not_fit_is_refused(operation: Operation, says: str) -> None:
    with pytest.raises(Refused, match=says) as refusal:
        applied(operation)
    assert refusal.value.message.startswith("step: ")
    assert operation.describe() in refusal.value.message


def test_two_sections_cannot_become_one() -> None:
    arrays = numbered(a__0__w=(1,), b__0__w=(1,))
    with pytest.raises(Refused, match="which is taken"):
        applied(Move("a", "b"), arrays=arrays)
    assert names(Move("a", "c"), Move("b", "a"), arrays=arrays) == ["c.0.w", "a.0.w"]
