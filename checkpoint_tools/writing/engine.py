"""Fills the files of a job, tensor by tensor in the order of the source."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.formats.protocol import Run
from checkpoint_tools.plan.casts import Loss
from checkpoint_tools.plan.coverage import topological
from checkpoint_tools.plan.errors import LossError
from checkpoint_tools.plan.expressions import Take
from checkpoint_tools.plan.kept import Kept
from checkpoint_tools.plan.nodes import Casted, Node, View
from checkpoint_tools.plan.proof import Ledger, Output
from checkpoint_tools.plan.rows import Rows
from checkpoint_tools.text import quote
from checkpoint_tools.writing.copying import Copier, write_all
from checkpoint_tools.writing.errors import explained
from checkpoint_tools.writing.layout import FileLayout

if TYPE_CHECKING:
    from checkpoint_tools.writing.conversion import Progress
    from checkpoint_tools.writing.job import Job
    from checkpoint_tools.writing.staging import Staged


class _Meter:
    """Tells how far the work is, not more often than every few MiB."""

    _STEP = 4 << 20

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.progress = total, progress
        self.done = self._told = 0
        self.name = ""

    def advance(self, nbytes: int) -> None:
        """So many more bytes are written."""
        self.done += nbytes
        if self.progress and (self.done - self._told >= self._STEP or self.done == self.total):
            self._told = self.done
            self.progress(self.done, self.total, self.name)


def write(
    job: Job, staged: Staged, fail_on: Collection[str], progress: Progress | None
) -> tuple[Ledger, dict[str, Loss]]:
    """Write all files of a job.

    Returns:
        The ledger with what really happened, and what casts lost.
    """
    from dataclasses import replace

    ledger = replace(job.prepared.ledger)
    written = job.written
    meter = _Meter(sum(output.nbytes for output in written.values()), progress)
    losses: dict[str, Loss] = {}
    for name, layout in job.layouts.items():
        descriptor = staged.open(name)
        with explained(job.target):
            os.ftruncate(descriptor, layout.size)
            copier = Copier(job.prepared.checkpoint.sources, descriptor, meter.advance)
            outputs = [written[one] for one in layout.places]
            crcs = _fill(copier, layout, outputs, meter, ledger)
            for place, blob in layout.blobs(crcs):
                write_all(descriptor, blob, place)
        for output in outputs:
            _count_losses(output, losses, fail_on)
        ledger.target_shared += copier.shared
    copier.check_sources()
    ledger.target = meter.done
    ledger.check()
    return ledger, losses


def _fill(
    copier: Copier,
    layout: FileLayout,
    outputs: Iterable[Output],
    meter: _Meter,
    ledger: Ledger,
) -> dict[str, int]:
    """Write the tensors of one file; returns their CRC-32 if the format wants them."""
    crcs: dict[str, int] = {}
    summed = bool(layout.crc_from)
    for output in sorted(outputs, key=lambda output: _position(output.node)):
        meter.name = output.name
        base = layout.places[output.name]
        known = _known_crc(output) if layout.crc_from.get(output.name) == 0 else None
        in_order = summed and known is None and not output.node.scattered
        crc = layout.crc_from.get(output.name, 0)
        moved = made = 0
        for first, segment in output.node.placed():
            at = base + nbytes(output.type.dtype, first)
            if isinstance(segment, Run):
                if in_order:
                    crc = copier.summed(segment, at, crc)
                else:
                    copier.run(segment, at)
                moved += segment.nbytes
            else:
                if in_order:
                    crc = zlib.crc32(segment, crc)
                copier.data(segment, at)
                made += len(segment)
        output.node.close()
        if moved + made != output.nbytes:
            raise AssertionError(f"{output.name}: {moved + made} of {output.nbytes} bytes")
        if summed and known is None and not in_order:
            crc = copier.sum_of(base, output.nbytes, crc)
        crcs[output.name] = crc if known is None else known
        _enter(ledger, output, moved, made)
    copier.flush()
    return crcs


def _enter(ledger: Ledger, output: Output, moved: int, made: int) -> None:
    """Into which column of the ledger the bytes of an output go."""
    ledger.target_copied += moved
    if output.kind == "COPY" or not any(isinstance(e, Take) for e in topological([output.expr])):
        ledger.target_invented += made
    elif output.kind == "GATHER":
        ledger.target_gathered += made
    else:
        ledger.target_computed += made


def _position(node: Node) -> tuple[int, int]:
    """Where in the source a node begins to read."""
    while not isinstance(node, View):
        if isinstance(node, Rows):
            node = node.parts[0][0]
        elif isinstance(node, Casted):
            node = node.of
        else:
            return 1 << 62, 0
    storage = node.checkpoint.storage(node.storage)
    return storage.file, storage.offset + node.offset


def _known_crc(output: Output) -> int | None:
    """The CRC-32 of an output that is a whole storage, as the source's archive tells it."""
    node = output.node
    if not isinstance(node, View) or not node.flat or not node.mapped() or node.offset:
        return None
    storage = node.checkpoint.storage(node.storage)
    return storage.crc32 if nbytes(node.dtype, node.numel) == storage.nbytes else None


def _count_losses(output: Output, losses: dict[str, Loss], fail_on: Collection[str]) -> None:
    found = _loss(output.node)
    if found is None:
        return
    losses[output.name] = found
    counts = {"overflow": found.overflow, "underflow": found.underflow, "change": found.changed}
    for kind in sorted(fail_on):
        if counts[kind]:
            raise LossError(
                f"{quote(output.name)}: {counts[kind]} of {found.elements} numbers"
                f" {'are changed' if kind == 'change' else kind} as {output.type.dtype}"
            )


def _loss(node: Node) -> Loss | None:
    """The losses of all casts below a node together."""
    below: list[Node] = []
    if isinstance(node, Casted):
        below = [node.of]
    elif isinstance(node, Rows):
        below = [part[0] for part in node.parts]
    elif isinstance(node, Kept):
        below = node.inputs
    found = [loss for one in below if (loss := _loss(one)) is not None]
    if isinstance(node, Casted):
        found.append(node.loss)
    return sum(found[1:], found[0]) if found else None
