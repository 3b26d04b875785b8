"""HC101 and HC102: weights that repeated subtraction left behind."""

from __future__ import annotations

from collections.abc import Iterator

from cfgmig.document.changes import Delete, SetValue
from cfgmig.paths import Path, format_path
from cfgmig.schema import Config, Example, Fix, Problem, rule

DRIFT = 1e-14
"""More than a few roundings lose from a number near 1."""
_HEAD = "- id: a\n  stages:\n"


def _weighed(config: Config) -> Iterator[tuple[Path, str, int, float]]:
    """Every stage with a weight: path, name, the number of stages around it, the weight."""
    for outer, curriculum in enumerate(config.data if isinstance(config.data, list) else ()):
        stages = curriculum.get("stages") if isinstance(curriculum, dict) else None
        for inner, stage in enumerate(stages if isinstance(stages, list) else ()):
            weight = stage.get("weight") if isinstance(stage, dict) else None
            if isinstance(weight, int | float) and not isinstance(weight, bool):
                yield (outer, "stages", inner), stage.get("name"), len(stages), weight


@rule(
    code="HC101",
    name="stage-without-weight",
    severity="error",
    summary="The weight of a stage is not above 0.",
    explanation="""
    The web page gave every stage 0.1 less than the one before it, so the eleventh stage of a
    curriculum weighs 0.0 and the twelfth -0.1. A share of the training that is zero or
    negative is none, yet the stage is listed, with its epochs and its learning rate: nobody
    can say whether it is to be trained.

    Give the stage a weight above 0, or leave it out. The fix, an unsafe one, leaves it out.
    """,
    until="1",
    valid=(Example(f"{_HEAD}  - {{name: one, weight: 0.1}}\n", version="1"),),
    invalid=(
        Example(
            f"{_HEAD}  - {{name: one, weight: 0.1}}\n  - {{name: two, weight: 0.0}}\n",
            version="1",
            fixed=f"{_HEAD}  - {{name: one, weight: 0.1}}\n",
        ),
        Example(f"{_HEAD}  - {{name: one, weight: -0.1}}\n", version="1"),
    ),
)
def stage_without_weight(config: Config) -> Iterator[Problem]:
    """At the weight; one fix takes out all such stages of a curriculum, unless none is left.

    One by one they would be counted anew in between, and others would be hit.
    """
    idle = [one for one in _weighed(config) if one[3] <= 0]
    for index, (path, name, count, weight) in enumerate(idle):
        group = [other for other, *_ in idle if other[:2] == path[:2]]
        is_first = index == 0 or idle[index - 1][0][:2] != path[:2]
        changes = tuple(Delete(other) for other in reversed(group))
        yield Problem(
            format_path((*path, "weight")),
            f"the stage {name!r} has the weight {weight!r}: it has no share of the training",
            "give it a weight above 0, or leave the stage out",
            Fix(changes, safe=False) if is_first and len(group) < count else None,
        )


@rule(
    code="HC102",
    name="drifted-weight",
    severity="warning",
    summary="The weight of a stage is a round number less an error of subtraction.",
    explanation="""
    1.0 less 0.1, six times over, is 0.3999999999999999 in binary floating point. Compared
    with 0.4, or added up to a sum that must be 1, it is not what was meant.

    The fix writes the round number; it is an unsafe one, for the number changes.
    """,
    valid=(Example(f"{_HEAD}  - {{name: one, weight: 0.4}}\n"),),
    invalid=(
        Example(
            f"{_HEAD}  - {{name: one, weight: 0.3999999999999999}}\n",
            fixed=f"{_HEAD}  - {{name: one, weight: 0.4}}\n",
        ),
    ),
)
def drifted_weight(config: Config) -> Iterator[Problem]:
    """At the weight, where it is above 0; behind a stage that may go, paths are not certain."""
    shaky: set[Path] = set()
    for path, name, _, weight in _weighed(config):
        shaky |= {path[:2]} if weight <= 0 else set()
        meant = round(weight, 9)
        if weight <= 0 or meant in (weight, 0) or abs(meant - weight) > DRIFT * max(1.0, weight):
            continue
        at = (*path, "weight")
        fix = None if path[:2] in shaky else Fix((SetValue(at, meant),), safe=False)
        said = f"the weight of the stage {name!r} is {weight!r}, an error of rounding off {meant!r}"
        yield Problem(format_path(at), said, f"write {meant!r}", fix)


rules = (stage_without_weight, drifted_weight)
