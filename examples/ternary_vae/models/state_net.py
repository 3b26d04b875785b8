"""StateNet: a small net that sees how a run goes and corrects its weights; 5.5 to 5.10."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .layers import stack

_RUN = ("H_A", "H_B", "KL_A", "KL_B", "grad_ratio", "rho", "lambda1", "lambda2", "lambda3")
_COVERED = ("coverage_A", "coverage_B", "uncovered")
_RANKED = ("r_A", "r_B")
_CURVED = ("radius_A", "radius_B", "sigma", "curvature")
_STAGED = ("radial_loss", "tau")
_OUT = ("lr", "lambda1", "lambda2", "lambda3", "ranking", "sigma", "curvature", "curriculum")


class StateNetKind(NamedTuple):
    """What one generation's StateNet is made of.

    Attributes:
        inputs: what it sees, in order; coverages are shares of the 19,683 operations.
        outputs: what it corrects, each by a number from -1 to 1.
        heads: width of each attention head over the inputs.
        scaled: whether each head has a factor that trains.
    """

    inputs: tuple[str, ...]
    hidden: int
    latent: int
    outputs: tuple[str, ...]
    heads: dict[str, int]
    scaled: bool = False


_V4 = (*_RUN, *_COVERED, *_RANKED, *_CURVED)
_HEADS = {"hyperbolic": 6, "curriculum": 4}
KINDS = {
    "v1": StateNetKind(_RUN, 32, 8, _OUT[:4], {}),
    "v2": StateNetKind((*_RUN, *_COVERED), 32, 8, _OUT[:4], {}),
    "v3": StateNetKind((*_RUN, *_COVERED, *_RANKED), 48, 10, _OUT[:5], {"metric": 8}),
    "v4": StateNetKind(_V4, 64, 12, _OUT[:7], {"metric": 10, "hyperbolic": 6}),
    "v5, 20 inputs": StateNetKind((*_V4, *_STAGED), 64, 14, _OUT, {"metric": 12, **_HEADS}),
    "v5, 21 inputs": StateNetKind(
        (*_RUN, *_COVERED, *_RANKED, "r_AB", *_CURVED, *_STAGED),
        64,
        14,
        _OUT,
        {"metric": 13, **_HEADS},
        scaled=True,
    ),
}
"""By the names that the layouts of checkpoints give them."""


class Corrections(NamedTuple):
    """`values` [..., outputs] in -1..1, the `latent` [..., latent], and what each head attends."""

    values: Tensor
    latent: Tensor
    attention: dict[str, Tensor]


class StateNet(nn.Module):
    """An autoencoder of the run's state whose decoder gives corrections."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = KINDS[kind]
        _, hidden, latent, outputs, heads, scaled = self.kind
        size = len(self.kind.inputs)
        deeper = stack((hidden, hidden)) if heads else []
        self.encoder = nn.Sequential(
            *stack((size, hidden), nn.Tanh, norm=True), *deeper, nn.Linear(hidden, latent)
        )
        self.decoder = nn.Sequential(
            *stack((latent, hidden)), nn.Linear(hidden, len(outputs)), nn.Tanh()
        )
        for head, width in heads.items():
            attention = nn.Sequential(nn.Linear(size, width), nn.Softmax(dim=-1))
            self.add_module(f"{head}_attention", attention)
        if scaled:
            # Their order in old files is that of the alphabet.
            ones = {head: nn.Parameter(torch.tensor(1.0)) for head in sorted(heads)}
            self.attention_head_scales = nn.ParameterDict(ones)

    def forward(self, state: Tensor) -> Corrections:
        """Corrections for a state [..., inputs]."""
        latent = self.encoder(state)
        attention = {}
        for head in self.kind.heads:
            weights = self.get_submodule(f"{head}_attention")(state)
            scale = self.attention_head_scales[head] if self.kind.scaled else 1.0
            attention[head] = scale * weights
        return Corrections(self.decoder(latent), latent, attention)
