"""TernaryVAE 5.12.4: improved encoder and decoder; its grokking branch watches for jumps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from . import v5_11_0, v5_11_11, v5_12_0, v5_12_1
from . import v5_12_3 as before
from .base import Section


class Device(v5_11_11.Device):
    empty_cache_freq: int | None = Field(
        default=None, ge=1, description="batches between emptying the CUDA cache; null for never"
    )


class Model(v5_12_1.Model):
    encoder_type: Literal["frozen", "improved"] = Field(
        default="frozen", description="ReLU, or LayerNorm, SiLU and dropout; other tensors each"
    )
    decoder_type: Literal["frozen", "improved"] = Field(
        default="frozen", description="ReLU, or LayerNorm, SiLU and dropout; other tensors each"
    )
    encoder_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of improved encoders"
    )
    decoder_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="dropout of an improved decoder"
    )
    logvar_min: float = Field(
        default=-10.0, description="lower clamp of logvar in improved encoders"
    )
    logvar_max: float = Field(default=2.0, description="upper clamp of logvar in improved encoders")


class Phase(Section):
    name: str = Field(description="name of the phase")
    epoch_range: Annotated[list[int], Field(min_length=2, max_length=2)] = Field(
        description="first epoch, and the first one after it"
    )
    base_lr_scale: float = Field(default=1.0, gt=0, description="factor on training.lr")
    annealing: Literal["cosine", "constant", "linear_decay"] = Field(
        default="cosine", description="course of the rate within the phase"
    )
    T_0: int | None = Field(default=None, ge=1, description="epochs until the first restart")
    T_mult: float | None = Field(
        default=None, ge=1, description="factor on the epochs until the next"
    )


class Scheduler(v5_11_0.Scheduler):
    type: Literal["cosine_warmup_restart", "multi_phase_cosine"] = Field(  # type: ignore[assignment]
        default="cosine_warmup_restart", description="read by the grokking trainer only"
    )
    phases: list[Phase] = Field(
        default_factory=list, description="phases of multi_phase_cosine; never read"
    )


class GrokkingDetection(Section):
    enabled: bool = Field(default=False, description="watch for a late jump of the accuracy")
    monitor_window: int = Field(default=20, ge=1, description="epochs of the trend")
    plateau_threshold: float = Field(
        default=0.0001, ge=0, description="change of the loss that is none"
    )
    plateau_patience: int = Field(default=15, ge=1, description="epochs that make a plateau")
    accuracy_jump_threshold: float = Field(default=0.02, ge=0, description="smallest jump, share")
    gradient_norm_track: bool = Field(default=False, description="never read")
    representation_analysis: bool = Field(default=False, description="never read")


class Training(v5_12_0.Training):
    scheduler: Scheduler = Field(default_factory=Scheduler, description="learning rate schedule")
    grokking_detection: GrokkingDetection = Field(
        default_factory=GrokkingDetection, description="grokking branch: late jumps"
    )


class EnhancedMetrics(Section):
    enabled: bool = Field(default=False, description="log the following too")
    log_gradients: bool = Field(default=False, description="gradient norms")
    log_weights: bool = Field(default=False, description="weight norms")
    log_activations: bool = Field(default=False, description="never read")
    gradient_flow_analysis: bool = Field(default=False, description="never read")
    effective_rank: bool = Field(default=False, description="effective rank of the latents")
    representation_similarity: bool = Field(default=False, description="never read")


class DetailedLogging(Section):
    save_loss_history: bool = Field(default=False, description="never read")
    save_gradient_norms: bool = Field(default=False, description="never read")
    save_metric_trajectories: bool = Field(default=False, description="never read")
    analysis_window: int = Field(default=50, ge=1, description="never read")


class Logging(v5_11_0.Logging):
    enhanced_metrics: EnhancedMetrics = Field(
        default_factory=EnhancedMetrics, description="grokking branch: more metrics"
    )
    detailed_logging: DetailedLogging = Field(
        default_factory=DetailedLogging, description="grokking branch: more histories"
    )


class CheckpointPhase(Section):
    name: str = Field(description="name of the checkpoint")
    trigger_epoch: int = Field(ge=0, description="epoch at which it is written")


class Checkpoints(v5_12_0.Checkpoints):
    checkpoint_phases: list[CheckpointPhase] = Field(
        default_factory=list, description="grokking branch: checkpoints by epoch; never read"
    )


class Memory(v5_11_11.Memory):
    max_memory_growth: float | None = Field(default=None, gt=0, le=1, description="never read")


class EarlyStopping(Section):
    extended_patience: bool = Field(default=False, description="never read")
    plateau_override: bool = Field(default=False, description="never read")
    grokking_patience: int = Field(default=100, ge=1, description="never read")


class PhaseTransitionDetection(Section):
    enabled: bool = Field(default=False, description="never read")
    sensitivity: float = Field(default=0.001, ge=0, description="never read")
    window_size: int = Field(default=30, ge=1, description="never read")


class EmergentBehaviorTracking(Section):
    enabled: bool = Field(default=False, description="never read")
    track_complexity: bool = Field(default=False, description="never read")
    track_generalization: bool = Field(default=False, description="never read")
    track_representation_changes: bool = Field(default=False, description="never read")


class Analysis(Section):
    phase_transition_detection: PhaseTransitionDetection = Field(
        default_factory=PhaseTransitionDetection, description="never read"
    )
    emergent_behavior_tracking: EmergentBehaviorTracking = Field(
        default_factory=EmergentBehaviorTracking, description="never read"
    )


class Version(v5_12_1.Version):
    framework: str | None = Field(default=None, description="name of the framework")
    description: str | None = Field(default=None, description="what the file is for")


class Config(before.Config):
    device: Device = Field(default_factory=Device, description="where it runs")
    model: Model = Field(description="architecture")  # type: ignore[assignment]
    training: Training = Field(description="the run")
    logging: Logging = Field(default_factory=Logging, description="what is logged where")
    checkpoints: Checkpoints = Field(description="what is saved where")
    memory: Memory = Field(default_factory=Memory, description="memory on the GPU")
    early_stopping: EarlyStopping = Field(
        default_factory=EarlyStopping, description="grokking branch: never read"
    )
    analysis: Analysis = Field(default_factory=Analysis, description="grokking branch: never read")
    version: Version | None = Field(default=None, description="what the file says of itself")
