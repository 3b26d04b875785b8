"""From a config to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from ..hd.tables import BaseTable, Keys, Kind, kind_of, position_keys
from .adapter import Expand, HdAdapter, HdCode
from .attention import LatentAttention, WaveletBlock
from .embedding import DualPathEmbedding, PlainEmbedding
from .experts import ExpertBlock
from .head import DenseHead, QuantumHead
from .spatial import SpatialBlock
from .timecrystal import LatentBlock, TimeCrystalBlock
from .whole import Hsmn

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

BlockName = Literal["spatial", "timecrystal", "latent", "attention", "wlam", "moe"]

PATTERNS: dict[str, tuple[BlockName, ...]] = {
    "mamba_timecrystal_wlam_moe_hybrid": (
        "spatial", "timecrystal", "latent", "attention", "wlam", "moe",
    ),
    "mamba_only": ("spatial",),
}  # fmt: skip
"""What stands at place i modulo the length; the old code read any other word as the hybrid."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that fixes the tensors of a model and what it computes with them.

    `hd_dim` None: it takes ids. `causal` None: as what comes in demands. A model of ids predicts
    the next one and must not see it; a bundle holds the whole sequence anyway.
    """

    vocab_size: int
    hidden_dim: int
    blocks: tuple[BlockName, ...] = PATTERNS["mamba_timecrystal_wlam_moe_hybrid"]
    causal: bool | None = None
    hd_dim: int | None = None
    sample_length: int = 512
    expand: Expand = "unbind"
    adapter_bias: bool = True
    adapter_position: bool = True
    keys: Keys = "unitary"
    seed: int = 42
    base_table: Kind | None = None
    embedding: Literal["plain", "dual_path"] = "plain"
    embedding_hd: int = 1024
    embedding_active: int | None = None
    heads: int = 8
    kv_heads: int = 2
    latent_dim: int = 64
    wavelet_heads: int = 8
    wavelet_taps: int = 5
    state_dim: int = 16
    paths: int = 2
    ff_expansion: int = 4
    thought_steps: int = 4
    experts: int = 8
    expert_dim: int | None = None
    head: Literal["quantum", "dense"] = "quantum"
    head_layers: int = 2
    head_qubits: int = 8
    dense_fallback: bool = True
    factor_rank: int | None = None
    total_vocab: int | None = None

    @property
    def is_causal(self) -> bool:
        """Whether no position may read a later one."""
        by_input = self.hd_dim is None or self.expand == "cleanup"
        return by_input if self.causal is None else self.causal


def architecture(config: Config | Mapping[str, Any], vocab_size: int | None = None) -> Architecture:
    """The settings that a config of the head version describes.

    Args:
        config: checked, or a plain dict, which is checked here.
        vocab_size: what the tokenizer learnt; None for `tokenizer.active_vocab_size`.

    Raises:
        pydantic.ValidationError: a plain dict is no such config.
        ValueError: a size is left to the search, no such block pattern exists, or bundles come
            in and there is no adapter.
    """
    from schemas.hsmn.v5 import Config

    checked = config if isinstance(config, Config) else Config.model_validate(dict(config))
    model, blocks, head = checked.model, checked.model.blocks, checked.model.lm_head
    if model.block_pattern not in PATTERNS:
        raise ValueError(
            f"model.block_pattern {model.block_pattern} is none of {', '.join(PATTERNS)}"
        )
    pattern, tokenizer = PATTERNS[model.block_pattern], checked.tokenizer
    count = _decided("model.num_reasoning_blocks", model.num_reasoning_blocks)
    ids = vocab_size or _decided("tokenizer.active_vocab_size", tokenizer.active_vocab_size)
    return Architecture(
        vocab_size=ids,
        hidden_dim=_decided("model.hidden_dim", model.hidden_dim),
        blocks=tuple(pattern[i % len(pattern)] for i in range(count)),
        heads=blocks.attention.num_heads,
        kv_heads=blocks.attention.num_kv_heads,
        latent_dim=blocks.attention.latent_dim,
        wavelet_heads=blocks.wlam.num_heads,
        wavelet_taps=blocks.wlam.kernel_size,
        state_dim=blocks.spatial.mamba_state_dim,
        paths=blocks.spatial.qhd_num_paths or 2,
        ff_expansion=model.ff_expansion,
        thought_steps=blocks.latent.thought_steps,
        experts=_decided("model.num_moe_experts", model.num_moe_experts),
        expert_dim=blocks.moe.inner_dim,
        head=head.kind,
        head_layers=head.vqc_layers,
        head_qubits=head.vqc_qubits,
        dense_fallback=head.dense_fallback,
        factor_rank=head.factor_rank,
        total_vocab=head.total_vocab_size or tokenizer.total_vocab_size,
        **_entry(checked),
    )


def _entry(config: Config) -> dict[str, Any]:
    """The fields that say what comes in."""
    model, hd = config.model, config.data.hd
    bundles = hd.enabled if model.input is None else model.input.kind == "hd_bundle"
    if not bundles:
        dims, embedding = model.hd_dims, model.embedding
        if embedding is None or embedding.kind == "plain":
            return {"embedding": "plain"}
        width = _decided("model.hidden_dim", model.hidden_dim)
        own = (dims.embedding if dims else None) or (model.adapter and model.adapter.hd_dim)
        return {
            "embedding": "dual_path",
            "embedding_hd": own or 8 * width,
            "embedding_active": embedding.hd_active_vocab_size,
        }
    if model.adapter is None:
        raise ValueError("bundles come in, and model.adapter is missing")
    return {
        "hd_dim": model.adapter.hd_dim,
        "sample_length": hd.sample_length,
        "expand": model.adapter.expand,
        "adapter_bias": model.adapter.use_bias,
        "adapter_position": model.adapter.position == "learned",
        "keys": hd.keys,
        "seed": hd.seed,
        "base_table": hd.base_table,
    }


def _decided(name: str, value: int | None) -> int:
    if value is None:
        raise ValueError(f"{name} is null: the search has to decide it")
    return value


def build(config: Config | Architecture | Mapping[str, Any], vocab_size: int | None = None) -> Hsmn:
    """The model of a config or of settings; `vocab_size` and errors as of `architecture`.

    Raises:
        ValueError: heads do not divide the width, or the width is odd.
    """
    of = config if isinstance(config, Architecture) else architecture(config, vocab_size)
    embed: nn.Module | None = None
    adapter: HdAdapter | None = None
    if of.hd_dim is not None and of.expand != "cleanup":
        adapter = HdAdapter(
            of.hd_dim,
            of.hidden_dim,
            of.sample_length,
            expand=of.expand,
            bias=of.adapter_bias,
            position=of.adapter_position,
        )
    elif of.embedding == "plain" or of.hd_dim is not None:
        embed = PlainEmbedding(of.vocab_size, of.hidden_dim)
    else:
        active = of.embedding_active or of.vocab_size
        embed = DualPathEmbedding(of.vocab_size, of.hidden_dim, active, of.embedding_hd)
    blocks = [_block(name, of) for name in of.blocks]
    return Hsmn(of, blocks, _head(of), embed=embed, adapter=adapter, code=_code(of))


def _code(of: Architecture) -> HdCode | None:
    if of.hd_dim is None:
        return None
    keys = position_keys(of.sample_length, of.hd_dim, of.vocab_size, of.seed, of.keys)
    if of.expand != "cleanup":
        return HdCode(of.seed, keys)
    table = BaseTable(of.vocab_size, of.hd_dim, of.seed, kind_of(of.vocab_size, of.base_table))
    return HdCode(of.seed, keys, table.all_rows())


def _block(name: BlockName, of: Architecture) -> nn.Module:
    width, causal = of.hidden_dim, of.is_causal
    if name == "spatial":
        return SpatialBlock(width, of.state_dim, of.paths, causal=causal)
    if name == "timecrystal":
        return TimeCrystalBlock(width)
    if name == "latent":
        return LatentBlock(width, of.ff_expansion, of.thought_steps)
    if name == "moe":
        inner = of.expert_dim or of.ff_expansion * width
        return ExpertBlock(width, of.experts, inner, causal=causal)
    if name == "attention":
        return LatentAttention(width, of.heads, of.kv_heads, of.latent_dim)
    low = LatentAttention(width, of.wavelet_heads, of.kv_heads, of.latent_dim)
    return WaveletBlock(width, of.wavelet_taps, low, causal=causal)


def _head(of: Architecture) -> nn.Module:
    if of.head == "dense":
        return DenseHead(of.hidden_dim, of.vocab_size)
    return QuantumHead(
        of.hidden_dim,
        of.vocab_size,
        of.head_layers,
        of.head_qubits,
        dense=of.dense_fallback,
        factor_rank=of.factor_rank,
        total_vocab=of.total_vocab,
    )
