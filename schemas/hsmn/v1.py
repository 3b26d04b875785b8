"""HSMN 1: the data stream bundles, the model reads tokens, nothing caps the vocabulary."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .base import Section
from .search import Qahpo, Qsg

Profile = Literal["request", "sweep", "trial"]


class Embedding(Section):
    kind: Literal["dual_path", "plain"] = Field(
        default="dual_path",
        description="frequent ids in a table and rare ones in HD codes, or one table",
    )


class LmHead(Section):
    kind: Literal["quantum", "dense"] = Field(
        default="quantum", description="Born probabilities of a rotated state, or one matrix"
    )
    vqc_layers: int = Field(default=2, ge=1, le=8, description="rotation layers")
    vqc_qubits: int = Field(default=8, ge=1, description="the inner width is 2 to this power")
    dense_fallback: bool = Field(
        default=True, description="mix in a dense head, by a learnt weight"
    )


class Spatial(Section):
    mamba_state_dim: int = Field(default=16, ge=1, description="state of the selective scan")
    qmamba_superposition_states: int | None = Field(
        default=None, ge=1, description="paths of the scan; null lets the search decide"
    )
    qmamba_entanglement_depth: int = Field(default=2, ge=1, description="rotations between paths")
    qmamba_entanglement_strength: float = Field(default=0.3, ge=0, description="their weight")


class Wlam(Section):
    num_heads: int = Field(default=8, ge=1, description="heads of the low band's attention")
    kernel_size: int = Field(default=5, ge=1, description="taps of analysis and synthesis")
    num_landmarks: int = Field(default=32, ge=1, description="read by no code")


class Attention(Section):
    num_heads: int = Field(default=8, ge=1, description="query heads")
    num_kv_heads: int = Field(default=2, ge=1, description="key and value heads; divides num_heads")
    latent_dim: int = Field(default=64, ge=1, description="width of the shared latent of k and v")


class Latent(Section):
    thought_steps: int = Field(default=4, ge=1, description="passes through the thought layer")


class Moe(Section):
    inner_dim: int | None = Field(
        default=None,
        ge=1,
        description="hidden width of an expert; null is ff_expansion times the model's",
    )


class Blocks(Section):
    spatial: Spatial = Field(default_factory=Spatial, description="selective state space block")
    latent: Latent = Field(default_factory=Latent, description="latent reasoning block")
    attention: Attention = Field(default_factory=Attention, description="latent-KV attention")
    wlam: Wlam = Field(default_factory=Wlam, description="wavelet mixer")
    moe: Moe = Field(default_factory=Moe, description="mixture of experts")


class Model(Section):
    hidden_dim: int | None = Field(
        default=None, ge=1, description="width of the model; null lets the search decide"
    )
    embedding_dim: int | None = Field(
        default=None,
        ge=1,
        description="width that the estimators see; the model is hidden_dim wide",
    )
    num_reasoning_blocks: int | None = Field(
        default=None, ge=1, description="blocks; null lets the search decide"
    )
    num_moe_experts: int | None = Field(
        default=None, ge=1, description="experts per layer; null lets the search decide"
    )
    block_pattern: str = Field(
        default="mamba_timecrystal_wlam_moe_hybrid", description="mamba_only, or the hybrid"
    )
    sequence_length: int | None = Field(default=None, ge=1, description="tokens of one sequence")
    context_window: int | None = Field(
        default=None, ge=1, description="the same under the request's name"
    )
    ff_expansion: int = Field(default=4, ge=1, description="feed-forward width over model width")
    embedding: Embedding = Field(default_factory=Embedding, description="how ids become vectors")
    lm_head: LmHead = Field(default_factory=LmHead, description="how vectors become logits")
    blocks: Blocks = Field(default_factory=Blocks, description="settings of the block types")


class Tokenizer(Section):
    kind: Literal["adaptive_qwt"] = Field(
        default="adaptive_qwt", description="bytes, and frequent n-grams of them"
    )
    base_vocab: int = Field(
        default=362, ge=1, description="ids before any is learnt: max(362, byte_offset + 320)"
    )
    byte_offset: int = Field(default=32, ge=10, description="id of byte 0; below are special ids")
    vocab_size: int | None = Field(
        default=None, ge=1, description="ids to learn up to; the old code began at 128000"
    )
    min_ngram: int = Field(default=2, ge=2, description="shortest n-gram, bytes")
    max_ngram: int = Field(default=5, ge=2, description="longest n-gram, bytes")
    min_freq: int = Field(
        default=10, ge=1, description="occurrences below which an n-gram is no id"
    )
    learn_samples: int = Field(default=5000, ge=1, description="texts to learn from")


class Hd(Section):
    enabled: bool = Field(default=True, description="stream texts as HD bundles")
    label_mode: Literal["bundle", "last_token"] = Field(
        default="last_token", description="what a bundle's label is"
    )
    hd_dim: int | None = Field(
        default=None, ge=1, description="dimensions of a bundle; null is 1024"
    )
    reservoir_size: int = Field(default=2000, ge=1, description="bundles kept of the stream")
    ctqw_steps: int = Field(default=3, ge=0, le=10, description="steps of the low-pass spread")
    keys: Literal["gaussian", "unitary"] = Field(
        default="gaussian", description="position keys; unbinding is exact with unitary ones"
    )
    seed: int = Field(default=42, description="seed of base vectors and position keys")
    base_table: Literal["dense", "lazy"] | None = Field(
        default=None,
        description="base vectors in one table or drawn per id; null: lazy above 65536 ids",
    )


class Data(Section):
    hf_dataset_name: str | None = Field(default=None, description="dataset to stream")
    curriculum_id: str | None = Field(
        default=None, description="curriculum that names the datasets"
    )
    curriculum_datasets: list[str] = Field(
        default_factory=list, description="its datasets, in order"
    )
    text: str | None = Field(default=None, description="a text file instead of a dataset")
    hd: Hd = Field(default_factory=Hd, description="the HD stream")


class Budget(Section):
    param_budget: int | None = Field(default=None, ge=1, description="parameters at most")
    estimator: Literal["v1", "v2", "head", "exact"] | None = Field(
        default=None, description="which count of parameters is meant; they differ up to 130 times"
    )
    overhead_fraction: float = Field(
        default=0.5, ge=0, lt=1, description="share of the budget that is not for the vocabulary"
    )


class Loss(Section):
    kind: str = Field(default="sparse_categorical_crossentropy", description="the primary loss")
    ignore_index: int | None = Field(
        default=None, description="label that counts nothing; null: none"
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of a label given away"
    )


class Galore(Section):
    enabled: bool = Field(default=True, description="project gradients to a low rank")
    rank: int = Field(default=32, ge=1, description="that rank")
    scale: float = Field(default=0.25, gt=0, description="factor on the projected gradient")
    update_proj_gap: int = Field(default=200, ge=1, description="steps between new projections")


class Qng(Section):
    enabled: bool = Field(default=True, description="precondition by a natural gradient")
    damping: float = Field(default=1e-4, ge=0, description="its damping")


class Qhpm(Section):
    enabled: bool = Field(default=True, description="freeze directions that have settled")
    crystallization_threshold: float = Field(default=0.85, ge=0, le=1, description="when one has")
    max_directions: int = Field(default=256, ge=1, description="directions at most")


class Qalrc(Section):
    annealing_power: float = Field(default=2.0, gt=0, description="power of the annealing")
    tunneling_probability: float = Field(default=0.05, ge=0, le=1, description="chance of a jump")
    entropy_smoothing: float = Field(default=0.9, ge=0, le=1, description="decay of its averages")


class Sympflow(Section):
    mass: float = Field(default=1.0, gt=0, description="mass of the flow")
    friction: float = Field(default=0.1, ge=0, description="friction; scales the weight decay")
    step_size: float = Field(default=0.01, gt=0, description="step; scales the learning rate")


class BarrenPlateau(Section):
    monitor: bool = Field(default=True, description="watch for vanishing gradients")
    threshold: float = Field(default=1e-6, ge=0, description="norm below which they have")
    recovery_lr_scale: float = Field(default=5.0, gt=0, description="factor on the rate until then")


class Training(Section):
    optimizer: str | None = Field(
        default=None, description="optimiser; null lets the search decide"
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="learning rate; null lets the search decide"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="decoupled weight decay")
    batch_size: int | None = Field(default=None, ge=1, description="sequences per step")
    max_grad_norm: float = Field(default=1.0, gt=0, description="largest gradient norm")
    epochs: int | None = Field(default=None, ge=1, description="passes over the data")
    steps: int | None = Field(default=None, ge=1, description="steps instead of epochs")
    seed: int = Field(default=42, description="seed of weights and shuffling")
    loss: Loss = Field(default_factory=Loss, description="what is minimised")
    entropy_reg_weight: float = Field(default=0.01, ge=0, description="weight of the entropy term")
    hd_optimizer_compression_ratio: int = Field(
        default=8, ge=1, description="compression of the optimiser's state"
    )
    galore: Galore = Field(default_factory=Galore, description="low-rank gradients")
    qng: Qng = Field(default_factory=Qng, description="natural gradient")
    qhpm: Qhpm = Field(default_factory=Qhpm, description="crystallised directions")
    qalrc: Qalrc = Field(default_factory=Qalrc, description="adaptive learning rate")
    sympflow: Sympflow = Field(default_factory=Sympflow, description="the sympflow optimisers")
    barren_plateau: BarrenPlateau = Field(
        default_factory=BarrenPlateau, description="vanishing gradients"
    )


class Provenance(Section):
    sweep_id: str | None = Field(default=None, description="the search that this belongs to")
    trial_id: str | int | None = Field(default=None, description="its trial")
    sampler_trial_id: str | int | None = Field(default=None, description="the sampler's own number")
    budget: int | float | None = Field(default=None, description="share of a full run, percent")
    created_at: str | None = Field(default=None, description="when it was written")
    best_loss: float | None = Field(default=None, description="best loss of the search")
    best_composite_score: float | None = Field(default=None, description="its best score")


class Config(Section):
    profile: Profile | None = Field(default=None, description="what the file is for")
    model: Model = Field(default_factory=Model, description="architecture")
    tokenizer: Tokenizer = Field(default_factory=Tokenizer, description="text to ids")
    data: Data = Field(default_factory=Data, description="what to train on")
    budget: Budget = Field(default_factory=Budget, description="how large it may be")
    training: Training = Field(default_factory=Training, description="how to train")
    qahpo: Qahpo = Field(default_factory=Qahpo, description="the search")
    qsg: Qsg = Field(default_factory=Qsg, description="generation")
    ui: dict[str, Any] = Field(
        default_factory=dict, description="controls of the web page for what the search decides"
    )
    provenance: Provenance = Field(default_factory=Provenance, description="where the file is from")
    legacy_extra: dict[str, Any] = Field(
        default_factory=dict, description="keys that nothing reads any more, kept as they were"
    )
