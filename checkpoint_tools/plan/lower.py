"""From expressions in plain form to nodes; what is a view of the source stays one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from checkpoint_tools import strided
from checkpoint_tools.dtypes import BITS, itemsize
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
    Take,
)
from checkpoint_tools.plan.kept import computed, permuted
from checkpoint_tools.plan.nodes import Casted, Filled, Node, View
from checkpoint_tools.plan.resolve import Resolver, Type
from checkpoint_tools.plan.rows import Rows

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint


class Lowering:
    """Makes nodes over a checkpoint.

    Args:
        checkpoint: what is taken from.
        resolver: knows the types of all parts of the expressions.
    """

    def __init__(self, checkpoint: Checkpoint, resolver: Resolver) -> None:
        self.checkpoint = checkpoint
        self.resolver = resolver

    @property
    def types(self) -> Mapping[Expr, Type]:
        """The types of all parts."""
        return self.resolver.types

    def node(self, expr: Expr) -> Node:
        """The node of an expression in plain form."""
        dtype, shape = self.types[expr]
        match expr:
            case Take(name):
                return self._take(name)
            case Init():
                return Filled(expr)
            case Cast(of, to):
                return Casted(self.node(of), to)
            case Compute(_, _, inputs):
                nodes = [self.node(one) for one in inputs]
                return computed(expr, nodes, [self.types[one].shape for one in inputs])
            case Permute(of, dims):
                return self._permute(of, dims)
            case Reshape(of):
                return self._reshape(self.node(of), shape)
            case Slice(of, dim, start, stop):
                return self._slice(of, dim, start, stop)
            case Concat(parts, dim):
                return self._rows(dtype, shape, dim, parts)
            case Repeat(of, times, dim):
                return self._rows(dtype, shape, dim, [of] * times)
            case Pad(of, dim, before, after, value):
                edges: list[Expr] = []
                for count in (before, after):
                    edge = (*shape[:dim], count, *shape[dim + 1 :])
                    edges.append(self.resolver.resolve(Init(dtype, edge, "constant", value)))
                return self._rows(dtype, shape, dim, (edges[0], of, edges[1]))
        raise TypeError(f"{type(expr).__name__} is not in plain form")

    def _take(self, name: str) -> Node:
        ref = self.checkpoint.tensors[name]
        if ref.storage >= 0:
            return View(self.checkpoint, ref.dtype, ref.shape, ref.strides, ref.storage, ref.offset)
        return self._pieces(name)

    def _pieces(self, name: str) -> Node:
        """A tensor that lies in rectangles: slabs along dimensions, else read as a whole."""
        ref = self.checkpoint.tensors[name]
        boxes = [
            (
                piece.start,
                piece.shape,
                View(
                    self.checkpoint,
                    ref.dtype,
                    piece.shape,
                    piece.strides,
                    piece.storage,
                    piece.offset,
                ),
            )
            for piece in self.checkpoint.pieces(name)
            if prod(piece.shape)
        ]
        joined = _slabs(ref.dtype, boxes, (0,) * len(ref.shape), ref.shape)
        return joined or _Read(self.checkpoint, name)

    def _rows(self, dtype: str, shape: tuple[int, ...], dim: int, parts: Sequence[Expr]) -> Node:
        outer, inner = prod(shape[:dim]), prod(shape[dim + 1 :])
        rows: list[tuple[Node, int, int, int]] = []
        for part in parts:
            length = self.types[part].shape[dim] * inner
            if length:
                rows.append((self.node(part), length, 0, length))
        if not outer or not rows:
            return Filled(Init(dtype, (0,)))
        return Rows(dtype, outer, rows)

    def _slice(self, of: Expr, dim: int, start: int, stop: int) -> Node:
        dtype, shape = self.types[of]
        node = self.node(of)
        made = (*shape[:dim], stop - start, *shape[dim + 1 :])
        if not prod(made):
            return Filled(Init(dtype, (0,)))
        if isinstance(node, View) and node.shape == shape:
            offset = node.offset + start * node.strides[dim] * itemsize(dtype)
            return View(node.checkpoint, dtype, made, node.strides, node.storage, offset)
        inner = prod(shape[dim + 1 :])
        part = (node, shape[dim] * inner, start * inner, (stop - start) * inner)
        return Rows(dtype, prod(shape[:dim]), [part])

    def _reshape(self, node: Node, shape: tuple[int, ...]) -> Node:
        """The same row of elements; a view stays one if its strides can say the new shape."""
        if isinstance(node, View):
            strides = _regrouped(node.shape, node.strides, shape)
            if strides is not None:
                return View(node.checkpoint, node.dtype, shape, strides, node.storage, node.offset)
        return node

    def _permute(self, of: Expr, dims: tuple[int, ...]) -> Node:
        """Permute the inputs of what moves elements, until it is a view that is permuted."""
        node = self._permuted_below(of, dims)
        if node is not None:
            return node
        dtype, shape = self.types[of]
        inner = self.node(of)
        made = tuple(shape[dim] for dim in dims)
        if isinstance(inner, View) and inner.shape == shape:
            strides = tuple(inner.strides[dim] for dim in dims)
            return View(inner.checkpoint, dtype, made, strides, inner.storage, inner.offset)
        return permuted(inner, shape, dims)

    def _permuted_below(self, of: Expr, dims: tuple[int, ...]) -> Node | None:
        resolve = self.resolver.resolve
        match of:
            case Concat(parts, dim):
                moved = tuple(Permute(part, dims) for part in parts)
                return self.node(resolve(Concat(moved, dims.index(dim))))
            case Repeat(inner, times, dim):
                return self.node(resolve(Repeat(Permute(inner, dims), times, dims.index(dim))))
            case Pad(inner, dim, before, after, value):
                plain = Pad(Permute(inner, dims), dims.index(dim), before, after, value)
                return self.node(resolve(plain))
            case Slice(inner, dim, start, stop):
                plain_slice = Slice(Permute(inner, dims), dims.index(dim), start, stop)
                return self.node(resolve(plain_slice))
            case Cast(inner, dtype):
                return self.node(resolve(Cast(Permute(inner, dims), dtype)))
            case Init(kind="zeros" | "ones" | "constant"):
                return self.node(of)
        return None


class _Read(Node):
    """A tensor of the source that only its own reader can put together."""

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        ref = checkpoint.tensors[name]
        super().__init__(ref.dtype, ref.numel)
        self.checkpoint, self.name, self.shape = checkpoint, name, ref.shape

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        from checkpoint_tools.plan.regions import boxes

        return b"".join(
            self.checkpoint.read_slice(self.name, start, stop)
            for start, stop in boxes(self.shape, begin, end)
        )


def _slabs(
    dtype: str,
    boxes: list[tuple[tuple[int, ...], tuple[int, ...], View]],
    start: tuple[int, ...],
    shape: tuple[int, ...],
) -> Node | None:
    """Nested rows for rectangles that tile a box and can be cut apart; None if they cannot."""
    if len(boxes) == 1:
        return boxes[0][2] if boxes[0][:2] == (start, shape) else None
    if BITS[dtype] % 8:
        return None
    for dim in range(len(shape)):
        cuts = sorted({box[0][dim] for box in boxes})
        groups = [[box for box in boxes if box[0][dim] == at] for at in cuts]
        lengths = [group[0][1][dim] for group in groups]
        if len(groups) < 2 or any(
            box[1][dim] != n for group, n in zip(groups, lengths, strict=True) for box in group
        ):
            continue
        rows: list[tuple[Node, int, int, int]] = []
        inner = prod(shape[dim + 1 :])
        for at, length, group in zip(cuts, lengths, groups, strict=True):
            box_start = (*start[:dim], at, *start[dim + 1 :])
            box_shape = (*shape[:dim], length, *shape[dim + 1 :])
            node = _slabs(dtype, group, box_start, box_shape)
            if node is None or node.numel != prod(box_shape):
                return None
            rows.append((node, length * inner, 0, length * inner))
        made = Rows(dtype, prod(shape[:dim]), rows)
        return made if made.numel == prod(shape) else None
    return None


def _regrouped(
    shape: tuple[int, ...], strides: tuple[int, ...], to: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Strides that show the elements of a view under another shape, if there are any."""
    if strided.is_contiguous(shape, strides):
        return strided.c_strides(to)
    old = [(n, step) for n, step in zip(shape, strides, strict=True) if n != 1]
    made: list[int] = []
    at = 0
    for length in to:
        if length == 1:
            made.append(0)
            continue
        if at == len(old):
            return None
        have, step = old[at]
        while have < length and at + 1 < len(old) and old[at + 1][0] * old[at + 1][1] == step:
            at += 1
            have, step = have * old[at][0], old[at][1]
        if have % length:
            return None
        made.append(step * (have // length))
        old[at] = (have // length, step)
        if have == length:
            at += 1
    return tuple(made)
