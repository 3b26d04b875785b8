"""A run of 5.5 between two epochs: schedules, steps and controllers; see `dual_training`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from examples.common.flow import Stop
from examples.common.state_tree import same_run

from .controllers import GradientBalance, Lambdas, Scales, StateNetCorrections, state_vector
from .losses import DualLoss, Side, Terms, Weights
from .metrics import coverage_of_prior, evaluating
from .models import DualVAE, build_dual
from .operations import N
from .samplers import Shuffled
from .schedules import Phases, dual

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_5_2 import Config

VERSION = "5.5.2"


@dataclass
class DualRun:
    """A run between two epochs."""

    config: Config
    seed: int
    model: DualVAE
    optimizer: torch.optim.Optimizer
    sampler: Shuffled
    held_out: Tensor
    """Indices of the operations that the validation loss is measured on."""
    loss: DualLoss
    balance: GradientBalance = field(default_factory=GradientBalance)
    lambdas: Lambdas = field(default_factory=Lambdas)
    corrections: StateNetCorrections = field(default_factory=StateNetCorrections)
    epoch: int = 0
    best: float = float("inf")
    waited: int = 0
    prior: tuple[float, float] = (0.0, 0.0)

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "config": self.config.model_dump(mode="json"),
            "seed": self.seed,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "sampler": self.sampler.state_dict(),
            "balance": self.balance.state_dict(),
            "lambdas": self.lambdas.state_dict(),
            "corrections": self.corrections.state_dict(),
            "random": torch.get_rng_state(),
            "epoch": self.epoch,
            "best": self.best,
            "waited": self.waited,
            "prior": self.prior,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`.

        Raises:
            Stop: it is of another config or another seed.
        """
        same_run(state, self.config.model_dump(mode="json"), self.seed)
        for name in ("model", "optimizer", "sampler", "balance", "lambdas", "corrections"):
            getattr(self, name).load_state_dict(state[name])
        torch.set_rng_state(state["random"])
        self.epoch, self.best, self.waited = state["epoch"], state["best"], state["waited"]
        self.prior = state["prior"]


def begin(config: Config, seed: int | None) -> DualRun:
    """A run at its beginning; the seed is the config's unless one is given.

    Raises:
        ValueError: the splits leave nothing to train or to validate on.
    """
    own = config.seed if seed is None else seed
    torch.manual_seed(own)
    model = build_dual(config.model, VERSION)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(own))
    first, second = round(config.train_split * N), round(config.val_split * N)
    if not first or not second:
        raise ValueError("train_split and val_split leave no operation to one of the two")
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=config.optimizer.lr_start,
        weight_decay=config.optimizer.weight_decay,
    )
    return DualRun(
        config,
        own,
        model,
        optimizer,
        Shuffled(order[:first], config.batch_size, own),
        order[first : first + second],
        DualLoss(config.free_bits, config.vae_b.entropy_weight, config.vae_b.repulsion_weight),
        corrections=StateNetCorrections(
            Scales(config.model.statenet_lr_scale, config.model.statenet_lambda_scale)
        ),
    )


@dataclass(frozen=True)
class Plan:
    """What the schedules say for an epoch."""

    rho: float
    temperatures: tuple[float, float]
    betas: tuple[float, float]
    lambda3: float
    rate: float


def plan(run: DualRun, epoch: int) -> Plan:
    """The schedules of 5.5 at an epoch."""
    c = run.config
    a, b, model = c.vae_a, c.vae_b, c.model
    phases = Phases(fourth=c.phase_transitions.ultra_exploration_start)
    beta_a = dual.beta_a(
        epoch, c.total_epochs, start=a.beta_start, end=a.beta_end, warmup=a.beta_warmup_epochs
    )
    beta_b = dual.beta_b(
        epoch,
        beta_a,
        start=b.beta_start,
        warmup=b.beta_warmup_epochs,
        lag=c.controller.beta_phase_lag,
    )
    rho, lambda3 = model.rho_min, model.lambda3_base
    if model.adaptive_scheduling:
        ratio = run.balance.ratio
        rho = dual.rho(epoch, ratio, low=model.rho_min, high=model.rho_max, phases=phases)
        lambda3 = dual.lambda3(epoch, base=model.lambda3_base, amplitude=model.lambda3_amplitude)
    hot = dual.temperature_a(
        epoch,
        c.total_epochs,
        start=a.temp_start,
        end=a.temp_end,
        cyclic=a.temp_cyclic,
        boost=a.temp_boost_amplitude,
        phases=phases,
    )
    cold = dual.temperature_b(
        epoch,
        c.total_epochs,
        start=b.temp_start,
        end=b.temp_end,
        fourth=b.temp_phase4,
        lag=c.controller.temp_lag,
        phases=phases,
    )
    steps = [(one.epoch, one.lr) for one in c.optimizer.lr_schedule]
    rate = dual.step_rate(epoch, c.optimizer.lr_start, steps)
    return Plan(rho, (hot, cold), (beta_a, beta_b), lambda3, rate)


def loss_of(run: DualRun, x: Tensor, now: Plan, lambda3: float) -> Terms:
    """The total for trits [B, 9]."""
    hot, cold = now.temperatures
    out = run.model(x, rho=now.rho, temperature_A=hot, temperature_B=cold)
    balance = run.balance.weights if run.config.model.gradient_balance else (1.0, 1.0)
    weights = Weights(*now.betas, run.lambdas.lambda1, run.lambdas.lambda2, lambda3, *balance)
    a = Side(out.logits_A, out.mu_A, out.logvar_A, out.z_A)
    b = Side(out.logits_B, out.mu_B, out.logvar_B, out.z_B)
    return run.loss(a, b, x, weights)


def train_epoch(run: DualRun, rows: Tensor) -> tuple[float, Plan, float]:
    """One epoch; returns the mean loss, the plan, and lambda3 as corrected by StateNet.

    Raises:
        Stop: the loss is no finite number any more.
    """
    now, total, seen = plan(run, run.epoch), 0.0, 0
    lambda3 = now.lambda3
    sides = {
        side: [
            one
            for part in (f"encoder_{side}", f"decoder_{side}")
            for one in run.model.get_submodule(part).parameters()
        ]
        for side in "AB"
    }
    run.model.train()
    _set_rate(run, now.rate)
    for place, index in enumerate(run.sampler):
        terms = loss_of(run, rows[index], now, lambda3)
        run.optimizer.zero_grad(set_to_none=True)
        terms.total.backward()
        norms = [float(_norm(sides[side])) for side in "AB"]
        nn.utils.clip_grad_norm_(run.model.parameters(), run.config.grad_clip)
        run.optimizer.step()
        run.balance.update(*norms)
        if place == 0 and run.config.model.use_statenet:
            _correct(run, now, terms)
            lambda3 = run.corrections.lambda3(now.lambda3)
        total += float(terms.total.detach()) * len(index)
        seen += len(index)
        if not math.isfinite(total):
            raise Stop(f"epoch {run.epoch}: the loss is {total}, the run has diverged")
    return total / seen, now, lambda3


def _set_rate(run: DualRun, rate: float) -> None:
    for group in run.optimizer.param_groups:
        group["lr"] = rate


def _norm(parameters: list[nn.Parameter]) -> Tensor:
    grads = [one.grad.norm() for one in parameters if one.grad is not None]
    return torch.stack(grads).norm()


def _correct(run: DualRun, now: Plan, terms: Terms) -> None:
    """StateNet's answer to the state of the first batch: the rate and the lambdas move."""
    net = run.model.get_submodule("state_net")
    values = {name: float(value.detach()) for name, value in terms.parts.items()}
    values = {name.replace("kl_", "KL_"): value for name, value in values.items()}
    values |= {"grad_ratio": run.balance.ratio, "rho": now.rho, "lambda3": now.lambda3}
    values |= {"lambda1": run.lambdas.lambda1, "lambda2": run.lambdas.lambda2}
    with torch.no_grad():
        answer = net(state_vector(net.kind.inputs, values)).values
    run.corrections.take(net.kind.outputs, answer)
    run.corrections.move(run.lambdas)
    _set_rate(run, run.corrections.rate(now.rate))


def validate(run: DualRun, rows: Tensor, now: Plan, lambda3: float) -> float:
    """The same loss on the operations that are held out, without drawing."""
    with evaluating(run.model):
        return float(loss_of(run, rows[run.held_out], now, lambda3).total)


def count_coverage(run: DualRun) -> None:
    """Coverage of draws from the prior, which moves the lambdas; it says little else."""
    generator = torch.Generator().manual_seed(run.seed)
    draws, latent = run.config.eval_num_samples, run.model.latent
    with evaluating(run.model):
        run.prior = (
            coverage_of_prior(run.model.decoder_A, latent, draws, generator),
            coverage_of_prior(run.model.decoder_B, latent, draws, generator),
        )
