"""The models of 5.11 on: encoders of a dual VAE, decoder A, and a projection onto the ball."""

# ruff: noqa: N802, N815  A and B are the two VAEs, everywhere in this family
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..geometry import Curvature, logmap0
from .controller import Control, Controller, histogram_entropy
from .dual import Latents
from .parts import DecoderA, Encoder, Kind, draw
from .projection import DualProjection, HyperbolicProjection, Manifold, SharedProjection

PARTS = ("encoder_A", "encoder_B", "decoder_A", "projection", "controller")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Settings under the names that configs give them, with the defaults of 5.11.

    Attributes:
        partial_freeze: the class PartialFreeze, whose encoder B trains; else the plain class.
        isp_c: whether the curvature is a tensor; not in the first code of 5.11.
        radius_hidden: width of the radius nets; None for half of hidden_dim, at least 32.
        decoder_input: what decoder A reads: A's latent, or `logmap0` of A's point.
    """

    partial_freeze: bool = False
    latent_dim: int = 16
    hidden_dim: int = 64
    max_radius: float = 0.95
    curvature: float = 1.0
    use_controller: bool = False
    use_dual_projection: bool = False
    learnable_curvature: bool = False
    projection_layers: int = 1
    projection_dropout: float = 0.0
    decoder_input: Literal["mu", "tangent"] = "mu"
    encoder_type: Kind = "frozen"
    decoder_type: Kind = "frozen"
    encoder_dropout: float = 0.1
    decoder_dropout: float = 0.1
    logvar_min: float = -10.0
    logvar_max: float = 2.0
    isp_c: bool = True
    radius_hidden: int | None = None

    @property
    def trains(self) -> tuple[str, ...]:
        """The parts that this class trains when nothing else is asked for."""
        with_b = ("encoder_B",) if self.partial_freeze else ()
        return (*with_b, "projection", *(("controller",) if self.use_controller else ()))


class ProjectedOutput(NamedTuple):
    """Latents, drawn latents and points, each [B, D]; logits [B, 9, 3]; loss weights."""

    mu_A: Tensor
    logvar_A: Tensor
    mu_B: Tensor
    logvar_B: Tensor
    z_A: Tensor
    z_B: Tensor
    z_A_hyp: Tensor
    z_B_hyp: Tensor
    logits_A: Tensor
    control: Control


class ProjectedVAE(nn.Module):
    """TernaryVAEV5_11 and TernaryVAEV5_11_PartialFreeze.

    Components of the frozen type start without gradients, those of the improved type with
    them, as the old classes did; `train_only(*architecture.trains)` sets what a run trains.
    Parts in `without_grad` run under `no_grad`, whatever their parameters say.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        logvar = (a.logvar_min, a.logvar_max)
        self.encoder_A = Encoder(a.latent_dim, a.encoder_type, a.encoder_dropout, logvar)
        self.encoder_B = Encoder(a.latent_dim, a.encoder_type, a.encoder_dropout, logvar)
        self.decoder_A = DecoderA(a.latent_dim, a.decoder_type, a.decoder_dropout)
        self.projection = _projection(a)
        self.controller = Controller() if a.use_controller else None
        for part, kind in zip(
            PARTS[:3], (a.encoder_type, a.encoder_type, a.decoder_type), strict=True
        ):
            self.get_submodule(part).requires_grad_(kind == "improved")
        self.without_grad = {"encoder_A"}
        if not a.partial_freeze:
            self.without_grad.add("encoder_B")
            if a.decoder_input == "mu":
                self.without_grad.add("decoder_A")

    def freeze(self, *parts: str) -> None:
        """Take the gradients from parts; an encoder then also runs under `no_grad`."""
        for part in parts:
            self._switch(part, False)

    def unfreeze(self, *parts: str) -> None:
        """Give parts their gradients; a fixed curvature stays fixed."""
        for part in parts:
            self._switch(part, True)

    def train_only(self, *parts: str) -> None:
        """Freeze all other parts."""
        there = [part for part in PARTS if getattr(self, part) is not None]
        self.freeze(*(part for part in there if part not in parts))
        self.unfreeze(*parts)

    def _switch(self, part: str, on: bool) -> None:
        if part not in PARTS:
            raise ValueError(f"{part} is no part of this model; parts are {', '.join(PARTS)}")
        for name, parameter in self.get_submodule(part).named_parameters():
            fixed = name.endswith("isp_c") and not self.architecture.learnable_curvature
            parameter.requires_grad_(on and not fixed)
        if on:
            self.without_grad.discard(part)
        elif part.startswith("encoder"):
            self.without_grad.add(part)

    def curvature(self, side: Literal["A", "B"] = "A") -> Curvature:
        """The ball's curvature: a tensor where it trains, else the number of the settings."""
        if not (self.architecture.learnable_curvature and self.architecture.isp_c):
            return self.architecture.curvature
        dual = isinstance(self.projection, DualProjection)
        name = f"projection.proj_{side}.manifold" if dual else "projection.manifold"
        manifold = self.get_submodule(name)
        return manifold.c

    def _graded(self, part: str) -> torch.autograd.grad_mode.set_grad_enabled:
        return torch.set_grad_enabled(torch.is_grad_enabled() and part not in self.without_grad)

    def encode(self, x: Tensor) -> Latents:
        """Means and logvars of trits [B, 9]."""
        with self._graded("encoder_A"):
            of_a = self.encoder_A(x)
        with self._graded("encoder_B"):
            of_b = self.encoder_B(x)
        return Latents(*of_a, *of_b)

    def decode_A(self, z: Tensor) -> Tensor:
        """Logits [B, 9, 3] of latents or tangent vectors [B, D]."""
        with self._graded("decoder_A"):
            return self.decoder_A(z)

    def forward(
        self,
        x: Tensor,
        *,
        sample: bool | None = None,
        generator: torch.Generator | None = None,
        noise: tuple[Tensor, Tensor] | None = None,
    ) -> ProjectedOutput:
        """Encode, draw, project and decode trits [B, 9].

        Args:
            sample: draw latents, or take the means; None draws in training mode only. The old
                code drew always, in evaluation as well.
            generator: draws the noise of both latents.
            noise: that of A and B, [B, D] each, instead of drawing it here.
        """
        latents = self.encode(x)
        mu_a, logvar_a, mu_b, logvar_b = latents
        on = self.training if sample is None else sample
        of_a, of_b = noise if noise is not None else (None, None)
        z_a = draw(mu_a, logvar_a, sample=on, generator=generator, noise=of_a)
        z_b = draw(mu_b, logvar_b, sample=on, generator=generator, noise=of_b)
        hyp_a, hyp_b = self.projection(z_a, z_b)
        tangent = self.architecture.decoder_input == "tangent"
        logits = self.decode_A(logmap0(hyp_a, self.curvature()) if tangent else z_a)
        control = self._control(latents, (z_a, z_b), (hyp_a, hyp_b))
        return ProjectedOutput(*latents, z_a, z_b, hyp_a, hyp_b, logits, control)

    def _control(
        self, latents: Latents, drawn: tuple[Tensor, Tensor], points: tuple[Tensor, Tensor]
    ) -> Control:
        """Loss weights; a batch's statistics carry no gradient, the controller's answer does."""
        if self.controller is None:
            return Control.constant(points[0])
        with torch.no_grad():
            radii = [point.norm(dim=-1).mean() for point in points]
            one, zero = radii[0].new_ones(()), radii[0].new_zeros(())
            # PartialFreeze always showed its controller a 1 there.
            constant = self.architecture.partial_freeze
            entropies = [one, one] if constant else [histogram_entropy(z) for z in drawn]
            pairs = ((latents.mu_A, latents.logvar_A), (latents.mu_B, latents.logvar_B))
            kls = [
                -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(-1).mean()
                for mu, logvar in pairs
            ]
            state = torch.stack([*radii, *entropies, *kls, zero, zero])
        return self.controller(state)


def _projection(a: Architecture) -> nn.Module:
    def one(kind: type[HyperbolicProjection]) -> HyperbolicProjection:
        manifold = Manifold(a.curvature, learnable=a.learnable_curvature) if a.isp_c else None
        return kind(
            a.latent_dim,
            a.hidden_dim,
            a.projection_layers,
            a.projection_dropout,
            a.max_radius,
            manifold,
            a.radius_hidden,
        )

    if a.use_dual_projection:
        return DualProjection(one(HyperbolicProjection), one(HyperbolicProjection))
    return one(SharedProjection)
