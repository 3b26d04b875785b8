"""Carries a plan out: from an opened checkpoint to a file of another format."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Unpack

from checkpoint_tools.formats.protocol import Checkpoint
from checkpoint_tools.plan.casts import Loss
from checkpoint_tools.plan.plan import Plan
from checkpoint_tools.plan.proof import Kind, Ledger
from checkpoint_tools.writing.copying import local
from checkpoint_tools.writing.errors import Unwritable
from checkpoint_tools.writing.job import Format, Job, Options, lay_out
from checkpoint_tools.writing.staging import Identity, Staged, check_target

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Forecast:
    """What a conversion will cost.

    Attributes:
        files: name and bytes of each file.
        bytes: of the target, by kind of work.
        ledger: what becomes of every byte of the source.
        peak_memory: bytes in memory at most, beyond the program itself.
        disk_needed, disk_free: bytes.
        notes: what of the checkpoint takes another form, or is lost.
    """

    files: Mapping[str, int]
    bytes: Mapping[Kind, int]
    ledger: Ledger
    peak_memory: int
    disk_needed: int
    disk_free: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a conversion did.

    Attributes:
        losses: of each output that was cast, what it lost.
        ties: outputs that are the same data as another one.
    """

    target: Path
    format: Format
    files: Mapping[str, int]
    ledger: Ledger
    kinds: Mapping[str, Kind]
    losses: Mapping[str, Loss]
    ties: Mapping[str, str]
    notes: tuple[str, ...]


def forecast(
    source: Checkpoint, plan: Plan, target: str | os.PathLike[str], **how: Unpack[Options]
) -> Forecast:
    """What `convert` with the same arguments would do and cost; nothing is written."""
    job = lay_out(source, plan, Path(target), **how)
    by_kind: dict[Kind, int] = {"COPY": 0, "GATHER": 0, "COMPUTE": 0}
    for output in job.written.values():
        by_kind[output.kind] += output.nbytes
    free = shutil.disk_usage(job.target.parent).free
    files = {name: layout.size for name, layout in job.layouts.items()}
    return Forecast(
        files,
        by_kind,
        job.prepared.ledger,
        job.prepared.peak_memory,
        job.size,
        free,
        tuple(job.notes),
    )


def convert(
    source: Checkpoint,
    plan: Plan,
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    durable: bool = True,
    fail_on: Collection[Literal["overflow", "underflow", "change"]] = (),
    progress: Progress | None = None,
    **how: Unpack[Options],
) -> Report:
    """Write what a plan makes of a checkpoint; whole, or not at all.

    Args:
        source: an opened checkpoint.
        plan: what to make of it.
        target: a file, or for "sharded" a folder.
        overwrite: replace a file that is there.
        durable: return when the result is on the disk.
        fail_on: losses of casts that make the conversion fail.
        progress: called with bytes done, bytes in total, and the tensor at hand.
        **how: format and layout, see `Options`.

    Raises:
        PlanError: the plan does not fit; exit code 2.
        Unwritable: the target cannot be written; exit code 2.
        LossError: a cast lost what `fail_on` names; exit code 3.
        Malformed: the source contradicts itself or changed meanwhile; exit code 3.
    """
    from checkpoint_tools.writing.engine import write

    path, sources = Path(target), _identities(source)
    folder = how.get("format") == "sharded"
    check_target(path, sources, folder=folder, overwrite=overwrite)
    job = lay_out(source, plan, path, **how)
    _check_room(job, how.get("reflink", False))
    with Staged(path, folder=folder) as staged:
        ledger, losses = write(job, staged, frozenset(fail_on), progress)
        check_target(path, sources, folder=folder, overwrite=overwrite)
        staged.commit(durable)
    return _report(job, ledger, losses)


def _report(job: Job, ledger: Ledger, losses: Mapping[str, Loss]) -> Report:
    return Report(
        job.target,
        job.format,
        {name: layout.size for name, layout in job.layouts.items()},
        ledger,
        {name: output.kind for name, output in job.prepared.outputs.items()},
        losses,
        job.ties,
        tuple(job.notes),
    )


def _identities(source: Checkpoint) -> set[Identity]:
    found: set[Identity] = set()
    for one in source.sources:
        file = local(one, 0)
        if file is not None and file[0].identity is not None:
            found.add(file[0].identity[:2])
    return found


def _check_room(job: Job, reflink: bool) -> None:
    free = shutil.disk_usage(job.target.parent).free
    if job.size > free and not reflink:
        raise Unwritable(
            f"needs {job.size} bytes, and {free} are free on the disk", file=str(job.target)
        )
