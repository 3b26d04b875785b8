"""Losses of the dual VAE, as trained in 5.5 to 5.10.

B: operations in the batch, D: latent dimensions. Logits are [B, 9, 3], trits [B, 9]
with values -1, 0, 1. All values are in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from ..models.controller import histogram_entropy
from ..operations import classes
from .terms import Terms, mean_or_zero

REPULSION_WIDTH = 0.25
"""Squared length at which repulsion has fallen to 1/e."""


def reconstruction(logits: Tensor, trits: Tensor) -> Tensor:
    """Cross-entropy of the classes trit + 1: summed over the nine trits, averaged over B."""
    targets = classes(trits).flatten()
    total = functional.cross_entropy(logits.flatten(0, 1), targets, reduction="sum")
    return total / len(trits)


def kl_divergence(mu: Tensor, logvar: Tensor, free_bits: float = 0.0) -> Tensor:
    """KL of N(mu, exp(logvar)) from N(0, 1), summed over D, averaged over B.

    Per element -(1 + logvar - mu^2 - exp(logvar)) / 2 (Kingma and Welling 2014, appendix
    B). Below `free_bits` nats an element costs that much and gets no gradient (free bits,
    Kingma et al. 2016); here the floor holds per element, before any sum.
    """
    element = -0.5 * (1 + logvar - mu.square() - logvar.exp())
    if free_bits > 0:
        element = element.clamp(min=free_bits)
    return element.sum(-1).mean()


def output_entropy(logits: Tensor) -> Tensor:
    """Shannon entropy of the class probabilities averaged over B, summed over the nine trits."""
    mean = logits.softmax(-1).mean(0)
    return -(mean * mean.clamp(min=1e-10).log()).sum()


def repulsion(z: Tensor) -> Tensor:
    """Mean of exp(-|z_i - z_j|^2 / 0.25) over all pairs of different rows of z [B, D]."""
    return mean_or_zero((-functional.pdist(z).square() / REPULSION_WIDTH).exp())


class Side(NamedTuple):
    """What one of the two VAEs gave for a batch."""

    logits: Tensor
    mu: Tensor
    logvar: Tensor
    z: Tensor


class Weights(NamedTuple):
    """What the schedules and controllers of one epoch or step decide."""

    beta_a: float
    beta_b: float
    lambda1: float
    lambda2: float
    lambda3: float
    balance_a: float = 1.0
    balance_b: float = 1.0


@dataclass(frozen=True)
class DualLoss:
    """The total of 5.5: two beta-VAEs (Higgins et al. 2017) and the alignment of their entropies.

    loss_A = ce_A + beta_A KL_A
    loss_B = ce_B + beta_B KL_B - entropy_weight H(mean output) + repulsion_weight repulsion
    total = lambda1 balance_A loss_A + lambda2 balance_B loss_B + lambda3 |H_A - H_B|

    The last term has no gradient: it is measured on histograms.
    """

    free_bits: float = 0.0
    entropy_weight: float = 0.05
    repulsion_weight: float = 0.01

    def __call__(self, a: Side, b: Side, trits: Tensor, weights: Weights) -> Terms:
        """The total and its parts; trits [B, 9]."""
        parts = {
            "ce_A": reconstruction(a.logits, trits),
            "ce_B": reconstruction(b.logits, trits),
            "kl_A": kl_divergence(a.mu, a.logvar, self.free_bits),
            "kl_B": kl_divergence(b.mu, b.logvar, self.free_bits),
            "entropy_B": output_entropy(b.logits),
            "repulsion_B": repulsion(b.z),
            "H_A": histogram_entropy(a.z),
            "H_B": histogram_entropy(b.z),
        }
        loss_a = parts["ce_A"] + weights.beta_a * parts["kl_A"]
        loss_b = parts["ce_B"] + weights.beta_b * parts["kl_B"]
        loss_b = loss_b - self.entropy_weight * parts["entropy_B"]
        loss_b = loss_b + self.repulsion_weight * parts["repulsion_B"]
        total = (
            weights.lambda1 * weights.balance_a * loss_a
            + weights.lambda2 * weights.balance_b * loss_b
            + weights.lambda3 * (parts["H_A"] - parts["H_B"]).abs()
        )
        return Terms(total, parts)
