"""TernaryVAE 5.5.1: KL warm-up and free bits."""

from __future__ import annotations

from pydantic import Field

from . import v5_5_0 as before


class VaeA(before.VaeA):
    beta_warmup_epochs: int = Field(default=0, ge=0, description="epochs of linear KL warm-up")


class VaeB(before.VaeB):
    beta_warmup_epochs: int = Field(
        default=0, ge=0, description="epochs during which beta stays at beta_start"
    )


class Config(before.Config):
    vae_a: VaeA = Field(description="the exploring VAE")
    vae_b: VaeB = Field(description="the converging VAE")
    free_bits: float = Field(
        default=0.0, ge=0, description="KL per dimension that costs nothing, nats"
    )
