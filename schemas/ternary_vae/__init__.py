"""TernaryVAE: its config versions, oldest first, and what tells one from another."""

from __future__ import annotations

from cfgmig.schema import (
    Evidence,
    Family,
    Has,
    Heading,
    Lacks,
    Mentions,
    Named,
    Says,
    Version,
)


def _flat(number: str, ending: str = "") -> tuple[Evidence, ...]:
    """What the flat files up to 5.10 say of their number in words, weakest last."""
    return (*_words(number, ending), Mentions("checkpoint_dir", _folder(number)))


def _sectioned(number: str) -> tuple[Evidence, ...]:
    """The same of the files with sections, from 5.11 on."""
    return (
        *_words(number),
        Mentions("device.name", _folder(number)),
        Mentions("checkpoints.save_dir", _folder(number)),
        Mentions("logging.log_dir", _folder(number)),
    )


def _words(number: str, ending: str = "") -> tuple[Evidence, ...]:
    dotted = number.replace(".", r"\.")
    title = rf"\A[#\s]*(?:Ternary ?VAE )?[vV]{dotted}(?![.\d]){ending}"
    return Heading(title, weight=6.0), Named(_folder(number))


def _folder(number: str) -> str:
    """The number in a file's or a folder's name: `v5_12_4_trial`, but not `v5_12_4_1`."""
    digits = number.replace(".", "[_.]")
    return rf"(?<!\d)(?<!\d[_.]){digits}(?![_.]?\d)"


def _states(regex: str) -> tuple[Evidence, ...]:
    """The version block that the files of 5.12 to 5.12.4 carry, and 5.12.5 dropped."""
    return Says("version.model", regex), Has("version", weight=2.0), Has("memory", weight=2.0)


_TUNED_AT_5_9 = (
    Says("model.statenet_lr_scale", r"0\.05", weight=1.0),
    Says("continuous_feedback.coverage_ema_alpha", r"0\.9", weight=1.0),
    Says("continuous_feedback.coverage_sensitivity", r"0\.1", weight=1.0),
)
_TUNED_AT_5_9_2 = (
    Says("model.statenet_lr_scale", r"0\.1", weight=1.0),
    Says("continuous_feedback.coverage_ema_alpha", r"0\.95", weight=1.0),
    Says("continuous_feedback.coverage_sensitivity", r"0\.05", weight=1.0),
)

_VERSIONS = (
    Version(
        "5.5.0",
        ".v5_5_0:Config",
        "The dual VAE with StateNet in one flat file.",
        evidence=(Lacks("free_bits"), Lacks("vae_a.beta_warmup_epochs"), *_flat("5.5")),
    ),
    Version(
        "5.5.1",
        ".v5_5_1:Config",
        "KL warm-up and free bits.",
        evidence=(Has("free_bits"), Lacks("tensorboard_dir"), *_flat("5.5")),
    ),
    Version(
        "5.5.2",
        ".v5_5_2:Config",
        "TensorBoard and torch.compile.",
        evidence=(Has("tensorboard_dir"), *_flat("5.5")),
    ),
    Version(
        "5.6.0",
        ".v5_6_0:Config",
        "p-adic losses; the appetitive branch.",
        evidence=(
            Has("tensorboard_dir"),
            Has("padic_losses", weight=0.4),
            Lacks("target_ranking_correlation"),
            *_flat("5.6"),
            Named("appetitive"),
        ),
    ),
    Version(
        "5.7.0",
        ".v5_7_0:Config",
        "StateNet sees the ranking correlation.",
        evidence=(
            Has("tensorboard_dir"),
            Has("target_ranking_correlation"),
            Has("model.base_ranking_weight", weight=2.0),
            Lacks("two_phase_training"),
            *_flat("5.7"),
        ),
    ),
    Version(
        "5.8.0",
        ".v5_8_0:Config",
        "Hard negatives, two phases.",
        evidence=(Has("tensorboard_dir"), Has("two_phase_training"), *_flat("5.8")),
    ),
    Version(
        "5.9.0",
        ".v5_9_0:Config",
        "Ranking on the Poincare ball, continuous feedback.",
        evidence=(
            Has("tensorboard_dir"),
            Has("continuous_feedback"),
            Lacks("padic_losses.hyperbolic_v10"),
            *_TUNED_AT_5_9,
            *_flat("5.9"),
        ),
    ),
    Version(
        "5.9.2",
        ".v5_9_2:Config",
        "The same keys as 5.9.0 with tuned values.",
        evidence=(
            Has("tensorboard_dir"),
            Has("continuous_feedback"),
            Lacks("padic_losses.hyperbolic_v10"),
            *_TUNED_AT_5_9_2,
            *_flat("5.9.2"),
        ),
    ),
    Version(
        "5.10.0",
        ".v5_10_0:Config",
        "Prior, reconstruction and centroids on the Poincare ball.",
        evidence=(
            Says("config_version", r"5\.10(\.0)?"),
            Has("tensorboard_dir"),
            Has("padic_losses.hyperbolic_v10"),
            Lacks("radial_stratification"),
            *_flat("5.10", ending=r"(?!\+)"),
        ),
    ),
    Version(
        "5.10.1",
        ".v5_10_1:Config",
        "Radial strata first, ranking later; log_interval counts batches.",
        evidence=(
            Says("config_version", r"5\.10\.1"),
            Has("tensorboard_dir"),
            Has("padic_losses.hyperbolic_v10"),
            Has("radial_stratification"),
            *_flat("5.10", ending=r"\+"),
        ),
    ),
    Version(
        "5.11.0",
        ".v5_11_0:Config",
        "Sections; frozen encoders and a hyperbolic projection that trains.",
        evidence=(
            Has("loss.curriculum"),
            Lacks("homeostasis"),
            *_sectioned("5.11"),
            Named("fast_test"),
        ),
    ),
    Version(
        "5.11.11",
        ".v5_11_11:Config",
        "Partial freezing, homeostasis, Riemannian optimiser.",
        evidence=(
            Has("homeostasis"),
            Lacks("loss.rich_hierarchy"),
            *_sectioned("5.11.11"),
        ),
    ),
    Version(
        "5.12.0",
        ".v5_12_0:Config",
        "The rich hierarchy loss, geodesics in a second phase.",
        evidence=(*_states(r"5\.12(\.0)?"), *_sectioned("5.12")),
    ),
    Version(
        "5.12.1",
        ".v5_12_1:Config",
        "The decoder reads the point on the ball in its tangent space.",
        evidence=(*_states(r"5\.12\.1"), *_sectioned("5.12.1")),
    ),
    Version(
        "5.12.2",
        ".v5_12_2:Config",
        "Radii are hyperbolic distances.",
        evidence=(*_states(r"5\.12\.2"), *_sectioned("5.12.2")),
    ),
    Version(
        "5.12.3",
        ".v5_12_3:Config",
        "The keys of 5.12.2, in a run that checks its radii.",
        evidence=(*_states(r"5\.12\.3"), *_sectioned("5.12.3")),
    ),
    Version(
        "5.12.4",
        ".v5_12_4:Config",
        "Improved encoder and decoder; the grokking branch.",
        evidence=(
            *_states(r"5\.12\.4(_\w+)?"),
            Has("model.encoder_type"),
            Lacks("mixed_precision"),
            *_sectioned("5.12.4"),
            Named("mathematical_framework"),
        ),
    ),
    Version(
        "5.12.4.1",
        ".v5_12_4_1:Config",
        "Schedulers by type, torch.compile and mixed precision.",
        evidence=(
            *_states(r"5\.12\.4(\.1|_\w+)?"),
            Has("model.encoder_type"),
            Has("mixed_precision"),
            Lacks("training.grokking_detection"),
            *_sectioned("5.12.4"),
        ),
    ),
    Version(
        "5.12.5",
        ".v5_12_5:Config",
        "Gradient checkpointing, adaptive losses and learning rates.",
        evidence=(
            Lacks("version"),
            Lacks("memory"),
            Lacks("progressive_unfreeze"),
            Has("mixed_precision", weight=2.0),
            *_sectioned("5.12.5"),
        ),
    ),
    Version(
        "cli",
        ".cli:Config",
        "The flat command line options inside 5.11 checkpoints.",
        dialect=True,
        evidence=(Has("v5_5_checkpoint"), Has("no_rank_loss", weight=2.0)),
    ),
    Version(
        "manifold",
        ".manifold:Config",
        "A flat file whose radius stands for valuation or for frequency.",
        dialect=True,
        evidence=(Has("training.manifold_type"), Has("model.model_type")),
    ),
    Version(
        "foundation",
        ".foundation:Config",
        "The mathematical foundation, a sketch of 5.12.5.",
        dialect=True,
        evidence=(
            Has("mathematical_foundation"),
            Says("mathematical_foundation.version", r"5\.12\.5"),
        ),
    ),
)

family = Family(
    name="ternary_vae",
    title="TernaryVAE",
    versions=_VERSIONS,
    rules=".rules",
    matrix=".matrix:matrix",
    layouts=".layouts:layouts",
)
