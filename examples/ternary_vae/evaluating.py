"""What is measured at the end of an epoch, and what the run makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from .controllers import Measured
from .metrics import Metrics, measure, richness_ratio
from .run import Run
from .scores import scored
from .stepping import Averages

DROP = 10 / 19683
"""Loss of coverage between two evaluations that is worth an alert: ten operations."""


@dataclass
class Judged:
    """What came of an evaluation."""

    metrics: dict[str, Any]
    values: dict[str, float]
    is_best: bool = False
    is_over: bool = False
    alerts: list[str] = field(default_factory=list)


def evaluate(run: Run) -> Metrics:
    """All metrics, measured by the first rank for all of them, of the latents' means."""
    found: dict[str, Any] = {}
    if run.ranks.is_first:
        unit = run.config.loss.radius_metric
        found = measure(run.model, unit=unit, seed=run.options.seed).record()
    return Metrics.of(run.ranks.share(found))


def judge(run: Run, epoch: int, averages: Averages) -> Judged:
    """Evaluate, and let the controllers, the best file and the end of the run follow."""
    metrics = evaluate(run)
    ratio = richness_ratio(metrics.values["richness_B"], run.richness_before)
    unit = metrics.definitions["richness_B"].partition("/")[2]
    metrics.put("richness_ratio", f"richness_ratio/{unit}", ratio)
    values = scored(metrics.values, averages.loss, deep_inside=run.deep_inside)
    judged = Judged(metrics.record(), values)
    _watch_coverage(run, judged)
    _control(run, epoch, averages, judged)
    judged.is_best = _is_best(run, epoch, values)
    keys = ("Q", "hierarchy_correlation") if run.loss_is_rich else ("composite_score",)
    if run.early.update(epoch, *(values[key] for key in keys)):
        judged.alerts.append(f"no progress in {run.early.waited} evaluations: the run ends")
        judged.is_over = True
    return judged


def _watch_coverage(run: Run, judged: Judged) -> None:
    """Tell every drop; end the run at one that the options do not allow."""
    best, coverage = run.best, judged.values["coverage"]
    last = best.last_coverage
    if last is not None and last - coverage >= DROP:
        judged.alerts.append(f"coverage fell from {last:.4%} to {coverage:.4%}")
    best.highest_coverage = max(best.highest_coverage, coverage)
    best.last_coverage = coverage
    allowed = run.options.drop
    if allowed is not None and best.highest_coverage - coverage > allowed:
        lost = best.highest_coverage - coverage
        judged.alerts.append(f"coverage lost {lost:.4%}, more than the {allowed:.4%} allowed")
        judged.is_over = True


def _control(run: Run, epoch: int, averages: Averages, judged: Judged) -> None:
    values = judged.values
    if run.homeostasis is not None:
        measured = Measured(
            values["coverage"], values["hierarchy_A"], values["hierarchy_B"], values["Q"]
        )
        for switch in run.homeostasis.update(epoch, measured):
            (run.model.freeze if switch.frozen else run.model.unfreeze)(switch.part)
            done = "frozen" if switch.frozen else "unfrozen"
            judged.alerts.append(f"{switch.part} is {done}: {switch.reason}")
    if run.adaptive_lr is not None:
        said = run.adaptive_lr.update(epoch, values)
        if said is not None and run.adaptive_lr.settings.verbose:
            judged.alerts.append(said)
        judged.is_over |= run.adaptive_lr.should_stop
    if run.adaptive_loss is not None:
        lag = (values["hierarchy_B"], judged.metrics["richness_ratio"], values["coverage"])
        run.adaptive_loss.rebalance(epoch, *lag)
    if run.curriculum is not None and run.curriculum.observe(epoch, values["hierarchy_A"]):
        judged.alerts.append(f"tau is held at {run.curriculum.tau(epoch):.3f}")
    event = run.grokking.update(averages.loss, values["coverage"])
    if event is not None:
        what = {"plateau": "the loss has come to rest", "grokking": "coverage jumped after that"}
        judged.alerts.append(f"{event}: {what[event]}")


def _is_best(run: Run, epoch: int, values: dict[str, float]) -> bool:
    """Whether this is the best so far, among those with a coverage that is good enough."""
    if values["coverage"] < run.config.homeostasis.coverage_floor:
        return False
    value, best = values[run.score.name], run.best.value
    if not math.isfinite(value):  # a correlation of radii that have collapsed to one
        return False
    if best is not None and (value <= best if run.score.mode == "max" else value >= best):
        return False
    run.best.value, run.best.epoch = value, epoch
    return True


def reached(run: Run, values: dict[str, float]) -> dict[str, tuple[float, float, bool]]:
    """Each target of the config: wanted, found, and whether that is enough."""
    targets, found = run.config.targets, {}
    for name, key, more in (
        ("coverage", "coverage", True),
        ("hierarchy_B", "hierarchy_B", not run.deep_inside),
        ("richness", "richness_B", True),
        ("r_v9", "r_v9_B", not run.deep_inside),
    ):
        wanted = getattr(targets, name)
        if wanted is not None:
            value = values[key]
            found[name] = (wanted, value, value >= wanted if more else value <= wanted)
    return found
