"""One step and one epoch of training, and the held-out loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.common.flow import Stop

from .model.layers import HELD, in_parts
from .run import Run
from .run_optimisers import rate_at

AT_ONCE = 128
"""Sequences that are measured at a time."""


@dataclass
class Averages:
    """Means over the steps of an epoch, and its last learning rate."""

    steps: int = 0
    loss: float = 0.0
    grad_norm: float = 0.0
    rate: float = 0.0

    def add(self, loss: float, norm: float, rate: float) -> None:
        """Take in a step."""
        self.steps += 1
        self.loss += (loss - self.loss) / self.steps
        self.grad_norm += (norm - self.grad_norm) / self.steps
        self.rate = rate


def train_epoch(run: Run, told: Callable[[Averages], None] | None = None) -> Averages:
    """All steps of an epoch, or those that are left; `told` sees the averages after each.

    Raises:
        Stop: the loss is no finite number any more, or labels do not fit the logits.
    """
    averages = Averages()
    run.model.train()
    for rows in order(run).split(run.batch)[: run.steps_per_epoch]:
        if run.is_over:
            break
        rate = rate_at(run.rate, run.step, run.steps)
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        loss, norm = step(run, rows)
        averages.add(loss, norm, rate)
        if not math.isfinite(loss):
            raise Stop(
                f"step {run.step}: the loss is {loss}, the run has diverged; its checkpoints are "
                "of the epochs before\n"
                "  help: a lower training.learning_rate or training.max_grad_norm, in a new folder"
            )
        run.step += 1
        if told is not None:
            told(averages)
    return averages


def order(run: Run) -> Tensor:
    """The rows of an epoch [n] in the order of its steps; the same in every rank."""
    drawn = torch.Generator().manual_seed(run.config.training.seed * 1_000_003 + run.epoch)
    return torch.randperm(len(run.material.train), generator=drawn)


def step(run: Run, rows: Tensor) -> tuple[float, float]:
    """Forward, loss, backward and update for the rows [B] of all ranks.

    Returns:
        The mean loss of all labels of the batch, and the gradient norm before clipping.
    """
    part, device, own = run.material.train, run.ranks.device, run.ranks.rows(rows)
    losses = sums(run, part.inputs[own].to(device), part.labels[own].to(device))
    loss = run.ranks.gather(losses, len(rows)).sum() / counted(run, part.labels[rows])
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    run.ranks.sum_gradients(run.parameters)
    most = run.config.training.max_grad_norm
    norm = float(nn.utils.clip_grad_norm_(run.parameters, most))
    run.optimizer.step()
    return float(loss.detach()), norm


def sums(run: Run, inputs: Tensor, labels: Tensor, smoothing: float | None = None) -> Tensor:
    """The loss of each sequence [B], summed over its labels.

    Raises:
        Stop: there is no label for each position of the logits: another label mode.
    """
    hidden = run.model.hidden(inputs)
    # A single label belongs to a single position.
    targets = labels.unsqueeze(1) if labels.dim() == 1 else labels
    ids = run.model.architecture.vocab_size
    if hidden.shape[:-1] != targets.shape or targets.is_floating_point():
        raise Stop(
            f"logits {(*hidden.shape[:-1], ids)} have no label each among {tuple(labels.shape)} "
            f"{str(labels.dtype).removeprefix('torch.')}\n"
            "  help: set `data.hd.label_mode: full_sequence`"
        )
    settings = run.config.training.loss

    def losses(part: Tensor, wanted: Tensor) -> Tensor:
        return functional.cross_entropy(
            run.model.head(part).float(),
            wanted,
            ignore_index=-100 if settings.ignore_index is None else settings.ignore_index,
            label_smoothing=settings.label_smoothing if smoothing is None else smoothing,
            reduction="none",
        )

    found = in_parts(losses, HELD // ids, hidden.flatten(0, 1), targets.flatten())
    return torch.cat(found).view_as(targets).sum(1)


def counted(run: Run, labels: Tensor) -> int:
    """Labels that count in a loss."""
    ignore = run.config.training.loss.ignore_index
    return int((labels != (-1 if ignore is None else ignore)).sum())


@torch.no_grad()
def held_out_loss(run: Run) -> float:
    """Mean cross entropy of the held-out labels, in nats, without smoothing."""
    part, device = run.material.held_out, run.ranks.device
    run.model.eval()
    total = 0.0
    for start in range(0, len(part), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        inputs, labels = part.inputs[rows].to(device), part.labels[rows].to(device)
        total += float(sums(run, inputs, labels, 0.0).double().sum())
    return total / counted(run, part.labels)
