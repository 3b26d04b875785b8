from __future__ import annotations

from collections.abc import Iterator

from cfgmig.schema import Config, Example, Problem, rule


@rule(
    code="DM101",
    name="too-wide",
    severity="warning",
    summary="A width above 1000 does not fit.",
    explanation="Measured.",
    since="2.0",
    valid=(Example("model:\n  width: 64\n"),),
    invalid=(Example("model:\n  width: 2000\n"),),
)
def too_wide(config: Config) -> Iterator[Problem]:
    width = config.get("model.width")
    if isinstance(width, int) and width > 1000:
        yield Problem("model.width", f"a width of {width} does not fit", help="use 1000")


@rule(
    code="DM102",
    name="weights-file",
    severity="error",
    summary="The file that `extra.weights` names must exist.",
    explanation="Looked for below the project and beside the config.",
    valid=(Example("extra:\n  weights: a.pt\n", files=("a.pt",)),),
    invalid=(Example("extra:\n  weights: a.pt\n"),),
)
def weights_file(config: Config) -> Iterator[Problem]:
    name = config.get("extra.weights")
    if isinstance(name, str) and not config.resolve(name).exists():
        yield Problem("extra.weights", f"there is no {name}")


rules = (too_wide, weights_file)
