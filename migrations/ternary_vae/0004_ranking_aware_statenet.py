"""Lets StateNet scale the ranking weight; the appetitive branch ends here.

Its drives have no successor: they, their buffer, their gates and their target stay in
the file's stash.
"""

from __future__ import annotations

from cfgmig.migration import STASH, Add, Operation, Remove, Weights

revision = "5.7.0"
revises = "5.6.0"

config = [
    Add("model.statenet_ranking_scale", 0.0, implicit=True),
    Add("model.base_ranking_weight", None, implicit=True),
    Add("target_ranking_correlation", None, implicit=True),
    Remove("appetite_ranking", STASH, optional=True),
    Remove("appetite_hierarchy", STASH, optional=True),
    Remove("appetite_curiosity", STASH, optional=True),
    Remove("appetite_symbiosis", STASH, optional=True),
    Remove("appetite_closure", STASH, optional=True),
    Remove("violation_buffer", STASH, optional=True),
    Remove("phase_gates", STASH, optional=True),
    Remove("target_correlation", STASH, optional=True),
]


def weights(state: Weights) -> list[Operation]:
    """StateNet of 5.7 and its two buffers come back where a downgrade had kept them."""
    if state.facts.get("state_net") in ("v1", "v2"):
        return []
    return [Add(name, STASH, optional=True) for name in ("state_net", "r_A_ema", "r_B_ema")]
