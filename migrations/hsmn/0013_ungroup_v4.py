"""Lays the groups of a search's file of v4 out flat; its search space and its runner stay whole.

The budget is said once afterwards. Whether a file that says it twice, in two numbers, means
the one of the whole search or that of `model_config`, is for its writer to say.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import Custom, Operation, Regroup, Unite

revision = "flat-v4"
revises = "grouped-v4"

OWN = ("param_budget", "search_space", "hpo_runner")
GROUPED = Regroup({key: key for key in OWN}, rest="model_config")


def _out(data: Any) -> list[Operation]:
    del data
    return [GROUPED.reverse()]


def _in(data: Any) -> list[Operation]:
    del data
    return [GROUPED]


config = [
    Unite(
        "model_config.param_budget",
        "param_budget",
        alone="target",
        meanings=("what a trial began with", "what the search was given"),
    ),
    Custom("The keys of model_config move to the top level.", _out, _in, touches=("*",)),
]
weights = []
