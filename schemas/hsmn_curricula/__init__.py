"""The curricula that HSMN's web page saved: a list of them, with no key for a version."""

from __future__ import annotations

from cfgmig.schema import Family, Has, Holds, Version

_STAGES = Has("[0].stages")
_RATE = "*.stages.*.learning_rate"

family = Family(
    name="hsmn_curricula",
    title="HSMN curricula",
    versions=(
        Version(
            "1",
            ".v1:Curricula",
            "As the web page saved them: learning rates are text, weights may be negative.",
            evidence=(_STAGES, Holds(_RATE, "text", weight=1.0)),
        ),
        Version(
            "2",
            ".v2:Curricula",
            "Learning rates are numbers, every stage has a positive weight.",
            evidence=(_STAGES,),
        ),
    ),
)
