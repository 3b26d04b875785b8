"""Adds the p-adic losses and the appetitive branch, all of them off unless asked for."""

from cfgmig.migration import Add

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
weights = []
