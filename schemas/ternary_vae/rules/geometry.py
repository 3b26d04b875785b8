"""TV301-TV303, TV307-TV310: radii, curvature and the parts of the loss that work on them."""

from __future__ import annotations

from math import tanh
from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from .read import (
    adding,
    dropping,
    fmt,
    is_hyperbolic,
    number,
    on,
    reach,
    section,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

INNER, OUTER = "loss.radial.inner_radius", "loss.radial.outer_radius"
METRIC = "loss.radius_metric"
INERT = (
    "model.learnable_curvature",
    "model.learnable_weights",
    "learnable_curvature",
    "learnable_weights",
)


@rule(
    code="TV301",
    name="radii-order",
    severity="error",
    summary="inner_radius is not smaller than outer_radius.",
    explanation="""
    inner_radius is where valuation 9 belongs (the centre), outer_radius where valuation 0 does (the
    rim). The target of level v is outer - v/9 (outer - inner), and the margin between two levels is
    a ninth of the difference: exchanged radii turn the whole hierarchy inside out, and hierarchy_B
    comes out positive.
    """,
    valid=(Example("loss:\n  radial:\n    inner_radius: 0.08\n    outer_radius: 0.9\n"),),
    invalid=(
        Example(
            "loss:\n  radial:\n    inner_radius: 0.9\n    outer_radius: 0.08\n",
            fixed="loss:\n  radial:\n    inner_radius: 0.08\n    outer_radius: 0.9\n",
        ),
        Example(
            "radial_stratification:\n  inner_radius: 0.9\n  outer_radius: 0.9\n", version="5.10.1"
        ),
    ),
)
def radii_order(config: Config) -> Iterator[Problem]:
    for home in ("loss.radial", "radial_stratification"):
        keys = f"{home}.inner_radius", f"{home}.outer_radius"
        inner, outer = (number(config, key) for key in keys)
        if inner is None or outer is None or inner < outer:
            continue
        fix = setting(keys[0], outer)
        exchange = type(fix)((*fix.changes, *setting(keys[1], inner).changes), safe=False)
        yield Problem(
            keys[0],
            f"inner_radius {fmt(inner)} is not below outer_radius {fmt(outer)}",
            f"exchange the two: `{keys[0]}: {fmt(outer)}`, `{keys[1]}: {fmt(inner)}`"
            if inner > outer
            else f"set `{keys[0]}` below {fmt(outer)} (usual: 0.08)",
            exchange if inner > outer else None,
        )


@rule(
    code="TV302",
    name="outer-radius-outside-ball",
    severity="error",
    summary="outer_radius lies outside the ball that max_radius allows.",
    explanation="""
    The projection multiplies a sigmoid by max_radius, so no point ever gets further out, and the
    loss pulls valuation 0 (two thirds of all operations) towards a place it cannot reach; all of it
    ends on the rim, and the levels next to it with it.

    The limit depends on the unit. As a Euclidean norm (up to 5.12.1, or radius_metric: euclidean)
    it is max_radius itself. As a hyperbolic distance it is 2 artanh(max_radius) for curvature 1:
    3.664 for 0.95, 5.293 for 0.99.
    """,
    valid=(
        Example("model:\n  max_radius: 0.95\nloss:\n  radial:\n    outer_radius: 3.6\n"),
        Example("loss:\n  radial:\n    outer_radius: 0.9\n", version="5.11.0"),
    ),
    invalid=(
        Example("model:\n  max_radius: 0.95\nloss:\n  radial:\n    outer_radius: 3.7\n"),
        Example(
            "model:\n  max_radius: 0.95\nloss:\n  radial:\n    outer_radius: 0.95\n",
            version="5.12.0",
        ),
    ),
)
def outer_outside_ball(config: Config) -> Iterator[Problem]:
    outer, limit = number(config, OUTER), reach(config)
    if outer is not None and limit is not None and outer >= limit:
        unit = "as a hyperbolic distance" if is_hyperbolic(config) else "as a Euclidean norm"
        yield Problem(
            OUTER,
            f"outer_radius {fmt(outer)} is outside the ball, which ends at {limit:.3f} {unit}",
            f"set `{OUTER}` below {limit:.3f}",
        )


@rule(
    code="TV303",
    name="radius-unit-unsaid",
    severity="info",
    summary="The unit of the radii changed at 5.12.2, and the file does not say which it means.",
    explanation="""
    Up to 5.12.1 inner_radius and outer_radius are Euclidean norms, from 5.12.2 on hyperbolic
    distances, under the same keys and with similar numbers: 0.90 as a norm is a distance of 2.944,
    and 0.90 as a distance is a norm of 0.422. A config that was carried along by hand asks for a
    ball of half the size without a word.

    The fix writes down the unit that is in force, so nothing changes. If the numbers come from an
    older file, write euclidean instead.
    """,
    since="5.12.2",
    valid=(
        Example(
            "loss:\n  radius_metric: hyperbolic\n  radial:\n    inner_radius: 0.08\n    outer_radius: 0.9\n"
        ),
    ),
    invalid=(Example("loss:\n  radial:\n    inner_radius: 0.08\n    outer_radius: 0.9\n"),),
)
def radius_unit_unsaid(config: Config) -> Iterator[Problem]:
    outer = number(config, OUTER)
    if outer is not None and is_hyperbolic(config) and not config.has(METRIC):
        norm = tanh(outer / 2)
        yield Problem(
            OUTER,
            f"outer_radius {fmt(outer)} is a hyperbolic distance here (Euclidean norm {norm:.3f})",
            f"add `{METRIC}: hyperbolic`, or `euclidean` if the number comes from before 5.12.2",
            adding(METRIC, "hyperbolic", safe=True) if config.version != "foundation" else None,
        )


@rule(
    code="TV307",
    name="zero-structure-against-hierarchy",
    severity="info",
    summary="The zero_structure loss works against the hierarchy that the other losses build.",
    explanation="""
    It pulls operations with many leading digits 0 inwards; valuation counts leading digits -1. The
    two orders disagree (Spearman -0.48). Measured over 12 epochs, same seed: hierarchy_B -0.8126
    with it and -0.8242 without, at the price of some richness (0.0033 against 0.0022, hyperbolic).
    Switch it off for hierarchy, keep it to compare with older runs.
    """,
    valid=(
        Example("loss:\n  zero_structure:\n    enabled: false\n"),
        Example(
            "loss:\n  zero_structure:\n    enabled: true\n    valuation_weight: 0.0\n    sparsity_weight: 0\n"
        ),
    ),
    invalid=(
        Example(
            "loss:\n  zero_structure:\n    enabled: true\n    valuation_weight: 0.5\n",
            fixed="loss:\n  zero_structure:\n    enabled: false\n    valuation_weight: 0.5\n",
        ),
    ),
)
def zero_structure(config: Config) -> Iterator[Problem]:
    where = "loss.zero_structure"
    weights = [number(config, f"{where}.{name}_weight") for name in ("valuation", "sparsity")]
    if on(config, f"{where}.enabled") and weights != [0, 0]:
        yield Problem(
            f"{where}.enabled",
            "zero_structure pulls against the hierarchy (hierarchy_B -0.813 with, -0.824 without)",
            f"set `{where}.enabled: false` if hierarchy matters most",
            setting(f"{where}.enabled", False),
        )


@rule(
    code="TV308",
    name="inert-switch",
    severity="info",
    summary="A switch promises learning that the family's own trainers do not do.",
    explanation="""
    In the trainers that the family was released with, learnable_curvature makes a parameter that
    no forward pass uses, so it never gets a gradient: its value is the same before and after
    training, and the optimizer holds no state for it. Their controller (use_controller) and the
    StateNet before it are in the same position, and so is whatever learnable_weights hangs on it.
    Switching them cannot improve a run there; they only add tensors that a checkpoint must match.
    The trainer in examples/ternary_vae takes distances with the curvature of the parameter, so
    learnable_curvature does train there, and a config that is for that trainer alone may ignore
    this.
    """,
    valid=(Example("model:\n  use_controller: true\n  learnable_curvature: false\n"),),
    invalid=(Example("model:\n  learnable_curvature: true\n"),),
)
def inert_switch(config: Config) -> Iterator[Problem]:
    for path in INERT:
        if on(config, path):
            yield Problem(
                path,
                f"{path.rpartition('.')[2]} has no effect in the family's released trainers: its "
                "parameter never gets a gradient there",
                f"nothing to do; `{path}: false` would say what those trainers do",
            )


@rule(
    code="TV309",
    name="hidden-dim-twice",
    severity="error",
    summary="projection_hidden_dim and hidden_dim name different widths for the same network.",
    explanation="""
    Both mean the width of the projection: the command line of 5.11 calls it projection_hidden_dim,
    the model's constructor hidden_dim, and the files of that time have both. During 5.12.0 the
    first was removed. With two values, which one is built depends on the script; the fix keeps
    hidden_dim, which is what every later trainer reads.
    """,
    until="5.12.0",
    valid=(
        Example(
            "model:\n  hidden_dim: 64\n  projection_hidden_dim: 64\n",
            version="5.11.11",
        ),
    ),
    invalid=(
        Example(
            "model:\n  hidden_dim: 64\n  projection_hidden_dim: 128\n",
            version="5.11.11",
            fixed="model:\n  hidden_dim: 64\n",
        ),
    ),
)
def hidden_dim_twice(config: Config) -> Iterator[Problem]:
    own, other = (number(config, f"model.{n}") for n in ("projection_hidden_dim", "hidden_dim"))
    if own is not None and other is not None and own != other:
        yield Problem(
            "model.projection_hidden_dim",
            f"projection_hidden_dim {own} and hidden_dim {other} are the same width, once too often",
            f"keep one: set `model.hidden_dim: {own}` if that is meant, and remove the other",
            dropping("model.projection_hidden_dim"),
        )


@rule(
    code="TV310",
    name="two-curvatures",
    severity="warning",
    summary="The loss measures distances in another curvature than the model projects to.",
    explanation="""
    model.curvature shapes the ball, loss.geodesic.curvature the distances inside it. They are two
    keys for one quantity; with different values the geodesic targets (0 to max_target_distance) no
    longer belong to the points they are compared with. All released files have 1.0 twice.
    """,
    valid=(Example("model:\n  curvature: 1.0\nloss:\n  geodesic:\n    curvature: 1.0\n"),),
    invalid=(
        Example(
            "model:\n  curvature: 2.2\nloss:\n  geodesic:\n    curvature: 1.0\n",
            fixed="model:\n  curvature: 2.2\nloss:\n  geodesic:\n    curvature: 2.2\n",
        ),
    ),
)
def two_curvatures(config: Config) -> Iterator[Problem]:
    model, loss = number(config, "model.curvature"), number(config, "loss.geodesic.curvature")
    is_used = section(config, "loss.geodesic").get("enabled") is not False
    if model is not None and loss is not None and model != loss and is_used:
        yield Problem(
            "loss.geodesic.curvature",
            f"loss.geodesic.curvature {fmt(loss)} is not model.curvature {fmt(model)}",
            f"set `loss.geodesic.curvature: {fmt(model)}`",
            setting("loss.geodesic.curvature", model),
        )


rules = (
    radii_order,
    outer_outside_ball,
    radius_unit_unsaid,
    zero_structure,
    inert_switch,
    hidden_dim_twice,
    two_curvatures,
)
