from __future__ import annotations

import json
from collections.abc import Callable
from math import exp, log
from pathlib import Path

import pytest
import torch
from torch import Tensor

from examples.ternary_vae.controllers import GradientBalance
from examples.ternary_vae.losses import base
from examples.ternary_vae.losses.base import DualLoss, Side, Weights
from examples.ternary_vae.models.loading import load
from examples.ternary_vae.operations import N, trits
from examples.ternary_vae.schedules import dual

from .losses_helpers import differentiable, generator, tensor

TRITS = torch.tensor([[-1, 0, 1, 0, 0, 1, -1, 1, 0], [1, 1, 1, -1, -1, 0, 0, 0, 1]])


def logits() -> Tensor:
    return torch.randn(2, 9, 3, generator=generator(1), dtype=torch.float64)


def test_reconstruction_is_summed_over_trits_and_averaged_over_operations() -> None:
    given = logits()
    expected = 0.0
    for row in range(2):
        for place in range(9):
            scores = given[row, place].tolist()
            wanted = int(TRITS[row, place]) + 1
            expected += log(sum(exp(s) for s in scores)) - scores[wanted]
    assert float(base.reconstruction(given, TRITS)) == pytest.approx(expected / 2, rel=1e-12)


def test_perfect_logits_cost_nothing_and_flat_ones_nine_ln_three() -> None:
    perfect = 100.0 * torch.nn.functional.one_hot(TRITS + 1, 3).double()
    assert float(base.reconstruction(perfect, TRITS)) < 1e-12
    flat = torch.zeros(2, 9, 3, dtype=torch.float64)
    assert float(base.reconstruction(flat, TRITS)) == pytest.approx(9 * log(3), rel=1e-12)


@pytest.mark.parametrize("free_bits", [0.0, 0.3, 0.5])
def test_kl_clamps_each_element_before_it_sums(free_bits: float) -> None:
    mu, logvar = tensor(2.0, 0.1), tensor(0.0, -1.0)
    # -0.5 (1 + lv - mu^2 - e^lv) by hand: 2.0, and 0.005 + e^-1 / 2.
    elements = [2.0, 0.005 + exp(-1) / 2]
    expected = sum(max(free_bits, element) for element in elements)
    found = base.kl_divergence(mu[None], logvar[None], free_bits)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_below_the_free_bits_there_is_no_gradient() -> None:
    mu = tensor(0.1, 3.0)[None].requires_grad_()
    base.kl_divergence(mu, torch.zeros_like(mu), 0.5).backward()
    assert mu.grad is not None
    assert mu.grad.tolist() == [[0.0, 3.0]]


def test_output_entropy_is_that_of_the_mean_over_the_batch() -> None:
    # Two certain, opposite operations: each trit is half one class and half another.
    sure = torch.full((2, 9, 3), -50.0, dtype=torch.float64)
    sure[0, :, 0], sure[1, :, 2] = 50.0, 50.0
    assert float(base.output_entropy(sure)) == pytest.approx(9 * log(2), rel=1e-9)


def test_repulsion_counts_each_pair_of_different_rows_once() -> None:
    z = tensor(0.0, 0.5, 1.0)[:, None]
    expected = (2 * exp(-0.25 / 0.25) + exp(-1.0 / 0.25)) / 3
    assert float(base.repulsion(z)) == pytest.approx(expected, rel=1e-12)
    assert float(base.repulsion(z[:1])) == 0


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: base.reconstruction(x.view(2, 9, 3), TRITS),
        lambda x: base.output_entropy(x.view(2, 9, 3)),
        lambda x: base.kl_divergence(x[:, :13], x[:, 13:26]),
        lambda x: base.repulsion(x.view(9, 6) / 5),
    ],
    ids=["reconstruction", "entropy", "kl", "repulsion"],
)
def test_gradients(loss: Callable[[Tensor], Tensor]) -> None:
    assert differentiable(loss, 2, 27)


def sides() -> tuple[Side, Side]:
    made = torch.Generator().manual_seed(3)
    draw = lambda *shape: torch.randn(*shape, generator=made, dtype=torch.float64)  # noqa: E731
    a = Side(draw(2, 9, 3), draw(2, 4), draw(2, 4), draw(2, 4))
    b = Side(draw(2, 9, 3), draw(2, 4), draw(2, 4), draw(2, 4))
    return a, b


def test_the_total_of_5_5() -> None:
    a, b = sides()
    weights = Weights(0.3, 0.2, 0.7, 0.6, 0.25, 1.5, 0.75)
    total, parts = DualLoss(0.5, 0.05, 0.01)(a, b, TRITS, weights)
    p = {name: float(value) for name, value in parts.items()}
    loss_a = p["ce_A"] + 0.3 * p["kl_A"]
    loss_b = p["ce_B"] + 0.2 * p["kl_B"] - 0.05 * p["entropy_B"] + 0.01 * p["repulsion_B"]
    expected = 0.7 * 1.5 * loss_a + 0.6 * 0.75 * loss_b + 0.25 * abs(p["H_A"] - p["H_B"])
    assert float(total) == pytest.approx(expected, rel=1e-12)
    assert p["kl_A"] == pytest.approx(float(base.kl_divergence(a.mu, a.logvar, 0.5)))


def test_the_entropies_are_those_of_histograms_with_bins_of_0_12() -> None:
    a, b = sides()
    # 4 values in 4 bins of one dimension: ln 4; the other three have one value each: 0.
    z = torch.zeros(4, 4, dtype=torch.float64)
    z[:, 0] = tensor(-2.9, -1.0, 0.5, 2.0)
    _, parts = DualLoss()(a._replace(z=z), b, TRITS, Weights(1, 1, 1, 1, 1))
    assert float(parts["H_A"]) == pytest.approx(log(4) / 4, rel=1e-6)


def test_a_real_run_of_5_5_had_these_losses(checkpoints: Path) -> None:
    """One epoch with the weights of the last one, against what its log says of that epoch."""
    row = json.loads((checkpoints / "log_v5_5.json").read_text())[-1]
    loaded = load(checkpoints / "v5_5_latest.pt")
    saved, model, epoch = loaded.metadata, loaded.model.train(), row["epoch"]
    balance = GradientBalance(saved["grad_norm_A_ema"], saved["grad_norm_B_ema"]).weights
    beta_b = dual.beta_b(epoch, row["beta_A"])
    weights = Weights(row["beta_A"], beta_b, row["l1"], row["l2"], row["l3"], *balance)
    warmth = dual.temperature_a(epoch, 400), dual.temperature_b(epoch, 400)
    draws, totals, rows = torch.Generator().manual_seed(0), [], []
    with torch.no_grad():
        for index in torch.randperm(N, generator=draws).split(64):
            x = trits(index).float()
            out = model(
                x,
                rho=row["rho"],
                temperature_A=warmth[0],
                temperature_B=warmth[1],
                sample=True,
                generator=draws,
            )
            a = Side(out.logits_A, out.mu_A, out.logvar_A, out.z_A)
            b = Side(out.logits_B, out.mu_B, out.logvar_B, out.z_B)
            total, parts = DualLoss(0.5)(a, b, x, weights)
            totals.append(total)
            rows.append(parts)
    mean = {name: float(torch.stack([part[name] for part in rows]).mean()) for name in rows[0]}
    assert float(torch.stack(totals).mean()) == pytest.approx(row["train_loss"], rel=0.01)
    assert mean["ce_A"] == pytest.approx(row["ce_A"], abs=0.08)
    assert mean["ce_B"] == pytest.approx(row["ce_B"], abs=0.08)
    assert mean["kl_A"] == pytest.approx(row["kl_A"], rel=0.02)
    assert mean["kl_B"] == pytest.approx(row["kl_B"], rel=0.02)
    assert mean["H_A"] == pytest.approx(saved["H_A_history"][-1], rel=0.02)
    assert mean["H_B"] == pytest.approx(saved["H_B_history"][-1], rel=0.02)
