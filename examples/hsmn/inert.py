"""Keys that change nothing in a run, and why: said before it starts, so that none is dead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from .flow_data import takes_bundles
from .model.building import PATTERNS

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

_ALWAYS = {
    "training.galore": "gradients keep their rank here",
    "training.qng": "no natural gradient is taken here",
    "training.qhpm": "no direction is frozen here",
    "training.qalrc": "the learning rate is a cosine to a tenth here",
    "training.barren_plateau": "nothing watches for vanishing gradients here",
    "training.sympflow.mass": "AdamW, which stands in for the flow, has no mass",
    "training.entropy_reg_weight": "the loss is cross entropy alone",
    "training.hd_optimizer_compression_ratio": "the optimizer's state is not compressed",
    "training.loss.kind": "the loss is cross entropy",
    "data.hf_dataset_name": "data.text is what is read",
    "data.curriculum_id": "data.text is what is read",
    "data.curriculum_datasets": "data.text is what is read",
    "data.streaming_mode": "paragraphs are cut into windows, none is packed",
    "model.hd_dims.spatial": "the blocks here are as wide as the model",
    "model.hd_dims.timecrystal": "the blocks here are as wide as the model",
    "model.hd_dims.moe": "the blocks here are as wide as the model",
    "model.blocks.wlam.num_landmarks": "read by no code",
    "model.blocks.spatial.qhd_gumbel_temperature": "read by no code",
    "model.blocks.spatial.qhd_entanglement_depth": "the paths of the scan do not meet here",
    "model.blocks.spatial.qhd_entanglement_strength": "the paths of the scan do not meet here",
    "model.blocks.spatial.qhd_entanglement_topology": "the paths of the scan do not meet here",
    "tokenizer.derived_from": "it tells the reader where the vocabulary is from",
    "tokenizer.base_vocab": "it follows from byte_offset",
    "budget.estimator": "the check before the run counts, not the run",
    "budget.overhead_fraction": "the check before the run counts, not the run",
    "budget.vocab_cap": "tokenizer.max_vocab_size is what caps the vocabulary",
    "qahpo": "only a search reads it",
    "qsg": "only generation reads it",
    "legacy_extra": "kept, and read by nothing",
}
_READERS = {
    "model.num_moe_experts": ("moe",),
    "model.ff_expansion": ("latent", "moe"),
    "model.blocks.spatial": ("spatial",),
    "model.blocks.latent": ("latent",),
    "model.blocks.attention": ("attention", "wlam"),
    "model.blocks.attention.num_heads": ("attention",),
    "model.blocks.wlam": ("wlam",),
    "model.blocks.moe": ("moe",),
}
"""Which blocks read a key; a stack without them does not."""


def inert(config: Config) -> dict[str, str]:
    """Path -> reason, for every key that is set and that this run does not depend on."""
    reasons = {**_ALWAYS, **_by_config(config)}
    found = {}
    for path in stated(config):
        parts = path.split(".")
        above = (".".join(parts[:size]) for size in range(len(parts), 0, -1))
        reason = next((reasons[one] for one in above if one in reasons), None)
        if reason is not None:
            found[path] = reason
    return found


def stated(config: BaseModel, above: str = "") -> Iterator[str]:
    """Paths of all keys that a config states with another value than the default."""
    for name in sorted(config.model_fields_set):
        value, path = getattr(config, name), f"{above}{name}"
        if isinstance(value, BaseModel):
            yield from stated(value, f"{path}.")
        elif value != type(config).model_fields[name].get_default(call_default_factory=True):
            yield path


def _by_config(config: Config) -> dict[str, str]:
    return {
        **_of_blocks(config),
        **_of_head(config),
        **_of_entry(config),
        **_of_training(config),
    }


def _of_blocks(config: Config) -> dict[str, str]:
    """What only blocks read that the stack is too short for, or has none of."""
    pattern = PATTERNS.get(config.model.block_pattern, ())
    built = set(pattern[: config.model.num_reasoning_blocks])
    readers = dict(_READERS)
    if config.model.blocks.moe.inner_dim is not None:
        readers["model.ff_expansion"] = ("latent",)
    return {
        key: f"the stack has no block {' or '.join(kinds)}"
        for key, kinds in readers.items()
        if built and built.isdisjoint(kinds)
    }


def _of_head(config: Config) -> dict[str, str]:
    found, head = {}, config.model.lm_head
    if head.factor_rank is None or head.kind == "dense":
        found["tokenizer.total_vocab_size"] = "the head's matrix is not factored"
        found["model.lm_head.total_vocab_size"] = found["tokenizer.total_vocab_size"]
    elif head.total_vocab_size is not None:
        found["tokenizer.total_vocab_size"] = "model.lm_head.total_vocab_size is what counts"
    if head.kind == "dense":
        for key in ("vqc_layers", "vqc_qubits", "dense_fallback", "factor_rank"):
            found[f"model.lm_head.{key}"] = "the head is one matrix"
    return found


def _of_entry(config: Config) -> dict[str, str]:
    """What only bundles need where ids come in, and the other way round."""
    found, adapter, embedding = {}, config.model.adapter, config.model.embedding
    if not takes_bundles(config):
        found["model.adapter"] = "ids come in"
        for key in type(config.data.hd).model_fields:
            if key != "enabled":
                found[f"data.hd.{key}"] = "ids come in"
        if embedding is None or embedding.kind == "plain":
            found["model.hd_dims.embedding"] = "the embedding is one table"
            found["model.embedding.hd_active_vocab_size"] = "every id has a row of the table"
        return found
    found["model.embedding"] = "bundles come in"
    found["model.hd_dims.embedding"] = "bundles come in; model.adapter.hd_dim is their size"
    found["model.context_window"] = "a bundle holds data.hd.sample_length tokens"
    if adapter is not None and adapter.expand == "cleanup":
        reason = "a clean-up looks its ids up in a table, and projects nothing"
        found["model.adapter.use_bias"] = found["model.adapter.position"] = reason
    elif adapter is not None and adapter.expand == "none":
        found["model.adapter.position"] = "one vector has one place"
    return found


def _of_training(config: Config) -> dict[str, str]:
    found = {}
    if config.training.optimizer != "sympflow":
        found["training.sympflow"] = "the optimizer is another one"
    if config.training.steps is not None:
        found["training.epochs"] = "training.steps is what counts"
    return found
