"""Codecs for tensors: what `Convert` does to weights, as expressions of a conversion plan."""

# ruff: noqa: D102, ARG002  the base class says what each method does
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError
from cfgmig.migration.codecs import Codec
from cfgmig.migration.grade import Grade

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr, Type


class TensorCodec(Codec):
    """A reversible change of one tensor."""

    def apply(self, value: Any) -> Any:
        raise UsageError(f"{self.describe()}: this is for tensors, not for {value!r}")

    def reverse(self) -> TensorCodec:
        raise NotImplementedError

    def on(self, expr: Expr, of: Type) -> Expr:
        """The new tensor, made of the old one, `expr`, whose type is `of`.

        Raises:
            UsageError: it does not fit a tensor of that type.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Transposed(TensorCodec):
    """Two dimensions exchanged; the last two if none are named."""

    first: int = -2
    second: int = -1

    def reverse(self) -> Transposed:
        return self

    def on(self, expr: Expr, of: Type) -> Expr:
        from checkpoint_tools.plan import Transpose

        return Transpose(expr, self.first, self.second)

    def describe(self) -> str:
        return f"dimensions {self.first} and {self.second} are exchanged"


@dataclass(frozen=True)
class Reshaped(TensorCodec):
    """The same elements in C order under another shape."""

    old: tuple[int, ...]
    new: tuple[int, ...]

    def __post_init__(self) -> None:
        if prod(self.old) != prod(self.new):
            raise UsageError(f"Reshaped: {list(self.old)} and {list(self.new)} differ in size")

    def reverse(self) -> Reshaped:
        return Reshaped(self.new, self.old)

    def on(self, expr: Expr, of: Type) -> Expr:
        from checkpoint_tools.plan import Reshape

        if of.shape != self.old:
            raise UsageError(f"its shape is {list(of.shape)}, not {list(self.old)}")
        return Reshape(expr, self.new)

    def describe(self) -> str:
        return f"{list(self.old)} becomes {list(self.new)}"


@dataclass(frozen=True)
class Repeated(TensorCodec):
    """The whole, `times` times one after the other along a dimension."""

    times: int
    dim: int = 0

    def reverse(self) -> TensorCodec:
        return _Once(self.times, self.dim)

    def on(self, expr: Expr, of: Type) -> Expr:
        from checkpoint_tools.plan import Repeat

        return Repeat(expr, self.times, self.dim)

    def describe(self) -> str:
        return f"repeated {self.times} times along dimension {self.dim}"


@dataclass(frozen=True)
class _Once(TensorCodec):
    """The first of several copies; refused where they are not copies any more."""

    times: int
    dim: int

    def reverse(self) -> Repeated:
        return Repeated(self.times, self.dim)

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def on(self, expr: Expr, of: Type) -> Expr:
        length = length_of(of, self.dim)
        if length % self.times:
            raise UsageError(f"{length} is no multiple of {self.times}")
        first = _First(self.times, self.dim)
        return _computed(self.describe(), first, expr, of, self.dim, length // self.times)

    def describe(self) -> str:
        return f"one of {self.times} equal parts along dimension {self.dim}"


@dataclass(frozen=True)
class Resized(TensorCodec):
    """Another length along a dimension: filled up with `fill`, or cut where it holds that.

    Args:
        dim: the dimension.
        old: its length before.
        new: its length afterwards.
        fill: the value of new elements, at the end.
    """

    dim: int
    old: int
    new: int
    fill: float = 0.0

    def reverse(self) -> Resized:
        return Resized(self.dim, self.new, self.old, self.fill)

    @property
    def grade(self) -> Grade:
        return Grade.EXACT if self.new >= self.old else Grade.GUARDED

    def on(self, expr: Expr, of: Type) -> Expr:
        from checkpoint_tools.plan import Pad

        length = length_of(of, self.dim)
        if length != self.old:
            raise UsageError(f"its length is {length}, not {self.old}")
        if self.new >= self.old:
            return Pad(expr, self.dim, 0, self.new - self.old, self.fill)
        cut = _Cut(self.dim, self.new, self.fill, of.dtype)
        return _computed(self.describe(), cut, expr, of, self.dim, self.new)

    def describe(self) -> str:
        rest = f", filled with {self.fill:g}" if self.new >= self.old else ""
        return f"dimension {self.dim} from {self.old} to {self.new}{rest}"


@dataclass(frozen=True)
class Split(TensorCodec):
    """One tensor becomes several: its parts along a dimension.

    Args:
        parts: their names, with the stars of the path that is converted.
        sizes: their lengths along `dim`.
        dim: the dimension.
    """

    parts: tuple[str, ...]
    sizes: tuple[int, ...]
    dim: int = 0

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.sizes) or len(set(self.parts)) != len(self.parts):
            raise UsageError("Split: as many different names as sizes are needed")

    def reverse(self) -> Joined:
        return Joined(self.parts, self.sizes, self.dim)

    def describe(self) -> str:
        return f"split along dimension {self.dim} into {', '.join(self.parts)}"


@dataclass(frozen=True)
class Joined(TensorCodec):
    """Several tensors become one, as their parts along a dimension; see `Split`."""

    parts: tuple[str, ...]
    sizes: tuple[int, ...]
    dim: int = 0

    def reverse(self) -> Split:
        return Split(self.parts, self.sizes, self.dim)

    def describe(self) -> str:
        return f"joined from {', '.join(self.parts)} along dimension {self.dim}"


@dataclass(frozen=True)
class _First:
    """The first of equal parts of an array; a value, so that equal ones are equal."""

    times: int
    dim: int

    def __call__(self, array: Any) -> Any:
        import numpy as np

        from checkpoint_tools.plan import LossError

        parts = np.split(array, self.times, axis=self.dim)
        if not all(np.array_equal(part, parts[0], equal_nan=True) for part in parts):
            raise LossError(f"the {self.times} copies differ: it was trained since they were made")
        return parts[0]


@dataclass(frozen=True)
class _Cut:
    """An array without what lies beyond a length, which must all be `fill`."""

    dim: int
    length: int
    fill: float
    dtype: str

    def __call__(self, array: Any) -> Any:
        import numpy as np

        from checkpoint_tools.plan import Init, LossError
        from checkpoint_tools.plan.casts import decode
        from checkpoint_tools.plan.initial import elements

        # In a narrow type the fill is the next number that it has.
        init = Init(self.dtype, (1,), "constant", self.fill)
        fill = decode(elements(init, 0, 1), self.dtype)[0]
        kept, rest = np.split(array, [self.length], axis=self.dim)
        if not np.all(rest == fill):
            raise LossError(f"elements beyond {self.length} are not {self.fill:g}")
        return kept


def length_of(of: Type, dim: int) -> int:
    """The length of a tensor along a dimension.

    Raises:
        UsageError: it has no such dimension.
    """
    if not -len(of.shape) <= dim < len(of.shape):
        raise UsageError(f"there is no dimension {dim} in {list(of.shape)}")
    return of.shape[dim]


def _computed(
    name: str, function: Callable[[Any], Any], expr: Expr, of: Type, dim: int, size: int
) -> Expr:
    from checkpoint_tools.plan import Compute

    dim %= len(of.shape)
    shape = (*of.shape[:dim], size, *of.shape[dim + 1 :])
    return Compute(name, function, (expr,), of.dtype, shape)
