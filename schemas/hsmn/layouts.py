"""The tensors of the head version's models, and which of them a config builds.

The old code left no checkpoint behind, and its trainer wrote other names; so there is one
layout, of the version whose model is in this repository. What enters the model tells most:
a table of ids, an adapter for bundles, or bundles cleaned up to ids.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cfgmig.schema.layout import (
    Component,
    Expectation,
    Judgement,
    Layout,
    Layouts,
    Variant,
    norm,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.schema.layout import Fact, Shape, Size

DEEPEST = 24
"""Blocks of the deepest model that is recognised; no search draws more."""
HYBRID = ("spatial", "timecrystal", "latent", "attention", "wlam", "moe")
PATTERNS = {"mamba_timecrystal_wlam_moe_hybrid": HYBRID, "mamba_only": ("spatial",)}
NEEDS = ("entry", "norms", "blocks", "head")
LEARNT_NOTHING = 0.99
"""Of the logarithm of the vocabulary: the loss of a model that gives every id the same."""


def _dense(name: str, into: Size, out: Size, *, bias: bool = True) -> dict[str, Shape]:
    """Weight [into, out], the orientation of the old checkpoints, and bias [out]."""
    return {f"{name}.weight": (into, out)} | ({f"{name}.bias": (out,)} if bias else {})


def _attention(name: str, kv: str, latent: str) -> dict[str, Shape]:
    tensors = _dense(f"{name}.q_proj", "hidden", "hidden") | norm(f"{name}.norm", "hidden")
    for part in ("k_proj", "v_proj"):
        tensors |= _dense(f"{name}.{part}", "hidden", kv)
    tensors |= _dense(f"{name}.kv_compress", kv, latent, bias=False)
    tensors |= _dense(f"{name}.kv_expand", latent, kv, bias=False)
    return tensors | _dense(f"{name}.out_proj", "hidden", "hidden")


def _spatial(name: str) -> dict[str, Shape]:
    tensors: dict[str, Shape] = {
        f"{name}.A_log": ("twice", "states"),
        f"{name}.D": ("twice",),
        f"{name}.amplitudes_real": ("paths",),
        f"{name}.amplitudes_imag": ("paths",),
        f"{name}.conv.weight": ("twice", 1, 4),
        f"{name}.conv.bias": ("twice",),
    }
    tensors |= _dense(f"{name}.in_proj", "hidden", "four_times", bias=False)
    tensors |= _dense(f"{name}.x_proj", "twice", "scan", bias=False)
    tensors |= _dense(f"{name}.dt_proj", "rank", "twice")
    return tensors | _dense(f"{name}.out_proj", "twice", "hidden", bias=False)


def _timecrystal(name: str) -> dict[str, Shape]:
    tensors = _dense(f"{name}.first", "twice", "hidden") | _dense(f"{name}.third", "hidden", 1)
    for part in ("second", "output", "output_projection"):
        tensors |= _dense(f"{name}.{part}", "hidden", "hidden")
    return tensors


def _latent(name: str) -> dict[str, Shape]:
    tensors = norm(f"{name}.thought_norm", "hidden") | norm(f"{name}.output_norm", "hidden")
    tensors |= _dense(f"{name}.thought_up", "hidden", "thought")
    return tensors | _dense(f"{name}.thought_down", "thought", "hidden")


def _wavelet(name: str) -> dict[str, Shape]:
    tensors: dict[str, Shape] = {
        f"{name}.analysis.weight": ("twice", "hidden", "taps"),
        f"{name}.synthesis.weight": ("hidden", "twice", "taps"),
        f"{name}.high.weight": ("hidden", 1, 3),
        f"{name}.high.bias": ("hidden",),
    }
    return (
        tensors | _attention(f"{name}.low", "low_kv", "kv_latent") | norm(f"{name}.norm", "hidden")
    )


def _experts(name: str) -> dict[str, Shape]:
    tensors: dict[str, Shape] = {
        f"{name}.up": ("experts", "hidden", "expert"),
        f"{name}.down": ("experts", "expert", "hidden"),
    }
    return tensors | _dense(f"{name}.router", "hidden", "experts")


_BODIES = {
    "spatial": _spatial,
    "timecrystal": _timecrystal,
    "latent": _latent,
    "attention": lambda name: _attention(name, "kv", "kv_latent"),
    "wlam": _wavelet,
    "moe": _experts,
}


def _blocks() -> Component:
    """Every depth of both patterns; a single block is the same in both."""
    variants = []
    for pattern, kinds in PATTERNS.items():
        tensors: dict[str, Shape] = {}
        for at in range(DEEPEST):
            name = f"blocks.{at}"
            tensors |= {f"{name}.angle": (), f"{name}.norm.scale": ("hidden",)}
            tensors |= {f"{name}.norm.bias": ("hidden",)}
            tensors |= _BODIES[kinds[at % len(kinds)]](f"{name}.body")
            facts: dict[str, Fact] = {"num_reasoning_blocks": at + 1}
            if at:
                facts["block_pattern"] = pattern
            if at or kinds is HYBRID:
                variants.append(Variant(dict(tensors), facts))
    return Component("blocks", tuple(variants))


def _entry() -> Component:
    """What ids or bundles meet first."""
    table: dict[str, Shape] = {"embed.token.weight": ("vocab", "hidden")}
    code: dict[str, Shape] = {"hd.base_seed": (), "hd.position_keys": ("length", "hd_dim")}
    rows = _dense("embed.projection", "embedding_hd", "hidden")
    rows |= _dense("embed.lift", "hidden", "embedding_hd", bias=False)
    rows |= {"embed.token.weight": ("rows", "hidden"), "embed.base_position": ("embedding_hd",)}
    rows |= {
        f"embed.{name}_basis": (n, "embedding_hd") for name, n in (("char", 256), ("place", 64))
    }
    ids: dict[str, Fact] = {"input": "token_ids"}
    ways = [
        Variant(table, {**ids, "embedding": "plain"}, "it takes ids: a table with a row for each"),
        Variant(rows, {**ids, "embedding": "dual_path"}, "it takes ids: rows, and codes"),
        Variant(
            table | code | {"hd.base_vectors": ("vocab", "hd_dim")},
            {"input": "hd_bundle", "cleanup": True},
            "it takes bundles, which a clean-up turns into ids",
        ),
    ]
    for bias in (True, False):
        for position in (True, False):
            adapter = _dense("adapter.projection", "hd_dim", "hidden", bias=bias) | code
            if position:
                adapter["adapter.position.weight"] = ("length", "hidden")
            facts: dict[str, Fact] = {"input": "hd_bundle", "cleanup": False}
            facts |= {"adapter_bias": bias, "adapter_position": position}
            ways.append(Variant(adapter, facts, "it takes bundles, through an adapter"))
    return Component("entry", tuple(ways))


def _head() -> Component:
    dense = _dense("head.dense", "hidden", "vocab")
    quantum: dict[str, Shape] = {
        "head.vqc_params": ("head_layers", "qubits", 3),
        "head.entangle_params": ("head_layers", "bonds"),
        "head.input_proj.weight": ("hidden", "states_of_head"),
    }
    plain = _dense("head.output_proj", "states_of_head", "vocab")
    factored: dict[str, Shape] = {
        "head.output_proj.U": ("total", "factor_rank"),
        "head.output_proj.V": ("factor_rank", "states_of_head"),
    }
    ways = [
        Variant(
            quantum | output | ({**dense, "head.fallback_weight": ()} if mixed else {}),
            {"lm_head": "quantum", "dense_fallback": mixed, "factored": output is factored},
        )
        for output in (plain, factored)
        for mixed in (True, False)
    ]
    return Component(
        "head", (*ways, Variant(dense, {"lm_head": "dense"}, "its head is one matrix"))
    )


LAYOUT = Layout(
    "v5",
    ("5",),
    (
        _entry(),
        Component("norms", (Variant(norm("embed_norm", "hidden") | norm("out_norm", "hidden")),)),
        _blocks(),
        _head(),
    ),
    "the whole model: what enters, a stack of blocks, a head",
    (
        "model.adapter.expand (unbind, broadcast or none)",
        "model.blocks.attention.num_heads and num_kv_heads, model.blocks.wlam.num_heads",
        "model.blocks.latent.thought_steps",
        "data.hd.ctqw_steps, data.hd.keys and data.hd.base_table",
        "the tokenizer's codebook",
    ),
)


def expect(data: Mapping[str, Any]) -> Expectation | None:
    """The tensors that a config of the head version builds; None while a size is open."""
    from pydantic import ValidationError

    from .v5 import Config

    known = {key: data[key] for key in ("model", "tokenizer", "data") if key in data}
    try:
        config = Config.model_validate(known)
    except ValidationError:
        return None  # the config's own errors are said elsewhere
    model, head = config.model, config.model.lm_head
    sizes = (model.hidden_dim, model.num_reasoning_blocks, model.num_moe_experts)
    if None in (*sizes, config.tokenizer.active_vocab_size):
        return None
    facts: dict[str, Fact] = {
        "num_reasoning_blocks": model.num_reasoning_blocks or 0,
        "block_pattern": model.block_pattern,
        "lm_head": head.kind,
        "heads": model.blocks.attention.num_heads,
        "wavelet_heads": model.blocks.wlam.num_heads,
        "thought_steps": model.blocks.latent.thought_steps,
    }
    if head.kind == "quantum":
        facts |= {"dense_fallback": head.dense_fallback, "factored": head.factor_rank is not None}
    entry = _entry_of(config)
    if entry is None:
        return None
    facts |= entry[0]
    return Expectation("v5", facts, _sizes(config) | entry[1], NEEDS, "")


def _sizes(config: Any) -> dict[str, int]:
    """The sizes of blocks and head."""
    model, blocks, head = config.model, config.model.blocks, config.model.lm_head
    width, rank = model.hidden_dim, math.ceil(model.hidden_dim / 16)
    shared = blocks.attention.num_kv_heads
    total = head.total_vocab_size or config.tokenizer.total_vocab_size
    sizes = {
        "hidden": width,
        "twice": 2 * width,
        "four_times": 4 * width,
        "states": blocks.spatial.mamba_state_dim,
        "paths": blocks.spatial.qhd_num_paths or 2,
        "rank": rank,
        "scan": rank + 2 * blocks.spatial.mamba_state_dim,
        "thought": model.ff_expansion * width,
        "kv": shared * (width // blocks.attention.num_heads),
        "low_kv": shared * (width // blocks.wlam.num_heads),
        "kv_latent": blocks.attention.latent_dim,
        "taps": blocks.wlam.kernel_size,
        "experts": model.num_moe_experts,
        "expert": blocks.moe.inner_dim or model.ff_expansion * width,
        "vocab": config.tokenizer.active_vocab_size,
        "head_layers": head.vqc_layers,
        "qubits": head.vqc_qubits,
        "bonds": head.vqc_qubits - 1,
        "states_of_head": 2 ** min(head.vqc_qubits, 40),
    }
    return sizes | ({"factor_rank": head.factor_rank, "total": total} if head.factor_rank else {})


def _entry_of(config: Any) -> tuple[dict[str, Fact], dict[str, int]] | None:
    """Facts and sizes of what comes in; None for bundles without an adapter.

    Facts that no tensor shows are for conversions, which draw tables by them.
    """
    model, hd = config.model, config.data.hd
    bundles = hd.enabled if model.input is None else model.input.kind == "hd_bundle"
    vocab, adapter = config.tokenizer.active_vocab_size, model.adapter
    if not bundles:
        if model.embedding is None or model.embedding.kind == "plain":
            return {"input": "token_ids", "embedding": "plain"}, {}
        own = (model.hd_dims.embedding if model.hd_dims else None) or (adapter and adapter.hd_dim)
        wide = own or 8 * model.hidden_dim
        rows = min(model.embedding.hd_active_vocab_size or vocab, vocab)
        facts: dict[str, Fact] = {"input": "token_ids", "embedding": "dual_path"}
        return facts, {"embedding_hd": wide, "rows": rows}
    if adapter is None:
        return None
    facts = {"input": "hd_bundle", "cleanup": adapter.expand == "cleanup"}
    facts |= {"expand": adapter.expand, "keys": hd.keys, "seed": hd.seed}
    facts |= {"ctqw_steps": hd.ctqw_steps}
    if hd.base_table is not None:
        facts["base_table"] = hd.base_table
    if not facts["cleanup"]:
        learnt = adapter.position == "learned" and adapter.expand != "none"
        facts |= {"adapter_bias": adapter.use_bias, "adapter_position": learnt}
    return facts, {"hd_dim": adapter.hd_dim, "length": hd.sample_length}


def advise(expected: Expectation, _layout: str, facts: Mapping[str, Fact]) -> str | None:
    """How weights of other settings become what a config asks for."""
    wrong = {
        key for key in facts.keys() & expected.facts.keys() if facts[key] != expected.facts[key]
    }
    coded = facts.get("embedding") == "dual_path"
    no_way = coded and expected.facts.get("cleanup") is not False
    no_way = no_way or expected.facts.get("embedding") == "dual_path"
    if not wrong <= {"input", "cleanup", "factored"} or (wrong and no_way):
        return None  # other blocks or another head: nothing is known that makes one of the other
    said = "vocabulary, hd_dim and sample_length can be changed, no other size can"
    if "factored" in wrong:
        said = "a head can be factored, if enough of it stays, and multiplied out"
    if wrong & {"input", "cleanup"}:
        said = _between_entries(expected.facts, coded)
    command = "`cfgmig checkpoint convert OLD NEW --for CONFIG`"
    return f"convert the weights for this config ({command}): {said}"


def _between_entries(wanted: Mapping[str, Fact], coded: bool) -> str:
    """What a model is fed with in another way from here on, and what that loses."""
    if wanted.get("cleanup") is True:
        return "a clean-up finds the ids in bundles, and the table stays"
    if wanted["input"] == "token_ids":
        return "a row for each id is made of what an adapter unbinds, a warm start"
    if wanted.get("expand") == "unbind" and not coded:
        return "an adapter is fitted to the table of ids, a warm start"
    return "an adapter starts afresh"


def judge(_layout: str, metadata: Mapping[str, Any]) -> Judgement:
    """How good a file is by its loss, the held-out one first.

    A training loss says little: it falls in every variant, even in those that learn nothing. A
    loss of the vocabulary's logarithm is what a model has that knows nothing.
    """
    found = metadata.get("metrics")
    metrics = {**metadata, **found} if isinstance(found, dict) else metadata
    for key, rank in (("held_out_loss", 20.0), ("loss", 10.0)):
        loss = metrics.get(key)
        if isinstance(loss, bool) or not isinstance(loss, int | float) or not math.isfinite(loss):
            continue
        ids = _vocabulary(metadata)
        if ids and loss >= LEARNT_NOTHING * math.log(ids):
            said = f"{key} {loss:.4g} is that of {ids:,} ids alike, ln {ids:,}: it learnt nothing"
            return Judgement(-10.0, said)
        return Judgement(rank - loss, f"{key} {loss:.4g}")
    return Judgement(0.0, "no loss is stored")


def _vocabulary(metadata: Mapping[str, Any]) -> int:
    config = metadata.get("config")
    tokenizer = config.get("tokenizer") if isinstance(config, dict) else None
    ids = tokenizer.get("active_vocab_size") if isinstance(tokenizer, dict) else None
    return ids if isinstance(ids, int) and not isinstance(ids, bool) and ids > 1 else 0


layouts = Layouts((LAYOUT,), expect, judge, advise, probe=".forward:probe")
