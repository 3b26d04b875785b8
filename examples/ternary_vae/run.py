"""Everything that a run of the head version consists of, and how a config becomes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from examples.common.optimisers import choose
from examples.common.precision import Precision
from examples.common.ranks import Ranks, SharedDropout, share_dropout
from examples.common.recompute import Recompute

from . import schedules
from .controllers import AdaptiveLoss, AdaptiveLr, EarlyStop, Grokking, Homeostasis
from .controllers.homeostasis import Settings as HomeostasisSettings
from .losses import ProjectionLoss, RichLoss, pieces, rich_loss
from .metrics import evaluating
from .models import ProjectedOutput, ProjectedVAE
from .operations import N, all_trits
from .samplers import Batches, Shuffled, Stratified
from .schedules import Curriculum, ProgressiveUnfreeze
from .scores import Score, score

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import Config


@dataclass(frozen=True)
class Options:
    """What the command line decides; the config decides everything else.

    Attributes:
        seed: of weights, batches and noise.
        out: folder for all that the run writes; None for those of the config.
        steps: batches per epoch; None for all.
        live: draw the live view where there is a terminal.
        drop: loss of coverage that ends the run; None only warns.
        unfreeze: encoder A trains from the first number on, after a ramp of the second.
        anyway: train although the config or the coverage says no.
        overwrite: begin anew in a folder that holds a run.
    """

    seed: int = 42
    out: Path | None = None
    steps: int | None = None
    live: bool = True
    drop: float | None = None
    unfreeze: tuple[int, int] | None = None
    anyway: bool = False
    overwrite: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Options that make keys of the config count."""
        return frozenset({"unfreeze"} if self.unfreeze else ())


@dataclass
class Best:
    """The best evaluation so far, and the course of the coverage."""

    value: float | None = None
    epoch: int | None = None
    highest_coverage: float = 0.0
    last_coverage: float | None = None


@dataclass
class Run:
    """A run between two epochs; `saving.state_of` knows what of it changes."""

    config: Config
    options: Options
    ranks: Ranks
    model: ProjectedVAE
    forward: Callable[..., ProjectedOutput]
    rows: Tensor
    loss: RichLoss | ProjectionLoss
    optimizer: Optimizer
    optimizer_said: str
    precision: Precision
    sampler: Batches
    schedule: schedules.Schedule
    score: Score
    early: EarlyStop
    grokking: Grokking
    generator: torch.Generator
    dropouts: list[SharedDropout]
    homeostasis: Homeostasis | None = None
    adaptive_lr: AdaptiveLr | None = None
    adaptive_loss: AdaptiveLoss | None = None
    curriculum: Curriculum | None = None
    unfreeze: ProgressiveUnfreeze | None = None
    epoch: int = 0
    """The next one."""
    best: Best = field(default_factory=Best)
    richness_before: float = 0.0
    ended: bool = False

    @property
    def deep_inside(self) -> bool:
        """Whether deep valuations belong at small radii."""
        return self.config.training.manifold_type == "valuation_optimal"

    @property
    def loss_is_rich(self) -> bool:
        """Whether the total is that of 5.12, not that of 5.11."""
        return isinstance(self.loss, RichLoss)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that any group of the optimizer holds."""
        return [one for group in self.optimizer.param_groups for one in group["params"]]


def assemble(config: Config, options: Options, ranks: Ranks, model: ProjectedVAE) -> Run:
    """Build a run around a model whose weights are loaded.

    Raises:
        ValueError: the config asks for what cannot be: phases that do not fit the epochs, an
            unknown metric, more operations than there are.
    """
    apply_device(config)
    rows = all_trits(ranks.device)
    before = points_before(model.to(ranks.device), rows)
    model.train_only(*model.architecture.trains)
    dropouts = share_dropout(model, ranks)
    training, riemannian = config.training, config.riemannian
    kind = riemannian.optimizer if riemannian.enabled else None
    groups = parameter_groups(model, config)
    optimizer, said = choose(groups, training.lr, training.weight_decay, kind)
    deep_inside = training.manifold_type == "valuation_optimal"
    run = Run(
        config,
        options,
        ranks,
        model,
        compiled(model, config),
        rows,
        total_loss(config, model, before),
        optimizer,
        said,
        precision_of(config, ranks.device),
        sampler_of(config, options.seed),
        schedules.build(training.scheduler, training.lr, training.epochs),
        score(config.checkpoints.best_metric, deep_inside=deep_inside),
        early_stop(config),
        Grokking(),
        torch.Generator().manual_seed(options.seed),
        dropouts,
    )
    add_controllers(run)
    recompute(model, config)
    return run


def points_before(model: ProjectedVAE, rows: Tensor) -> Tensor:
    """B's points [19683, D] before any training, of means; the losses compare with their spread."""
    with evaluating(model):
        points: Tensor = model(rows, sample=False).z_B_hyp
    return points


def apply_device(config: Config) -> None:
    """Set what torch keeps for the whole process."""
    torch.backends.cudnn.benchmark = config.device.cudnn_benchmark
    torch.backends.cudnn.deterministic = config.device.cudnn_deterministic


def total_loss(config: Config, model: ProjectedVAE, before: Tensor) -> RichLoss | ProjectionLoss:
    """The total of 5.12, or that of 5.11 where the rich hierarchy is off."""
    curvature = float(torch.as_tensor(model.curvature("B")).detach())
    kind = config.training.manifold_type
    if config.loss.rich_hierarchy.enabled:
        return rich_loss(config.loss, before, curvature, kind).to(before.device)
    return ProjectionLoss(pieces(config.loss, curvature, kind))


def parameter_groups(model: ProjectedVAE, config: Config) -> list[dict[str, Any]]:
    """One group per part, named; frozen parts have theirs, so that no moment is ever lost."""
    scales = {
        "encoder_A": config.option_c.encoder_a_lr_scale,
        "encoder_B": config.option_c.encoder_b_lr_scale,
    }
    parts: dict[str, nn.Module] = {
        f"projection.{name}" if name else "projection": part
        for name, part in _projections(model.projection)
    }
    if model.controller is not None:
        parts["controller"] = model.controller
    if config.option_c.enabled:
        parts |= {"encoder_A": model.encoder_A, "encoder_B": model.encoder_B}
    return [
        {"name": name, "scale": scales.get(name, 1.0), "params": list(part.parameters())}
        for name, part in parts.items()
    ]


def _projections(projection: nn.Module) -> list[tuple[str, nn.Module]]:
    pair = [(name, part) for name, part in projection.named_children() if name.startswith("proj_")]
    return pair or [("", projection)]


def compiled(model: ProjectedVAE, config: Config) -> Callable[..., ProjectedOutput]:
    """What a training step calls; evaluations call the model itself.

    The model stays what it was, so no tensor's name gets a prefix.
    """
    wanted = config.torch_compile
    if not wanted.enabled:
        return model
    made: Callable[..., ProjectedOutput] = torch.compile(
        model, backend=wanted.backend, mode=wanted.mode, fullgraph=wanted.fullgraph
    )
    return made


def recompute(model: ProjectedVAE, config: Config) -> None:
    """Gradient checkpointing for the parts that ask for it."""
    wanted = config.gradient_checkpoint
    if not wanted.enabled:
        return
    how = Recompute(wanted.segments, wanted.use_reentrant, wanted.preserve_rng_state)
    asked = {
        "encoder_A": wanted.encoder_checkpoint,
        "encoder_B": wanted.encoder_checkpoint,
        "decoder_A": wanted.decoder_checkpoint,
        "projection": wanted.projection_checkpoint,
        "controller": wanted.controller_checkpoint,
    }
    for part, on in asked.items():
        module = getattr(model, part)
        if on and module is not None:
            how.wrap(module)


def precision_of(config: Config, device: torch.device) -> Precision:
    """Mixed precision as the config has it."""
    wanted = config.mixed_precision
    if not wanted.enabled:
        return Precision(device, None)
    scaling = wanted.model_dump(exclude={"enabled", "dtype"})
    return Precision(device, wanted.dtype, scaling)


def operations_of(config: Config, seed: int) -> Tensor:
    """The indices that are learnt: all, or a random part of them.

    Raises:
        ValueError: there are not that many.
    """
    if config.data.use_full_dataset:
        return torch.arange(N)
    if config.data.n_operations > N:
        raise ValueError(f"data.n_operations is {config.data.n_operations}; there are {N}")
    order = torch.randperm(N, generator=torch.Generator().manual_seed(seed))
    return order[: config.data.n_operations].sort().values


def sampler_of(config: Config, seed: int) -> Batches:
    """Batches of all ranks together; each rank takes its rows of them."""
    training, operations = config.training, operations_of(config, seed)
    if training.use_stratified:
        share = training.high_v_budget_ratio
        return Stratified(operations, training.batch_size, seed, share=share)
    return Shuffled(operations, training.batch_size, seed)


def early_stop(config: Config) -> EarlyStop:
    """Of 5.12: Q, or the hierarchy of B. Of 5.11: the composite score."""
    rich = config.loss.rich_hierarchy.enabled
    modes: tuple[Literal["min", "max"], ...] = ("max", "max") if rich else ("max",)
    return EarlyStop(config.training.patience, config.training.min_epochs, modes)


def add_controllers(run: Run) -> None:
    """Those that the config or the options switch on.

    Raises:
        ValueError: the adaptive learning rate watches something that is not measured.
    """
    config = run.config
    if config.homeostasis.enabled:
        settings = config.homeostasis.model_dump(exclude={"enabled"})
        run.homeostasis = Homeostasis(HomeostasisSettings(**settings))
    rate = config.training.scheduler.adaptive_lr
    if rate is not None and rate.enabled:
        for name in (rate.primary_metric, *rate.secondary_metrics):
            score(name)
        run.adaptive_lr = AdaptiveLr(rate)
    if config.loss.rich_hierarchy.enabled:
        run.adaptive_loss = AdaptiveLoss(config.loss.adaptive_loss)
    else:
        threshold = config.training.hierarchy_threshold if config.training.use_adaptive else None
        run.curriculum = Curriculum(config.training.epochs, threshold=threshold)
    if run.options.unfreeze is not None:
        start, ramp = run.options.unfreeze
        run.unfreeze = ProgressiveUnfreeze(start, ramp, config.option_c.encoder_a_lr_scale)
