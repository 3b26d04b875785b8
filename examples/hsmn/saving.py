"""What a run writes to continue, and the checkpoints that it leaves behind."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from examples.common.checkpoints import save_state, stopped, write
from examples.common.flow import Stop
from examples.common.state_tree import difference

from .run import Best, Run

if TYPE_CHECKING:
    from .flow_data import Material
    from .tokenizer.codebook import Codebook

FAMILY, VERSION = "hsmn", "5"
STAMP = f"{FAMILY}/{VERSION}"
OF_IDS = {"head.dense.bias": 0, "head.output_proj.bias": 0, "embed.token.weight": 0}
"""Tensors that count a model's ids, the surer first, and the dimension that does."""


def state_of(run: Run) -> dict[str, Any]:
    """Everything that the rest of the run depends on; order and rate follow from the numbers."""
    return {
        "config": run.config.model_dump(mode="json"),
        "text": run.material.digest,
        "fed": fed(run.material),
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
        Stop: the state is of another config, another text, or one that was encoded otherwise.
    """
    path = difference(run.config.model_dump(mode="json"), state["config"])
    if path is not None:
        raise Stop(f"the stopped run had another config: {path} differs", 3)
    if state["text"] != run.material.digest:
        raise Stop("the stopped run had another text", 3)
    if state.get("fed") != fed(run.material):
        raise Stop(
            "the stopped run was fed with other ids or bundles of that text\n"
            "  help: continue it as it began, with the same `--from`",
            3,
        )
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    run.best, run.last = Best(**state["best"]), state["journal"]
    run.epoch, run.step = state["epoch"], state["step"]


def fed(material: Material) -> str:
    """SHA-256 of all inputs and labels: what codebook and encoder made of the text."""
    total = sha256()
    for part in (material.train, material.held_out):
        for tensor in part:
            total.update(tensor.contiguous().numpy().tobytes())
    return total.hexdigest()


def hold_codebook(path: Path, codebook: Codebook) -> None:
    """Refuse a checkpoint whose rows are not those of its codebook's ids.

    Raises:
        Stop: there are more words than rows, or fewer without the config in the file saying that
            the rest is dead.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        names = set(file.keys())
        shapes = {name: file.get_slice(name).get_shape() for name in OF_IDS if name in names}
        config = json.loads((file.metadata() or {}).get("config", "{}"))
    rows = next((shapes[name][dim] for name, dim in OF_IDS.items() if name in shapes), None)
    ids, model = codebook.vocab_size, config.get("model")
    may_be_dead = isinstance(model, dict) and model.get("vocab_source") == "config"
    if rows is None or rows == ids or (rows > ids and may_be_dead):
        return
    raise Stop(
        f"{path}: it has rows for {rows:,} ids, and its codebook has {ids:,}: they are of "
        "different vocabularies\n"
        "  help: `cfgmig checkpoint convert OLD NEW --for CONFIG` changes both together",
        3,
    )


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
