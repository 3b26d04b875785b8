"""Compares checkpoints: first what is there, then the numbers, a piece at a time.

Either side may be of any format, in any number of files. `compare_along` puts what a plan would
make of the left side beside the right one, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from checkpoint_tools.dtypes import itemsize
from checkpoint_tools.plan.casts import decode
from checkpoint_tools.plan.nodes import Node
from checkpoint_tools.plan.plan import Plan, compose, identity_plan, rename_plan
from checkpoint_tools.plan.proof import prepare
from checkpoint_tools.plan.resolve import CASTABLE, Type, types_of
from checkpoint_tools.plan.reverse import reverse_plan

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint

Verdict = Literal["equal", "close", "different", "shape", "dtype"]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Tolerance:
    """Numbers are close if |a - b| <= `absolute` + `relative` * |b|."""

    absolute: float = 0.0
    relative: float = 0.0


@dataclass
class Pair:
    """A tensor on both sides.

    Attributes:
        left, right: its names.
        verdict: `shape` tells that the numbers were not compared for that reason, `dtype` that
            they are equal or close as far as they can be compared, but of another type.
        differing: how many elements are other numbers; -1 where they cannot be told apart.
        largest: the largest |a - b|; infinite if only one of two is finite or a number.
        where: the index of the element with that deviation.
        values: both elements there.
    """

    left: str
    right: str
    left_type: Type
    right_type: Type
    verdict: Verdict = "equal"
    differing: int = 0
    largest: float = 0.0
    where: tuple[int, ...] | None = None
    values: tuple[Any, Any] | None = None


@dataclass
class Comparison:
    """What two checkpoints have in common.

    Attributes:
        only_left, only_right: names that the other side lacks.
        pairs: what is on both sides, in the order of the left one.
    """

    only_left: list[str] = field(default_factory=list)
    only_right: list[str] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether both hold the same tensors, numbers being equal or close."""
        fine = all(pair.verdict in ("equal", "close") for pair in self.pairs)
        return fine and not self.only_left and not self.only_right

    @property
    def changed(self) -> list[Pair]:
        """The pairs that are neither equal nor close."""
        return [pair for pair in self.pairs if pair.verdict not in ("equal", "close")]


def compare(
    left: Checkpoint,
    right: Checkpoint,
    *,
    mapping: Mapping[str, str] | None = None,
    tolerance: Tolerance = Tolerance(),
    values: bool = True,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two checkpoints.

    Args:
        mapping: names on the right for names on the left, where they differ.
        tolerance: what counts as close.
        values: compare the numbers too; without it only headers are read.
        progress: called with bytes done, bytes in total, and the tensor at hand.
    """
    plan = rename_plan(left, mapping or {})
    return compare_along(left, plan, right, tolerance=tolerance, values=values, progress=progress)


def compare_along(
    left: Checkpoint,
    plan: Plan,
    right: Checkpoint,
    *,
    tolerance: Tolerance = Tolerance(),
    values: bool = True,
    progress: Progress | None = None,
) -> Comparison:
    """Compare what a plan would make of `left` with `right`."""
    outputs = prepare(left, plan).outputs
    others = prepare(right, identity_plan(right)).outputs
    result = Comparison(
        [name for name in outputs if name not in others],
        [name for name in others if name not in outputs],
    )
    both = [name for name in outputs if name in others]
    done, total = 0, sum(outputs[name].nbytes for name in both)
    for name in both:
        one, other = outputs[name], others[name]
        pair = Pair(_origin(plan, name), name, one.type, other.type)
        if one.type.shape != other.type.shape:
            pair.verdict = "shape"
        elif values:
            compare_nodes(pair, one.node, other.node, tolerance)
        if one.type.dtype != other.type.dtype and pair.verdict in ("equal", "close"):
            pair.verdict = "dtype"
        result.pairs.append(pair)
        done += one.nbytes
        if progress:
            progress(done, total, name)
    return result


def round_trip(
    source: Checkpoint,
    plan: Plan,
    back: Plan | None = None,
    *,
    lossy: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Stream every tensor along a plan and back, and compare it with itself; nothing is written.

    Args:
        back: the way back; None takes the reverse of `plan`.
        lossy: let the reverse cast back what lost digits on the way there.

    Raises:
        Irreversible: there is no way back.
    """
    if back is None:
        back = reverse_plan(plan, types_of(source), lossy=lossy)
    prepare(source, plan)
    there_and_back = compose(plan, back)
    # What the way there adds is dropped on the way back, and that is no loss of the source.
    lost = there_and_back.drop | (source.tensors.keys() & plan.drop)
    whole = Plan(there_and_back.outputs, frozenset(lost))
    return compare_along(source, whole, source, progress=progress)


def digest(checkpoint: Checkpoint, name: str) -> str:
    """SHA-256 of a tensor's elements in C order, whatever file and format it lies in."""
    import hashlib

    total = hashlib.sha256()
    for part in checkpoint.stream(name, 1 << 20):
        total.update(part)
    return total.hexdigest()


def _origin(plan: Plan, name: str) -> str:
    """The name on the left, if it is one tensor; else the description."""
    from checkpoint_tools.plan.expressions import Take, describe

    expr = plan.outputs[name]
    return expr.name if isinstance(expr, Take) else describe(expr)


def compare_nodes(pair: Pair, one: Node, other: Node, tolerance: Tolerance) -> None:
    """Fill in what the numbers of a pair tell."""
    same_type = one.dtype == other.dtype
    if not same_type and not {one.dtype, other.dtype} <= CASTABLE:
        pair.verdict = "dtype"
        return
    for begin, end in _tiles(one, other):
        a, b = one.read(begin, end), other.read(begin, end)
        if same_type and a == b:
            continue
        if one.dtype not in CASTABLE:
            _compare_bytes(pair, a, b, begin)
        else:
            _compare_numbers(pair, decode(a, one.dtype), decode(b, other.dtype), begin, tolerance)
    one.close()
    other.close()


def _tiles(one: Node, other: Node) -> Iterator[tuple[int, int]]:
    """Ranges that suit both sides and do not grow with the wider type."""
    step = min(next(iter(one.tiles(0, 1 << 62)))[1], next(iter(other.tiles(0, 1 << 62)))[1])
    for begin in range(0, one.numel, step):
        yield begin, min(begin + step, one.numel)


def _compare_bytes(pair: Pair, a: bytes, b: bytes, begin: int) -> None:
    """Types that are no numbers here: only whether and where bytes differ."""
    pair.verdict, pair.largest, pair.differing = "different", inf, -1
    if pair.where is None and itemsize(pair.left_type.dtype):
        at = next(i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
        pair.where = _index(begin + at // itemsize(pair.left_type.dtype), pair.left_type.shape)


def _compare_numbers(pair: Pair, a: Any, b: Any, begin: int, tolerance: Tolerance) -> None:
    import numpy as np

    with np.errstate(all="ignore"):
        differ = (a != b) & ~(np.isnan(a) & np.isnan(b))
        places = np.flatnonzero(differ)
        if not places.size:
            return  # other bits for the same number, such as -0.0, or another NaN
        pair.differing += int(places.size)
        x, y = a[places], b[places]
        gap = _gap(x, y)
        close = gap <= tolerance.absolute + tolerance.relative * np.abs(y.astype(_wide(y)))
        if pair.verdict != "different":
            pair.verdict = "close" if close.all() else "different"
        at = int(gap.argmax())
        if float(gap[at]) >= pair.largest:
            pair.largest = float(gap[at])
            pair.where = _index(begin + int(places[at]), pair.left_type.shape)
            pair.values = (x[at].item(), y[at].item())


def _gap(x: Any, y: Any) -> Any:
    """Deviations; whole numbers are subtracted as such, since floats would round them."""
    import numpy as np

    if x.dtype.kind in "iu" and x.dtype == y.dtype:
        return (np.maximum(x, y) - np.minimum(x, y)).view(f"u{x.dtype.itemsize}").astype("<f8")
    gap = np.abs(x.astype(_wide(x)) - y.astype(_wide(y)))
    return np.where(np.isnan(gap), inf, gap)


def _wide(array: Any) -> str:
    return "<c16" if array.dtype.kind == "c" else "<f8"


def _index(number: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    made: list[int] = []
    for length in reversed(shape):
        number, at = divmod(number, length)
        made.append(at)
    return tuple(reversed(made))
