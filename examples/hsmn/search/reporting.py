"""What a search leaves behind: the best config, and a page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from optuna.trial import FrozenTrial, TrialState

from examples.common import charts, report
from examples.common.live import number

from .trials import KNOWN, REFUSED
from .workers import refused, tried_again

if TYPE_CHECKING:
    from examples.common.flow import Say


LEAST = 20
"""Trials below which no importance is told."""


def finish(study: optuna.Study, folder: Path, url: str, say: Say) -> None:
    """Copy the best trial's config to `best.yaml`, write `report.html`, and tell both."""
    trials = study.get_trials(deepcopy=False)
    complete = [one for one in trials if one.state is TrialState.COMPLETE]
    trained = [one for one in complete if KNOWN not in one.user_attrs]
    states = {state.name: sum(one.state is state for one in trials) for state in TrialState}
    count, again = len(refused(study)), tried_again(study)
    say(
        f"{len(trained)} trials trained to the end, {states['PRUNED'] - count} pruned, "
        f"{count} not started, {states['FAIL'] - len(again)} failed"
    )
    if again:
        say(f"killed and tried again: {', '.join(f'{a} as {b}' for a, b in again.items())}")
    if trained:
        best = min(trained, key=_score)
        shutil.copyfile(best.user_attrs["config"], folder / "best.yaml")
        say(f"best: trial {best.number}, score {_score(best):.4f}: {folder / 'best.yaml'}")
    page = _page(study, trials, trained)
    report.write(folder / "report.html", page)
    say(f"{folder / 'report.html'}; or `optuna-dashboard {url}`")


def importance(study: optuna.Study) -> dict[str, float]:
    """How much each dimension decides, by PED-ANOVA (Watanabe et al. 2023).

    Empty for fewer than 20 trials, of which it makes nothing that holds.
    """
    import warnings

    if len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) < LEAST:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return optuna.importance.get_param_importances(study, evaluator=evaluator)


def _score(trial: FrozenTrial) -> float:
    return float("inf") if trial.value is None else trial.value


def _page(study: optuna.Study, trials: list[FrozenTrial], trained: list[FrozenTrial]) -> str:
    names, again = sorted({name for one in trials for name in one.params}), tried_again(study)
    rows = [
        (
            str(one.number),
            _state(one, again),
            number(one.value),
            f"{one.user_attrs['parameters']:,}" if "parameters" in one.user_attrs else "-",
            *(_value(one.params.get(name)) for name in names),
        )
        for one in trials
    ]
    weights = [(name, number(value)) for name, value in importance(study).items()]
    why = [(str(one.number), one.user_attrs[REFUSED]) for one in refused(study)]
    lowest, points = float("inf"), []
    for one in trained:
        lowest = min(lowest, _score(one))
        points.append((float(one.number), lowest))
    scores = [(float(one.number), _score(one)) for one in trained]
    drawn = charts.lines("score by trial", {"score": scores, "lowest": points})
    tables = [
        report.Table("Trials", ("trial", "state", "score", "parameters", *names), rows),
        report.Table("Importance (PED-ANOVA)", ("", "share"), weights),
        report.Table("Not started", ("trial", "why"), why),
    ]
    summary = "Score: held-out nats per byte, times 1 + 0.1 parameters / budget; lower is better."
    return report.render(study.study_name, summary, tables, [drawn])


def _state(trial: FrozenTrial, again: dict[int, int]) -> str:
    if trial.number in again:
        return f"killed; goes on as {again[trial.number]}"
    if REFUSED in trial.user_attrs:
        return "not started"
    if KNOWN in trial.user_attrs:
        return f"as trial {trial.user_attrs[KNOWN]}"
    return trial.state.name.lower()


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
