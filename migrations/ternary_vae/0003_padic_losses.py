"""Adds the p-adic losses and the appetitive branch, all of them off unless asked for."""

from __future__ import annotations

from cfgmig.migration import Add, Convert, Operation, Resized, Weights

revision = "5.6.0"
revises = "5.5.2"

config = [
    Add(
        "padic_losses",
        {
            "enable_metric_loss": False,
            "enable_ranking_loss": False,
            "enable_norm_loss": False,
        },
        implicit=True,
    ),
    Add("appetite_ranking", None, implicit=True),
    Add("appetite_hierarchy", None, implicit=True),
    Add("appetite_curiosity", None, implicit=True),
    Add("appetite_symbiosis", None, implicit=True),
    Add("appetite_closure", None, implicit=True),
    Add("violation_buffer", None, implicit=True),
    Add("phase_gates", None, implicit=True),
    Add("target_correlation", None, implicit=True),
]


def weights(state: Weights) -> list[Operation]:
    """A StateNet with 12 inputs is of 5.6; 5.5 has it where the last three have no weight.

    One with 9 inputs stays as it is: the first code of 5.6 had the same.
    """
    if state.facts.get("state_net") != "v2" or state.facts.get("layout") != "v5.6":
        return []
    return [Convert("state_net.encoder.0.weight", Resized(1, 9, 12))]
