"""Optimisers and the learning rate by the words of configs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer

if TYPE_CHECKING:
    from schemas.hsmn.v1 import Training

FLOOR = 0.1
"""Share of the learning rate that is left at the end."""
AS_ADAMW = ("qiao", "sympflowqng", "sophiag")
"""Accepted names: closed files of the old code, or optimisers that need second derivatives."""


class Lion(Optimizer):
    """The sign of an interpolated momentum; Chen et al., "Symbolic Discovery of Optimization
    Algorithms" (NeurIPS 2023), algorithm 2, with decoupled decay.

    Args:
        params: parameters or groups of them.
        lr: step.
        betas: of the update and of the momentum.
        weight_decay: times lr.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update, after the closure if there is one; returns its loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            first, second = group["betas"]
            for one in group["params"]:
                if one.grad is None:
                    continue
                state = self.state[one]
                if not state:
                    state["momentum"] = torch.zeros_like(one)
                momentum = state["momentum"]
                update = torch.lerp(one.grad, momentum, first).sign_()
                one.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])
                momentum.lerp_(one.grad, 1 - second)
        return loss


class Chosen(NamedTuple):
    """An optimizer, its learning rate at the start, and what is to be said of it."""

    optimizer: Optimizer
    rate: float
    said: str


def choose(training: Training, parameters: list[nn.Parameter]) -> Chosen:
    """The optimizer of a config.

    grover and sympflow are AdamW with other numbers, as in the old code: 1.5 times the rate, 0.8
    times the decay and beta2 0.98; the rate times step_size times 100, the decay times friction
    and beta1 0.95. qiao, sympflowqng and sophiag are accepted and train as AdamW.

    Raises:
        ValueError: name or rate are left to the search, or no optimizer has that name.
    """
    name, rate, decay = training.optimizer, training.learning_rate, training.weight_decay
    if name is None or rate is None:
        missing = "optimizer" if name is None else "learning_rate"
        raise ValueError(f"training.{missing} is null: the search has to decide it")
    common: dict[str, Any] = {"lr": rate, "weight_decay": decay}
    if name == "adam":
        return Chosen(torch.optim.Adam(parameters, **common), rate, "Adam")
    if name == "lion":
        return Chosen(Lion(parameters, **common), rate, "Lion")
    said = "AdamW"
    if name == "grover":
        rate, common["weight_decay"], common["betas"] = 1.5 * rate, 0.8 * decay, (0.9, 0.98)
        said = "AdamW with the numbers of grover"
    elif name == "sympflow":
        flow = training.sympflow
        rate, common["betas"] = rate * flow.step_size * 100, (0.95, 0.999)
        common["weight_decay"] = decay * flow.friction
        said = "AdamW with the numbers of sympflow"
    elif name in AS_ADAMW:
        said = f"AdamW in place of {name}"
    elif name != "adamw":
        raise ValueError(f"training.optimizer {name} is unknown")
    return Chosen(torch.optim.AdamW(parameters, **common | {"lr": rate}), rate, said)


def rate_at(rate: float, step: int, steps: int) -> float:
    """Cosine from the rate to a tenth of it: at step 0 and at the last one."""
    share = step / max(steps - 1, 1)
    return rate * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * share)) / 2)
