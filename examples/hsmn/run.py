"""Everything that a run consists of, and how a config becomes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

from examples.common.ranks import Ranks

from .flow import Ready
from .flow_data import Material
from .model import Hsmn
from .run_optimisers import choose

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

Watch = Callable[[int, float], None]
"""Is told of every epoch's number and held-out loss; may raise to end the run."""


@dataclass(frozen=True)
class Options:
    """What the command line decides besides the config.

    Attributes:
        out: folder for all that the run writes.
        live: draw the live view where there is a terminal.
        overwrite: begin anew in a folder that holds a run.
        watch: see `Watch`; None: nobody watches.
    """

    out: Path
    live: bool = True
    overwrite: bool = False
    watch: Watch | None = None


@dataclass
class Best:
    """The lowest held-out loss so far."""

    loss: float | None = None
    epoch: int | None = None


@dataclass
class Run:
    """A run between two epochs; `saving.state_of` knows what of it changes."""

    config: Config
    options: Options
    ranks: Ranks
    model: Hsmn
    material: Material
    optimizer: Optimizer
    optimizer_said: str
    rate: float
    batch: int
    steps: int
    """In all."""
    epoch: int = 0
    """The next one."""
    step: int = 0
    """Those that are done."""
    best: Best = field(default_factory=Best)
    last: dict[str, Any] = field(default_factory=dict)
    """The last entry of the journal."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that trains."""
        return list(self.model.parameters())

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of the training part; a part batch is left out."""
        return len(self.material.train) // self.batch

    @property
    def epochs(self) -> int:
        """Passes over the data, the last of which may be a part."""
        return -(-self.steps // self.steps_per_epoch)

    @property
    def is_over(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.steps


def assemble(ready: Ready, options: Options, ranks: Ranks) -> Run:
    """Build a run around a model whose weights are loaded.

    Raises:
        ValueError: the config leaves open what the search has to decide, or how long to train.
    """
    training = ready.config.training
    if training.batch_size is None:
        raise ValueError("training.batch_size is null: the search has to decide it")
    model = ready.model.to(ranks.device)
    chosen = choose(training, list(model.parameters()))
    run = Run(
        ready.config,
        options,
        ranks,
        model,
        ready.material,
        chosen.optimizer,
        chosen.said,
        chosen.rate,
        training.batch_size,
        training.steps or 0,
    )
    if training.steps is None:
        if training.epochs is None:
            raise ValueError(
                "neither training.steps nor training.epochs says how long to train\n"
                "  help: set one of them, or pass `--steps`"
            )
        run.steps = training.epochs * run.steps_per_epoch
    return run
