"""A run from its first epoch to its last, with everything that is written on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

import cfgmig
from examples.common.commands import watched
from examples.common.flow import keep_earlier_run
from examples.common.ranks import Ranks, device_name

from .evaluating import Judged, evaluate, judge
from .flow import Ready
from .inert import inert
from .run import Options, Run, assemble
from .saving import STAMP, Folder, restore
from .scores import scored
from .showing import Teller
from .stepping import train_epoch

Say = Callable[[str], None]


class Places(NamedTuple):
    """Where a run writes: its own folder, and that of its event files, if any."""

    folder: Path
    events: Path | None


class Outcome(NamedTuple):
    """How a run ended: epochs in all, last values by name, and whether it stopped for a drop."""

    epochs: int
    values: dict[str, float]
    metrics: dict[str, Any]
    dropped: bool


def places(ready: Ready, options: Options) -> Places:
    """The folders of the config, below the project's root; or all below `--out`."""
    config, root = ready.config, ready.validated.project.root
    folder = options.out if options.out is not None else root / config.checkpoints.save_dir
    if not config.logging.tensorboard:
        return Places(folder, None)
    events = folder / "events" if options.out is not None else root / config.logging.log_dir
    return Places(folder, events)


def start(ready: Ready, options: Options, ranks: Ranks, say: Say, *, resume: bool = False) -> Run:
    """A run at its beginning, or where it was stopped.

    Raises:
        ValueError: the config asks for what cannot be.
        Stop: there is nothing to resume, or it is of another config; or a run that could be
            continued would be written over.
    """
    torch.manual_seed(options.seed)
    run = assemble(ready.config, options, ranks, ready.model)
    folder = Folder(places(ready, options).folder, ready.config, {})
    if resume:
        restore(run, folder.load())
        say(f"resumed after epoch {run.epoch - 1}")
    else:
        keep_earlier_run(folder.resume, overwrite=options.overwrite)
        values = evaluate(run).values
        run.richness_before = values["richness_B"]
        run.best.highest_coverage = run.best.last_coverage = values["coverage"]
    return run


def train(run: Run, ready: Ready, say: Say, config_text: str, *, resumed: bool = False) -> Outcome:
    """Train to the end; only the first rank writes and tells.

    Raises:
        Stop: the run has diverged, or the user has stopped it.
    """
    place = places(ready, run.options)
    folder = Folder(place.folder, run.config, provenance(ready))
    teller = Teller(run, place.folder, place.events, say) if run.ranks.is_first else None
    if teller is not None:
        teller.start(header(run, ready), resumed=resumed)
    judged: Judged | None = None
    epochs = run.config.training.epochs
    with watched(teller, folder.resume, config_text):
        while run.epoch < epochs and not run.ended:
            judged = one_epoch(run, folder, teller)
        if judged is None:
            found = evaluate(run)
            judged = Judged(found.record(), scored(found.values, 0.0, deep_inside=run.deep_inside))
        if teller is not None:
            teller.end(judged.values, config_text)
    allowed = run.options.drop
    lost = run.best.highest_coverage - judged.values["coverage"]
    return Outcome(run.epoch, judged.values, judged.metrics, allowed is not None and lost > allowed)


def one_epoch(run: Run, folder: Folder, teller: Teller | None) -> Judged | None:
    """Train an epoch, measure if it is time to, and save."""
    epoch, began = run.epoch, time.perf_counter()
    training = run.config.training
    if teller is not None:
        teller.begin(epoch)
    averages = train_epoch(run, epoch, teller.step if teller is not None else None)
    is_last = epoch + 1 == training.epochs
    judged = None
    if (epoch + 1) % training.eval_every == 0 or is_last:
        judged = judge(run, epoch, averages)
        run.ended = judged.is_over
    run.epoch += 1
    if teller is not None:
        entry = teller.epoch(epoch, averages, judged, time.perf_counter() - began)
        save(run, folder, judged, entry)
    return judged


def save(run: Run, folder: Folder, judged: Judged | None, entry: dict[str, Any]) -> None:
    """Write what this epoch has to leave behind; the state to resume from comes last."""
    metrics = judged.metrics if judged is not None else {}
    epoch = run.epoch
    if run.config.checkpoints.save_best and judged is not None and judged.is_best:
        folder.save(run, "best", metrics)
    if epoch % run.config.training.save_every == 0:
        folder.save(run, f"epoch_{epoch}", metrics)
    folder.save(run, "latest", metrics)
    folder.keep_state(run, entry)


def provenance(ready: Ready) -> dict[str, Any]:
    """Where the weights and the code come from; without times, so that equal runs are equal."""
    return {
        "made_by": "examples.ternary_vae.train",
        "cfgmig": cfgmig.__version__,
        "torch": torch.__version__,
        "config_was": f"{ready.validated.family}/{ready.validated.version}",
        "weights": ready.source.provenance if ready.source is not None else None,
        "initial_coverage": ready.coverage,
    }


def header(run: Run, ready: Ready) -> dict[str, Any]:
    """The first line of the journal."""
    on_gpu = run.ranks.device.type == "cuda"
    weights = ready.source.path.name if ready.source is not None else "none"
    return {
        "schema": STAMP,
        "label": run.config.device.name,
        "seed": run.options.seed,
        "device": device_name(run.ranks.device),
        "ranks": run.ranks.world,
        "optimizer": run.optimizer_said,
        "weights": weights,
        "provenance": provenance(ready),
        "richness_before": run.richness_before,
        "inert": inert(run.config, on_gpu=on_gpu, options=run.options.names),
    }
