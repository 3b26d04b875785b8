"""From a config to a run that may start: validate, tokenize, weigh, build and load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from examples.common import flow
from examples.common.flow import Say, Source, Stop, Validated

from .flow_data import Material, material, read_texts, tokenizer_of
from .flow_facts import hold_material, hold_source, hold_vocabulary, kept
from .model import Hsmn, build
from .tokenizer import AdaptiveQWT

if TYPE_CHECKING:
    from checkpoint_tools import Checkpoint
    from schemas.hsmn.v5 import Config


class Ready(NamedTuple):
    """A config as it is built, what it is trained on, the model, and where weights are from."""

    config: Config
    validated: Validated
    material: Material
    model: Hsmn
    source: Source | None

    @property
    def parameters(self) -> int:
        """Numbers that train or could."""
        return sum(one.numel() for one in self.model.parameters())


class Asked(NamedTuple):
    """What the command line changes of a config.

    Attributes:
        seed: of weights and batches; None for that of the config.
        steps: instead of `training.steps`.
        weights: a checkpoint to begin with.
        anyway: go on in spite of errors that the schema itself does not refuse.
    """

    seed: int | None = None
    steps: int | None = None
    weights: Path | None = None
    anyway: bool = False


def prepare(path: Path, say: Say, asked: Asked) -> Ready:
    """All that comes before the first step.

    Args:
        path: the config, of any version that cfgmig upgrades to the head.
        say: takes what there is to tell.
        asked: what the command line changes.

    Raises:
        Stop: the config has errors or leaves something open, its text cannot be read, the
            checkpoint does not load, or text, model and checkpoint do not fit together.
        cfgmig.CfgmigError: a file cannot be read, or is refused.
    """
    from schemas.hsmn.v5 import Config

    validated = flow.validate(path, Config, say, anyway=asked.anyway)
    config = changed(validated.config, asked)  # type: ignore[arg-type]
    texts = read_texts(config, path, validated.project.root)
    try:
        found = None if asked.weights is None else kept(asked.weights)
        tokenizer = tokenizer_of(config, texts, found.codebook if found else None)
        hold_vocabulary(config, tokenizer, path, say)
        config = resolved(config, tokenizer)
        source, drawn = None, None
        if asked.weights is not None and found is not None:
            source = flow.weigh(asked.weights, config.model_dump(mode="json"), validated, say)
            drawn = hold_source(config, found, asked.weights)
        given = material(config, texts, tokenizer, drawn)
        torch.manual_seed(config.training.seed)
        model = build(config)
    except ValueError as error:
        raise Stop(f"{path}: {error}", 2) from error
    if source is not None:
        load(model, source)
    hold_material(config, model, given, path)
    ready = Ready(config, validated, given, model, source)
    tell(ready, say)
    return ready


def changed(config: Config, asked: Asked) -> Config:
    """The config with the command line's seed and steps."""
    update: dict[str, int] = {}
    if asked.seed is not None:
        update["seed"] = asked.seed
    if asked.steps is not None:
        update["steps"] = asked.steps
    training = config.training.model_copy(update=update)
    return config.model_copy(update={"training": training})


def resolved(config: Config, tokenizer: AdaptiveQWT) -> Config:
    """The config with the vocabulary that the model has: what was learnt, where that counts."""
    if config.model.vocab_source == "config":
        return config
    update = {"active_vocab_size": tokenizer.vocab_size}
    section = config.tokenizer.model_copy(update=update)
    return config.model_copy(update={"tokenizer": section})


def load(model: Hsmn, source: Source) -> None:
    """Load every tensor of a checkpoint that was weighed; all must be there and fit.

    Raises:
        Stop: one is missing, is left over or does not fit, in spite of the count.
    """
    from cfgmig.states import model_state, told
    from checkpoint_tools import open_checkpoint

    with told(), open_checkpoint(source.path) as checkpoint:
        state = model_state(checkpoint)
        names = {} if state is None else state.names
        tensors = {inner: _tensor(checkpoint, name) for inner, name in names.items()}
    over = sorted(tensors.keys() - model.state_dict().keys())
    if over:
        raise Stop(
            f"{source.path}: {len(over)} of its tensors have no place in the model: {over[0]}"
            f"{' and others' * (len(over) > 1)}\n"
            "  help: give the config the checkpoint's settings, or convert the weights for it"
            " (`cfgmig checkpoint convert --for`)",
            3,
        )
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise Stop(f"{source.path}: {error}", 3) from error


def _tensor(checkpoint: Checkpoint, name: str) -> Tensor:
    ref = checkpoint.tensors[name]
    data = bytearray(checkpoint.read(name))
    kind: torch.dtype = getattr(torch, ref.dtype)
    if not data:
        return torch.empty(ref.shape, dtype=kind)
    return torch.frombuffer(data, dtype=kind).reshape(ref.shape)


def tell(ready: Ready, say: Say) -> None:
    """What will be trained, on what, and within which budget."""
    config, given = ready.config, ready.material
    cap, ids = given.tokenizer.limit, given.tokenizer.vocab_size
    held = " (at its cap)" if ids == cap else f" of {cap}"
    if ready.source is not None:
        say(f"ids are those of {ready.source.path}; none is learnt from the text")
    say(f"vocabulary {ids}{held}; {len(given.train)} sequences, {len(given.held_out)} held out")
    budget = config.budget.param_budget
    within = "" if budget is None else f" of a budget of {budget:,}"
    say(f"{ready.parameters:,} parameters{within}")
    say(f"unigram entropy of the held-out labels {given.entropy:.3f}")
