from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from examples.ternary_vae.controllers import AdaptiveLoss, AdaptiveLr
from schemas.ternary_vae import v5_12_5 as head

METRIC = "hierarchy_correlation"


def rate(**keys: Any) -> AdaptiveLr:
    return AdaptiveLr(head.AdaptiveLr(enabled=True, **keys))


def of_torch(values: list[float], **keys: Any) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, **keys)
    rates = []
    for value in values:
        schedule.step(value)
        rates.append(optimiser.param_groups[0]["lr"])
    return rates


def noise(seed: int) -> list[float]:
    draws = torch.rand(60, generator=torch.Generator().manual_seed(seed)).tolist()
    return [0.5 + 0.004 * n + 0.2 * value for n, value in enumerate(draws)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize(("patience", "cooldown"), [(0, 0), (2, 0), (3, 4), (1, 1)])
def test_cuts_are_those_of_torch(
    seed: int, mode: str, threshold_mode: str, patience: int, cooldown: int
) -> None:
    shared = {
        "mode": mode,
        "factor": 0.6,
        "patience": patience,
        "threshold": 0.01,
        "threshold_mode": threshold_mode,
        "cooldown": cooldown,
        "min_lr": 0.001,
    }
    adaptive = rate(**shared)
    found = []
    for epoch, value in enumerate(noise(seed)):
        adaptive.update(epoch, {METRIC: value})
        found.append(adaptive.rate(1.0))
    expected = of_torch(noise(seed), **shared)
    assert found == pytest.approx(expected, rel=1e-9)
    assert expected[-1] < 1


def trace(adaptive: AdaptiveLr, values: list[float], step: int = 1) -> list[float]:
    found = []
    for place, value in enumerate(values):
        adaptive.update(place * step, {METRIC: value})
        found.append(adaptive.state.factor)
    return found


def test_patience_counts_epochs_however_often_a_run_evaluates() -> None:
    each = trace(rate(patience=4), [0.5] * 13)
    third = trace(rate(patience=4), [0.5] * 5, step=3)
    assert each.index(0.5) == 5
    assert third.index(0.5) == 2
    assert third == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_the_warm_up_is_not_watched() -> None:
    values = [0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5]
    assert trace(rate(patience=2, warmup_epochs=3), values) == [1.0] * 6 + [0.5]


def test_patience_grows_with_each_cut() -> None:
    plain = trace(rate(patience=1), [0.5] * 8)
    grown = trace(rate(patience=1, adaptive_patience=True), [0.5] * 8)
    assert plain == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    assert grown == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_a_recovery_raises_the_rate_once_and_not_above_the_schedule() -> None:
    keys: dict[str, Any] = {
        "patience": 1,
        "recovery_detection": True,
        "recovery_threshold": 0.1,
        "recovery_factor": 1.5,
        "threshold_mode": "abs",
    }
    values = [0.5, 0.5, 0.5, 0.55, 0.61, 0.75, 0.9]
    assert trace(rate(**keys), values) == [1, 1, 0.5, 0.5, 0.75, 0.75, 0.75]
    assert trace(rate(**keys | {"recovery_factor": 9.0}), values)[-1] == 1.0
    assert trace(rate(**keys | {"recovery_detection": False}), values)[-1] == 0.5


def test_a_run_ends_when_cuts_do_not_help() -> None:
    adaptive = rate(patience=1, early_stopping=True, early_stopping_patience=4)
    stops = []
    for epoch, value in enumerate([0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]):
        adaptive.update(epoch, {METRIC: value})
        stops.append(adaptive.should_stop)
    assert stops == [False] * 5 + [True, True]


def test_the_score_is_the_weighted_mean_of_what_is_named() -> None:
    metrics = {METRIC: 0.8, "coverage_accuracy": 1.0, "richness_ratio": 0.2, "other": 9.0}
    assert rate(secondary_metrics=["coverage_accuracy"]).score(metrics) == 0.8
    weighted = rate(
        secondary_metrics=["coverage_accuracy", "richness_ratio"],
        metric_weights={METRIC: 3.0, "coverage_accuracy": 2.0},
    )
    assert weighted.score(metrics) == pytest.approx((2.4 + 2.0 + 0.2) / 6)
    assert rate(mode="min").score(metrics) == -0.8


def test_weights_of_unknown_metrics_are_refused() -> None:
    with pytest.raises(ValueError, match="coverage_accuracy"):
        rate(metric_weights={"coverage_accuracy": 1.0})
    with pytest.raises(ValueError, match="no metric a weight"):
        rate(metric_weights={METRIC: 0.0})


def test_the_lowest_rate_bounds_cuts_and_not_the_schedule() -> None:
    adaptive = rate(min_lr=0.1)
    adaptive.state.factor = 0.25
    assert [adaptive.rate(x) for x in (1.0, 0.2, 0.05)] == [0.25, 0.1, 0.05]


def test_a_resumed_controller_goes_on_alike() -> None:
    keys: dict[str, Any] = {
        "patience": 1,
        "recovery_detection": True,
        "adaptive_patience": True,
        "cooldown": 1,
        "warmup_epochs": 2,
    }
    whole = rate(**keys)
    said = set()
    for epoch, value in enumerate(noise(1)):
        resumed = rate(**keys)
        resumed.load_state_dict(json.loads(json.dumps(whole.state_dict())))
        found = whole.update(epoch, {METRIC: value})
        assert resumed.update(epoch, {METRIC: value}) == found
        assert resumed.state == whole.state
        said.add((found or "")[:5])
    assert said == {"", "no ga", "recov"}


def loss(**keys: Any) -> AdaptiveLoss:
    return AdaptiveLoss(head.AdaptiveLoss(**{"enabled": True, **keys}))


def test_coverage_comes_first_and_hierarchy_later() -> None:
    adaptive = loss(enable_curriculum=True)  # 5 epochs, then 10 of change-over
    factors = {epoch: adaptive.factors(epoch) for epoch in (0, 5, 10, 15, 99)}
    assert [f["coverage"] for f in factors.values()] == pytest.approx([2, 2, 1.5, 1, 1])
    assert [f["hierarchy"] for f in factors.values()] == pytest.approx([1, 1, 1.25, 1.5, 1.5])
    assert {f["richness"] for f in factors.values()} == {1}
    sudden = loss(enable_curriculum=True, curriculum_transition_epochs=0)
    assert [sudden.factors(epoch)["coverage"] for epoch in (4, 5)] == [2, 1]


@pytest.mark.parametrize(
    "keys",
    [
        {"enabled": False, "enable_curriculum": True, "enable_performance_rebalancing": True},
        {"enable_difficulty_adaptive": False},
    ],
)
def test_what_is_off_changes_nothing(keys: dict[str, Any]) -> None:
    adaptive = loss(**keys)
    assert not adaptive.rebalance(4, -0.1, 0.1, 0.1)
    adaptive.observe_levels(torch.rand(10), torch.rand(10), torch.ones(10, dtype=torch.bool))
    assert adaptive.factors(0) == {"hierarchy": 1, "coverage": 1, "richness": 1}
    assert adaptive.level_weights() is None


def test_what_lags_behind_gains_weight() -> None:
    adaptive = loss(enable_performance_rebalancing=True)
    due = [adaptive.rebalance(epoch, -0.415, 0.6, 0.9) for epoch in range(10)]
    assert [epoch for epoch, is_due in enumerate(due) if is_due] == [4, 9]
    # Half of 0.83 is missing twice, a tenth of the coverage twice, of richness nothing.
    expected = {"hierarchy": 1.1**2, "coverage": 1.02**2, "richness": 1.0}
    assert adaptive.factors(0) == pytest.approx(expected)


def test_factors_stay_within_bounds() -> None:
    adaptive = loss(enable_performance_rebalancing=True, rebalancing_interval=1)
    for epoch in range(99):
        adaptive.rebalance(epoch, 0.0, 0.0, 0.0)
    assert set(adaptive.factors(0).values()) == {10.0}


def test_hard_levels_gain_weight_and_the_mean_stays() -> None:
    adaptive = loss(enable_difficulty_adaptive=True)
    present = torch.zeros(10, dtype=torch.bool)
    present[:2] = True
    target = torch.full((10,), 0.2)
    adaptive.observe_levels(torch.tensor([0.5, 0.1] + [9.0] * 8), target, present)
    # Difficulties 0.3 and 0.1, mean 0.2: shares 1.5 and 0.5, a tenth of the way there.
    weights = adaptive.level_weights()
    assert weights is not None
    assert weights.tolist() == pytest.approx([1.05, 0.95] + [1.0] * 8)
    # Then 0.9 * 0.3 + 0.1 * 0.5 = 0.32 and 0.9 * 0.1 + 0.1 * 0.5 = 0.14; the mean is 0.23.
    adaptive.observe_levels(torch.tensor([0.7, 0.7] + [9.0] * 8), target, present)
    weights = adaptive.level_weights()
    assert weights is not None
    expected = [1.05 + 0.1 * (0.32 / 0.23 - 1.05), 0.95 + 0.1 * (0.14 / 0.23 - 0.95)]
    assert weights.tolist() == pytest.approx(expected + [1.0] * 8)
    resumed = loss(enable_difficulty_adaptive=True)
    resumed.load_state_dict(json.loads(json.dumps(adaptive.state_dict())))
    assert resumed.state_dict() == adaptive.state_dict()
    resumed.observe_levels(torch.rand(10), target, present)
    assert resumed.state_dict() != adaptive.state_dict()
