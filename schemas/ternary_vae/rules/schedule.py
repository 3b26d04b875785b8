"""TV401-TV407: epochs, schedules, precision and the choice of the best file."""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING, Any

from cfgmig.schema.rules import Example, Problem, rule

from ..matrix import PLAIN
from .read import class_name, dropping, fmt, number, on, setting, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

SCHEDULER = "training.scheduler"
SCHEDULES = {
    "cosine_warmup_restart": ("T_0", "T_mult"),
    "multi_phase_cosine": ("phases",),
}
"""Types of 5.12.4 and the keys that only this type has, the indispensable one first."""

LOWEST_IS_BEST = ("hierarchy", "hierarchy_A", "hierarchy_B", "radial_corr_A", "radial_corr_B")
BLIND = (*LOWEST_IS_BEST, "Q", "Q_A", "Q_B", "best_Q", "Q_enhanced", "richness")
"""Measures of structure alone: a model that reconstructs nothing can lead in each."""


def _epochs(config: Config) -> float | None:
    return number(config, "training.epochs")


@rule(
    code="TV401",
    name="scheduler-keys",
    severity="warning",
    summary="The scheduler has keys of another type than the one it names.",
    explanation="""
    5.12.4 has one section for two schedules. The main trainer never reads the type: it builds cosine
    annealing with warm restarts from T_0 and T_mult. The grokking trainer reads the type and neither
    reads the phases. A file that mixes them means one thing to one trainer and another to the
    next. From 5.12.4.1 on every type has its own keys, and the schema itself reports what does not
    belong: T_0 beside cosine_annealing, say.
    """,
    since="5.12.4",
    until="5.12.4",
    valid=(
        Example(
            "training:\n  scheduler:\n    type: cosine_warmup_restart\n    T_0: 20\n    T_mult: 2\n",
            version="5.12.4",
        ),
        Example(
            "training:\n  scheduler:\n    type: multi_phase_cosine\n    phases:\n      - name: all\n        epoch_range: [0, 100]\n",
            version="5.12.4",
        ),
    ),
    invalid=(
        Example(
            "training:\n  scheduler:\n    type: multi_phase_cosine\n    T_0: 20\n    phases: []\n",
            version="5.12.4",
        ),
        Example("training:\n  scheduler:\n    type: multi_phase_cosine\n", version="5.12.4"),
    ),
)
def scheduler_keys(config: Config) -> Iterator[Problem]:
    kind = text(config, f"{SCHEDULER}.type")
    own = SCHEDULES.get(kind)
    if own is None:
        return
    for other, keys in SCHEDULES.items():
        for key in keys if other != kind else ():
            if config.has(f"{SCHEDULER}.{key}"):
                yield Problem(
                    f"{SCHEDULER}.{key}",
                    f"{key} belongs to {other}, but the type is {kind}",
                    f"remove {key}, or set `{SCHEDULER}.type: {other}`",
                    part="key",
                )
    if not config.has(f"{SCHEDULER}.{own[0]}"):
        yield Problem(
            f"{SCHEDULER}.type", f"{kind} without {own[0]}", f"add `{SCHEDULER}.{own[0]}`"
        )


def _late(config: Config) -> Iterator[tuple[str, float, str]]:
    """Settings that name an epoch at which something starts, with what that is."""
    starts = [
        ("loss.geodesic.phase_start_epoch", "loss.geodesic.enabled", "the geodesic loss"),
        ("homeostasis.warmup_epochs", "homeostasis.enabled", "homeostasis"),
        ("progressive_unfreeze.start_epoch", "progressive_unfreeze.enabled", "unfreezing"),
    ]
    for path, switch, what in starts:
        start = number(config, path)
        if start is not None and on(config, switch, default=True):
            yield path, start, what
    for index, phase in enumerate(_mappings(config, f"{SCHEDULER}.phases")):
        range_ = phase.get("epoch_range")
        first = range_[0] if isinstance(range_, list) and range_ else None
        if isinstance(first, int):
            path = f"{SCHEDULER}.phases[{index}].epoch_range"
            yield path, first, f"phase {phase.get('name', index)}"
    for index, phase in enumerate(_mappings(config, "checkpoints.checkpoint_phases")):
        epoch = phase.get("trigger_epoch")
        if isinstance(epoch, int):
            path = f"checkpoints.checkpoint_phases[{index}].trigger_epoch"
            yield path, epoch - 1, f"the checkpoint {phase.get('name', index)}"


def _mappings(config: Config, path: str) -> list[dict[str, Any]]:
    value = config.get(path)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@rule(
    code="TV402",
    name="never-starts",
    severity="warning",
    summary="Something is set to start after the last epoch.",
    explanation="""
    training.epochs was shortened for a test, and what was to start later never does. The usual
    victim is the geodesic loss: phase_start_epoch 50 with 8 to 30 epochs, so it contributes nothing
    and its weight is without meaning; results are then read as if it had. Epochs count from 0, so
    with 30 epochs the last start is 29.
    """,
    valid=(
        Example("training:\n  epochs: 100\nloss:\n  geodesic:\n    phase_start_epoch: 50\n"),
        Example(
            "training:\n  epochs: 30\nloss:\n  geodesic:\n    enabled: false\n    phase_start_epoch: 50\n"
        ),
    ),
    invalid=(
        Example("training:\n  epochs: 30\nloss:\n  geodesic:\n    phase_start_epoch: 50\n"),
        Example("training:\n  epochs: 20\nhomeostasis:\n  enabled: true\n  warmup_epochs: 20\n"),
    ),
)
def never_starts(config: Config) -> Iterator[Problem]:
    epochs = _epochs(config)
    for path, start, what in _late(config) if epochs is not None else ():
        if epochs is not None and start >= epochs:
            yield Problem(
                path,
                f"{what} never starts: training ends after {fmt(epochs)} epochs",
                f"lower `{path}` below {fmt(epochs)}, or raise `training.epochs`",
            )


@rule(
    code="TV403",
    name="never-stops-early",
    severity="info",
    summary="patience is longer than the whole training.",
    explanation="""
    From 5.12 on patience counts evaluations, not epochs: patience 50 with eval_every 2 waits 100
    epochs for a gain in Q or hierarchy. If that is more than training.epochs, or if min_epochs is,
    early stopping is off. That may be meant; then a high number says it less clearly than a comment.
    """,
    since="5.12.0",
    valid=(
        Example("training:\n  epochs: 100\n  patience: 20\n  eval_every: 2\n  min_epochs: 40\n"),
    ),
    invalid=(
        Example("training:\n  epochs: 30\n  patience: 50\n  eval_every: 2\n"),
        Example("training:\n  epochs: 30\n  min_epochs: 30\n"),
    ),
)
def never_stops_early(config: Config) -> Iterator[Problem]:
    epochs, patience = _epochs(config), number(config, "training.patience")
    every, least = (
        number(config, "training.eval_every", 1) or 1,
        number(config, "training.min_epochs"),
    )
    if epochs is None:
        return
    if patience is not None and patience * every >= epochs:
        yield Problem(
            "training.patience",
            f"patience {fmt(patience)} evaluations, one each {fmt(every)} epochs, outlast "
            f"{fmt(epochs)} epochs: no early stop",
            f"set `training.patience` below {fmt(epochs / every)} to stop early",
        )
    elif least is not None and least >= epochs:
        yield Problem(
            "training.min_epochs",
            f"min_epochs {fmt(least)} leaves no epoch of {fmt(epochs)} for an early stop",
            f"set `training.min_epochs` below {fmt(epochs)} to stop early",
        )


@rule(
    code="TV404",
    name="best-file-blind-to-coverage",
    severity="warning",
    summary="The best file is chosen by structure alone.",
    explanation="""
    Q and hierarchy do not see reconstruction. A run whose weights never loaded reached hierarchy_B
    -0.82 and Q 1.52 at coverage 0 to 1 of 19,683 within one epoch, and wrote its best_Q.pt as
    proudly as any; real files were chosen so (v5_12_1/best_Q.pt: coverage 0.19). The legacy best.pt
    asked for a coverage above 0.99; best_Q.pt never did. With the plain V5.11 class coverage cannot
    change, so there it does no harm.
    """,
    valid=(
        Example("checkpoints:\n  best_metric: composite_score\n"),
        Example("model:\n  name: TernaryVAEV5_11\ncheckpoints:\n  best_metric: radial_corr_A\n"),
    ),
    invalid=(
        Example("checkpoints:\n  best_metric: Q\n"),
        Example("checkpoints:\n  best_metric: hierarchy_B\n"),
        Example("checkpoint:\n  monitor_metric: hierarchy_B\n", version="manifold"),
    ),
)
def blind_best(config: Config) -> Iterator[Problem]:
    if class_name(config) == PLAIN:
        return
    for path in ("checkpoints.best_metric", "checkpoint.monitor_metric"):
        if text(config, path) in BLIND:
            yield Problem(
                path,
                f"{text(config, path)} alone can be best in a model that reconstructs nothing",
                f"set `{path}: composite_score`, or keep a file only at coverage >= 0.99",
            )
    several = config.get("checkpointing.best_metrics")
    if isinstance(several, list) and several and all(name in BLIND for name in several):
        yield Problem(
            "checkpointing.best_metrics",
            "none of these metrics sees reconstruction",
            "add coverage to `checkpointing.best_metrics`",
        )


@rule(
    code="TV405",
    name="best-mode",
    severity="error",
    summary="The best file is looked for at the wrong end of its metric.",
    explanation="""
    Hierarchy is a correlation that is good when negative, so its best is the minimum; radial_corr_A
    is an older name of it. With mode max the worst epoch, usually the first, is kept as best. A
    frequency manifold is the exception: there it is the maximum.
    """,
    valid=(
        Example("checkpoints:\n  best_metric: radial_corr_A\n  best_mode: min\n", version="5.11.0"),
        Example(
            "training:\n  manifold_type: frequency_optimal\ncheckpoint:\n  monitor_metric: hierarchy_B\n  mode: max\n",
            version="manifold",
        ),
    ),
    invalid=(
        Example(
            "checkpoints:\n  best_metric: radial_corr_A\n  best_mode: max\n",
            version="5.11.0",
            fixed="checkpoints:\n  best_metric: radial_corr_A\n  best_mode: min\n",
        ),
    ),
)
def best_mode(config: Config) -> Iterator[Problem]:
    frequency = text(config, "training.manifold_type").startswith("frequency")
    wrong, right = ("min", "max") if frequency else ("max", "min")
    for metric, mode in (
        ("checkpoints.best_metric", "checkpoints.best_mode"),
        ("checkpoint.monitor_metric", "checkpoint.mode"),
    ):
        if text(config, metric) in LOWEST_IS_BEST and text(config, mode) == wrong:
            yield Problem(
                mode,
                f"{text(config, metric)} is best at its {right}imum; {wrong} keeps the worst epoch",
                f"set `{mode}: {right}`",
                setting(mode, right),
            )


@rule(
    code="TV406",
    name="precision-twice",
    severity="warning",
    summary="device.use_amp contradicts mixed_precision, which is what counts.",
    explanation="""
    Both switch automatic mixed precision; the second came with 5.12.4.1 and wins where both are
    there. Files of that time kept `use_amp: false` beside `mixed_precision.enabled: true` and so
    train in half precision although the first lines deny it. From 5.12.5 on use_amp is not read at
    all: alone it switches nothing. The fix removes the key that loses.
    """,
    valid=(
        Example("device:\n  use_amp: false\nmixed_precision:\n  enabled: false\n"),
        Example("device:\n  use_amp: true\n", version="5.11.11"),
    ),
    invalid=(
        Example(
            "device:\n  cuda_device: 0\n  use_amp: false\nmixed_precision:\n  enabled: true\n",
            fixed="device:\n  cuda_device: 0\nmixed_precision:\n  enabled: true\n",
        ),
        Example("device:\n  cuda_device: 0\n  use_amp: true\n"),
    ),
)
def precision_twice(config: Config) -> Iterator[Problem]:
    # Where mixed_precision exists and is not given, it is off.
    counts = False if config.at_least("5.12.5") else None
    old, new = config.get("device.use_amp"), config.get("mixed_precision.enabled", counts)
    if isinstance(old, bool) and isinstance(new, bool) and old != new:
        yield Problem(
            "device.use_amp",
            f"use_amp is {str(old).lower()}, but mixed_precision.enabled is {str(new).lower()} "
            "and wins",
            f"remove `device.use_amp`; set `mixed_precision.enabled: {str(old).lower()}` if it "
            "is what you mean",
            dropping("device.use_amp", safe=True),
        )


@rule(
    code="TV407",
    name="cosine-cut-short",
    severity="info",
    summary="Training ends before the cosine has come down.",
    explanation="""
    T_max is the number of epochs that cosine annealing needs from lr to eta_min. With fewer epochs
    the rate never gets low and the last epochs jump about; with half of them it ends at half of lr.
    """,
    valid=(
        Example(
            "training:\n  epochs: 50\n  scheduler:\n    type: cosine_annealing\n    T_max: 50\n"
        ),
    ),
    invalid=(
        Example(
            "training:\n  epochs: 30\n  scheduler:\n    type: cosine_annealing\n    T_max: 60\n"
        ),
    ),
)
def cosine_cut_short(config: Config) -> Iterator[Problem]:
    epochs, length = _epochs(config), number(config, f"{SCHEDULER}.T_max")
    if epochs is None or length is None or not 0 < epochs < length:
        return
    rest = (1 + cos(pi * epochs / length)) / 2
    yield Problem(
        f"{SCHEDULER}.T_max",
        f"after {fmt(epochs)} of {fmt(length)} epochs the learning rate is still at {rest:.0%}",
        f"set `{SCHEDULER}.T_max: {fmt(epochs)}`",
        setting(f"{SCHEDULER}.T_max", epochs),
    )


rules = (
    scheduler_keys,
    never_starts,
    never_stops_early,
    blind_best,
    best_mode,
    precision_twice,
    cosine_cut_short,
)
