"""TV304-TV306: what a run is asked to reach, and whether it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from .geometry import METRIC
from .read import CEILING, fmt, number, setting, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

TARGETS = (
    "targets",
    "loss.targets",
    "targets.tier_1_mathematical_foundation",
    "targets.tier_2_production_ready",
)
"""Sections in which some version or dialect keeps what a run should reach."""

HIERARCHIES = ("hierarchy_A", "hierarchy_B", "radial_hierarchy")
SIZE = "loss.adaptive_loss.target_hierarchy_correlation"
"""A hierarchy given without its sign."""


def _hierarchy_targets(config: Config) -> Iterator[tuple[str, float]]:
    paths = [f"{home}.{name}" for home in TARGETS for name in HIERARCHIES]
    for path in (*paths, "training.hierarchy_threshold", "training.target_hierarchy"):
        value = number(config, path)
        if value is not None:
            yield path, value


@rule(
    code="TV304",
    name="richness-target-unit",
    severity="info",
    summary="The richness target is in the unit of the radii, and reports may use the other one.",
    explanation="""
    Richness is a variance of radii inside the levels, so it changes with their unit: hyperbolic
    values are 4.7 to 5.3 times the Euclidean ones of the same model. The files kept targets of
    0.005 to 0.008 across the change at 5.12.2. Measured after 16 epochs: 0.0031 hyperbolic, 0.00064
    Euclidean, so in Euclidean radii 0.006 is ten times what a good run has.
    """,
    since="5.12.2",
    valid=(
        Example("loss:\n  radius_metric: euclidean\ntargets:\n  richness: 0.0006\n"),
        Example("targets:\n  richness: 0.006\n"),
    ),
    invalid=(Example("loss:\n  radius_metric: euclidean\ntargets:\n  richness: 0.006\n"),),
)
def richness_unit(config: Config) -> Iterator[Problem]:
    target = number(config, "targets.richness")
    if text(config, METRIC) == "euclidean" and target is not None and target >= 0.002:
        yield Problem(
            "targets.richness",
            f"richness {fmt(target)} of Euclidean radii is about {fmt(target * 5)} of hyperbolic "
            "ones; good runs have 0.003 hyperbolic",
            "set `targets.richness: 0.0006`, or compare with hyperbolic reports only",
        )


@rule(
    code="TV305",
    name="target-beyond-ceiling",
    severity="warning",
    summary="A hierarchy target lies beyond the best value that can be reached.",
    explanation="""
    Hierarchy is a Spearman correlation of valuation and radius. Valuations are full of ties (13,122
    of 19,683 are 0) and radii are all distinct, so perfect order gives -sqrt(9/13) = -0.83205 and
    never more. Only radii that are exactly equal within each level get to -1. The best stored run
    has -0.8320. A target of -0.85, or -0.8321, is never met, and what waits for it never happens.
    """,
    valid=(
        Example("targets:\n  hierarchy_B: -0.83\n"),
        Example("targets:\n  hierarchy_B: -0.832\n"),
    ),
    invalid=(
        Example(
            "targets:\n  hierarchy_B: -0.9\n",
            fixed="targets:\n  hierarchy_B: -0.83\n",
        ),
        Example(
            "training:\n  hierarchy_threshold: -0.85\n",
            fixed="training:\n  hierarchy_threshold: -0.83\n",
        ),
    ),
)
def target_beyond_ceiling(config: Config) -> Iterator[Problem]:
    size = number(config, SIZE)
    sizes = [] if size is None else [(SIZE, size)]
    for path, value in (*_hierarchy_targets(config), *sizes):
        if abs(value) > -CEILING:
            best = -0.83 if value < 0 else 0.83
            yield Problem(
                path,
                f"{value} can never be reached: distinct radii end at {CEILING:.5f}",
                f"set `{path}: {best}`",
                setting(path, best),
            )


@rule(
    code="TV306",
    name="hierarchy-sign",
    severity="warning",
    summary="A hierarchy target has the wrong sign for this kind of manifold.",
    explanation="""
    A valuation manifold puts high valuations into the centre, so the correlation of valuation and
    radius is negative when all is well. A frequency manifold puts the frequent operations, which
    have low valuations, into the centre: there it is positive. V5.5 models come out at +0.20, which
    was called inverted. A target of the other sign praises the opposite of what the loss does.
    """,
    valid=(
        Example("targets:\n  hierarchy_B: -0.8\n"),
        Example(
            "training:\n  manifold_type: frequency_optimal\n  target_hierarchy: 0.7\n",
            version="manifold",
        ),
    ),
    invalid=(
        Example("targets:\n  hierarchy_B: 0.8\n", fixed="targets:\n  hierarchy_B: -0.8\n"),
        Example(
            "training:\n  manifold_type: frequency_optimal\n  target_hierarchy: -0.7\n",
            version="manifold",
            fixed="training:\n  manifold_type: frequency_optimal\n  target_hierarchy: 0.7\n",
        ),
    ),
)
def hierarchy_sign(config: Config) -> Iterator[Problem]:
    homes = ("training.manifold_type", "model.manifold_type", "manifold_type")
    frequency = any(text(config, home).startswith("frequency") for home in homes)
    for path, value in _hierarchy_targets(config):
        if value < 0 if frequency else value > 0:
            kind = "frequency" if frequency else "valuation"
            good = "positive" if frequency else "negative"
            yield Problem(
                path,
                f"{value} has the wrong sign: in a {kind} manifold a good hierarchy is {good}",
                f"set `{path}: {-value}`",
                setting(path, -value),
            )


rules = (richness_unit, target_beyond_ceiling, hierarchy_sign)
