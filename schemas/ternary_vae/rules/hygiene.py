"""TV501-TV505: what a file says about itself, and what nobody reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from .frozen import PREFIX
from .read import dropping, is_improved, renaming, setting, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

UNREAD: dict[str, tuple[str, ...]] = {
    "device": ("name", "cuda_device", "use_amp", "pin_memory", "num_workers"),
    "model": ("encoder_dropout", "decoder_dropout", "logvar_min", "logvar_max"),
    "option_c": ("enabled",),
    "frozen_checkpoint": ("encoder_to_load", "decoder_to_load"),
    "homeostasis": (
        "enabled",
        "hierarchy_plateau_threshold",
        "hierarchy_plateau_patience",
        "hierarchy_patience_ceiling",
        "controller_grad_threshold",
        "controller_grad_patience",
    ),
    "progressive_unfreeze": ("enabled",),
    "loss": ("rich_hierarchy.enabled", "radial.enabled", "geodesic.use_smooth_l1"),
    "training": ("use_stratified", "use_adaptive", "hierarchy_threshold", "scheduler.phases"),
    "data": ("use_full_dataset", "n_operations"),
    "logging": ("tensorboard", "log_dir", "print_every", "detailed_logging"),
    "checkpoints": ("save_best", "best_metric", "checkpoint_name", "checkpoint_phases"),
    "targets": ("distance_correlation", "Q_target"),
    "memory": (
        "gradient_checkpointing",
        "empty_cache_freq",
        "cudnn_benchmark",
        "max_memory_growth",
    ),
    "early_stopping": ("extended_patience", "plateau_override", "grokking_patience"),
    "analysis": ("phase_transition_detection", "emergent_behavior_tracking"),
}
"""By section: keys that neither V5.12 trainer asked its config for, traced while they ran."""

UNREAD_V5_5: dict[str, tuple[str, ...]] = {
    "vae_b": ("beta_end",),
    "ternary_dataset": ("num_samples", "exhaustive", "seed"),
    "controller": ("entropy_ema_alpha", "dH_dt_threshold"),
    "phase_transitions": (
        "entropy_expansion_end",
        "consolidation_end",
        "resonant_coupling_end",
        "statenet_warm_start",
    ),
    "": ("min_delta", "coverage_plateau_patience", "min_coverage_delta"),
}
"""The same for the V5.5 trainer; the empty section is the top level."""


def _numbers(version: str) -> list[str]:
    """`5.12.4_x` -> ["5", "12", "4"]; trailing zeros dropped."""
    found = re.match(r"\d+(?:\.\d+)*", version.strip())
    parts = found[0].split(".") if found else []
    while parts and parts[-1] == "0":
        parts.pop()
    return parts


@rule(
    code="TV501",
    name="version-block-contradicts",
    severity="warning",
    summary="version.model names another version than the rest of the file.",
    explanation="""
    The version block is only stored, no trainer reads it, so it stays behind when a file is copied
    and edited. Improved components came with 5.12.4: a block that says less beside them is stale,
    or the components are. The same goes for a block that differs from the version this file is of.
    cfgmig goes by contents and stamp; correct the block so that people are not misled.
    """,
    until="5.12.4.1",
    valid=(
        Example('version:\n  model: "5.12"\n', version="5.12.0"),
        Example('version:\n  model: "5.12.4_mathematical"\n', version="5.12.4"),
    ),
    invalid=(
        Example(
            'model:\n  encoder_type: improved\nversion:\n  model: "5.12.1"\n', version="5.12.4"
        ),
        Example('version:\n  model: "5.12.4"\n', version="5.12.1"),
    ),
)
def version_block(config: Config) -> Iterator[Problem]:
    stated = text(config, "version.model")
    own, here = _numbers(stated), _numbers(config.version)
    if not own or not here:
        return
    shared = min(len(own), len(here))
    if is_improved(config) and [int(n) for n in own] < [5, 12, 4]:
        message = f"version.model {stated} beside improved components, which came with 5.12.4"
    elif own[:shared] != here[:shared] or len(own) > len(here) or len(own) < min(3, len(here)):
        message = f"version.model is {stated}, but this file is of version {config.version}"
    else:
        return
    name = ".".join(here[:3])
    yield Problem("version.model", message, f'set `version.model: "{name}"`')


@rule(
    code="TV502",
    name="keys-nobody-reads",
    severity="info",
    summary="A section has keys that the trainers of this version never read.",
    explanation="""
    Traced by handing the trainers a dictionary that notes what it is asked for: of the 108 leaf keys
    of the released 5.12.4 file 47 were never asked for, of the 138 of the grokking file 94. What a
    run did is told by the keys that were read. encoder_type and decoder_type were ignored by the
    main trainer too; TV113 speaks of them. One line per section; from 5.12.5 on the keys that are
    left mean what they say.
    """,
    since="5.12.0",
    until="5.12.4.1",
    valid=(Example("training:\n  epochs: 10\n", version="5.12.4"),),
    invalid=(
        Example("data:\n  use_full_dataset: true\n  n_operations: 19683\n", version="5.12.4"),
    ),
)
def unread_keys(config: Config) -> Iterator[Problem]:
    yield from _unread(config, UNREAD, "V5.12")


@rule(
    code="TV503",
    name="keys-the-v5-5-trainer-ignores",
    severity="info",
    summary="A section has keys that the V5.5 trainer never read.",
    explanation="""
    Two of them look as if they mattered: vae_b.beta_end (beta of B follows beta of A times
    sin(beta_phase_lag), so it ends at 0.707 of it) and min_coverage_delta (the code looks for
    coverage_plateau_min_delta). Of phase_transitions only ultra_exploration_start is read, the
    other borders are constants in the code.
    """,
    until="5.5.2",
    valid=(Example("total_epochs: 400\n", version="5.5.0"),),
    invalid=(
        Example("vae_b:\n  beta_end: 0.5\n", version="5.5.0"),
        Example("min_delta: 0.0001\n", version="5.5.2"),
    ),
)
def unread_v5_5(config: Config) -> Iterator[Problem]:
    yield from _unread(config, UNREAD_V5_5, "V5.5")


def _unread(config: Config, known: dict[str, tuple[str, ...]], trainer: str) -> Iterator[Problem]:
    for home, keys in known.items():
        paths = [f"{home}.{key}" if home else key for key in keys]
        found = [path for path in paths if config.has(path)]
        if found:
            names = ", ".join(path.removeprefix(f"{home}.") for path in found)
            yield Problem(
                home or found[0],
                f"the {trainer} trainers never read {names}",
                "nothing to do: a run did not depend on these values",
                part="key",
            )


@rule(
    code="TV504",
    name="constructor-name",
    severity="error",
    summary="The key is called projection_layers in configs, n_projection_layers in the code.",
    explanation="""
    The model's constructor has an argument n_projection_layers and swallows every name that it does
    not know. Built from a dictionary that says projection_layers it silently has one layer (105,253
    elements instead of 113,957), and its checkpoints clash with all others at
    projection.proj_A.direction_net.4. Configs say projection_layers and trainers translate it;
    the name of the argument in a config is read by nobody.
    """,
    since="5.11.11",
    valid=(Example("model:\n  projection_layers: 2\n"),),
    invalid=(
        Example("model:\n  n_projection_layers: 2\n", fixed="model:\n  projection_layers: 2\n"),
    ),
)
def constructor_name(config: Config) -> Iterator[Problem]:
    code, file = "model.n_projection_layers", "model.projection_layers"
    if config.has(code):
        again = config.has(file)
        yield Problem(
            code,
            "n_projection_layers is the constructor's name; configs say projection_layers",
            f"remove `{code}`" if again else f"rename it to `{file}`",
            dropping(code) if again else renaming(code, file),
            part="key",
        )


@rule(
    code="TV505",
    name="removed-path-prefix",
    severity="info",
    summary="A path still begins with a folder that was removed.",
    explanation="""
    In January 2026 all configs lost the prefix `sandbox-training/`. A folder to save to is made
    anew under the old name, so a run writes where nobody looks. For the frozen weights TV105
    reports the same as an error, because there the file is missing.
    """,
    valid=(
        Example("checkpoints:\n  save_dir: checkpoints/mine\n"),
        Example(
            "checkpoints:\n  save_dir: sandbox-training/checkpoints/mine\n",
            files=("sandbox-training/README",),
        ),
    ),
    invalid=(
        Example(
            "checkpoints:\n  save_dir: sandbox-training/checkpoints/mine\n",
            fixed="checkpoints:\n  save_dir: checkpoints/mine\n",
        ),
    ),
)
def removed_prefix(config: Config) -> Iterator[Problem]:
    for path in ("checkpoints.save_dir", "checkpoint_dir"):
        value = text(config, path)
        if value.startswith(PREFIX) and not config.resolve(PREFIX).exists():
            bare = value.removeprefix(PREFIX)
            yield Problem(
                path,
                f"{value} begins with {PREFIX}, a folder that was removed and is not here",
                f"set `{path}: {bare}`",
                setting(path, bare),
            )


rules = (version_block, unread_keys, unread_v5_5, constructor_name, removed_prefix)
