"""Samplers and pruners of Optuna by the words of a config, and its storage."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import ExperimentalWarning

from examples.common.flow import Stop

from ..inert import stated

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import RDBStorage

    from schemas.hsmn.search import Qahpo

RETRIES = 3
"""How often a trial is tried again whose process was killed."""
GENETIC = ("pbt", "evolution", "nsga")
HALVING = ("successive_halving", "asha")
LOCKED = 60
"""Seconds that a process waits for SQLite while others write."""


_ANNEALED = "Optuna's samplers do not anneal"
_INERT = {
    "initial_temperature": _ANNEALED,
    "final_temperature": _ANNEALED,
    "tunneling_probability": _ANNEALED,
    "mutation_strength": "the sampler decides how far it moves",
    "evolution_interval": "the sampler sees every trial that has ended",
    "pbt_population_size": "population_size is what counts",
    "fanova_importance_boost": "importances are told, and do not steer",
    "importance_analyzer": "importances are PED-ANOVA's",
    "enable_meta_learning": "a search begins with its own file, and knows no other search",
}


def inert(qahpo: Qahpo) -> dict[str, str]:
    """Path -> reason, for every key of the search that is set and changes nothing."""
    reasons = dict(_INERT)
    if qahpo.search_strategy not in GENETIC:
        reasons["crossover_rate"] = "only NSGA-II crosses"
    if qahpo.multi_fidelity_scheduler not in ("hyperband", *HALVING):
        reasons["hyperband_eta"] = "the pruner is another one"
    if qahpo.search_strategy == "random":
        reasons["population_size"] = "every trial is random"
    if len(qahpo.batch_sizes) == 1:
        reasons["batch_sizes"] = "one value is nothing to draw from"
    if len(qahpo.optimizers) == 1:
        reasons["optimizers"] = "one value is nothing to draw from"
    return {f"qahpo.{name}": reasons[name] for name in stated(qahpo) if name in reasons}


def sampler(qahpo: Qahpo, seed: int) -> tuple[BaseSampler, str]:
    """The sampler of `search_strategy`, and its name.

    random, gp, and for pbt, evolution and nsga NSGA-II with `population_size` and
    `crossover_rate`. Every other name of the old code led to one sampler there, and leads to
    TPE here (Bergstra et al. 2011; with constraints, Watanabe and Hutter 2023), after
    `population_size` random trials.
    """
    name, size = qahpo.search_strategy, qahpo.population_size
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed), "RandomSampler"
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=size), "GPSampler"
    if name in GENETIC:
        made = optuna.samplers.NSGAIISampler(
            population_size=max(size, 2), crossover_prob=qahpo.crossover_rate, seed=seed
        )
        return made, "NSGAIISampler"
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=size), "TPESampler"


def pruner(qahpo: Qahpo, epochs: int) -> tuple[BasePruner, str]:
    """The pruner of `multi_fidelity_scheduler`, and its name; the resource is an epoch.

    hyperband (Li et al. 2018), successive_halving or asha, median, and none.

    Raises:
        ValueError: there is none of that name.
    """
    name, eta = qahpo.multi_fidelity_scheduler, qahpo.hyperband_eta
    if name == "hyperband":
        made = optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=epochs, reduction_factor=eta
        )
        return made, "HyperbandPruner"
    if name in HALVING:
        halving = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=eta)
        return halving, "SuccessiveHalvingPruner"
    if name == "median":
        size = qahpo.population_size
        return optuna.pruners.MedianPruner(n_startup_trials=size), "MedianPruner"
    if name == "none":
        return optuna.pruners.NopPruner(), "NopPruner"
    known = "hyperband, successive_halving, asha, median, none"
    raise ValueError(f"qahpo.multi_fidelity_scheduler {name} is none of {known}")


def storage(url: str, heartbeat: int) -> RDBStorage:
    """A database that several processes share; a trial without a heartbeat is tried again.

    Args:
        url: of SQLAlchemy: `sqlite:///study.db`, `postgresql+psycopg2://...`, `mysql+pymysql://...`.
        heartbeat: seconds between signs of life; after three times that a trial counts as dead.

    Raises:
        Stop: that is no URL of a database, its driver is missing, or it cannot be reached.
    """
    from sqlalchemy import exc

    connecting: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith("sqlite"):
        connecting = {"connect_args": {"timeout": LOCKED}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        again = optuna.storages.RetryHeartbeatStaleTrialCallback(
            max_retry=RETRIES, inherit_intermediate_values=True
        )
        try:
            return optuna.storages.RDBStorage(
                url,
                engine_kwargs=connecting,
                heartbeat_interval=heartbeat,
                grace_period=3 * heartbeat,
                heartbeat_stale_trial_callback=again,
            )
        except (exc.ArgumentError, exc.NoSuchModuleError) as error:
            known = "`postgresql+psycopg2://USER@HOST/NAME` or `mysql+pymysql://USER@HOST/NAME`"
            raise Stop(
                f"--storage {shown(url)}: no URL of a database\n  help: {known}", 2
            ) from error
        except ImportError as error:
            driver = str(error.__cause__ or error)
            text = f"--storage {shown(url)}: its driver is missing: {driver}"
            raise Stop(f"{text}\n  help: `pip install` the package that has it", 2) from error
        except exc.DBAPIError as error:
            raise Stop(f"--storage {shown(url)} cannot be used: {error.orig}", 2) from error


def shown(url: str) -> str:
    """The URL of a database without its password; what is no URL, as it is."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def sqlite(folder: Path) -> str:
    """The URL of a search's own database."""
    return f"sqlite:///{(folder / 'study.db').resolve()}"
