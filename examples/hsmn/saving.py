"""What a run writes to continue, and the checkpoints that it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from examples.common.checkpoints import save_state, stopped, write
from examples.common.flow import Stop
from examples.common.state_tree import difference

from .run import Best, Run

FAMILY, VERSION = "hsmn", "5"
STAMP = f"{FAMILY}/{VERSION}"


def state_of(run: Run) -> dict[str, Any]:
    """Everything that the rest of the run depends on; order and rate follow from the numbers."""
    return {
        "config": run.config.model_dump(mode="json"),
        "text": run.material.digest,
        "epoch": run.epoch,
        "step": run.step,
        "steps": run.steps,
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "best": dict(vars(run.best)),
        "journal": run.last,
    }


def restore(run: Run, state: dict[str, Any]) -> None:
    """Put a run into a state.

    Raises:
        Stop: the state is of another config or another text.
    """
    path = difference(run.config.model_dump(mode="json"), state["config"])
    if path is not None:
        raise Stop(f"the stopped run had another config: {path} differs", 3)
    if state["text"] != run.material.digest:
        raise Stop("the stopped run had another text", 3)
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    run.best, run.last = Best(**state["best"]), state["journal"]
    run.epoch, run.step = state["epoch"], state["step"]


class Folder:
    """The files of a run: latest, best, and the state to resume from.

    Args:
        path: where they are.
        provenance: where weights and code come from, the same for all files.
    """

    def __init__(self, path: Path, provenance: dict[str, Any]) -> None:
        self.path, self.provenance = path, provenance
        self.resume = path / "latest.resume"

    def save(self, run: Run, kind: str) -> None:
        """Write `latest` or `best`: the model as it is now, and what is needed to use it.

        Bundles are made with the codebook and the settings of `config.data.hd`; the position
        keys are tensors of the file.
        """
        metadata = {
            "epoch": run.epoch - 1,
            "step": run.step,
            "metrics": {key: run.last[key] for key in ("loss", "held_out_loss", "unigram_entropy")},
            "config": {"schema_version": STAMP, **run.config.model_dump(mode="json")},
            "cfgmig": {"family": FAMILY, "version": VERSION},
            "codebook": json.dumps(run.material.tokenizer.codebook.to_json(), ensure_ascii=False),
            "provenance": {**self.provenance, "text_sha256": run.material.digest},
        }
        write(self.path / f"{kind}.safetensors", run.model.state_dict(), metadata)

    def keep_state(self, run: Run) -> None:
        """Write the state to resume from; last of all, so that it never knows of more."""
        save_state(self.resume, state_of(run))

    def load(self) -> dict[str, Any]:
        """The state to resume from.

        Raises:
            Stop: there is none, or it is malformed.
        """
        return stopped(self.resume)
