"""Lets StateNet scale the ranking weight; the appetitive branch ends here.

Its drives have no successor: they, their buffer, their gates and their target stay in
the file's stash.
"""

from cfgmig.migration import STASH, Add, Remove

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
weights = []
