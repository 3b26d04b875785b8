"""Stage 1 in seconds: encoders and decoders that reconstruct every operation.

`python -m examples.ternary_vae.scratch --out FILE` trains VAE A and VAE B of 5.5 one after the
other, each as a plain beta-VAE (Higgins et al. 2017) with a KL weight that stays small, and
writes a checkpoint with all 50 tensors of 5.5. The 5.5 trainer itself is in `dual_training`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import cfgmig
from examples.common.checkpoints import write

from .losses.base import kl_divergence, reconstruction
from .metrics import evaluating, measure, recovered
from .models import DualVAE
from .models.parts import draw
from .operations import N, all_trits
from .samplers import Shuffled

FAMILY, VERSION = "ternary_vae", "5.5.2"


@dataclass(frozen=True)
class Recipe:
    """Sum of cross-entropies + beta KL, AdamW, one cycle of the rate (Smith 2018).

    Attributes:
        warmup: share of the steps in which the rate rises.
    """

    epochs: int = 20
    batch_size: int = 512
    rate: float = 3e-3
    beta: float = 0.1
    free_bits: float = 0.5
    decay: float = 1e-4
    clip: float = 1.0
    warmup: float = 0.15


def train_side(
    encoder: nn.Module, decoder: nn.Module, recipe: Recipe, seed: int
) -> list[tuple[int, float, float]]:
    """Train one VAE; it keeps the weights of the best epoch: coverage first, then loss.

    Returns:
        Epoch, coverage (`cov_mu`) and mean loss of every epoch.
    """
    rows, sampler = all_trits(), Shuffled(torch.arange(N), recipe.batch_size, seed)
    both = nn.ModuleList([encoder, decoder])
    optimizer = torch.optim.AdamW(both.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, recipe.epochs * len(sampler), pct_start=recipe.warmup
    )
    history: list[tuple[int, float, float]] = []
    best: tuple[float, float] = (-1.0, 0.0)
    kept: dict[str, Tensor] = {}
    for epoch in range(recipe.epochs):
        total = 0.0
        for index in sampler:
            x = rows[index]
            mu, logvar = encoder(x)
            logits = decoder(draw(mu, logvar, sample=True))
            kl = kl_divergence(mu, logvar, recipe.free_bits)
            loss = reconstruction(logits, x) + recipe.beta * kl
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(both.parameters(), recipe.clip)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(index) / N
        with evaluating(both):
            coverage = recovered(decoder(encoder(rows)[0]), rows)
        history.append((epoch, coverage, total))
        if (coverage, -total) > best:
            best = (coverage, -total)
            kept = {name: value.clone() for name, value in both.state_dict().items()}
    both.load_state_dict(kept)
    return history


def train(seed: int, recipe: Recipe = Recipe()) -> tuple[DualVAE, dict[str, Any]]:
    """A dual VAE of 5.5 whose two sides reconstruct, and how that came about."""
    torch.manual_seed(seed)
    model = DualVAE()
    course = {
        "A": train_side(model.encoder_A, model.decoder_A, recipe, seed),
        "B": train_side(model.encoder_B, model.decoder_B, recipe, seed + 1),
    }
    return model, {"recipe": asdict(recipe), "seed": seed, "course": course}


def save(path: Path, model: DualVAE, about: dict[str, Any], epoch: int) -> dict[str, Any]:
    """Write the checkpoint; returns its metrics."""
    metrics = measure(model, seed=about["seed"]).record()
    metadata = {
        "epoch": epoch,
        "metrics": metrics,
        "recipe": about["recipe"],
        "cfgmig": {"family": FAMILY, "version": VERSION},
        "provenance": {
            "made_by": "examples.ternary_vae.scratch",
            "cfgmig": cfgmig.__version__,
            "torch": torch.__version__,
            "seed": about["seed"],
        },
    }
    write(path, model.state_dict(), metadata)
    return metrics


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    p = argparse.ArgumentParser(prog="python -m examples.ternary_vae.scratch")
    p.add_argument("--out", type=Path, required=True, help="the checkpoint, *.safetensors")
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--epochs", type=int, default=Recipe.epochs)
    args = p.parse_args(arguments)
    model, about = train(args.seed, Recipe(epochs=args.epochs))
    for side, course in about["course"].items():
        whole = next((epoch for epoch, coverage, _ in course if coverage == 1.0), None)
        said = f"100 % at epoch {whole}" if whole is not None else f"{course[-1][1]:.4%} at the end"
        print(f"VAE {side}: {said}")
    metrics = save(args.out, model, about, args.epochs - 1)
    print(f"{args.out}: coverage {metrics['coverage']:.4%}")
    return 0 if metrics["coverage"] >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
