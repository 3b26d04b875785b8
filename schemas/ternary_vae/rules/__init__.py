"""The rules of this family, by topic; `rules` has all of them in the order of their codes.

TV1xx frozen weights, TV2xx what trains, TV3xx geometry and targets, TV4xx schedule and
selection, TV5xx what a file says about itself, TV6xx the flat files of 5.5 to 5.10.
"""

from __future__ import annotations

from . import flat, freeze, frozen, geometry, hygiene, schedule, targets, weights

rules = tuple(
    sorted(
        (
            *frozen.rules,
            *weights.rules,
            *freeze.rules,
            *geometry.rules,
            *targets.rules,
            *schedule.rules,
            *hygiene.rules,
            *flat.rules,
        ),
        key=lambda rule: rule.code,
    )
)
