"""What a run writes to continue, and the checkpoints that it leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from examples.common.checkpoints import save_state, stopped, write
from examples.common.state_tree import same_run

from .models import PARTS
from .run import Best, Run

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import Config

FAMILY, VERSION = "ternary_vae", "5.12.5"
STAMP = f"{FAMILY}/{VERSION}"


def state_of(run: Run, journal: dict[str, Any]) -> dict[str, Any]:
    """Everything that the rest of the run depends on; `journal` is what was last measured."""
    controllers = {
        name: getattr(run, name).state_dict() if getattr(run, name) is not None else None
        for name in _CONTROLLERS
    }
    device = run.ranks.device
    return {
        "config": run.config.model_dump(mode="json"),
        "seed": run.options.seed,
        "epoch": run.epoch,
        "ended": run.ended,
        "model": run.model.state_dict(),
        "trains": trains(run),
        "loss": run.loss.state_dict() if isinstance(run.loss, torch.nn.Module) else {},
        "optimizer": run.optimizer.state_dict(),
        "precision": run.precision.state_dict(),
        "sampler": run.sampler.state_dict(),
        "generator": run.generator.get_state(),
        "random": torch.get_rng_state(),
        "random_gpu": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "controllers": controllers,
        "best": dict(vars(run.best)),
        "richness_before": run.richness_before,
        "journal": journal,
    }


_CONTROLLERS = ("homeostasis", "adaptive_lr", "adaptive_loss", "curriculum", "early", "grokking")


def trains(run: Run) -> dict[str, bool]:
    """Whether each part of the model trains now."""
    return {
        part: any(one.requires_grad for one in getattr(run.model, part).parameters())
        for part in PARTS
        if getattr(run.model, part) is not None
    }


def restore(run: Run, state: dict[str, Any]) -> dict[str, Any]:
    """Put a run into a state; returns the last entry of the journal.

    Raises:
        Stop: the state is of another config or another seed.
    """
    same_run(state, run.config.model_dump(mode="json"), run.options.seed)
    run.model.load_state_dict(state["model"])
    for part, on in state["trains"].items():
        (run.model.unfreeze if on else run.model.freeze)(part)
    if isinstance(run.loss, torch.nn.Module):
        run.loss.load_state_dict(state["loss"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.precision.load_state_dict(state["precision"])
    run.sampler.load_state_dict(state["sampler"])
    run.generator.set_state(state["generator"])
    torch.set_rng_state(state["random"])
    if state["random_gpu"] is not None and run.ranks.device.type == "cuda":
        torch.cuda.set_rng_state(state["random_gpu"], run.ranks.device)
    for name, kept in state["controllers"].items():
        controller = getattr(run, name)
        if controller is not None and kept is not None:
            controller.load_state_dict(kept)
    run.best = Best(**state["best"])
    run.epoch, run.ended = state["epoch"], state["ended"]
    run.richness_before = state["richness_before"]
    journal: dict[str, Any] = state["journal"]
    return journal


class Folder:
    """The files of a run: latest, best, those of some epochs, and the state to resume from.

    Args:
        path: where they are.
        config: whose `checkpoints.checkpoint_name` begins their names.
        provenance: where the weights and the code come from, the same for all files.
    """

    def __init__(self, path: Path, config: Config, provenance: dict[str, Any]) -> None:
        self.path = path
        name = config.checkpoints.checkpoint_name
        self.prefix = f"{name}." if name else ""
        self.provenance = provenance

    def file(self, kind: str) -> Path:
        """The checkpoint of that kind: `latest`, `best`, `epoch_10`."""
        return self.path / f"{self.prefix}{kind}.safetensors"

    @property
    def resume(self) -> Path:
        """The state to resume from; not a checkpoint of a model, so not named like one."""
        return self.path / f"{self.prefix}latest.resume"

    def save(self, run: Run, kind: str, metrics: dict[str, Any]) -> None:
        """Write a checkpoint of the model as it is now."""
        metadata = {
            "epoch": run.epoch - 1,
            "metrics": metrics,
            "config": {"schema_version": STAMP, **run.config.model_dump(mode="json")},
            "cfgmig": {"family": FAMILY, "version": VERSION},
            "provenance": {**self.provenance, "seed": run.options.seed},
            "trains": [part for part, on in trains(run).items() if on],
        }
        write(self.file(kind), run.model.state_dict(), metadata)

    def keep_state(self, run: Run, journal: dict[str, Any]) -> None:
        """Write the state to resume from."""
        save_state(self.resume, state_of(run, journal))

    def load(self) -> dict[str, Any]:
        """The state to resume from.

        Raises:
            Stop: there is none, or it is malformed.
        """
        return stopped(self.resume)
