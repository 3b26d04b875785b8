"""Random expressions mean what numpy says that they mean, in bytes, ledgers and reverses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from checkpoint_tools import open_checkpoint
from checkpoint_tools.formats.protocol import Checkpoint, Run
from checkpoint_tools.plan import (
    Cast,
    Compute,
    Concat,
    Expr,
    Init,
    Irreversible,
    Pad,
    Permute,
    Plan,
    PlanError,
    Repeat,
    Reshape,
    Slice,
    Stack,
    Take,
    Transpose,
    compose,
    describe,
    prepare,
    reverse_plan,
    split,
    types_of,
)
from checkpoint_tools.plan import nodes as nodes_module
from checkpoint_tools.plan import rows as rows_module
from checkpoint_tools.plan import views as views_module
from checkpoint_tools.plan.nodes import Node
from tests.checkpoint_tools.building import entry, safetensors

np = pytest.importorskip("numpy", reason="numpy is the reference here")

SHAPES = {"a": (4, 6), "b": (4, 6), "c": (2, 3, 4), "d": (12,), "e": (1, 4, 6), "f": ()}


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    """Every element of every array is a number of its own."""
    made, at = {}, 0
    for name, shape in SHAPES.items():
        size = int(np.prod(shape))
        made[name] = np.arange(at, at + size, dtype=np.int32).reshape(shape)
        at += size
    return made


@pytest.fixture(scope="module")
def checkpoint(
    arrays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkpoint]:
    header, data = {}, b""
    for name, array in arrays.items():
        header[name] = entry(list(array.shape), len(data), len(data) + array.nbytes, "I32")
        data += array.tobytes()
    path = tmp_path_factory.mktemp("plan") / "x.safetensors"
    path.write_bytes(safetensors(header, data))
    with open_checkpoint(path) as opened:
        yield opened


def evaluate(expr: Expr, arrays: dict[str, Any]) -> Any:
    """What numpy makes of an expression."""
    one = evaluate(expr.of, arrays) if hasattr(expr, "of") else None
    match expr:
        case Take(name):
            return arrays[name]
        case Slice(_, dim, start, stop):
            return np.take(one, range(start, stop), axis=dim)
        case Concat(parts, dim):
            return np.concatenate([evaluate(part, arrays) for part in parts], axis=dim)
        case Stack(parts, dim):
            return np.stack([evaluate(part, arrays) for part in parts], axis=dim)
        case Permute(_, dims):
            return np.transpose(one, dims)
        case Transpose(_, first, second):
            return np.swapaxes(one, first, second)
        case Reshape(_, shape):
            return np.reshape(one, shape)
        case Cast(_, dtype):
            return one.astype(dtype)
        case Repeat(_, times, dim):
            return np.concatenate([one] * times, axis=dim)
        case Pad(_, dim, before, after, value):
            width = [(0, 0)] * one.ndim
            width[dim] = (before, after)
            return np.pad(one, width, constant_values=value)
        case Init(dtype, shape, _, value):
            return np.full(shape, value, dtype)
        case Compute(_, function, inputs):
            return function(*(evaluate(part, arrays) for part in inputs))


def random_expr(rng: random.Random, depth: int, arrays: dict[str, Any]) -> Expr:
    """An expression that fits the arrays."""
    if depth == 0:
        return Take(rng.choice(sorted(arrays)))
    of = random_expr(rng, depth - 1, arrays)
    shape = evaluate(of, arrays).shape
    dim = rng.randrange(len(shape)) if shape else 0
    kind = rng.choice(["slice", "concat", "stack", "permute", "reshape", "repeat", "pad", "odd"])
    if kind == "stack":
        return Stack((of, of), rng.randint(-len(shape) - 1, len(shape)))
    if kind == "reshape":
        return Reshape(of, random_shape(rng, int(np.prod(shape))))
    if kind == "odd":
        return Compute("twice", lambda x: x * np.int32(2), (of,), "int32", shape)
    if not shape:
        return of
    if kind == "slice":
        start = rng.randint(0, shape[dim])
        return Slice(of, dim - rng.choice([0, len(shape)]), start, rng.randint(start, shape[dim]))
    if kind == "concat":
        parts = [of, Init("int32", shape, "constant", 7), Slice(of, dim, 0, shape[dim] // 2)]
        rng.shuffle(parts)
        return Concat(tuple(parts), dim)
    if kind == "permute":
        return Permute(of, tuple(rng.sample(range(len(shape)), len(shape))))
    if kind == "repeat":
        return Repeat(of, rng.randint(1, 3), dim)
    return Pad(of, dim, rng.randint(0, 2), rng.randint(0, 2), -1)


def random_shape(rng: random.Random, numel: int) -> tuple[int, ...]:
    if numel == 0:
        return (0, 3)
    shape = [numel]
    for _ in range(rng.randint(0, 3)):
        last = shape.pop()
        factor = rng.choice([n for n in range(1, last + 1) if last % n == 0])
        shape += [factor, last // factor]
    return tuple(shape)


def written(node: Node, checkpoint: Checkpoint) -> bytes:
    """The bytes of a node as the engine would write them."""
    made = bytearray(node.numel * 4)
    total = 0
    for at, segment in node.placed():
        if isinstance(segment, Run):
            source = checkpoint.sources[segment.file]
            data = source.read_at(segment.offset, segment.nbytes)
        else:
            data = bytes(segment)
        made[at * 4 : at * 4 + len(data)] = data
        total += len(data)
    assert total == len(made)
    return bytes(made)


@pytest.mark.parametrize("grain", [1, 16, 1 << 20])
def test_random_expressions(
    grain: int, checkpoint: Checkpoint, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (nodes_module, rows_module):
        monkeypatch.setattr(module, "GRAIN", grain)
    monkeypatch.setattr(nodes_module, "TILE", 5)
    monkeypatch.setattr(views_module, "_RUN", 8)
    monkeypatch.setattr(views_module, "_SPAN", 32)
    monkeypatch.setattr(views_module, "_SHORT", grain)
    jumped = 0
    rng = random.Random(grain)
    for _ in range(400):
        expr = random_expr(rng, rng.randint(0, 5), arrays)
        expected = evaluate(expr, arrays)
        plan = Plan({"x": expr}, frozenset(SHAPES))
        output = prepare(checkpoint, plan).outputs["x"]
        assert output.type == ("int32", expected.shape), describe(expr)
        assert written(output.node, checkpoint) == expected.tobytes(), describe(expr)
        numel = output.node.numel
        jumped += output.node.scattered
        low = rng.randint(0, numel)
        high = rng.randint(low, numel)
        flat = expected.reshape(-1)[low:high]
        assert bytes(output.node.read(low, high)) == flat.tobytes(), describe(expr)
    assert jumped > 5


def test_the_ledger_counts_every_element(checkpoint: Checkpoint, arrays: dict[str, Any]) -> None:
    """Numbers that occur in no output are exactly those that the ledger calls dropped."""
    rng = random.Random(3)
    total = sum(array.nbytes for array in arrays.values())
    for _ in range(300):
        exprs = {
            str(i): without_compute(random_expr(rng, rng.randint(0, 4), arrays)) for i in range(3)
        }
        ledger = prepare(checkpoint, Plan(exprs, frozenset(SHAPES))).ledger
        seen = np.unique(
            np.concatenate([evaluate(e, shifted(arrays)).ravel() for e in exprs.values()])
        )
        used = int((seen >= 1000).sum()) * 4
        assert ledger.source == total
        assert ledger.source_copied + ledger.source_transformed == used, exprs
        assert ledger.source_dropped == total - used == sum(ledger.dropped.values())


def without_compute(expr: Expr) -> Expr:
    from checkpoint_tools.plan.expressions import children, with_children

    if isinstance(expr, Compute):
        return without_compute(expr.inputs[0])
    return with_children(expr, [without_compute(part) for part in children(expr)])


def shifted(arrays: dict[str, Any]) -> dict[str, Any]:
    """Numbers that no padding has."""
    return {name: array + 1000 for name, array in arrays.items()}


def test_a_plan_that_leaves_something_out_does_not_pass(checkpoint: Checkpoint) -> None:
    everything = {name: Take(name) for name in SHAPES}
    prepare(checkpoint, Plan(everything))
    for name in SHAPES:
        less = {key: expr for key, expr in everything.items() if key != name}
        with pytest.raises(PlanError, match=f"'{name}' is neither used nor dropped"):
            prepare(checkpoint, Plan(less))
        prepare(checkpoint, Plan(less, frozenset({name})))
    part = everything | {"a": Slice(Take("a"), 0, 0, 3)}
    with pytest.raises(PlanError, match="6 of the 24 elements of 'a' are neither"):
        prepare(checkpoint, Plan(part))
    assert prepare(checkpoint, Plan(part, frozenset({"a"}))).ledger.dropped == {"a": 24}


BAD = {
    "there is no tensor 'z'": Take("z"),
    "there is no dimension 2": Slice(Take("a"), 2, 0, 1),
    "0:9 is not inside": Slice(Take("a"), 0, 0, 9),
    "cannot be joined": Concat((Take("a"), Take("d"))),
    "cannot be stacked": Stack((Take("a"), Take("c"))),
    "is no order": Permute(Take("a"), (0, 0)),
    "cannot take the shape": Reshape(Take("a"), (5, -1)),
    "is no element type": Cast(Take("a"), "float31"),
    "need a seed": Init("float32", (2,), "normal"),
    "repeated 0 times": Repeat(Take("a"), 0),
    "less than nothing": Pad(Take("a"), 0, -1, 0),
    "nothing is joined": Concat(()),
    "two dimensions, not 1": Init("float32", (2,), "eye"),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_said_before_anything_is_read(
    message: str, checkpoint: Checkpoint
) -> None:
    with pytest.raises(PlanError, match=message):
        prepare(checkpoint, Plan({"x": BAD[message]}, frozenset(SHAPES)))


def test_all_problems_are_listed(checkpoint: Checkpoint) -> None:
    plan = Plan({"x": Take("z"), "": Take("a"), "y": Take("b")}, frozenset({"none"}))
    with pytest.raises(PlanError, match=r"\(and 2 more\)") as caught:
        prepare(checkpoint, plan)
    assert len(caught.value.problems) == 3


def test_random_reverses(checkpoint: Checkpoint, arrays: dict[str, Any]) -> None:
    """Split everything, shuffle it, join it again: the way back gives the same arrays."""
    rng = random.Random(5)
    reversed_ = 0
    for _ in range(200):
        outputs = dict(scattered(rng, arrays))
        plan = Plan(outputs)
        try:
            back = reverse_plan(plan, types_of(checkpoint))
        except Irreversible:
            continue
        reversed_ += 1
        made = {name: evaluate(expr, arrays) for name, expr in outputs.items()}
        for name, array in arrays.items():
            assert (evaluate(back.outputs[name], made) == array).all()
        there_and_back = prepare(checkpoint, compose(plan, back))
        for name, array in arrays.items():
            assert written(there_and_back.outputs[name].node, checkpoint) == array.tobytes()
    assert reversed_ > 150


def scattered(rng: random.Random, arrays: dict[str, Any]) -> Iterator[tuple[str, Expr]]:
    parts: list[Expr] = []
    for name, array in arrays.items():
        expr: Expr = Take(name)
        if array.ndim and rng.random() < 0.7:
            expr = Permute(expr, tuple(rng.sample(range(array.ndim), array.ndim)))
        shape = evaluate(expr, arrays).shape
        if shape and rng.random() < 0.7:
            dim = rng.randrange(len(shape))
            cut = rng.randint(0, shape[dim])
            parts += split(expr, [cut, shape[dim] - cut], dim)
        else:
            parts.append(expr)
    for number, part in enumerate(parts):
        shape = evaluate(part, arrays).shape
        match rng.randrange(5):
            case 0 if shape:
                part = Pad(part, 0, 1, 2, 9)
            case 1 if shape:
                part = Repeat(part, 2, 0)
            case 2:
                part = Reshape(part, (-1,)) if np.prod(shape) else part
            case 3:
                part = Stack((part, part))
        yield f"part{number}", part


def test_what_has_no_way_back(checkpoint: Checkpoint) -> None:
    rest = {name: Take(name) for name in SHAPES if name != "a"}
    types = types_of(checkpoint)
    halved = Plan(rest | {"x": Slice(Take("a"), 0, 0, 2)}, frozenset({"a"}))
    with pytest.raises(Irreversible, match=r"'a'.*parts of it are dropped"):
        reverse_plan(halved, types)
    with pytest.raises(Irreversible, match="'a' is dropped"):
        reverse_plan(Plan(rest, frozenset({"a"})), types)
    restored = reverse_plan(
        Plan(rest, frozenset({"a"})), types, restore={"a": Init("int32", (4, 6))}
    )
    assert restored.outputs["a"] == Init("int32", (4, 6))
    with pytest.raises(Irreversible, match="int32 to float32 loses"):
        reverse_plan(Plan(rest | {"a": Cast(Take("a"), "float32")}), types)
    wide = reverse_plan(Plan(rest | {"a": Cast(Take("a"), "float64")}), types)
    assert wide.outputs["a"] == Cast(Take("a"), "int32")
    one_way = Compute("sum", np.cumsum, (Take("a"),), "int32", (24,))
    with pytest.raises(Irreversible, match="'sum' has no way back"):
        reverse_plan(Plan(rest | {"x": one_way}), types)


def test_interleaved_heads_are_taken_apart_and_put_together(
    checkpoint: Checkpoint, arrays: dict[str, Any]
) -> None:
    """Query, key and value lie head by head in one matrix: 2 heads of 1 row each, thrice."""
    heads = Reshape(Take("e"), (2, 2, 6))
    outputs: dict[str, Expr] = {
        name: Reshape(part, (2, 6))
        for name, part in zip("qk", split(heads, [1, 1], 1), strict=True)
    }
    outputs |= {name: Take(name) for name in SHAPES if name != "e"}
    prepared = prepare(checkpoint, Plan(outputs))
    assert prepared.ledger.source_dropped == 0
    back = reverse_plan(Plan(outputs), types_of(checkpoint))
    made = {name: evaluate(expr, arrays) for name, expr in outputs.items()}
    assert (made["q"] == arrays["e"][0, ::2]).all()
    assert (evaluate(back.outputs["e"], made) == arrays["e"]).all()
