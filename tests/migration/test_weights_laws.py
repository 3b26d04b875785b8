"""What must hold for any words on a state dict, and for a state dict of any size."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    Move,
    Operation,
    Remove,
    Repeated,
    Reshaped,
    Resized,
    Split,
    Transposed,
)
from cfgmig.migration.on_weights import StateDict, apply
from cfgmig.migration.revision import reversed_words
from checkpoint_tools.plan import Init, Take
from tests.migration.arrays import computed, numbered, same, state_of

SEGMENTS = st.sampled_from(["a", "b", "net", "w", "bias"])
NAMES = st.lists(SEGMENTS, min_size=1, max_size=3).map(".".join)
SHAPES = st.sampled_from([(4,), (2, 4), (4, 6), (2, 2, 2)])


def _clash(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    found: list[str] = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique=True)):
        if not any(_clash(name, other) for other in found):
            found.append(name)
    return numbered(**{name: draw(SHAPES) for name in found})


@st.composite
def words(draw: st.DrawFn, state: StateDict, number: int) -> Operation:
    """An operation that fits, whose way back leads to the same names in the same order."""
    name = draw(st.sampled_from(list(state.tensors)))
    shape = state.shapes[name]
    free = f"fresh_{number}"
    dim = draw(st.integers(0, len(shape) - 1))
    size = shape[dim]
    cut = draw(st.integers(0, size))
    choices: list[Operation] = [
        Move(name, free),
        Move(name.partition(".")[0], free),
        Add(f"{free}.x", Init("float32", (2,))),
        Add(f"{name.rpartition('.')[0]}.{free}".lstrip("."), Take(name)),
        Convert(name, Reshaped(shape, (int(np.prod(shape)),))),
        Convert(name, Repeated(2, dim)),
        Convert(name, Resized(dim, size, size + 2, -1.0)),
        Convert(name, Split((f"{name}_{number}", f"{name}_{number}b"), (cut, size - cut), dim)),
        Convert(name, Split((f"{free}.q", f"{free}.k"), (cut, size - cut), dim)),
    ]
    if len(shape) > 1:
        choices.append(Convert(name, Transposed()))
    *others, last = state.tensors
    alone = all(other.partition(".")[0] != last.partition(".")[0] for other in others)
    if others and (alone or others[-1].rpartition(".")[0] == last.rpartition(".")[0]):
        choices.append(Remove(last, STASH))  # else nothing tells where it stood
    return draw(st.sampled_from(choices))


@settings(max_examples=150)
@given(st.data())
def test_any_words_and_their_reverse_are_nothing(data: st.DataObject) -> None:
    arrays = data.draw(models())
    state = state_of(arrays)
    done: list[Operation] = []
    for number in range(data.draw(st.integers(0, 6))):
        word = data.draw(words(state, number))
        apply([word], state, key="k", what="there")
        done.append(word)
    whole = state_of(arrays)
    apply(done, whole, key="k", what="there")
    assert list(whole.tensors) == list(state.tensors)
    assert whole.tensors == state.tensors
    apply(reversed_words(done), state, key="k", what="back")
    assert same(computed(state, arrays), arrays)


def many(layers: int) -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {"embed": (2,)}
    for number in range(layers):
        shapes |= {f"layers__{number}__{leaf}": (6,) for leaf in ("qkv", "up", "down", "norm")}
    shapes["head"] = (2,)
    return numbered(**shapes)


def long_way(layers: int) -> list[Operation]:
    parts = ("layers.*.q", "layers.*.k", "layers.*.v")
    return [
        Move("layers", "blocks"),
        Move("blocks.*.up", "blocks.*.mlp.0"),
        Move("blocks.*.mlp.0", "blocks.*.mlp.3"),
        Convert("blocks.*.qkv", Split(tuple(f"blocks{p[6:]}" for p in parts), (2, 2, 2))),
        Add("blocks.*.scale", Init("float32", (1,))),
        Remove("blocks.*.norm", STASH),
        *(Add(f"blocks.{layers + n}.scale", Init("float32", (1,))) for n in range(layers)),
        *(Add(f"more.{n}.x", Init("float32", (1,))) for n in range(layers)),
    ]


def steps(layers: int) -> int:
    """Lines of Python executed for so many layers, as a count that no busy machine changes."""
    state = state_of(many(layers))
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if "cfgmig" not in frame.f_code.co_filename:
            return None
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        apply(long_way(layers), state, key="k", what="step")
    finally:
        sys.settrace(before)
    return count


def test_work_grows_with_the_number_of_tensors_and_no_faster() -> None:
    small, large = steps(40), steps(160)
    assert large < 4.4 * small


def test_twenty_thousand_tensors() -> None:
    layers = 5000
    state = state_of(many(layers))
    apply(long_way(layers), state, key="k", what="step")
    found = list(state.tensors)
    assert len(found) == 2 + layers * 6 + 2 * layers
    assert found[:8] == ["embed", *(f"blocks.0.{x}" for x in ("q", "k", "v", "mlp.3", "down")),
                         "blocks.0.scale", "blocks.1.q"]  # fmt: skip
    assert found[1 + 6 * layers] == f"blocks.{layers}.scale"
    assert found[-1] == f"more.{layers - 1}.x"
    assert len(state.kept) == layers
