"""A run from its first step to its last, with everything that is written on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

import cfgmig
from examples.common.commands import watched
from examples.common.flow import keep_earlier_run
from examples.common.ranks import Ranks, device_name

from .flow import Ready
from .inert import inert
from .run import Options, Run, assemble
from .saving import STAMP, Folder, restore
from .showing import Teller
from .stepping import held_out_loss, train_epoch

Say = Callable[[str], None]


class Outcome(NamedTuple):
    """How a run ended: steps in all, its last losses, and the lowest held-out one."""

    steps: int
    loss: float
    held_out: float
    best: float


def start(ready: Ready, options: Options, ranks: Ranks, say: Say, *, resume: bool = False) -> Run:
    """A run at its beginning, or where it was stopped.

    Raises:
        ValueError: the config leaves something open.
        Stop: there is nothing to resume, or it is of another config; or a run that could be
            continued would be written over.
    """
    run = assemble(ready, options, ranks)
    folder = Folder(options.out, {})
    if resume:
        restore(run, folder.load())
        say(f"resumed after step {run.step}")
    else:
        keep_earlier_run(folder.resume, overwrite=options.overwrite)
    return run


def train(run: Run, ready: Ready, say: Say, config_text: str, *, resumed: bool = False) -> Outcome:
    """Train to the end; only the first rank writes and tells.

    Raises:
        Stop: the run has diverged, labels do not fit the logits, or the user has stopped it.
    """
    folder = Folder(run.options.out, provenance(ready))
    teller = Teller(run, folder.path, say) if run.ranks.is_first else None
    if teller is not None:
        teller.start(header(run, ready), resumed=resumed)
    with watched(teller, folder.resume, config_text):
        while not run.is_over:
            one_epoch(run, folder, teller)
        if teller is not None:
            teller.end(config_text)
    best = math.nan if run.best.loss is None else run.best.loss
    return Outcome(run.step, run.last["loss"], run.last["held_out_loss"], best)


def one_epoch(run: Run, folder: Folder, teller: Teller | None) -> None:
    """Train an epoch, measure, and leave behind what can be resumed."""
    began = time.perf_counter()
    if teller is not None:
        teller.begin()
    averages = train_epoch(run, teller.step if teller is not None else None)
    held_out = held_out_loss(run)
    if run.best.loss is None or held_out < run.best.loss:
        run.best.loss, run.best.epoch = held_out, run.epoch
    run.last = {"loss": averages.loss, "held_out_loss": held_out}
    if teller is not None:
        run.last = teller.epoch(averages, held_out, time.perf_counter() - began)
    run.epoch += 1
    if teller is not None:
        if run.best.epoch == run.epoch - 1:
            folder.save(run, "best")
        folder.save(run, "latest")
        folder.keep_state(run)
    if run.options.watch is not None:
        run.options.watch(run.epoch - 1, held_out)


def provenance(ready: Ready) -> dict[str, Any]:
    """Where weights and code come from; without times, so that equal runs are equal."""
    return {
        "made_by": "examples.hsmn.train",
        "cfgmig": cfgmig.__version__,
        "torch": torch.__version__,
        "config_was": f"{ready.validated.family}/{ready.validated.version}",
        "weights": ready.source.provenance if ready.source is not None else None,
    }


def header(run: Run, ready: Ready) -> dict[str, Any]:
    """The first line of the journal."""
    given = ready.material
    return {
        "schema": STAMP,
        "seed": run.config.training.seed,
        "device": device_name(run.ranks.device),
        "ranks": run.ranks.world,
        "optimizer": run.optimizer_said,
        "parameters": ready.parameters,
        "budget": run.config.budget.param_budget,
        "vocabulary": given.tokenizer.vocab_size,
        "vocabulary_cap": given.tokenizer.limit,
        "unigram_entropy": given.entropy,
        "steps": run.steps,
        "steps_per_epoch": run.steps_per_epoch,
        "data": given.counts,
        "provenance": provenance(ready),
        "inert": inert(run.config),
    }
