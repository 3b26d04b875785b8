"""Controllers of the generations up to 5.10, early ends and grokking."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path

import pytest
import torch

from examples.ternary_vae.controllers import (
    CoverageFeedback,
    EarlyStop,
    GradientBalance,
    Grokking,
    Lambdas,
    Scales,
    StateNetCorrections,
    state_vector,
)
from examples.ternary_vae.models.loading import load
from examples.ternary_vae.models.state_net import KINDS, StateNet
from examples.ternary_vae.schedules import dual
from schemas.ternary_vae.v5_9_0 import ContinuousFeedback


def test_gradient_balance_by_hand() -> None:
    balance = GradientBalance()
    # 1 : 1 is balanced, so the first step has momentum 0.95.
    balance.update(3.0, 1.0)
    assert (balance.ema_a, balance.ema_b) == pytest.approx((1.1, 1.0))
    # 1.0 / 1.1 is balanced still.
    balance.update(11.1, 1.0)
    assert (balance.ema_a, balance.ema_b) == pytest.approx((1.6, 1.0))
    assert not balance.is_balanced
    # 1.0 / 1.6 is not: momentum 0.5.
    balance.update(0.4, 9.0)
    assert (balance.ema_a, balance.ema_b) == pytest.approx((1.0, 5.0))
    assert balance.momentum == 0.5
    assert balance.ratio == pytest.approx(5.0)
    assert balance.weights == (2.0, 0.5)


@pytest.mark.parametrize(
    ("a", "b", "weights"), [(1.0, 0.8, (0.8, 1.25)), (1.0, 0.1, (0.5, 2.0)), (2, 2, (1, 1))]
)
def test_weights_are_clamped_ratios(a: float, b: float, weights: tuple[float, float]) -> None:
    assert GradientBalance(a, b).weights == pytest.approx(weights)


@pytest.mark.parametrize(
    ("ratio", "coverages", "expected"),
    [
        (0.5, (1, 1), (0.72, 0.68)),
        (0.8, (1, 1), (0.7, 0.7)),
        (1.2, (1, 1), (0.7, 0.7)),
        (1.3, (1, 1), (0.68, 0.72)),
        (1.0, (31, 20), (0.7 * 0.95, 0.7 * 1.05)),
        (1.0, (20, 31), (0.7 * 1.05, 0.7 * 0.95)),
        (1.0, (30, 20), (0.7, 0.7)),
        (1.0, (20, 29), (0.7, 0.7)),
        (0.5, (1, 0), (0.72, 0.68)),
    ],
)
def test_lambdas_move_toward_balance(
    ratio: float, coverages: tuple[float, float], expected: tuple[float, float]
) -> None:
    lambdas = Lambdas()
    lambdas.update(ratio, *coverages)
    assert (lambdas.lambda1, lambdas.lambda2) == pytest.approx(expected)


def test_lambdas_stay_within_their_bounds() -> None:
    lambdas = Lambdas()
    for _ in range(30):
        lambdas.update(0.1, 1, 1)
    assert (lambdas.lambda1, lambdas.lambda2) == (0.95, 0.5)


def test_a_real_run_of_5_5_moved_its_lambdas_like_this(checkpoints: Path) -> None:
    """Its log has the lambdas, its last checkpoint StateNet's answers.

    lambda2 never meets its upper bound, so what is left of its change shows whether the gradient
    ratio was below 0.8, above 1.2 or between; everything else has to follow.
    """
    log = json.loads((checkpoints / "log_v5_5.json").read_text())
    answers = load(checkpoints / "v5_5_latest.pt").metadata["statenet_corrections"]
    steps = [(0, 1e-3), (50, 5e-4), (120, 3e-4)]
    before, seen = Lambdas(), set()
    for epoch, row in enumerate(log):
        corrections = StateNetCorrections()
        corrections.load_state_dict({k: list(v)[: epoch + 1] for k, v in answers.items()})
        left = row["l2"] - before.lambda2 - 0.01 * corrections.last("lambda2")
        ratio = 0.5 if left < -1e-4 else 2.0 if left > 1e-4 else 1.0
        seen.add(ratio)
        before.update(ratio, 1, 1)
        corrections.move(before)
        assert (before.lambda1, before.lambda2) == pytest.approx((row["l1"], row["l2"]), abs=1e-4)
        before = Lambdas(row["l1"], row["l2"])
        rate = corrections.rate(dual.step_rate(epoch, 0, steps))
        assert rate == pytest.approx(row["lr"], rel=1e-4)
        assert corrections.lambda3(dual.lambda3(epoch)) == pytest.approx(row["l3"], abs=1e-5)
    assert seen == {0.5, 1.0, 2.0}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_statenet_reads_its_inputs_and_its_answer_is_taken(kind: str) -> None:
    net = StateNet(kind)
    values = {name: float(n) for n, name in enumerate(net.kind.inputs)}
    values |= {"coverage_A": 0.25, "coverage_B": 0.75, "uncovered": -1.0}
    vector = state_vector(net.kind.inputs, values)
    assert vector.shape == (len(net.kind.inputs),)
    if "uncovered" in net.kind.inputs:
        assert vector[11] == 0.25
    assert vector[4] == 4.0
    corrections = StateNetCorrections()
    corrections.take(net.kind.outputs, net(vector).values)
    assert len(corrections.history) == len(net.kind.outputs)
    assert all(-1 < value[0] < 1 for value in corrections.history.values())


def test_a_missing_input_is_an_error() -> None:
    with pytest.raises(KeyError, match="rho"):
        state_vector(("H_A", "rho"), {"H_A": 1.0})


def taken(**answers: float) -> StateNetCorrections:
    corrections = StateNetCorrections()
    corrections.take(tuple(answers), torch.tensor(list(answers.values()), dtype=torch.float64))
    return corrections


def test_corrections_by_hand() -> None:
    made = taken(lr=0.5, lambda1=-0.5, lambda2=1.0, lambda3=-1.0, ranking=0.5, sigma=1.0)
    assert made.rate(1e-3) == pytest.approx(1.025e-3)
    assert made.rate(1.0) == 0.01
    assert made.rate(1e-9) == 1e-6
    lambdas = Lambdas(0.7, 0.945)
    made.move(lambdas)
    assert (lambdas.lambda1, lambdas.lambda2) == pytest.approx((0.695, 0.95))
    assert made.lambda3(0.15) == pytest.approx(0.14)
    assert made.lambda3(0.005) == 0
    assert made.ranking_weight(0.4) == pytest.approx(0.4 * 1.15)
    assert made.sigma(1.0, 0.3, 2.0) == pytest.approx(1.05)
    assert made.sigma(1.99, 0.3, 2.0) == 2.0
    assert made.curvature(2.0, 0.5, 4.0) == 2.0
    assert taken(curvature=-1.0).curvature(2.0, 0.5, 4.0) == pytest.approx(1.98)
    assert taken(curriculum=-1.0).curriculum(0.05) == 0
    assert taken(curriculum=0.5).curriculum(0.3) == pytest.approx(0.35)


def test_the_newest_answer_counts_and_scales_apply() -> None:
    corrections = StateNetCorrections(Scales(lr=0.1))
    for answer in (0.9, -1.0):
        corrections.take(("lr",), torch.tensor([answer]))
    assert corrections.rate(1e-3) == pytest.approx(0.9e-3)
    resumed = StateNetCorrections(Scales(lr=0.1))
    resumed.load_state_dict(corrections.state_dict())
    assert resumed.rate(1e-3) == corrections.rate(1e-3)
    corrections.take(("lr",), torch.tensor([0.0]))
    assert resumed.rate(1e-3) == pytest.approx(0.9e-3)


def test_coverage_feedback_follows_coverage_and_trend() -> None:
    feedback = CoverageFeedback(ContinuousFeedback())
    assert feedback.update(90.0) == pytest.approx(0.25)
    # The average is 90: trend 2; signal 0.1 * 2 + 2 * 2.
    assert feedback.update(92.0) == pytest.approx(0.5 / (1 + exp(-4.2)))
    # The average is 90.2: trend -1.2; signal 0.1 * -1 + 2 * -1.2.
    resumed = CoverageFeedback(ContinuousFeedback())
    resumed.load_state_dict(feedback.state_dict())
    assert resumed.update(89.0) == pytest.approx(0.5 / (1 + exp(2.5)))


def test_early_stop_waits_for_patience_and_epochs() -> None:
    stop = EarlyStop(2, 6)
    values = [1.0, 2.0, 2.0, 1.5, 1.0, 1.0, 3.0]
    assert [stop.update(*pair) for pair in enumerate(values)] == [False] * 5 + [True, False]
    lowest = EarlyStop(1, modes=("min",))
    assert [lowest.update(e, v) for e, v in enumerate([3.0, 2.0, 2.0])] == [False, False, True]


def test_a_gain_in_either_value_counts() -> None:
    stop = EarlyStop(2, modes=("max", "min"))
    trace = [(1.0, -0.5), (1.0, -0.6), (1.1, -0.5), (1.1, -0.6), (1.0, -0.6)]
    found = []
    for epoch, pair in enumerate(trace):
        resumed = EarlyStop(2, modes=("max", "min"))
        resumed.load_state_dict(stop.state_dict())
        found.append(stop.update(epoch, *pair))
        assert resumed.update(epoch, *pair) == found[-1]
        assert resumed.state_dict() == stop.state_dict()
    assert found == [False, False, False, False, True]
    assert stop.best == (1.1, -0.6)


def test_grokking_is_a_jump_after_a_plateau() -> None:
    grokking = Grokking(3, 0.01, 2, 0.1)
    trace = [
        (1.0, 0.10, None),
        (0.5, 0.30, None),  # a jump, but no plateau
        (0.50, 0.30, None),  # the window is full, its trend (0.5 - 1) / 2
        (0.50, 0.30, None),  # trend 0, first call
        (0.51, 0.30, "plateau"),  # trend 0.005, second call
        (0.50, 0.25, None),
        (0.50, 0.34, None),  # 0.09 above the lowest
        (0.50, 0.36, "grokking"),
        (0.50, 0.60, None),
        (0.50, 0.60, "plateau"),
    ]
    for loss, accuracy, expected in trace:
        resumed = Grokking(3, 0.01, 2, 0.1)
        resumed.load_state_dict(grokking.state_dict())
        assert grokking.update(loss, accuracy) == expected
        assert resumed.update(loss, accuracy) == expected
        assert resumed == grokking


def test_a_falling_loss_is_no_plateau() -> None:
    grokking = Grokking(3, 0.01, 2, 0.1)
    assert {grokking.update(1 - 0.02 * step, 0.5) for step in range(20)} == {None}
