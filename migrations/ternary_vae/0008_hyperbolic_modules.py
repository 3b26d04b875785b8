"""Adds prior, reconstruction and centroids on the Poincare ball, off unless asked for.

The metric loss loses its scale and its number of pairs, which stay in the stash.
"""

from __future__ import annotations

from cfgmig.migration import STASH, Add, Operation, Remove, Weights

revision = "5.10.0"
revises = "5.9.2"

config = [
    Add("config_version", None, implicit=True),
    Add("model.statenet_hyp_sigma_scale", 0.05, implicit=True),
    Add("model.statenet_hyp_curvature_scale", 0.02, implicit=True),
    Remove("padic_losses.metric_loss_scale", STASH, optional=True),
    Remove("padic_losses.metric_n_pairs", STASH, optional=True),
    Add("padic_losses.ranking_hyperbolic.weight", 0.5, implicit=True),
    Add(
        "padic_losses.hyperbolic_v10",
        {
            "use_hyperbolic_prior": False,
            "use_hyperbolic_recon": False,
            "use_centroid_loss": False,
        },
        implicit=True,
    ),
    Add("log_dir", None, implicit=True),
]
BUFFERS = (
    "r_A_ema", "r_B_ema", "mean_radius_A", "mean_radius_B", "prior_sigma", "curvature",
    "loss_ema", "loss_prev", "loss_grad_ema",
)  # fmt: skip


def weights(state: Weights) -> list[Operation]:
    """StateNet and buffers of 5.10 come back where a downgrade had kept them."""
    if state.facts.get("state_net") in ("v1", "v2"):
        return []
    names = ("state_net", "statenet", *BUFFERS)
    return [Add(name, STASH, optional=True) for name in names]
