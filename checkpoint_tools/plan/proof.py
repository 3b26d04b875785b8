"""Proves that a plan fits a checkpoint, and says what carrying it out will cost."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.errors import CheckpointError
from checkpoint_tools.plan.coverage import topological, used
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.expressions import Cast, Compute, Expr, Init, Take, takes
from checkpoint_tools.plan.kept import Kept
from checkpoint_tools.plan.lower import Lowering
from checkpoint_tools.plan.nodes import GRAIN, TILE, Casted, Filled, Node, View
from checkpoint_tools.plan.plan import Plan
from checkpoint_tools.plan.regions import volume
from checkpoint_tools.plan.resolve import Resolver, Type, types_of
from checkpoint_tools.plan.rows import Rows
from checkpoint_tools.text import quote

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint

# COPY: long ranges of files, which the kernel copies (and shares where the file system can).
# GATHER: elements as they are, brought together in memory. COMPUTE: other numbers.
Kind = Literal["COPY", "GATHER", "COMPUTE"]


class Output(NamedTuple):
    """One tensor of the target: its expression in plain form, type, kind, and how it is read.

    `tie` names the output that it is the same data as.
    """

    name: str
    expr: Expr
    type: Type
    kind: Kind
    node: Node
    tie: str | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return nbytes(self.type.dtype, prod(self.type.shape))


@dataclass
class Ledger:
    """Where every byte of the source goes and where every byte of the target comes from.

    source = copied + transformed + dropped, each byte of a tied tensor counted once.
    target = copied + gathered + computed + invented; `shared` bytes are among the copied ones.
    """

    source: int = 0
    source_copied: int = 0
    source_transformed: int = 0
    source_dropped: int = 0
    target: int = 0
    target_copied: int = 0
    target_gathered: int = 0
    target_computed: int = 0
    target_invented: int = 0
    target_shared: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Both sums must hold.

        Raises:
            AssertionError: they do not, which is an error of this program.
        """
        source = self.source_copied + self.source_transformed + self.source_dropped
        target = self.target_copied + self.target_gathered
        target += self.target_computed + self.target_invented
        if (source, target) != (self.source, self.target):
            raise AssertionError(f"the ledger does not balance: {self}")


@dataclass(frozen=True)
class Prepared:
    """A plan that was proven to fit a checkpoint.

    Attributes:
        outputs: by name, in the order of the plan.
        ledger: what will become of every byte.
        peak_memory: bytes that will be in memory at most, beyond the program itself.
    """

    checkpoint: Checkpoint
    plan: Plan
    outputs: dict[str, Output]
    ledger: Ledger
    peak_memory: int


def prepare(checkpoint: Checkpoint, plan: Plan) -> Prepared:
    """Prove a plan without reading a tensor.

    Raises:
        PlanError: names collide, shapes or types do not fit, or a tensor of the source is
            neither used nor dropped. All problems are listed.
    """
    collecting = gc.isenabled()
    gc.disable()  # a plan is a great many small objects without cycles
    try:
        return _prepare(checkpoint, plan)
    finally:
        if collecting:
            gc.enable()


def _prepare(checkpoint: Checkpoint, plan: Plan) -> Prepared:
    resolver = Resolver(types_of(checkpoint))
    plain: dict[str, Expr] = {}
    problems = [
        f"{quote(name)} is dropped, but it is not there"
        for name in sorted(plan.drop - checkpoint.tensors.keys())
    ]
    for name, expr in plan.outputs.items():
        if not name or len(name) > limits.MAX_NAME:
            problems.append(f"{quote(name)} is no name for a tensor")
        try:
            plain[name] = resolver.resolve(expr)
        except PlanError as error:
            problems.append(f"{quote(name)}: {error.reason}")
    problems += _check_ties(plan, plain, resolver)
    if problems:
        raise PlanError.of(problems, checkpoint.name)
    try:
        ledger, problems = _account(checkpoint, plan, plain, resolver)
        if problems:
            raise PlanError.of(problems, checkpoint.name)
        ties = _ties(checkpoint, plan, plain)
        lowering = Lowering(checkpoint, resolver)
        outputs = {
            name: _output(name, expr, resolver.types[expr], lowering.node(expr), ties.get(name))
            for name, expr in plain.items()
        }
    except CheckpointError as error:
        raise error.within(checkpoint.name) from None
    return Prepared(checkpoint, plan, outputs, ledger, _peak(outputs))


def _output(name: str, expr: Expr, type: Type, node: Node, tie: str | None) -> Output:
    return Output(name, expr, type, kind_of(expr, node), node, tie)


def kind_of(expr: Expr, node: Node) -> Kind:
    """How an output is made."""
    if not isinstance(expr, Take) and any(
        isinstance(part, Cast | Compute) for part in topological([expr])
    ):
        return "COMPUTE"
    return "COPY" if _copied(node) else "GATHER"


def _copied(node: Node) -> bool:
    if isinstance(node, View):
        long = node.flat or node.block * nbytes(node.dtype, 1) >= GRAIN
        return node.numel == 0 or (long and node.mapped())
    if isinstance(node, Rows):
        return node.large and all(_copied(part[0]) for part in node.parts)
    return isinstance(node, Filled)


def _check_ties(plan: Plan, plain: Mapping[str, Expr], resolver: Resolver) -> list[str]:
    problems: list[str] = []
    for name, other in plan.ties.items():
        if name not in plan.outputs or other not in plan.outputs or other in plan.ties:
            problems.append(f"{quote(name)} cannot be tied to {quote(other)}")
        elif name in plain and other in plain:
            mine, its = resolver.types[plain[name]], resolver.types[plain[other]]
            if mine != its:
                problems.append(f"{quote(name)}, {mine}, is tied to {quote(other)}, {its}")
    return problems


def _ties(checkpoint: Checkpoint, plan: Plan, plain: Mapping[str, Expr]) -> dict[str, str]:
    """Ties of the plan, and of outputs that are tied tensors of the source taken as they are.

    One tensor taken twice is no tie: it is a copy that shall live a life of its own.
    """
    ties = dict(plan.ties)
    first: dict[str, tuple[str, str]] = {}
    for name, expr in plain.items():
        if not isinstance(expr, Take) or name in ties:
            continue
        origin = checkpoint.tensors[expr.name].alias_of or expr.name
        taken, output = first.setdefault(origin, (expr.name, name))
        if taken != expr.name:
            ties[name] = output
    return ties


def _account(
    checkpoint: Checkpoint, plan: Plan, plain: Mapping[str, Expr], resolver: Resolver
) -> tuple[Ledger, list[str]]:
    origins = {name: ref.alias_of or name for name, ref in checkpoint.tensors.items()}
    # Most plans take most tensors as they are, and of those nothing needs to be measured.
    direct = {expr.name for expr in plain.values() if isinstance(expr, Take)}
    others = [expr for expr in plain.values() if not isinstance(expr, Take)]
    copied, computed = used(others, resolver.types, origins)
    ledger = Ledger()
    taken = direct.union(*map(takes, others))
    problems = [
        f"{quote(name)} is neither used nor dropped"
        for name, ref in checkpoint.tensors.items()
        if name not in taken and name not in plan.drop and ref.numel
    ]
    mentioned = {origins[name] for name in taken}
    spared = {origins[name] for name in plan.drop}
    complete = {origins[name] for name in direct}
    for origin in dict.fromkeys(origins.values()):
        ref = checkpoint.tensors[origin]
        if origin in complete:
            ledger.source += ref.nbytes
            ledger.source_copied += ref.nbytes
            continue
        as_is = volume(copied.get(origin, ()))
        all_used = volume([*copied.get(origin, ()), *computed.get(origin, ())])
        if all_used < ref.numel and origin in mentioned - spared:
            left = ref.numel - all_used
            problems.append(
                f"{left} of the {ref.numel} elements of {quote(origin)} are neither used nor"
                " dropped"
            )
        ledger.source += ref.nbytes
        if all_used == ref.numel and as_is == ref.numel:
            ledger.source_copied += ref.nbytes
            continue
        ledger.source_copied += nbytes(ref.dtype, as_is)
        ledger.source_transformed += nbytes(ref.dtype, all_used) - nbytes(ref.dtype, as_is)
        lost = ref.nbytes - nbytes(ref.dtype, all_used)
        ledger.source_dropped += lost
        if lost:
            ledger.dropped[origin] = lost
    return ledger, problems


def _peak(outputs: Mapping[str, Output]) -> int:
    """The largest need of one output: what it keeps in memory, twice where it is made anew."""
    most = 0
    for output in outputs.values():
        if isinstance(output.node, View) and output.node.flat:
            continue
        most = max(most, _need(output.node, output.expr))
    return most + 4 * TILE


def _need(node: Node, expr: Expr) -> int:
    if isinstance(node, Kept):
        whole = 3 * nbytes(node.dtype, node.numel)
        return whole + sum(
            2 * nbytes("float32", prod(part.shape))
            for part in topological([expr])
            if isinstance(part, Init | Compute)
        )
    if isinstance(node, Rows):
        return max(_need(part[0], expr) for part in node.parts) + 2 * node.tile
    if isinstance(node, Casted):
        return _need(node.of, expr) + 24 * node.tile
    return (3 if isinstance(node, View) and not node.flat else 1) * node.tile
