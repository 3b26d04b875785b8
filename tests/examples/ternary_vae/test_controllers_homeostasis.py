from __future__ import annotations

import json

import pytest

from examples.ternary_vae.controllers import Homeostasis, HomeostasisSettings, Measured, Switch

Trace = list[tuple[int, list[str]]]


def measured(
    coverage: float = 1.0,
    a: float = -0.5,
    b: float = -0.5,
    q: float = 1.0,
    grad: float | None = None,
) -> Measured:
    return Measured(coverage, a, b, q, grad)


def made(**settings: float) -> Homeostasis:
    """No warm-up and no hysteresis unless asked for; plateaus of B are out of the way."""
    defaults = {"warmup_epochs": 0, "hysteresis_epochs": 0, "hierarchy_plateau_patience": 99}
    return Homeostasis(
        HomeostasisSettings(**(defaults | {"hierarchy_patience_ceiling": 105} | settings))  # type: ignore[arg-type]
    )


def words(switches: list[Switch]) -> list[str]:
    return [f"{'freeze' if s.frozen else 'unfreeze'} {s.part}" for s in switches]


def run(controller: Homeostasis, rows: list[Measured], start: int = 0) -> Trace:
    """The calls that switched something, each call an epoch."""
    found = [(epoch, controller.update(epoch, row)) for epoch, row in enumerate(rows, start)]
    return [(epoch, words(switches)) for epoch, switches in found if switches]


def thawed(**settings: float) -> tuple[Homeostasis, int]:
    """A controller whose encoder A has just been unfrozen at Q 1, and the next epoch."""
    controller = made(**settings)
    assert run(controller, [measured()] * 9) == [(8, ["unfreeze encoder_A"])]
    return controller, 9


def test_at_first_encoder_a_alone_is_frozen() -> None:
    controller = Homeostasis()
    parts = ("encoder_A", "encoder_B", "controller")
    assert [controller.is_frozen(part) for part in parts] == [True, False, False]
    assert controller.describe() == "enc_A:F enc_B:T ctrl:T Q:0.00"


def test_a_stalled_hierarchy_unfreezes_encoder_a() -> None:
    """The window of five is full at epoch 4, the fifth call on it is that of epoch 8."""
    controller = made()
    assert run(controller, [measured()] * 12) == [(8, ["unfreeze encoder_A"])]
    assert controller.describe() == "enc_A:T enc_B:T ctrl:T Q:1.00"


def test_during_the_warm_up_windows_fill_and_nothing_is_counted() -> None:
    assert run(made(warmup_epochs=6), [measured()] * 12) == [(10, ["unfreeze encoder_A"])]


def test_a_gain_within_the_window_starts_the_count_again() -> None:
    # Epoch 6 improves by 0.1 and is within the window until epoch 9 is its first value.
    rows = [measured(a=-0.5)] * 6 + [measured(a=-0.6)] * 12
    assert run(made(), rows) == [(14, ["unfreeze encoder_A"])]


def test_a_small_gain_over_the_window_is_none() -> None:
    slow = [measured(a=-0.5 - 0.0002 * n) for n in range(12)]
    fast = [measured(a=-0.5 - 0.0003 * n) for n in range(12)]
    assert run(made(), slow) == [(8, ["unfreeze encoder_A"])]
    assert run(made(), fast) == []


def test_without_coverage_encoder_a_stays_frozen() -> None:
    controller = made()
    assert run(controller, [measured(coverage=0.9999)] * 12) == []
    assert run(controller, [measured()], 12) == [(12, ["unfreeze encoder_A"])]


def test_lost_coverage_freezes_encoder_a_again() -> None:
    controller, epoch = thawed()
    rows = [measured(coverage=0.995), measured(coverage=0.9949)]
    assert run(controller, rows, epoch) == [(10, ["freeze encoder_A"])]


def test_hysteresis_holds_each_part_for_itself() -> None:
    controller, epoch = thawed(hysteresis_epochs=3, controller_grad_patience=1)
    # Epoch 8 was the switch: A may freeze in epoch 11; the controller is free at once.
    rows = [measured(coverage=0.5, grad=0.0)] * 3
    assert run(controller, rows, epoch) == [
        (9, ["freeze controller"]),
        (11, ["freeze encoder_A"]),
    ]


@pytest.mark.parametrize(
    ("q", "freeze", "unfreeze"),
    [
        (1.01, 0.990, 0.995),
        (1.0, 0.995, 1.0),
        (0.96, 0.995, 1.0),
        (0.94, 1.0, 1.005),
    ],
)
def test_freezing_relaxes_or_tightens_by_the_change_of_q(
    q: float, freeze: float, unfreeze: float
) -> None:
    controller, epoch = thawed()
    run(controller, [measured(coverage=0.9, q=q)], epoch)
    state = controller.state
    assert (state.freeze_threshold, state.unfreeze_threshold) == pytest.approx((freeze, unfreeze))


def test_without_annealing_thresholds_stay() -> None:
    controller, epoch = thawed(enable_annealing=False)
    run(controller, [measured(coverage=0.9, q=2.0)], epoch)
    assert controller.state.freeze_threshold == 0.995


def test_the_floor_and_the_gap_bound_relaxing() -> None:
    controller, epoch = thawed(
        annealing_step=0.1, coverage_floor=0.95, coverage_unfreeze_threshold=0.999
    )
    run(controller, [measured(coverage=0.9, q=2.0)], epoch)
    state = controller.state
    assert (state.freeze_threshold, state.unfreeze_threshold) == pytest.approx((0.95, 0.955))


def test_a_flat_hierarchy_freezes_encoder_b_and_a_fall_unfreezes_it() -> None:
    controller = made(hierarchy_plateau_patience=2, coverage_unfreeze_threshold=2.0)
    flat = [measured(b=-0.8)] * 6
    # The window is full at epoch 4; two calls.
    assert run(controller, flat) == [(5, ["freeze encoder_B"])]
    # Q rose from the initial 0: the patience relaxes to 3.
    assert controller.state.patience["encoder_B"] == 3
    small = [measured(b=-0.791), measured(b=-0.782), measured(b=-0.79)]
    assert run(controller, small, 6) == []
    assert run(controller, [measured(b=-0.7799)], 9) == [(9, ["unfreeze encoder_B"])]


def test_the_patience_of_b_has_a_ceiling_and_never_goes_below_its_first_value() -> None:
    controller = made(hierarchy_plateau_patience=2, hierarchy_patience_ceiling=3)
    up, down = measured(b=-0.8, q=1.0), measured(b=-0.7, q=1.0)
    run(controller, [up] * 6 + [down])
    assert controller.state.patience["encoder_B"] == 3
    run(controller, [measured(b=-0.7, q=2.0)] * 12, 7)
    assert controller.is_frozen("encoder_B")
    assert controller.state.patience["encoder_B"] == 3
    run(controller, [measured(b=-0.6, q=3.0)], 19)
    run(controller, [measured(b=-0.6, q=2.0)] * 12, 20)
    assert controller.state.patience["encoder_B"] == 2
    run(controller, [measured(b=-0.5, q=2.0)], 32)
    run(controller, [measured(b=-0.5, q=1.0)] * 12, 33)
    assert controller.is_frozen("encoder_B")
    assert controller.state.patience["encoder_B"] == 2


def test_small_gradients_freeze_the_controller_and_large_ones_unfreeze_it() -> None:
    controller = made()
    norms = [0.02, 0.005, 0.02, 0.005, 0.005, 0.009]
    rows = [measured(grad=norm) for norm in norms]
    assert run(controller, rows) == [(5, ["freeze controller"])]
    assert controller.state.patience["controller"] == 4
    # The window before holds 0.005, 0.02, 0.005, 0.005, 0.009: mean 0.0088.
    before = controller.state_dict()
    assert run(controller, [measured(grad=0.0175)], 6) == []
    controller.load_state_dict(before)
    assert run(controller, [measured(grad=0.0177)], 6) == [(6, ["unfreeze controller"])]


def test_without_gradient_norms_the_controller_is_left_alone() -> None:
    controller = made(coverage_unfreeze_threshold=2.0)
    assert run(controller, [measured()] * 30) == []


def test_a_resumed_controller_decides_alike() -> None:
    rows = [
        measured(1.0 - 0.004 * (n % 3), -0.5, -0.8 + 0.02 * (n % 7), 1 + 0.1 * (n % 5), 0.004 * n)
        for n in range(60)
    ]
    settings = {"hierarchy_plateau_patience": 1, "controller_grad_threshold": 0.05}
    whole = made(**settings, coverage_unfreeze_threshold=0.99)
    resumed = made(**settings, coverage_unfreeze_threshold=0.99)
    switches = 0
    for epoch, row in enumerate(rows):
        state = json.loads(json.dumps(whole.state_dict()))
        fresh = made(**settings, coverage_unfreeze_threshold=0.99)
        fresh.load_state_dict(state)
        found = whole.update(epoch, row)
        assert fresh.update(epoch, row) == found == resumed.update(epoch, row)
        assert fresh.state == whole.state
        assert state != whole.state_dict()
        switches += len(found)
    assert switches > 4
