"""The dual VAE of 5.5 to 5.10, and the two models around it: appetitive and simplified."""

# ruff: noqa: N802, N803, N815  A and B are the two VAEs, everywhere in this family
from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..operations import all_valuations
from .layers import stack
from .parts import LOGITS, WIDTHS, DecoderA, DecoderB, Encoder, as_logits, draw
from .state_net import StateNet

STARTS = {
    "grad_norm_A_ema": 1.0,
    "grad_norm_B_ema": 1.0,
    "r_A_ema": 0.5,
    "r_B_ema": 0.5,
    "mean_radius_A": 0.5,
    "mean_radius_B": 0.5,
    "prior_sigma": 1.0,
    "curvature": 2.0,
    "loss_ema": 10.0,
    "loss_prev": 10.0,
    "loss_grad_ema": 1.0,
}
"""Buffers in the order in which generations added them, with their first values: 5.5 and 5.6
have two, 5.7 four, the first 5.10 code eight, the last all."""


class Latents(NamedTuple):
    """What the two encoders give, each [B, D]."""

    mu_A: Tensor
    logvar_A: Tensor
    mu_B: Tensor
    logvar_B: Tensor


class DualOutput(NamedTuple):
    """Latents [B, D] before and z after drawing (without injection); logits [B, 9, 3]."""

    mu_A: Tensor
    logvar_A: Tensor
    mu_B: Tensor
    logvar_B: Tensor
    z_A: Tensor
    z_B: Tensor
    logits_A: Tensor
    logits_B: Tensor


class SimplifiedOutput(NamedTuple):
    """As `DualOutput`; B is only encoded."""

    mu_A: Tensor
    logvar_A: Tensor
    mu_B: Tensor
    logvar_B: Tensor
    z_A: Tensor
    logits_A: Tensor


class DualVAE(nn.Module):
    """Two VAEs that show each other their latents while training.

    Args:
        latent: D.
        state_net: a key of `state_net.KINDS`, or `none`.
        buffers: how many of `STARTS` there are: 2, 4, 8 or 11.
        state_net_name: `statenet` in the first 5.10 code.
    """

    def __init__(
        self,
        latent: int = 16,
        state_net: str = "v1",
        buffers: int = 2,
        state_net_name: Literal["state_net", "statenet"] = "state_net",
    ) -> None:
        super().__init__()
        self.latent = latent
        for name in tuple(STARTS)[:buffers]:
            self.register_buffer(name, torch.tensor(STARTS[name]))
        self.encoder_A = Encoder(latent)
        self.decoder_A = DecoderA(latent)
        self.encoder_B = Encoder(latent)
        self.decoder_B = DecoderB(latent)
        if state_net != "none":
            self.add_module(state_net_name, StateNet(state_net))

    def encode(self, x: Tensor) -> Latents:
        """Means and logvars of trits [B, 9]."""
        return Latents(*self.encoder_A(x), *self.encoder_B(x))

    def decode_A(self, z: Tensor) -> Tensor:
        """Logits [B, 9, 3] of latents [B, D]."""
        return self.decoder_A(z)

    def forward(
        self,
        x: Tensor,
        *,
        rho: float = 0.1,
        temperature_A: float = 1.0,
        temperature_B: float = 1.0,
        sample: bool | None = None,
        generator: torch.Generator | None = None,
    ) -> DualOutput:
        """Encode, draw, inject and decode trits [B, 9].

        Each decoder reads (1 - rho) of its own latent and rho of the other one's, through
        which no gradient flows.

        Args:
            sample: draw latents, or take the means; None draws in training mode only.
        """
        latents = self.encode(x)
        mu_a, logvar_a, mu_b, logvar_b = latents
        on = self.training if sample is None else sample
        z_a = draw(mu_a, logvar_a, sample=on, temperature=temperature_A, generator=generator)
        z_b = draw(mu_b, logvar_b, sample=on, temperature=temperature_B, generator=generator)
        logits_a = self.decoder_A((1 - rho) * z_a + rho * z_b.detach())
        logits_b = self.decoder_B((1 - rho) * z_b + rho * z_a.detach())
        return DualOutput(*latents, z_a, z_b, logits_a, logits_b)


class _Kept(nn.Module):
    """Holds a tensor that a file has."""

    def __init__(self, name: str, value: Tensor) -> None:
        super().__init__()
        self.register_buffer(name, value)


class AppetitiveVAE(nn.Module):
    """The appetitive branch: five appetites around a dual VAE of 5.6.

    What its forward pass returns is the dual VAE's. The appetites added losses, of which only
    the tensors are known; those are here, so that such a file loads whole.
    """

    APPETITES = ("ranking", "hierarchy", "curiosity", "symbiosis", "closure")

    def __init__(self, latent: int = 16, history: int = 0, attention: int = 32) -> None:
        super().__init__()
        for name in self.APPETITES:
            self.register_buffer(f"appetite_{name}", torch.tensor(0.0))
        self.base = DualVAE(latent, "v2")
        self.ranking = _Kept("valuations", all_valuations())
        self.curiosity = _Kept("z_history", torch.zeros(history, latent))
        self.symbiosis = nn.ModuleDict(
            {
                "query_A": nn.Linear(latent, attention),
                "key_B": nn.Linear(latent, attention),
                "value_B": nn.Linear(latent, latent),
                "query_B": nn.Linear(latent, attention),
                "key_A": nn.Linear(latent, attention),
                "value_A": nn.Linear(latent, latent),
                "mi_estimator": nn.Bilinear(latent, latent, 1),
            }
        )
        self.closure = _Kept("identity_idx", torch.tensor(0))

    def encode(self, x: Tensor) -> Latents:
        """Means and logvars of trits [B, 9]."""
        return self.base.encode(x)

    def decode_A(self, z: Tensor) -> Tensor:
        """Logits [B, 9, 3] of latents [B, D]."""
        return self.base.decode_A(z)

    def forward(self, x: Tensor, **settings: object) -> DualOutput:
        """As `DualVAE.forward`."""
        return self.base(x, **settings)


class SimplifiedVAE(nn.Module):
    """The small model that launchers of 5.11.11 wrote as a v5.5: other names, no decoder B."""

    def __init__(self, latent: int = 16) -> None:
        super().__init__()
        self.latent = latent
        for side in "AB":
            self.add_module(f"encoder_{side}", nn.Sequential(*stack(WIDTHS)))
            self.add_module(f"fc_mu_{side}", nn.Linear(WIDTHS[-1], latent))
            self.add_module(f"fc_logvar_{side}", nn.Linear(WIDTHS[-1], latent))
        self.decoder_A = nn.Sequential(*stack((latent, 32, 64)), nn.Linear(64, LOGITS))

    def encode(self, x: Tensor) -> Latents:
        """Means and logvars of trits [B, 9]; those of B were never trained."""
        part = dict(self.named_children())
        found = []
        for side in "AB":
            hidden = part[f"encoder_{side}"](x)
            found += [part[f"fc_{head}_{side}"](hidden) for head in ("mu", "logvar")]
        return Latents(*found)

    def decode_A(self, z: Tensor) -> Tensor:
        """Logits [B, 9, 3] of latents [B, D]."""
        return as_logits(self.decoder_A(z))

    def forward(
        self, x: Tensor, *, sample: bool | None = None, generator: torch.Generator | None = None
    ) -> SimplifiedOutput:
        """Encode trits [B, 9], and decode what A draws; None draws in training mode only."""
        latents = self.encode(x)
        on = self.training if sample is None else sample
        z = draw(latents.mu_A, latents.logvar_A, sample=on, generator=generator)
        return SimplifiedOutput(*latents, z, self.decode_A(z))
