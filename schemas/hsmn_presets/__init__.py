"""The curriculum presets that came with HSMN: named lists of stages and of datasets.

The file's own `version` never changed; which release it is from shows in its presets.
"""

from __future__ import annotations

from cfgmig.schema import Family, Has, Says, Version

_LEAD = "presets.verso-baseline.version"

family = Family(
    name="hsmn_presets",
    title="HSMN presets",
    versions=(
        Version(
            "2.0.0",
            ".presets:Presets",
            "Ten presets; eight of them say no version of their own.",
            evidence=(
                Says(_LEAD, r"[0-3]\..*"),
                Has("presets.general-language", weight=0.6),
            ),
        ),
        Version(
            "4.0.0",
            ".presets:Presets",
            "Two presets are left, and the first has other stages; the keys are the same.",
            evidence=(Says(_LEAD, r"[4-9]\..*"),),
        ),
    ),
)
