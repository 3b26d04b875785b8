"""Whether one checkpoint is what a plan makes of another one, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.compare import Comparison, Pair, Progress
    from checkpoint_tools.plan import Output, Plan


class Matched(NamedTuple):
    """A comparison of bits.

    Attributes:
        found: names and numbers; a pair is equal only if its bits are.
        hashes: SHA-256 of the elements of each output on the left, in C order.
        kinds: how each output on the left is made.
    """

    found: Comparison
    hashes: dict[str, str]
    kinds: dict[str, str]

    @property
    def same(self) -> bool:
        """Whether both sides hold the same tensors with the same bits."""
        return self.found.same


def match(
    left: Checkpoint, plan: Plan, right: Checkpoint, progress: Progress | None = None
) -> Matched:
    """Compare what a plan would make of `left` with what `right` holds; nothing is written.

    Unlike `compare_along` this tells -0.0 from 0.0 and one NaN from another.
    """
    from checkpoint_tools.compare import Comparison
    from checkpoint_tools.plan import identity_plan, prepare

    made = prepare(left, plan).outputs
    there = prepare(right, identity_plan(right)).outputs
    found = Comparison(
        [name for name in made if name not in there],
        [name for name in there if name not in made],
    )
    both = [name for name in made if name in there]
    done, total = 0, sum(made[name].nbytes for name in both)
    hashes: dict[str, str] = {}
    for name in both:
        hashes[name], pair = _pair(made[name], there[name])
        found.pairs.append(pair)
        done += made[name].nbytes
        if progress is not None:
            progress(done, total, name)
    return Matched(found, hashes, {name: one.kind for name, one in made.items()})


def _pair(one: Output, other: Output) -> tuple[str, Pair]:
    from checkpoint_tools.compare import Pair, Tolerance, compare_nodes

    pair = Pair(one.name, other.name, one.type, other.type)
    mine = _hash(one)
    if one.type != other.type:
        pair.verdict = "shape" if one.type.shape != other.type.shape else "dtype"
    elif mine != _hash(other):
        compare_nodes(pair, one.node, other.node, Tolerance())
        pair.verdict = "different"
    return mine, pair


def _hash(output: Output) -> str:
    from hashlib import sha256

    total = sha256()
    node = output.node
    for begin, end in node.tiles(0, node.numel):
        total.update(node.read(begin, end))
    node.close()
    return total.hexdigest()
