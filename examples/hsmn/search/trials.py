"""One trial: draw, hold against the limits, check as a file, and only then train."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import Trial, TrialState

from examples.common.checkpoints import write_bytes
from examples.common.flow import Stop, silent
from examples.common.ranks import Ranks, pick_device

from .. import run_loop
from ..flow import Asked, prepare
from ..run import Options
from .limits import Measured, affordable, measure
from .space import Dimension, put, value_at

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

SIZE_WEIGHT = 0.1
"""What a whole budget of parameters adds to a score, as a share of the loss."""
REFUSED, KNOWN, STARTED = "refused", "known_from", "started"
"""Attributes of a trial: why it was not started, whose result it has, that it was."""

IDS = "tokenizer.active_vocab_size"

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

Say = Callable[[str], None]


class Refused(optuna.TrialPruned):
    """A trial that is not started."""


@dataclass
class Objective:
    """What Optuna minimises: the score of a config that it drew.

    Score: held-out loss in nats per byte, times 1 + 0.1 parameters / budget; the old search's
    efficiency, but per byte, as a larger vocabulary has fewer and longer ids to predict.

    Args:
        config: what every trial begins with.
        space: what is drawn.
        folder: gets `trials/<number>/` and `refused/`.
        sweep: name of the search.
        say: takes a line per trial.
        alive: called after every epoch; may raise to leave the trial where it is.
    """

    config: Config
    space: list[Dimension]
    folder: Path
    sweep: str
    say: Say
    alive: Callable[[], None] = lambda: None
    started: int = 0
    """Trials that this process trained."""
    idle: int = 0
    """Trials in a row that it did not have to train."""
    _base: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._base = base_of(self.config, self.sweep)

    def __call__(self, trial: Trial) -> float:
        """The score of a trial.

        Raises:
            optuna.TrialPruned: it was refused, or the pruner ended it.
            Stop: it diverged.
        """
        data = self.data(trial)
        self.idle += 1
        known = self._known(trial)
        if known is not None:
            return known
        file, measured = self._admitted(trial, data)
        self.idle, self.started = 0, self.started + 1
        trial.set_user_attr(STARTED, True)
        trial.set_user_attr("parameters", measured.parameters)
        trial.set_user_attr("config", str(file))
        return self._train(trial, file, measured)

    def data(self, trial: Trial) -> dict[str, Any]:
        """The config of a trial, as plain data; its vocabulary follows from the budget if open.

        Raises:
            Stop: it cannot follow: there is no budget, or no width.
        """
        data = copy.deepcopy(self._base)
        for dimension in self.space:
            put(data, dimension.path, dimension.draw(trial))
        ids = value_at(data, IDS)
        if ids is None:
            ids = affordable(data)
            put(data, IDS, ids)
            put(data, "tokenizer.derived_from", "budget")
        put(data, "tokenizer.max_vocab_size", ids)
        put(data, "provenance.trial_id", f"{self.sweep}_t{number_of(trial)}")
        return data

    def _known(self, trial: Trial) -> float | None:
        """The score of a finished trial with the same values; training would repeat it."""
        for other in trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            if other.params == trial.params and other.value is not None:
                trial.set_user_attr(KNOWN, other.number)
                return other.value
        return None

    def _admitted(self, trial: Trial, data: dict[str, Any]) -> tuple[Path, Measured]:
        """The trial's config as a file, which keeps the limits and which `cfgmig check` passes.

        Raises:
            Refused: it does not.
        """
        number = number_of(trial)
        measured = measure(data)
        for name, violation in measured.violations.items():
            constrain(trial, name, violation)
        candidate = self.folder / "refused" / f"{number:04d}.yaml"
        write_config(candidate, data)
        reasons = list(measured.reasons)
        if measured.is_feasible:
            reasons = problems(candidate)
            constrain(trial, "check", float(len(reasons)))
        if reasons:
            trial.set_user_attr(REFUSED, "; ".join(reasons))
            self._log_refused(trial, measured, reasons)
            self.say(f"trial {trial.number}: not started: {'; '.join(reasons)}")
            raise Refused("; ".join(reasons))
        file = self.folder / "trials" / f"{number:04d}" / "config.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        candidate.replace(file)
        return file, measured

    def _log_refused(self, trial: Trial, measured: Measured, reasons: list[str]) -> None:
        """A line in `refused.jsonl`, with the keys of the old log of oversized configs."""
        record = {
            "trial_id": trial.number,
            "config": trial.params,
            "estimated_params": measured.parameters,
            "estimator": "exact",
            "param_budget": measured.budget,
            "reasons": reasons,
        }
        line = json.dumps(record) + "\n"
        # One write of one short line: lines of several processes do not mix.
        with (self.folder / "refused.jsonl").open("a", encoding="utf-8") as file:
            file.write(line)

    def _train(self, trial: Trial, file: Path, measured: Measured) -> float:
        """Train a trial, from where a killed process left it if one did."""
        ready = prepare(file, silent, Asked())
        share = measured.parameters / measured.budget if measured.budget else 0.0
        factor = (1 + SIZE_WEIGHT * share) / ready.material.bytes_per_label

        def watch(epoch: int, held_out: float) -> None:
            self.alive()
            trial.report(held_out * factor, epoch)
            # After the last epoch there is nothing left to save.
            if not run.is_over and trial.should_prune():
                self.say(f"trial {trial.number}: pruned after epoch {epoch}, {held_out:.4f}")
                raise optuna.TrialPruned

        options = Options(file.parent, live=False, watch=watch)
        resume = (file.parent / "latest.resume").exists()
        ranks = Ranks(0, 1, pick_device(0, _gpus()))
        run = run_loop.start(ready, options, ranks, silent, resume=resume)
        if resume:
            trial.set_user_attr("resumed_at_step", run.step)
            self.say(f"trial {trial.number}: goes on at step {run.step}")
        text = file.read_text(encoding="utf-8")
        try:
            outcome = run_loop.train(run, ready, silent, text, resumed=resume)
        except Stop as stop:
            if stop.exit_code != INTERRUPTED:
                raise
            # Not caught by Optuna, so the trial stays under way and is tried again.
            raise SystemExit(INTERRUPTED) from stop
        trial.set_user_attr("held_out_loss", outcome.held_out)
        trial.set_user_attr("unigram_entropy", ready.material.entropy)
        score = outcome.held_out * factor
        self.say(
            f"trial {trial.number}: {outcome.held_out:.4f} (score {score:.4f}, "
            f"{measured.parameters:,} parameters) {trial.params}"
        )
        return score if math.isfinite(score) else math.nan


def constrain(trial: Trial, name: str, violation: float) -> None:
    """Tell the sampler by how much a limit is broken; a trial that is tried again knows it."""
    if name not in trial.constraints:
        trial.set_constraint(name, violation)


def number_of(trial: Trial) -> int:
    """The number under which a trial's files are: that of its first attempt."""
    attributes = trial.study.get_trials(deepcopy=False)[trial.number].system_attrs
    return int(attributes.get("failed_trial", trial.number))


def base_of(config: Config, sweep: str) -> dict[str, Any]:
    """What every trial's file says: what the search's file does, without the space."""
    data = config.model_dump(mode="json", exclude_unset=True)
    data.pop("qahpo", None)
    data = {"schema_version": "hsmn/5", **data, "profile": "trial"}
    training = data.setdefault("training", {})
    if "steps" not in training:
        training["epochs"] = config.qahpo.epochs_per_trial
    put(data, "provenance.sweep_id", sweep)
    return data


def write_config(path: Path, data: dict[str, Any]) -> None:
    """Write a config as YAML, whole."""
    import yaml

    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    write_bytes(path, text.encode())


def problems(path: Path) -> list[str]:
    """What `cfgmig check` finds in a trial's file, warnings too: with one it does not pass."""
    from cfgmig import CfgmigError
    from cfgmig.checking import CheckOptions, check
    from cfgmig.project import find_project

    try:
        checkup = check(path.read_bytes(), str(path), find_project(path.parent), CheckOptions())
    except CfgmigError as error:
        return [str(error)]
    return [f"{one.code} {one.message}" for one in checkup.findings if one.severity != "info"]


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()
