"""HP101 and HP102: what the newer release of the presets does not have any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfgmig.paths import format_path
from cfgmig.schema import Config, Example, Problem, rule

GONE = (
    "chat-conversational",
    "code-programming",
    "domain-specialized",
    "general-language",
    "instruction-following",
    "multilingual",
    "reasoning-logic",
    "reasoning-math",
)
"""Shipped with 2.0.0 and not with 4.0.0."""
LEAD, STAGES, DATASETS = "verso-baseline", 12, 7
"""The preset whose content changed, and how long its two lists are in 4.0.0."""
_HEAD = "presets:\n"


def _presets(config: Config) -> dict[str, Any]:
    found = config.get("presets")
    return found if isinstance(found, dict) else {}


@rule(
    code="HP101",
    name="preset-not-shipped",
    severity="warning",
    summary="A preset of 2.0.0 is not among those that come with 4.0.0.",
    explanation="""
    2.0.0 came with ten presets, 4.0.0 comes with two. A file that is copied from the newer
    release over this one takes eight presets away, and a search that names one of them finds
    nothing. `cfgmig upgrade` takes none away: what is in the file stays in it.
    """,
    until="2.0.0",
    valid=(Example(f"{_HEAD}  250m-balanced: {{hf_datasets: [a]}}\n", version="2.0.0"),),
    invalid=(Example(f"{_HEAD}  reasoning-math: {{hf_datasets: [a]}}\n", version="2.0.0"),),
)
def preset_not_shipped(config: Config) -> Iterator[Problem]:
    """One problem per preset, at its name."""
    for name in _presets(config):
        if name in GONE:
            yield Problem(
                format_path(("presets", name)),
                f"the preset `{name}` does not come with 4.0.0; an upgrade keeps it here",
                "do not copy the newer release's file over this one",
                part="key",
            )


@rule(
    code="HP102",
    name="preset-changed",
    severity="warning",
    summary="The preset `verso-baseline` has other stages and fewer datasets in 4.0.0.",
    explanation="""
    From 2.0.0 to 4.0.0 its 8 stages became 12 others, and its flat list of datasets went from
    28 to 7. Code that reads the flat list alone trains on a quarter of the data from then on.
    `cfgmig upgrade` changes neither list: the preset keeps what it says, and its own version.
    """,
    until="2.0.0",
    valid=(Example(f"{_HEAD}  verso-baseline: {{version: 4.0.0}}\n", version="2.0.0"),),
    invalid=(
        Example(
            f"{_HEAD}  verso-baseline: {{version: 2.0.0, hf_datasets: [a]}}\n", version="2.0.0"
        ),
    ),
)
def preset_changed(config: Config) -> Iterator[Problem]:
    """At the preset's name."""
    lead = _presets(config).get(LEAD)
    if not isinstance(lead, dict) or not str(lead.get("version", "0")).startswith(tuple("0123")):
        return
    stages, datasets = (len(lead.get(key) or ()) for key in ("stages", "hf_datasets"))
    yield Problem(
        format_path(("presets", LEAD)),
        f"the preset `{LEAD}` has {stages} stages and {datasets} datasets in its flat list; in"
        f" 4.0.0 it has {STAGES} and {DATASETS}, and an upgrade keeps those of this file",
        "take the newer preset under a name of its own, if you want both",
        part="key",
    )


rules = (preset_not_shipped, preset_changed)
