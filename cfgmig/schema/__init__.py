"""What a family declares and what the engine makes of it; every import is lazy.

Content imports its words from here: `from cfgmig.schema import Family, Version, Says`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfgmig.schema.evidence import Evidence, Has, Heading, Holds, Lacks, Mentions, Named, Says
    from cfgmig.schema.family import Family, Version
    from cfgmig.schema.matrix import Matrix, Row
    from cfgmig.schema.profile import Profile
    from cfgmig.schema.rules import Config, Example, Fix, Problem, Rule, rule

_HOMES = {
    "Evidence": "evidence",
    "Has": "evidence",
    "Heading": "evidence",
    "Holds": "evidence",
    "Lacks": "evidence",
    "Mentions": "evidence",
    "Named": "evidence",
    "Says": "evidence",
    "Family": "family",
    "Version": "family",
    "Matrix": "matrix",
    "Row": "matrix",
    "Profile": "profile",
    "Config": "rules",
    "Example": "rules",
    "Fix": "rules",
    "Problem": "rules",
    "Rule": "rules",
    "rule": "rules",
}

__all__ = [
    "Config",
    "Evidence",
    "Example",
    "Family",
    "Fix",
    "Has",
    "Heading",
    "Holds",
    "Lacks",
    "Matrix",
    "Mentions",
    "Named",
    "Problem",
    "Profile",
    "Row",
    "Rule",
    "Says",
    "Version",
    "rule",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
