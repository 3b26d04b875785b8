"""Tensors that are in memory as a whole while they are used: functions, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from checkpoint_tools import strided
from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.plan.casts import decode, encode, numpy
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.expressions import Compute
from checkpoint_tools.plan.nodes import Node


class Kept(Node):
    """A tensor that is in memory as a whole while it is used, made of `inputs`."""

    def __init__(
        self, dtype: str, numel: int, inputs: list[Node], make: Callable[[], bytes]
    ) -> None:
        super().__init__(dtype, numel)
        self.inputs = inputs
        self._make = make
        self._data: bytes | None = None

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        if self._data is None:
            self._data = self._make()
        return self._data[nbytes(self.dtype, begin) : nbytes(self.dtype, end)]

    def close(self) -> None:
        """Let go of the memory."""
        self._data = None


def permuted(of: Node, shape: tuple[int, ...], dims: tuple[int, ...]) -> Kept:
    """A node of shape `shape` with its dimensions in another order, made in memory."""

    def make() -> bytes:
        strides = strided.c_strides(shape)
        data = of.read(0, of.numel)
        of.close()
        return strided.gather(
            data, tuple(shape[dim] for dim in dims), tuple(strides[dim] for dim in dims), of.dtype
        )

    return Kept(of.dtype, of.numel, [of], make)


def computed(expr: Compute, inputs: list[Node], shapes: list[tuple[int, ...]]) -> Kept:
    """The result of a function of whole tensors."""

    def make() -> bytes:
        np = numpy()
        arrays = []
        for node, shape in zip(inputs, shapes, strict=True):
            arrays.append(decode(node.read(0, node.numel), node.dtype).reshape(shape))
            node.close()
        made = np.asarray(expr.function(*arrays))
        if made.shape != expr.shape:
            raise PlanError(
                f"{expr.name} gave the shape {list(made.shape)} instead of {list(expr.shape)}"
            )
        given = str(made.dtype)
        if given != expr.dtype and not (given == "float32" and expr.dtype in _VIA_FLOAT32):
            raise PlanError(f"{expr.name} gave {given} instead of {expr.dtype}")
        return encode(np.ascontiguousarray(made).reshape(-1), expr.dtype)

    return Kept(expr.dtype, prod(expr.shape), inputs, make)


_VIA_FLOAT32 = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
