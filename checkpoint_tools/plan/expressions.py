"""What an output tensor is made of: immutable values over the tensors of a source.

Dimensions may be negative, counted from the end. Shapes and positions count elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

InitKind = Literal["zeros", "ones", "constant", "eye", "uniform", "normal"]


@dataclass(frozen=True, slots=True)
class Take:
    """A tensor of the source as it is."""

    name: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The part from `start` up to `stop` along a dimension."""

    of: Expr
    dim: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Concat:
    """Parts one after the other along a dimension that they have."""

    parts: tuple[Expr, ...]
    dim: int = 0


@dataclass(frozen=True, slots=True)
class Stack:
    """Parts of one shape along a new dimension."""

    parts: tuple[Expr, ...]
    dim: int = 0


@dataclass(frozen=True, slots=True)
class Permute:
    """Dimensions in another order: dimension i of the result is `dims[i]` of the input."""

    of: Expr
    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transpose:
    """Two dimensions exchanged; the last two if none are named."""

    of: Expr
    first: int = -2
    second: int = -1


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in C order under another shape; one length may be -1."""

    of: Expr
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Another element type; what is lost is counted while it is written."""

    of: Expr
    dtype: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """The whole, `times` times one after the other along a dimension."""

    of: Expr
    times: int
    dim: int = 0


@dataclass(frozen=True, slots=True)
class Pad:
    """`before` and `after` further elements of `value` along a dimension."""

    of: Expr
    dim: int
    before: int = 0
    after: int = 0
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Init:
    """A tensor without a source.

    `constant` fills with `value`. `uniform` draws from [`low`, `high`); `normal` has mean `value`
    and deviation `scale` and is a sum of twelve uniform numbers, so that the same seed gives the
    same bytes on every machine. Both need a seed.
    """

    dtype: str
    shape: tuple[int, ...]
    kind: InitKind = "zeros"
    value: float = 0.0
    scale: float = 1.0
    low: float = 0.0
    high: float = 1.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Compute:
    """Numbers by a function: the way out for what the other words cannot say.

    Args:
        name: what the function does, for people.
        function: takes one numpy array per input and returns an array of `shape`. Types that
            numpy lacks (bfloat16, float8) arrive as float32 and may be returned as such.
        inputs: whole tensors, which are in memory together while the function runs.
        dtype: element type of the result.
        shape: shape of the result.
        reverse: the way back, from the result to the only input; None if there is none.
    """

    name: str
    function: Callable[..., Any]
    inputs: tuple[Expr, ...]
    dtype: str
    shape: tuple[int, ...]
    reverse: Callable[[Any], Any] | None = None


Expr: TypeAlias = (
    Take
    | Slice
    | Concat
    | Stack
    | Permute
    | Transpose
    | Reshape
    | Cast
    | Repeat
    | Pad
    | Init
    | Compute
)


def split(of: Expr, sizes: Sequence[int], dim: int = 0) -> tuple[Slice, ...]:
    """The parts of a tensor that is `sum(sizes)` long along a dimension."""
    parts: list[Slice] = []
    at = 0
    for size in sizes:
        parts.append(Slice(of, dim, at, at + size))
        at += size
    return tuple(parts)


def children(expr: Expr) -> tuple[Expr, ...]:
    """What an expression is made from."""
    if isinstance(expr, Take | Init):
        return ()
    if isinstance(expr, Concat | Stack):
        return expr.parts
    if isinstance(expr, Compute):
        return expr.inputs
    return (expr.of,)


def with_children(expr: Expr, parts: Sequence[Expr]) -> Expr:
    """The same expression over other inputs."""
    from dataclasses import replace

    if isinstance(expr, Take | Init):
        return expr
    if isinstance(expr, Concat | Stack):
        return replace(expr, parts=tuple(parts))
    if isinstance(expr, Compute):
        return replace(expr, inputs=tuple(parts))
    return replace(expr, of=parts[0])


def takes(expr: Expr) -> list[str]:
    """The names of the source tensors, in the order in which they occur."""
    if isinstance(expr, Take):
        return [expr.name]
    return list(dict.fromkeys(name for part in children(expr) for name in takes(part)))


def describe(expr: Expr) -> str:
    """An expression in words that a person can follow."""
    inner = ", ".join(map(describe, children(expr)))
    match expr:
        case Take(name):
            return name
        case Slice(_, dim, start, stop):
            return f"{inner}[{start}:{stop} of dim {dim}]"
        case Concat(_, dim) | Stack(_, dim):
            return f"{type(expr).__name__.lower()}({inner}; dim {dim})"
        case Permute(_, dims):
            return f"permute({inner}; {list(dims)})"
        case Transpose(_, first, second):
            return f"transpose({inner}; {first}, {second})"
        case Reshape(_, shape):
            return f"reshape({inner}; {list(shape)})"
        case Cast(_, dtype):
            return f"cast({inner}; {dtype})"
        case Repeat(_, times, dim):
            return f"repeat({inner}; {times} times along dim {dim})"
        case Pad(_, dim, before, after, value):
            return f"pad({inner}; {before} before and {after} after along dim {dim} with {value:g})"
        case Init(dtype, shape, kind):
            return f"{kind}({dtype} {list(shape)})"
        case Compute(name):
            return f"{name}({inner})"
