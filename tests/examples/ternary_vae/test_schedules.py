from __future__ import annotations

import json
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from examples.ternary_vae.schedules import (
    Curriculum,
    ProgressiveUnfreeze,
    Schedule,
    annealing,
    build,
    dual,
    warm_restarts,
)
from schemas.ternary_vae.v5_12_5 import Scheduler

STEPS = [(0, 1e-3), (50, 5e-4), (120, 3e-4)]


def scheduler(**keys: Any) -> Any:
    return TypeAdapter(Scheduler).validate_python(keys)


def of_torch(kind: Any, epochs: int, **keys: Any) -> list[float]:
    """What an optimiser gets from torch's own schedule."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01)
    schedule = kind(optimiser, **keys)
    rates = []
    for _ in range(epochs):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


def rates(schedule: Schedule, epochs: int) -> list[float]:
    return [schedule(epoch) for epoch in range(epochs)]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 1.1), (15, (1 - 0.7 * 15 / 400) * 0.9), (250, 0.5625 * (1 + 0.5 * cos(pi * 50 / 3)))],
)
def test_temperature_of_a(epoch: int, expected: float) -> None:
    assert dual.temperature_a(epoch, 400) == pytest.approx(expected)


def test_temperature_of_a_has_a_floor_and_may_be_smooth() -> None:
    assert dual.temperature_a(375, 400, end=0.05) == 0.1
    assert dual.temperature_a(100, 400, cyclic=False) == pytest.approx(0.825)
    assert dual.temperature_a(300, 400, boost=0.0) == pytest.approx(0.475)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0.9), (30, 0.9), (130, 0.725), (249, 0.51675), (250, 0.3)]
)
def test_temperature_of_b_lags_thirty_epochs(epoch: int, expected: float) -> None:
    assert dual.temperature_b(epoch, 400) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0.0), (25, 0.15), (50, 0.3), (106, 0.38), (400, 0.8)]
)
def test_beta_of_a(epoch: int, expected: float) -> None:
    assert dual.beta_a(epoch, 400) == pytest.approx(expected)


def test_beta_of_b_is_nothing_for_fifty_epochs_and_then_0_707_of_a() -> None:
    betas = [dual.beta_b(epoch, dual.beta_a(epoch, 400)) for epoch in range(60)]
    assert betas[:50] == [0.0] * 50
    assert betas[50] == pytest.approx(0.3 * sin(0.785))
    assert betas[50] / 0.3 == pytest.approx(0.707, abs=2e-4)


def test_without_warm_up_both_betas_start_at_once() -> None:
    assert dual.beta_a(0, 400, warmup=0) == 0.3
    assert dual.beta_b(0, 0.3, warmup=0) == pytest.approx(0.3 * sin(0.785))
    assert dual.beta_b(10, 0.3, start=0.5, warmup=20) == 0.25


@pytest.mark.parametrize(
    ("epoch", "ratio", "expected"),
    [
        (0, 1.0, 0.1),
        (39, 1.0, 0.1),
        (40, 1.0, 0.1),
        (80, 9.0, 0.2),
        (119, 1.0, 0.1 + 0.2 * 79 / 80),
        (160, 1.0, 0.5),
        (160, 0.8, 0.3),
        (160, 1.2, 0.3),
        (200, 0.81, 0.7),
        (249, 1.19, 0.7),
        (250, 9.0, 0.7),
    ],
)
def test_rho(epoch: int, ratio: float, expected: float) -> None:
    assert dual.rho(epoch, ratio) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 0.3), (7.5, 0.15), (15, 0.3), (22.5, 0.45), (37.5, 0.15)]
)
def test_lambda3_swings_over_thirty_epochs(epoch: float, expected: float) -> None:
    assert dual.lambda3(epoch) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("epoch", "expected"), [(0, 1e-3), (49, 1e-3), (50, 5e-4), (119, 5e-4), (500, 3e-4)]
)
def test_steps_of_the_learning_rate(epoch: int, expected: float) -> None:
    assert dual.step_rate(epoch, 7.0, STEPS) == expected
    assert dual.step_rate(epoch, 7.0, STEPS[::-1]) == expected
    assert dual.step_rate(epoch, 7.0, [(1000, 1.0)]) == 7.0


def test_a_real_run_of_5_5_followed_these_schedules(checkpoints: Path) -> None:
    """Its log has what was left after StateNet: at most 5 % of a rate, 0.01 of a lambda."""
    log = json.loads((checkpoints / "log_v5_5.json").read_text())
    assert len(log) == 107
    for row in log:
        epoch = row["epoch"]
        assert row["rho"] == pytest.approx(dual.rho(epoch, 1.0), abs=1e-9)
        assert row["beta_A"] == pytest.approx(dual.beta_a(epoch, 400), abs=1e-9)
        assert row["l3"] == pytest.approx(dual.lambda3(epoch), abs=0.01)
        assert row["lr"] == pytest.approx(dual.step_rate(epoch, 1.0, STEPS), rel=0.05)


@pytest.mark.parametrize(("first", "factor"), [(20, 2), (7, 1), (5, 3)])
def test_warm_restarts_are_those_of_torch(first: int, factor: int) -> None:
    restarts = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts
    expected = of_torch(restarts, 90, T_0=first, T_mult=factor, eta_min=1e-4)
    found = rates(warm_restarts(0.01, first, factor, 1e-4), 90)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_factor_that_is_no_whole_number() -> None:
    schedule = warm_restarts(1.0, 4, 1.5)
    assert [schedule(epoch) for epoch in (0, 4, 10, 19)] == [1.0] * 4
    assert schedule(7) == pytest.approx(0.5)


def test_warm_up_rises_to_the_rate_and_shifts_the_cycles() -> None:
    found = rates(warm_restarts(1.0, 4, 1, warmup=3), 8)
    assert found[:4] == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0])
    assert found[5] == pytest.approx(0.5)
    assert found[7] == 1.0


def test_annealing_is_that_of_torch_and_stays_low() -> None:
    one = torch.optim.lr_scheduler.CosineAnnealingLR
    expected = of_torch(one, 31, T_max=30, eta_min=1e-4)
    found = rates(annealing(0.01, 30, 1e-4), 60)
    assert found[:31] == pytest.approx(expected, rel=1e-9)
    assert found[31:] == [pytest.approx(1e-4)] * 29


def test_build_reads_each_type() -> None:
    restarts = scheduler(type="cosine_warmup_restart", T_0=6, T_mult=2, warmup_epochs=2)
    assert rates(build(restarts, 0.1, 30), 30) == rates(warm_restarts(0.1, 6, 2, 0.0, 2), 30)
    one = scheduler(type="cosine_annealing", T_max=12, eta_min=0.01)
    assert rates(build(one, 0.1, 30), 30) == rates(annealing(0.1, 12, 0.01), 30)
    whole = scheduler(type="cosine_annealing")
    assert rates(build(whole, 0.1, 30), 30) == rates(annealing(0.1, 30), 30)


PHASES = [
    {"name": "exploration", "epoch_range": [0, 12], "annealing": "cosine", "T_0": 4, "T_mult": 2},
    {"name": "search", "epoch_range": [12, 20], "base_lr_scale": 0.3, "annealing": "constant"},
    {"name": "tuning", "epoch_range": [20, 30], "base_lr_scale": 0.1, "annealing": "linear_decay"},
    {"name": "end", "epoch_range": [30, 40], "base_lr_scale": 0.5},
]


def test_phases_follow_one_another() -> None:
    schedule = build(scheduler(type="multi_phase_cosine", phases=PHASES), 2.0, 40)
    assert [schedule(epoch) for epoch in (0, 2, 4, 8)] == pytest.approx([2.0, 1.0, 2.0, 1.0])
    assert {schedule(epoch) for epoch in range(12, 20)} == {0.6}
    assert [schedule(epoch) for epoch in (20, 25, 29)] == pytest.approx([0.2, 0.1, 0.02])
    assert [schedule(epoch) for epoch in (30, 35)] == pytest.approx([1.0, 0.5])
    with pytest.raises(ValueError, match="epoch 40"):
        schedule(40)


@pytest.mark.parametrize(
    ("ranges", "epochs", "message"),
    [
        ([[0, 5], [6, 10]], 10, "epoch 5"),
        ([[0, 5], [4, 10]], 10, "epoch 4"),
        ([[0, 10]], 11, "epoch 10"),
        ([[0, 10], [12, 12]], 10, "no epoch"),
    ],
)
def test_phases_that_do_not_fit_are_refused(
    ranges: list[list[int]], epochs: int, message: str
) -> None:
    parts = [{"name": f"p{i}", "epoch_range": pair} for i, pair in enumerate(ranges)]
    with pytest.raises(ValueError, match=message):
        build(scheduler(type="multi_phase_cosine", phases=parts), 1.0, epochs)


def test_tau_rises_over_seventy_percent_of_the_run() -> None:
    curriculum = Curriculum(20)
    assert curriculum.tau(3) == pytest.approx(3 / 14)
    assert curriculum.tau(14) == curriculum.tau(19) == 1.0
    named = Curriculum(20, initial=0.2, final=0.6, warmup_epochs=4)
    assert [named.tau(epoch) for epoch in (0, 1, 4, 9)] == pytest.approx([0.2, 0.3, 0.6, 0.6])
    assert Curriculum(20, warmup_epochs=0).tau(0) == 1.0


def test_tau_is_held_once_the_hierarchy_is_reached() -> None:
    curriculum = Curriculum(20)
    assert not curriculum.observe(2, -0.6)
    assert curriculum.observe(7, -0.7)
    assert not curriculum.observe(8, -0.8)
    assert curriculum.tau(19) == 0.5
    resumed = Curriculum(20)
    resumed.load_state_dict(curriculum.state_dict())
    assert resumed.tau(19) == 0.5
    never = Curriculum(20, threshold=None)
    assert not never.observe(7, -1.0)
    assert never.tau(14) == 1.0


def test_progressive_unfreezing() -> None:
    unfreeze = ProgressiveUnfreeze()
    found = [unfreeze.factor(epoch) for epoch in (0, 4, 5, 6, 10, 99)]
    assert found == pytest.approx([0.0, 0.0, 0.0, 0.01, 0.05, 0.05])
    assert ProgressiveUnfreeze(2, 0, 0.3).factor(2) == 0.3
