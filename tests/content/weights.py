"""What the tests of weights share: models, torch's view of them, and one step of a conversion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cfgmig.migration.loader import load_adaptations
from cfgmig.migration.on_weights import StateDict, apply
from cfgmig.migration.revision import Adaptation
from cfgmig.migration.weights import Weights
from cfgmig.schema.layout import Net, choose, expected
from cfgmig.schema.solving import Match, identify
from cfgmig.states import model_state
from checkpoint_tools import open_checkpoint
from checkpoint_tools.plan import (
    Compute,
    Concat,
    Expr,
    Init,
    Pad,
    Repeat,
    Reshape,
    Slice,
    Take,
)
from checkpoint_tools.plan.casts import decode
from checkpoint_tools.plan.initial import elements
from checkpoint_tools.plan.resolve import Type
from tests.conftest import ROOT
from tests.content.tools import family, plan

np = pytest.importorskip("numpy", reason="numpy is what computes here")


Arrays = dict[str, Any]


CANONICAL = "v5.11"


def arrays(path: Path) -> Arrays:
    """A model's tensors, read without torch."""
    with open_checkpoint(path) as checkpoint:
        state = model_state(checkpoint)
        assert state is not None
        refs = {inner: checkpoint.tensors[name] for inner, name in state.names.items()}
        return {
            inner: decode(checkpoint.read(ref.name), ref.dtype).reshape(ref.shape)
            for inner, ref in refs.items()
        }


def net(tensors: Mapping[str, Any]) -> Net:
    match = identify(family().load_layouts().layouts, shapes(tensors)).ranked[0]
    assert match.exact, match.evidence
    return Net(match.layout.name, match.facts, match.dimensions, tensors.__getitem__)


def shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in tensors.items()}


def made(seed: int = 0, *, latent: int = 4, hidden: int = 12, **facts: Any) -> Arrays:
    """A model with random numbers, of the size that its settings say."""
    settings = {
        "encoder_type": "frozen",
        "decoder_type": "frozen",
        "use_dual_projection": True,
        "projection_layers": 1,
        "projection_dropout": "> 0",
        "use_controller": False,
        "isp_c": True,
        **facts,
    }
    sizes = {"latent": latent, "hidden": hidden, "radius_hidden": max(32, hidden // 2)}
    rng = np.random.default_rng(seed)
    tensors: Arrays = {}
    for component in family().load_layouts().layout(CANONICAL).components:
        for name, shape in expected(choose(component, settings), sizes).items():
            scale = shape[-1] ** -0.5 if len(shape) == 2 else 0.3
            array = rng.normal(0, 1.7 * scale, shape)
            is_norm = len(shape) == 1 and name.endswith("weight")
            tensors[name] = (array + is_norm).astype("float32")
    return tensors


def torch_model(tensors: Arrays, dtype: str, max_radius: float = 0.95) -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    functional = torch.nn.functional
    t = {
        name: torch.from_numpy(np.array(a)).to(getattr(torch, dtype)) for name, a in tensors.items()
    }
    trits = torch.tensor(list(product((-1.0, 0.0, 1.0), repeat=9)), dtype=getattr(torch, dtype))
    trits = trits.flip(1)  # the first trit changes fastest

    def dense(x: Any, name: str) -> Any:
        return functional.linear(x, t[f"{name}.weight"], t[f"{name}.bias"])

    def norm(x: Any, name: str) -> Any:
        return functional.layer_norm(x, x.shape[-1:], t[f"{name}.weight"], t[f"{name}.bias"])

    def component(x: Any, name: str, count: int, last: bool) -> Any:
        improved = f"{name}.1.weight" in t
        for at in range(count):
            x = dense(x, f"{name}.{at * (4 if improved else 2)}")
            if at < count - 1 or last:
                new = improved
                x = functional.silu(norm(x, f"{name}.{at * 4 + 1}")) if new else functional.relu(x)
        return x

    def ball(x: Any, name: str) -> Any:
        numbers = sorted(
            int(key.split(".")[-2])
            for key, value in t.items()
            if key.startswith(f"{name}.direction_net.") and value.ndim == 2
        )
        direction = x
        for number in numbers[:-1]:
            direction = dense(direction, f"{name}.direction_net.{number}")
            direction = functional.silu(norm(direction, f"{name}.direction_net.{number + 1}"))
        direction = x + dense(direction, f"{name}.direction_net.{numbers[-1]}")
        step = numbers[1] - 1
        radius = x
        for at in range(len(numbers) - 1):
            radius = functional.silu(dense(radius, f"{name}.radius_net.{at * step}"))
        radius = torch.sigmoid(dense(radius, f"{name}.radius_net.{(len(numbers) - 1) * step}"))
        return functional.normalize(direction, dim=-1) * radius * max_radius

    found: dict[str, Any] = {}
    for side in "AB":
        hidden = component(trits, f"encoder_{side}.encoder", 3, last=True)
        found[f"mu_{side}"] = dense(hidden, f"encoder_{side}.fc_mu")
        logvar = dense(hidden, f"encoder_{side}.fc_logvar")
        clamped = f"encoder_{side}.encoder.1.weight" in t
        found[f"logvar_{side}"] = logvar.clamp(-10, 2) if clamped else logvar
        own, common = f"projection.proj_{side}", "projection"
        for name in (own, common):
            if f"{name}.direction_net.0.weight" in t:
                found[f"z_{side}"] = ball(found[f"mu_{side}"], name)
    found["logits"] = component(found["mu_A"], "decoder_A.decoder", 3, last=False).view(-1, 9, 3)
    return {key: value.numpy() for key, value in found.items()}


def wrapped(name: str) -> str:
    """The name of a tensor below appetites."""
    return f"base.{name}"


def simplified(name: str) -> str:
    """The name that the launchers of 5.11.11 gave a tensor."""
    component, part, *rest = name.split(".")
    if part.startswith("fc_"):
        return ".".join([f"{part}_{component[-1]}", *rest])
    return ".".join([component, *rest])


FROZEN = ("encoder_A", "encoder_B", "decoder_A")


@cache
def adaptations() -> dict[str, Adaptation]:
    found = load_adaptations(ROOT / "migrations" / "ternary_vae")
    return {one.name.partition("_")[2]: one for one in found}


def evaluate(expr: Expr, tensors: Arrays, known: dict[Expr, Any]) -> Any:
    """What numpy makes of an expression, each part of it once."""
    if expr in known:
        return known[expr]

    def of(part: Expr) -> Any:
        return evaluate(part, tensors, known)

    match expr:
        case Take(name):
            made = tensors[name]
        case Slice(inner, dim, start, stop):
            made = np.take(of(inner), range(start, stop), axis=dim)
        case Concat(parts, dim):
            made = np.concatenate([of(part) for part in parts], axis=dim)
        case Reshape(inner, shape):
            made = of(inner).reshape(shape)
        case Repeat(inner, times, dim):
            made = np.concatenate([of(inner)] * times, axis=dim)
        case Pad(inner, dim, before, after, value):
            width = [(0, 0)] * of(inner).ndim
            width[dim] = (before, after)
            made = np.pad(of(inner), width, constant_values=value)
        case Init(dtype, shape):
            data = elements(expr, 0, int(np.prod(shape)))
            made = np.frombuffer(data, dtype).reshape(shape)
        case Compute(_, function, inputs, dtype, shape):
            made = function(*map(of, inputs))
            assert (str(made.dtype), made.shape) == (dtype, shape), expr.name
        case _:
            raise TypeError(type(expr).__name__)
    known[expr] = made
    return made


def started(tensors: Arrays, kept: Arrays | None = None) -> StateDict:
    types = {n: Type(str(a.dtype), a.shape) for n, a in (tensors | (kept or {})).items()}
    return StateDict(types, {n: Take(n) for n in tensors}, {n: Take(n) for n in kept or {}})


def finished(state: StateDict, tensors: Arrays) -> tuple[Arrays, Arrays]:
    """The tensors of a state dict, and those that are kept beside it."""
    known: dict[Expr, Any] = {}
    model = {name: evaluate(expr, tensors, known) for name, expr in state.tensors.items()}
    return model, {key: evaluate(expr, tensors, known) for key, expr in state.kept.items()}


def solved(tensors: dict[str, tuple[int, ...]]) -> Match:
    return identify(family().load_layouts().layouts, tensors).ranked[0]


def about(state: StateDict, wanted: dict[str, Any], sizes: dict[str, int]) -> Weights:
    match = solved(state.shapes)
    facts = {**match.facts, "layout": match.layout.name}
    dimensions = match.dimensions
    return Weights(state.types, facts, dimensions, {**facts, **wanted}, {**dimensions, **sizes})


def adapted(tensors: Arrays, name: str, sizes: dict[str, int] | None = None, **wanted: Any) -> Any:
    """The tensors after an adaptation, in their new order; None where it does not apply."""
    state = started(tensors)
    words = adaptations()[name].weights(about(state, wanted, sizes or {}))
    if words is None:
        return None
    apply(words, state, key=name, what=name)
    return finished(state, tensors)[0]


def assert_same(one: Arrays, other: Arrays) -> None:
    """Bit for bit, in the same order."""
    assert list(one) == list(other)
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        assert array.tobytes() == other[name].tobytes(), name


def assert_is(tensors: Arrays, sizes: dict[str, int] | None = None, **facts: Any) -> None:
    """The tensors are exactly those that a model of these settings has."""
    match = solved(shapes(tensors))
    assert match.exact, match.evidence
    assert facts.items() <= match.facts.items()
    assert (sizes or {}).items() <= match.dimensions.items()


def deviation(forward: Any, one: Arrays, other: Arrays) -> dict[str, float]:
    return {
        reading.what.partition(",")[0]: reading.deviation
        for reading in forward.probe(net(one), net(other))
    }


def touched(tensors: Arrays, name: str) -> Arrays:
    """The same with one number changed, as training would."""
    array = tensors[name].copy()
    array.reshape(-1)[-1] += 0.01
    return {**tensors, name: array}


def travelled(
    tensors: Arrays, origin: str, goal: str, kept: Arrays | None = None
) -> tuple[Arrays, Arrays]:
    """The tensors after the revisions between two versions, and what is kept beside them."""
    whole = tensors | (kept or {})
    state = started(tensors, kept)
    for step in plan(origin, goal).steps:
        words = step.revision.on_weights(about(state, {}, {}), up=step.up)
        low, high = (step.origin, step.goal) if step.up else (step.goal, step.origin)
        apply(words, state, key=f"{low}..{high}", what=step.revision.number)
    return finished(state, whole)


def numbered(tensors: dict[str, tuple[int, ...]]) -> Arrays:
    """Every element of every tensor is a number of its own."""
    at, made = 1, {}
    for name, shape in tensors.items():
        size = int(np.prod(shape))
        made[name] = np.arange(at, at + size, dtype="float32").reshape(shape)
        at += size
    return made
