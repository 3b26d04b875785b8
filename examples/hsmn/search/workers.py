"""A search over several processes that share a storage, and what it leaves behind."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from examples.common import flow
from examples.common.flow import Stop, silent

from . import choosing
from .space import dimensions, value_at
from .trials import INTERRUPTED, REFUSED, STARTED, Objective

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

Say = Callable[[str], None]

MOST = 999
"""Trials where a config says no number, as the old server had it."""
IDLE = 100
"""Trials in a row that need no training after which a process gives up."""
PATIENCE = 20
"""Trials without a better one that count as convergence."""
ROUNDS = 10
"""How often processes are started anew for what killed ones left."""


@dataclass(frozen=True)
class Search:
    """What the command line decides.

    Attributes:
        config: path of the sweep or request.
        out: folder for everything.
        storage: URL of the database; None for one in `out`.
        trials: to be trained in all; None for those of the config.
        workers: processes.
        epochs: of a trial; None for those of the config.
        heartbeat: seconds between signs of life.
    """

    config: Path
    out: Path
    storage: str | None = None
    trials: int | None = None
    workers: int = 1
    epochs: int | None = None
    heartbeat: int = 10

    @property
    def url(self) -> str:
        """Of the database."""
        return self.storage or choosing.sqlite(self.out)


class Opened(NamedTuple):
    """A config that was checked, and its study."""

    config: Config
    sweep: str
    study: optuna.Study
    most: int
    said: str


def opened(search: Search, say: Say, *, worker: int = 0, make: bool = False) -> Opened:
    """Check the config and open its study.

    Args:
        search: what the command line decides.
        say: takes findings.
        worker: number of this process; samplers of different ones draw differently.
        make: begin a study; otherwise there must be one, of the same config.

    Raises:
        Stop: the config has errors; there is such a study already, or none, or one of another
            config.
    """
    from schemas.hsmn.v5 import Config

    validated = flow.validate(search.config, Config, say)
    config: Config = validated.config  # type: ignore[assignment]
    if search.epochs is not None:
        qahpo = config.qahpo.model_copy(update={"epochs_per_trial": search.epochs})
        config = config.model_copy(update={"qahpo": qahpo})
    config = rooted(config, search.config, validated.project.root)
    sweep = config.provenance.sweep_id or search.config.stem
    search.out.mkdir(parents=True, exist_ok=True)
    base = choosing.storage(search.url, search.heartbeat)
    try:
        pruner, pruning = choosing.pruner(config.qahpo, config.qahpo.epochs_per_trial)
    except ValueError as error:
        raise Stop(f"{search.config}: {error}", 2) from error
    study = _study(sweep, base, pruner, make=make)
    seed = config.training.seed + 1000 * worker + len(study.get_trials(deepcopy=False))
    study.sampler, sampling = choosing.sampler(config.qahpo, seed)
    digest = sha256(config.model_dump_json(exclude={"profile"}).encode()).hexdigest()
    if make:
        study.set_user_attr("config_sha256", digest)
    elif study.user_attrs.get("config_sha256") != digest:
        raise Stop(f"the search {sweep} is of another config", 3)
    most = search.trials or config.qahpo.max_trials or MOST
    return Opened(config, sweep, study, most, f"{sampling}, {pruning}")


def _study(
    sweep: str, base: optuna.storages.BaseStorage, pruner: optuna.pruners.BasePruner, *, make: bool
) -> optuna.Study:
    if make:
        try:
            return optuna.create_study(study_name=sweep, storage=base, pruner=pruner)
        except optuna.exceptions.DuplicatedStudyError as error:
            raise Stop(f"there is a search {sweep}; `--resume` goes on with it", 2) from error
    try:
        return optuna.load_study(study_name=sweep, storage=base, pruner=pruner)
    except KeyError as error:
        raise Stop(f"there is no search {sweep} to resume", 2) from error


def rooted(config: Config, path: Path, root: Path) -> Config:
    """The config with the whole path of its text: trials lie elsewhere."""
    if config.data.text is None:
        raise Stop(f"{path}: data.text is missing; datasets and curricula are not fetched here", 2)
    text = str(flow.find(config.data.text, path, root).resolve())
    return config.model_copy(update={"data": config.data.model_copy(update={"text": text})})


def work(search: Search, quota: int, worker: int, say: Say) -> None:
    """Train `quota` trials in this process, or fewer if the search converges.

    Raises:
        Stop: see `opened`.
        KeyboardInterrupt: the user has stopped it; the trial is tried again by `--resume`.
    """
    _quiet()
    now = opened(search, silent, worker=worker)
    parent = os.getppid()

    def alive() -> None:
        if worker and os.getppid() != parent:
            # Nobody waits for this process any more; its trial stays to be tried again.
            raise SystemExit(1)

    objective = Objective(
        now.config, dimensions(now.config), search.out, now.sweep, say, alive=alive
    )

    def enough(study: optuna.Study, _: FrozenTrial) -> None:
        alive()
        is_idle = objective.idle >= IDLE
        if is_idle:
            say(f"{IDLE} trials in a row needed no training: the space holds nothing more")
        over = now.config.qahpo.auto_stop_on_convergence and converged(study)
        if objective.started >= quota or is_idle or over:
            study.stop()

    try:
        now.study.optimize(objective, n_trials=None, callbacks=[enough], catch=(Stop,))
    except SystemExit as end:
        if end.code == INTERRUPTED:
            raise KeyboardInterrupt from end
        raise


def converged(study: optuna.Study) -> bool:
    """Whether the last 20 trials that finished are all worse than one before them."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = [one.value for one in done if one.value is not None]
    return len(values) > PATIENCE and min(values[-PATIENCE:]) >= min(values[:-PATIENCE])


def search_all(search: Search, say: Say, *, resume: bool = False) -> Opened:
    """Train all trials of a search, in one process or several; goes on after a kill.

    Raises:
        Stop: see `opened`; the space is none; processes ended and left trials undone.
    """
    _quiet()
    now = opened(search, say, make=not resume)
    try:
        space = dimensions(now.config)
    except ValueError as error:
        raise Stop(f"{search.config}: {error}", 2) from error
    if not resume:
        _begin_with_the_file(now, space)
    for path, reason in choosing.inert(now.config.qahpo).items():
        say(f"note: {path} changes nothing here: {reason}")
    say(f"{now.sweep}: {now.most} trials, {now.said}, {choosing.shown(search.url)}")
    for _ in range(ROUNDS):
        _wait_for_the_dead(now.study, search.heartbeat, say)
        left = now.most - trained(now.study)
        if left <= 0 or not _round(search, left, now, say):
            return now
    raise Stop(f"{now.most - trained(now.study)} trials are undone after {ROUNDS} rounds")


def _begin_with_the_file(now: Opened, space: list[Any]) -> None:
    """The file's own values are the first trial, if the space holds them."""
    data = now.config.model_dump(mode="json")
    own = {one.name: value_at(data, one.path) for one in space}
    if all(one.holds(own[one.name]) for one in space):
        now.study.enqueue_trial(own)


def trained(study: optuna.Study) -> int:
    """Trials that were trained to an end; one that was killed is tried again and not counted."""
    trials, again = study.get_trials(deepcopy=False), tried_again(study)
    return sum(
        bool(one.user_attrs.get(STARTED)) and one.state.is_finished() and one.number not in again
        for one in trials
    )


def tried_again(study: optuna.Study) -> dict[int, int]:
    """The trials whose processes were killed, each with the one that goes on with it."""
    return {
        number: one.number
        for one in study.get_trials(deepcopy=False)
        for number in one.system_attrs.get("retry_history", [])
    }


def _round(search: Search, left: int, now: Opened, say: Say) -> bool:
    """Have processes train what is left; whether there may be more to do afterwards.

    Raises:
        Stop: a process failed.
    """
    before = trained(now.study)
    if search.workers == 1:
        work(search, left, 0, say)
    else:
        count = min(search.workers, left)
        quotas = [left // count + (at < left % count) for at in range(count)]
        running = [_process(search, quota, at + 1) for at, quota in enumerate(quotas)]
        failed = [code for code in [process.wait() for process in running] if code > 0]
        # A negative code is a signal's: a process that was killed left a trial to try again.
        if failed:
            raise Stop(f"{len(failed)} of {count} processes failed, as said above", failed[0])
    is_over = now.config.qahpo.auto_stop_on_convergence and converged(now.study)
    return not is_over and (trained(now.study) > before or _unfinished(now.study) > 0)


def _process(search: Search, quota: int, worker: int) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "examples.hsmn.search", str(search.config)),
        *("--out", str(search.out), "--storage", search.url),
        *("--heartbeat", str(search.heartbeat), "--worker", f"{worker}:{quota}"),
    ]
    if search.epochs is not None:
        command += ["--epochs", str(search.epochs)]
    return subprocess.Popen(command)


def _unfinished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)))


def _wait_for_the_dead(study: optuna.Study, heartbeat: int, say: Say) -> None:
    """Until trials of killed processes count as dead, and are there to be tried again.

    Trials of another search on the same storage are alive, and are waited for no longer.
    """
    limit = time.monotonic() + 5 * heartbeat
    if study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        say(f"trials are under way without a process of this search; dead after {3 * heartbeat} s")
    while time.monotonic() < limit:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(study)
        if not study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            return
        time.sleep(0.2)


def refused(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that were not started."""
    return [one for one in study.get_trials(deepcopy=False) if REFUSED in one.user_attrs]


def _quiet() -> None:
    optuna.logging.set_verbosity(logging.ERROR)
