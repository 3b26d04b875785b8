"""One step and one epoch of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from examples.common.flow import Stop

from .losses import ProjectionLoss, RichLoss, Terms, radius_of
from .losses.rich import level_statistics
from .models import ProjectedOutput
from .operations import LEVELS, valuation
from .run import Run

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import Config


@dataclass
class Averages:
    """Means over the steps of an epoch: the loss, its parts, and the gradient norm."""

    steps: int = 0
    loss: float = 0.0
    grad_norm: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def add(self, terms: Terms, norm: float) -> None:
        """Take in a step."""
        self.steps += 1
        share = 1 / self.steps
        self.loss += share * (float(terms.total.detach()) - self.loss)
        # A step that loss scaling left out has no norm.
        if math.isfinite(norm):
            self.grad_norm += share * (norm - self.grad_norm)
        for name, value in terms.parts.items():
            before = self.parts.get(name, 0.0)
            self.parts[name] = before + share * (float(value.detach()) - before)


def set_rates(run: Run, epoch: int) -> dict[str, float]:
    """Set the learning rate of every part for an epoch; returns those of parts that train."""
    rate = run.schedule(epoch)
    if run.adaptive_lr is not None:
        rate = run.adaptive_lr.rate(rate)
    for group in run.optimizer.param_groups:
        scale = group["scale"]
        if group["name"] == "encoder_A" and run.unfreeze is not None:
            scale = run.unfreeze.factor(epoch)
        group["lr"] = rate * scale
    return {
        group["name"]: group["lr"]
        for group in run.optimizer.param_groups
        if any(one.requires_grad for one in group["params"])
    }


def cache_period(config: Config, device: torch.device) -> int | None:
    """Batches between emptying the cache of a GPU's memory; None for never."""
    return config.device.empty_cache_freq if device.type == "cuda" else None


def steps_of(run: Run) -> int:
    """Steps of an epoch: all batches, or as many as the options allow."""
    batches, most = len(run.sampler), run.options.steps
    return batches if most is None else min(batches, most)


def train_epoch(
    run: Run, epoch: int, on_step: Callable[[Averages], None] | None = None
) -> Averages:
    """All steps of an epoch; `on_step` hears of each of them.

    Raises:
        Stop: the loss is no finite number any more.
    """
    if run.unfreeze is not None and run.unfreeze.factor(epoch) > 0:
        run.model.unfreeze("encoder_A")
    averages = Averages(rates=set_rates(run, epoch))
    run.model.train()
    emptying = cache_period(run.config, run.ranks.device)
    for index in run.sampler:
        terms, norm = step(run, index.to(run.ranks.device), epoch)
        averages.add(terms, norm)
        if not math.isfinite(averages.loss):
            raise Stop(
                f"epoch {epoch}, step {averages.steps}: the loss is {averages.loss}, the run has "
                "diverged; its checkpoints are of the epochs before\n"
                "  help: a lower training.lr or training.max_grad_norm, in a new folder"
            )
        if emptying and averages.steps % emptying == 0:
            torch.cuda.empty_cache()
        if on_step is not None:
            on_step(averages)
        if averages.steps >= steps_of(run):
            break
    return averages


def step(run: Run, index: Tensor, epoch: int) -> tuple[Terms, float]:
    """Forward, loss, backward and update for the batch index [B] of all ranks.

    Returns:
        The loss with its parts, and the gradient norm before clipping.
    """
    out = forward(run, index)
    terms = loss_of(run, out, index, epoch)
    run.optimizer.zero_grad(set_to_none=True)
    run.precision.backward(terms.total)
    run.ranks.sum_gradients(run.parameters)
    norm = run.precision.step(run.optimizer, run.parameters, run.config.training.max_grad_norm)
    return terms, norm


class _Whole:
    """What the losses see: all ranks' points and logits, in float32."""

    def __init__(self, run: Run, out: ProjectedOutput, total: int) -> None:
        self.x_a = run.ranks.gather(out.z_A_hyp.float(), total)
        self.x_b = run.ranks.gather(out.z_B_hyp.float(), total)
        self.logits = run.ranks.gather(out.logits_A.float(), total)


def forward(run: Run, index: Tensor) -> ProjectedOutput:
    """The model's output for this rank's rows of a batch.

    Noise and dropout are drawn for the whole batch in every rank, so that they do not depend
    on how many ranks there are.
    """
    total, latent = len(index), run.model.architecture.latent_dim
    noise = torch.randn(2, total, latent, device=index.device)
    for dropout in run.dropouts:
        dropout.total = total
    own = run.rows[run.ranks.rows(index)]
    with run.precision.autocast():
        return run.forward(
            own, sample=True, noise=(run.ranks.rows(noise[0]), run.ranks.rows(noise[1]))
        )


def loss_of(run: Run, out: ProjectedOutput, index: Tensor, epoch: int) -> Terms:
    """The total that the config asks for."""
    whole = _Whole(run, out, len(index))
    curvatures = []
    for side in ("A", "B"):
        value = run.model.curvature(side)
        curvatures.append(run.ranks.everywhere(value) if isinstance(value, Tensor) else value)
    on = run.loss.pieces._replace(curvatures=(curvatures[0], curvatures[1]))
    if isinstance(run.loss, RichLoss):
        run.loss.pieces = on
        return _rich(run, run.loss, whole, index, epoch)
    assert run.curriculum is not None
    start = run.config.loss.geodesic.phase_start_epoch
    tau = run.curriculum.tau(epoch) * run.config.loss.geodesic.weight if epoch >= start else 0.0
    loss: ProjectionLoss = replace(run.loss, pieces=on)
    return loss(whole.x_a, whole.x_b, index, tau, run.generator)


def _rich(run: Run, loss: RichLoss, whole: _Whole, index: Tensor, epoch: int) -> Terms:
    adaptive = run.adaptive_loss
    assert adaptive is not None
    terms: Terms = loss(
        whole.x_a,
        whole.x_b,
        index,
        whole.logits,
        epoch,
        run.generator,
        adaptive.factors(epoch),
        adaptive.level_weights(),
    )
    if loss.rich is not None and run.config.loss.adaptive_loss.enable_difficulty_adaptive:
        with torch.no_grad():
            metric, curvature = loss.pieces.metric, loss.pieces.curvatures[1]
            radius = radius_of(whole.x_b, metric, curvature)
            count, mean, _ = level_statistics(radius, valuation(index))
            target = loss.rich.radii.target(torch.arange(LEVELS, device=mean.device))
        adaptive.observe_levels(mean, target, count > 0)
    return terms
