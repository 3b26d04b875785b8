"""Shapes and types of expressions, found without a byte of the tensors."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.dtypes import BITS
from checkpoint_tools.plan.casts import FLOATING, WHOLE
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.expressions import (
    Cast,
    Compute,
    Concat,
    Expr,
    Init,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Slice,
    Stack,
    Take,
    Transpose,
    children,
    with_children,
)
from checkpoint_tools.text import quote

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint

CASTABLE = frozenset((*WHOLE, *FLOATING))


class Type(NamedTuple):
    """Element type and shape of a tensor."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def types_of(checkpoint: Checkpoint) -> dict[str, Type]:
    """The types of all tensors of a checkpoint."""
    return {name: Type(ref.dtype, ref.shape) for name, ref in checkpoint.tensors.items()}


class Resolver:
    """Brings expressions into their plain form and remembers the type of each part.

    In the plain form dimensions are positive, lengths are known, and `Stack` and `Transpose` are
    written with `Concat`, `Reshape` and `Permute`; what changes nothing is left out.

    Args:
        source: types of the tensors that may be taken.
    """

    def __init__(self, source: Mapping[str, Type]) -> None:
        self.source = source
        self.types: dict[Expr, Type] = {}

    def resolve(self, expr: Expr) -> Expr:
        """The plain form.

        Raises:
            PlanError: shapes or types do not fit, or there is no such tensor.
        """
        if isinstance(expr, Take):
            if expr.name not in self.source:
                raise PlanError(f"there is no tensor {quote(expr.name)} to take")
            return self._known(expr, self.source[expr.name])
        parts = [self.resolve(part) for part in children(expr)]
        if isinstance(expr, Stack):
            return self._stack(parts, expr.dim)
        if isinstance(expr, Concat):
            return self._concat(parts, expr.dim)
        if isinstance(expr, Init):
            return self._init(expr)
        if isinstance(expr, Compute):
            _check_shape(expr.shape)
            if expr.dtype not in CASTABLE:
                raise PlanError(f"{quote(expr.name)} cannot give {expr.dtype}")
            return self._known(with_children(expr, parts), Type(expr.dtype, expr.shape))
        return self._one(expr, parts[0])

    def _one(self, expr: Expr, of: Expr) -> Expr:
        dtype, shape = self.types[of]
        match expr:
            case Slice(_, dim, start, stop):
                return self._slice(of, _dim(dim, shape), start, stop)
            case Transpose(_, first, second):
                dims = list(range(len(shape)))
                a, b = _dim(first, shape), _dim(second, shape)
                dims[a], dims[b] = dims[b], dims[a]
                return self._permute(of, tuple(dims))
            case Permute(_, dims_):
                return self._permute(of, tuple(_dim(dim, shape) for dim in dims_))
            case Reshape(_, to):
                return self._reshape(of, to)
            case Cast(_, to_dtype):
                return self._cast(of, to_dtype)
            case Repeat(_, times, dim):
                dim = _dim(dim, shape)
                if times < 1:
                    raise PlanError(f"a tensor cannot be repeated {times} times")
                return self._along(Repeat(of, times, dim), of, dim, shape[dim] * times)
            case Pad(_, dim, before, after):
                dim = _dim(dim, shape)
                if before < 0 or after < 0:
                    raise PlanError("a tensor cannot be padded by less than nothing")
                if dtype not in CASTABLE:
                    raise PlanError(f"{dtype} cannot be padded")
                plain = Pad(of, dim, before, after, expr.value)
                return self._along(plain, of, dim, before + shape[dim] + after)
        raise PlanError(f"{type(expr).__name__} is no expression")

    def _known(self, expr: Expr, type: Type) -> Expr:
        self.types[expr] = type
        return expr

    def _along(self, expr: Expr, of: Expr, dim: int, length: int) -> Expr:
        dtype, shape = self.types[of]
        if shape[dim] == length:
            return of
        _check_whole_bytes(dtype)
        made = (*shape[:dim], length, *shape[dim + 1 :])
        _check_shape(made)
        return self._known(expr, Type(dtype, made))

    def _slice(self, of: Expr, dim: int, start: int, stop: int) -> Expr:
        shape = self.types[of].shape
        if not 0 <= start <= stop <= shape[dim]:
            raise PlanError(f"{start}:{stop} is not inside dimension {dim} of {list(shape)}")
        return self._along(Slice(of, dim, start, stop), of, dim, stop - start)

    def _concat(self, parts: list[Expr], dim: int) -> Expr:
        if not parts:
            raise PlanError("nothing is joined")
        if len(parts) == 1:
            return parts[0]
        dtype, shape = self.types[parts[0]]
        dim = _dim(dim, shape)
        _check_whole_bytes(dtype)
        length = 0
        for part in parts:
            other = self.types[part]
            same = other.dtype == dtype and len(other.shape) == len(shape)
            if not same or any(
                a != b for i, (a, b) in enumerate(zip(other.shape, shape, strict=True)) if i != dim
            ):
                raise PlanError(
                    f"{self.types[parts[0]]} and {other} cannot be joined along dimension {dim}"
                )
            length += other.shape[dim]
        made = (*shape[:dim], length, *shape[dim + 1 :])
        _check_shape(made)
        return self._known(Concat(tuple(parts), dim), Type(dtype, made))

    def _stack(self, parts: list[Expr], dim: int) -> Expr:
        if not parts:
            raise PlanError("nothing is stacked")
        shape = self.types[parts[0]].shape
        dim = _dim(dim, (*shape, 1))
        for part in parts:
            if self.types[part] != self.types[parts[0]]:
                raise PlanError(f"{self.types[parts[0]]} and {self.types[part]} cannot be stacked")
        to = (*shape[:dim], 1, *shape[dim:])
        return self._concat([self._reshape(part, to) for part in parts], dim)

    def _permute(self, of: Expr, dims: tuple[int, ...]) -> Expr:
        dtype, shape = self.types[of]
        if sorted(dims) != list(range(len(shape))):
            raise PlanError(f"{list(dims)} is no order of the {len(shape)} dimensions")
        if isinstance(of, Permute):
            dims, of = tuple(of.dims[dim] for dim in dims), of.of
            shape = self.types[of].shape
        if dims == tuple(range(len(shape))):
            return of
        _check_whole_bytes(dtype)
        return self._known(Permute(of, dims), Type(dtype, tuple(shape[dim] for dim in dims)))

    def _reshape(self, of: Expr, to: tuple[int, ...]) -> Expr:
        dtype, shape = self.types[of]
        numel = prod(shape)
        if to.count(-1) == 1:
            rest = prod(length for length in to if length != -1)
            to = tuple(length if length != -1 else numel // max(rest, 1) for length in to)
        if any(length < 0 for length in to) or prod(to) != numel:
            raise PlanError(f"{list(shape)} cannot take the shape {list(to)}")
        if isinstance(of, Reshape):
            of = of.of
        if self.types[of].shape == to:
            return of
        return self._known(Reshape(of, to), Type(dtype, to))

    def _cast(self, of: Expr, dtype: str) -> Expr:
        old, shape = self.types[of]
        if old == dtype:
            return of
        if dtype not in BITS:
            raise PlanError(f"{quote(dtype)} is no element type")
        for one in (old, dtype):
            if one not in CASTABLE:
                raise PlanError(f"{one} cannot be cast")
        if old.startswith("complex") and not dtype.startswith("complex"):
            raise PlanError(f"{old} cannot become {dtype} without losing its imaginary part")
        return self._known(Cast(of, dtype), Type(dtype, shape))

    def _init(self, expr: Init) -> Expr:
        _check_shape(expr.shape)
        if expr.dtype not in CASTABLE:
            raise PlanError(f"{quote(expr.dtype)} cannot be filled")
        if expr.kind in ("uniform", "normal") and expr.seed is None:
            raise PlanError(f"{expr.kind} numbers need a seed")
        if expr.kind == "eye" and len(expr.shape) != 2:
            raise PlanError(f"an identity has two dimensions, not {len(expr.shape)}")
        return self._known(expr, Type(expr.dtype, expr.shape))


def _dim(dim: int, shape: tuple[int, ...]) -> int:
    if not -len(shape) <= dim < len(shape):
        raise PlanError(f"there is no dimension {dim} in {list(shape)}")
    return dim % len(shape)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) > limits.MAX_DIMENSIONS or (shape and min(shape) < 0):
        raise PlanError(f"{list(shape)} is no shape")
    if (prod(shape) or prod(filter(None, shape))) > limits.MAX_ELEMENTS:
        raise PlanError(f"{list(shape)} has too many elements")


def _check_whole_bytes(dtype: str) -> None:
    if BITS[dtype] % 8:
        raise PlanError(f"elements of {dtype} share bytes, so only whole tensors can be taken")
