"""Dialects: the JSON of the `Config` dataclass, before and after its vocabulary was split.

Its `from_dict` dropped every key that it did not know, so a file may hold any; what a key
meant when it was left out is the dataclass's default, written down here.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

STAGES = [
    "code_foundation",
    "code_instruction",
    "cli_specialist",
    "tool_use",
    "chat_integration",
    "reasoning_enhanced",
]
"""The stages that the dataclass allowed where a file said nothing."""


class Dumped(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class _Architecture(Dumped):
    embedding_dim: int = Field(default=768, ge=1, description="width of the model")
    num_reasoning_blocks: int = Field(default=4, ge=1, description="blocks")
    max_seq_length: int = Field(default=4096, ge=1, description="tokens of one sequence")
    num_moe_experts: int = Field(default=8, ge=1, description="experts per layer")
    use_fused_ops: bool = Field(default=True, description="kernels of the closed library")
    dtype: str = Field(default="float32", description="type of the weights")
    block_pattern: str = Field(
        default="transformer", description="mamba_only; any other word is the hybrid"
    )
    compressed_dim: int = Field(default=256, description="width of compressed chunks")
    chunk_size: int = Field(default=512, description="tokens of a chunk")
    chunk_stride: int = Field(default=256, description="tokens from one chunk to the next")
    dropout: float = Field(default=0.1, description="dropout")
    attention_dropout: float = Field(default=0.1, description="dropout of attention")
    use_residual_connections: bool = Field(default=True, description="residual connections")


class _OneVocabulary(Dumped):
    vocab_size: int = Field(default=32_000, ge=1, description="ids of the tokenizer")


class _TwoVocabularies(Dumped):
    active_vocab_size: int = Field(default=32_000, ge=1, description="ids that can be predicted")
    total_vocab_size: int = Field(default=300_000, ge=1, description="ids that can ever be")


class Model1(_Architecture, _OneVocabulary):  # the last base has the first keys
    pass


class Model5(_Architecture, _TwoVocabularies):
    pass


class Training(Dumped):
    batch_size: int = Field(default=8, ge=1, description="sequences per step")
    learning_rate: float | str = Field(default=1e-4, description="learning rate, maybe as text")
    warmup_steps: int = Field(default=1000, description="steps of rising learning rate")
    max_steps: int = Field(default=100_000, ge=1, description="steps of the training")
    gradient_accumulation_steps: int = Field(default=1, description="batches per step")
    max_grad_norm: float = Field(default=1.0, gt=0, description="largest gradient norm")
    weight_decay: float = Field(default=0.01, ge=0, description="decoupled weight decay")
    curriculum_strategy: str = Field(default="adaptive", description="who picks the next stage")
    allowed_stages: list[str] = Field(
        default_factory=lambda: list(STAGES), description="stages that it may pick"
    )
    checkpoint_interval: int = Field(default=1000, description="steps between checkpoints")
    eval_interval: int = Field(default=500, description="steps between evaluations")
    log_interval: int = Field(default=10, description="steps between lines of the log")


class V1(Dumped):
    model: Model1 = Field(default_factory=Model1, description="architecture")
    training: Training = Field(default_factory=Training, description="how to train")


class V5(Dumped):
    model: Model5 = Field(default_factory=Model5, description="architecture")
    training: Training = Field(default_factory=Training, description="how to train")
