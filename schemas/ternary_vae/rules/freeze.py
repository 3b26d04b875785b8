"""TV201-TV208: which parts train, when, and at what rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from ..matrix import PARTIAL, PLAIN
from .read import adding, class_name, fmt, name_path, number, on, option_c, section, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

SCALES = {"encoder_a_lr_scale": 0.05, "encoder_b_lr_scale": 0.1}
"""The keys and the values of all runs that kept their coverage."""

DEFAULTS = {
    "homeostasis.coverage_floor": 0.95,
    "homeostasis.coverage_freeze_threshold": 0.995,
    "homeostasis.coverage_unfreeze_threshold": 1.0,
}
"""Thresholds in the order they must keep, with what the controller takes when one is missing."""

FRACTIONS = (*DEFAULTS, "targets.coverage")


def _full_rates(config: Config) -> Iterator[tuple[str, str, float]]:
    where = option_c(config)
    for name in SCALES:
        scale = number(config, f"{where}.{name}")
        if scale is not None and scale >= 1:
            yield f"{where}.{name}", name, scale


@rule(
    code="TV201",
    name="full-encoder-rate",
    severity="warning",
    summary="An encoder learns at the full rate or above.",
    explanation="""
    The scales are factors on training.lr, from 0 (the encoder stands still) to below 1. The
    encoders come trained from V5.5 while projections start at random: at the full rate encoder_B
    moves before the projections can follow. Runs that kept 100 % coverage used 0.1 for B and 0.05
    for A. With homeostasis enabled TV202 reports the same as an error.
    """,
    valid=(Example("option_c:\n  encoder_a_lr_scale: 0.0\n  encoder_b_lr_scale: 0.1\n"),),
    invalid=(
        Example(
            "option_c:\n  encoder_b_lr_scale: 1.0\n",
            fixed="option_c:\n  encoder_b_lr_scale: 0.1\n",
        ),
    ),
)
def full_encoder_rate(config: Config) -> Iterator[Problem]:
    if on(config, f"{_homeostasis(config)}.enabled"):
        return
    for path, name, scale in _full_rates(config):
        yield Problem(
            path,
            f"{name} {fmt(scale)} is no reduction: the trained encoder moves at the full rate",
            f"set `{path}: {SCALES[name]}`",
            setting(path, SCALES[name]),
        )


@rule(
    code="TV202",
    name="full-encoder-rate-with-homeostasis",
    severity="error",
    summary="An encoder learns at the full rate while homeostasis relies on small steps.",
    explanation="""
    Homeostasis thaws an encoder, watches coverage and freezes it again. It acts on evaluation
    epochs only and holds each decision for hysteresis_epochs. At the full rate an encoder can lose
    its coverage between two looks, and freezing then keeps the loss for good. The stored
    progressive runs thawed encoder_A at 0.05 of the rate and still ended at 0.001 to 0.60.
    """,
    valid=(
        Example("homeostasis:\n  enabled: true\noption_c:\n  encoder_b_lr_scale: 0.1\n"),
        Example("homeostasis:\n  enabled: false\noption_c:\n  encoder_b_lr_scale: 1.0\n"),
    ),
    invalid=(
        Example(
            "homeostasis:\n  enabled: true\noption_c:\n  encoder_a_lr_scale: 1.0\n",
            fixed="homeostasis:\n  enabled: true\noption_c:\n  encoder_a_lr_scale: 0.05\n",
        ),
    ),
)
def full_encoder_rate_homeostasis(config: Config) -> Iterator[Problem]:
    if not on(config, f"{_homeostasis(config)}.enabled"):
        return
    for path, name, scale in _full_rates(config):
        yield Problem(
            path,
            f"{name} {fmt(scale)} with homeostasis: coverage is lost before it can react",
            f"set `{path}: {SCALES[name]}`, or `homeostasis.enabled: false`",
            setting(path, SCALES[name]),
        )


def _homeostasis(config: Config) -> str:
    return "training.homeostasis" if config.version == "manifold" else "homeostasis"


@rule(
    code="TV203",
    name="threshold-order",
    severity="error",
    summary="The coverage thresholds of homeostasis are not in order.",
    explanation="""
    Needed is coverage_floor <= coverage_freeze_threshold < coverage_unfreeze_threshold <= 1.
    encoder_A is frozen below the second and thawed from the third on; if they meet or cross, it
    can flip at every look, and each flip rebuilds the optimizer empty and restarts the schedule. The
    floor is where annealing stops lowering the freeze threshold. A missing one is taken as 0.95,
    0.995 and 1.0.
    """,
    valid=(
        Example(
            "homeostasis:\n  coverage_floor: 0.8\n  coverage_freeze_threshold: 0.9\n  coverage_unfreeze_threshold: 0.95\n"
        ),
        Example("homeostasis:\n  enabled: false\n  coverage_unfreeze_threshold: 0.9\n"),
    ),
    invalid=(
        Example(
            "homeostasis:\n  coverage_freeze_threshold: 0.99\n  coverage_unfreeze_threshold: 0.98\n"
        ),
        Example("homeostasis:\n  coverage_unfreeze_threshold: 0.99\n"),
        Example("homeostasis:\n  coverage_floor: 0.999\n"),
    ),
)
def threshold_order(config: Config) -> Iterator[Problem]:
    if not on(config, "homeostasis.enabled", default=True):
        return
    stated = {path: number(config, path) for path in DEFAULTS}
    found = {path: DEFAULTS[path] if v is None else v for path, v in stated.items()}
    if max(found.values()) > 1:
        return  # TV205 has it
    (floor_path, floor), (freeze_path, freeze), (thaw_path, thaw) = found.items()
    if floor > freeze and (stated[floor_path], stated[freeze_path]) != (None, None):
        yield Problem(
            floor_path if config.has(floor_path) else freeze_path,
            f"coverage_floor {fmt(floor)} lies above coverage_freeze_threshold {fmt(freeze)}",
            f"set `{floor_path}` to at most {fmt(freeze)}",
        )
    if freeze >= thaw and (stated[freeze_path], stated[thaw_path]) != (None, None):
        yield Problem(
            thaw_path if config.has(thaw_path) else freeze_path,
            f"coverage_unfreeze_threshold {fmt(thaw)} does not lie above "
            f"coverage_freeze_threshold {fmt(freeze)}",
            f"set `{thaw_path}` above {fmt(freeze)}, at most 1.0",
        )


@rule(
    code="TV204",
    name="unfreeze-threshold-missing",
    severity="warning",
    summary="Homeostasis has a threshold to freeze and none to unfreeze.",
    explanation="""
    The controller then waits for a coverage of exactly 1.0 before it thaws encoder_A. Whoever sets
    only the freeze threshold often thinks of the two as one. The fix writes down the 1.0 that is in
    force, so nothing changes; lower it if encoder_A is meant to learn.
    """,
    valid=(
        Example(
            "homeostasis:\n  enabled: true\n  coverage_freeze_threshold: 0.99\n  coverage_unfreeze_threshold: 1.0\n"
        ),
        Example("homeostasis:\n  enabled: true\n"),
    ),
    invalid=(
        Example(
            "homeostasis:\n  enabled: true\n  coverage_freeze_threshold: 0.99\n",
            fixed="homeostasis:\n  enabled: true\n  coverage_freeze_threshold: 0.99\n  coverage_unfreeze_threshold: 1.0\n",
        ),
    ),
)
def unfreeze_missing(config: Config) -> Iterator[Problem]:
    has_freeze = config.has("homeostasis.coverage_freeze_threshold")
    thaw = "homeostasis.coverage_unfreeze_threshold"
    if on(config, "homeostasis.enabled") and has_freeze and not config.has(thaw):
        knows = config.version != "foundation"
        yield Problem(
            "homeostasis.coverage_freeze_threshold",
            "no coverage_unfreeze_threshold: encoder_A is thawed at exactly 100 % only",
            f"add `{thaw}: 1.0`, or the value that is meant"
            + ("" if knows else ", once the file is at 5.12.5"),
            adding(thaw, 1.0, safe=True) if knows else None,
        )


@rule(
    code="TV205",
    name="coverage-in-percent",
    severity="error",
    summary="A coverage is written in percent where a fraction is meant.",
    explanation="""
    Up to 5.10 coverage was given in percent (target_coverage_percent, coverage_threshold); from
    5.11 on it is a fraction from 0 to 1. With 99.5 as a freeze threshold the coverage is always
    below it and encoder_A is frozen at every look; as a target it is never reached. The fix divides by 100.
    """,
    valid=(Example("targets:\n  coverage: 1.0\n"),),
    invalid=(
        Example("targets:\n  coverage: 99.7\n", fixed="targets:\n  coverage: 0.997\n"),
        Example("homeostasis:\n  coverage_freeze_threshold: 99.5\n"),
    ),
)
def coverage_in_percent(config: Config) -> Iterator[Problem]:
    for path in FRACTIONS:
        value = number(config, path)
        if value is not None and value > 1:
            fraction = round(value / 100, 10)
            fits = fraction <= 1
            yield Problem(
                path,
                f"{fmt(value)} is a percentage; coverage is a fraction from 0 to 1 since 5.11",
                f"set `{path}: {fraction}`" if fits else f"set `{path}` to a value up to 1.0",
                setting(path, fraction) if fits else None,
            )


@rule(
    code="TV206",
    name="homeostasis-needs-partial-freeze",
    severity="error",
    summary="Homeostasis is on, but the class has nothing to freeze or thaw.",
    explanation="""
    TernaryVAEV5_11 runs both encoders and the decoder without gradients, always. Homeostasis
    switches encoders of TernaryVAEV5_11_PartialFreeze; with the plain class its decisions go
    nowhere. With all encoders frozen hierarchy_B stays near -0.71, with encoder_B trained it
    reached -0.831 (both measured over 20 epochs).
    """,
    valid=(
        Example("model:\n  name: TernaryVAEV5_11_PartialFreeze\nhomeostasis:\n  enabled: true\n"),
        Example("model:\n  name: TernaryVAEV5_11\nhomeostasis:\n  enabled: false\n"),
    ),
    invalid=(
        Example(
            "model:\n  name: TernaryVAEV5_11\nhomeostasis:\n  enabled: true\n",
            fixed="model:\n  name: TernaryVAEV5_11_PartialFreeze\nhomeostasis:\n  enabled: true\n",
        ),
    ),
)
def homeostasis_class(config: Config) -> Iterator[Problem]:
    if class_name(config) == PLAIN and on(config, "homeostasis.enabled"):
        yield Problem(
            "homeostasis.enabled",
            f"homeostasis has nothing to act on: {PLAIN} never trains an encoder",
            f"set `model.name: {PARTIAL}`, or `homeostasis.enabled: false`",
            setting(name_path(config), PARTIAL) if config.has("model.name") else None,
        )


@rule(
    code="TV207",
    name="option-c-class",
    severity="error",
    summary="option_c.enabled and model.name ask for different classes.",
    explanation="""
    Option C is the partial freeze: encoder_B and the projections train. In the command line
    trainers it selects the class TernaryVAEV5_11_PartialFreeze, elsewhere model.name does. A config
    whose two statements differ builds one class here and the other there.
    """,
    since="5.11.11",
    valid=(
        Example("model:\n  name: TernaryVAEV5_11_PartialFreeze\noption_c:\n  enabled: true\n"),
        Example("model:\n  name: TernaryVAEV5_11\noption_c:\n  enabled: false\n"),
    ),
    invalid=(
        Example("model:\n  name: TernaryVAEV5_11\noption_c:\n  enabled: true\n"),
        Example("model:\n  name: TernaryVAEV5_11_PartialFreeze\noption_c:\n  enabled: false\n"),
    ),
)
def option_c_class(config: Config) -> Iterator[Problem]:
    name = class_name(config)
    path = f"{option_c(config)}.enabled"
    enabled = config.get(path)
    if name == PLAIN and enabled is True:
        yield Problem(
            path,
            f"option_c trains encoder_B, but {PLAIN} freezes it",
            f"set `model.name: {PARTIAL}`, or `{path}: false`",
        )
    elif name == PARTIAL and enabled is False:
        yield Problem(
            path,
            f"model.name is {PARTIAL}, which is option C, but option_c.enabled is false",
            f"set `{path}: true`, or `model.name: {PLAIN}`",
        )


@rule(
    code="TV208",
    name="progressive-unfreeze",
    severity="warning",
    summary="Progressive unfreezing lost the coverage in every stored run.",
    explanation="""
    It thaws encoder_A after start_epoch, whatever the coverage does. The stored runs of 5.11.6
    reached hierarchy_B -0.832 and a coverage between 0.001 and 0.60: the structure was bought with
    the reconstruction. Homeostasis was made in its place; it thaws only while coverage is whole.
    """,
    valid=(Example("progressive_unfreeze:\n  enabled: false\n", version="5.11.11"),),
    invalid=(
        Example(
            "progressive_unfreeze:\n  enabled: true\n",
            version="5.11.11",
            fixed="progressive_unfreeze:\n  enabled: false\n",
        ),
    ),
)
def progressive_unfreeze(config: Config) -> Iterator[Problem]:
    if section(config, "progressive_unfreeze").get("enabled") is True:
        yield Problem(
            "progressive_unfreeze.enabled",
            "progressive unfreezing ended at coverage 0.001 to 0.60 in all stored runs",
            "set `progressive_unfreeze.enabled: false` and `homeostasis.enabled: true`",
            setting("progressive_unfreeze.enabled", False),
        )


rules = (
    full_encoder_rate,
    full_encoder_rate_homeostasis,
    threshold_order,
    unfreeze_missing,
    coverage_in_percent,
    homeostasis_class,
    option_c_class,
    progressive_unfreeze,
)
