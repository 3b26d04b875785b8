"""Renames option C to partial freezing and adds homeostasis, rank and zero losses, all off.

`option_c.freeze_encoder_b: true` took encoder B back out of training: such a file has
`option_c.enabled: false` from here on, the default. `false` said nothing beyond
`option_c.enabled`, and never switches it on. The curriculum of the radial loss ends.
"""

from __future__ import annotations

from math import expm1, log
from typing import Any

from cfgmig.errors import LossyError
from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    Custom,
    Operation,
    Remove,
    Values,
    Weights,
)

revision = "5.11.11"
revises = "5.11.0"


def _frozen(data: Any) -> list[Operation]:
    option_c = data.get("option_c") or {}
    if option_c.get("enabled") and option_c.get("freeze_encoder_b"):
        return [Remove("option_c.enabled", STASH)]
    return []


def _thawed(data: Any) -> list[Operation]:
    del data
    return [Add("option_c.enabled", STASH, optional=True)]


config = [
    Convert(
        "model.name",
        Values({"TernaryVAEV5_11_OptionC": "TernaryVAEV5_11_PartialFreeze"}, others="keep"),
        optional=True,
    ),
    Custom(
        "option_c.enabled leaves where freeze_encoder_b had taken encoder B out again.",
        _frozen,
        _thawed,
        touches=("option_c.enabled",),
    ),
    Remove("option_c.freeze_encoder_b", STASH, optional=True),
    Remove("loss.curriculum", STASH, optional=True),
    Remove("loss.geodesic.valuation_scale", STASH, optional=True),
    Remove("loss.radial.max_valuation", STASH, optional=True),
    Remove("loss.radial.valuation_weighting", STASH, optional=True),
    Add("device", {"use_amp": False}, implicit=True),
    Add("model.learnable_curvature", False, implicit=True),
    Add("model.manifold_aware", False, implicit=True),
    Add("model.projection_hidden_dim", None, implicit=True),
    Add("model.projection_layers", 1, implicit=True),
    Add("model.projection_dropout", 0.1, implicit=True),
    Add("option_c.encoder_a_lr_scale", 0.05, implicit=True),
    Add("homeostasis", {"enabled": False}, implicit=True),
    Add("progressive_unfreeze", {"enabled": False}, implicit=True),
    Add("loss.radial.margin_weight", 1.0, implicit=True),
    Add("loss.rank", {"enabled": False}, implicit=True),
    Add("loss.zero_structure", {"enabled": False}, implicit=True),
    Add("riemannian", {"enabled": False}, implicit=True),
    Add("training.use_stratified", False, implicit=True),
    Add("training.use_adaptive", False, implicit=True),
    Add("training.hierarchy_threshold", -0.7, implicit=True),
    Add("training.patience", 20, implicit=True),
    Add("training.min_epochs", 30, implicit=True),
    Add("training.print_every", None, implicit=True),
    Add("checkpoints.checkpoint_name", None, implicit=True),
    Add("targets.Q_target", None, implicit=True),
    Add("memory", {"gradient_checkpointing": False}, implicit=True),
]


def weights(state: Weights) -> list[Operation]:
    """The curvature is a tensor from here on: isp_c, with softplus(isp_c) = c.

    The first code of 5.11.0 had none; later code did, so the way back leaves it. A second
    hidden layer of the projection exists from 5.11.11 on.
    """
    from checkpoint_tools.plan import Init

    if state.facts.get("projection_layers", 1) > 1:
        raise LossyError(
            "5.11.0 has a projection with 1 hidden layer, and this one has more",
            help="convert it for a config with model.projection_layers: 1 first",
        )
    if state.facts.get("isp_c") is not False:
        return []
    dual = state.facts["use_dual_projection"]
    nets = ("projection.proj_A", "projection.proj_B") if dual else ("projection",)
    dtype = state.tensors[f"{nets[0]}.direction_net.0.weight"].dtype
    value = log(expm1(_curvature(state.config)))
    return [Add(f"{net}.manifold.isp_c", Init(dtype, (), "constant", value)) for net in nets]


def _curvature(config: Any) -> float:
    """The curvature that the config inside states, in a section or as an option; else 1."""
    model = config.get("model")
    found = (model if isinstance(model, dict) else config).get("curvature", 1.0)
    return float(found) if isinstance(found, int | float) and found > 0 else 1.0


def _measured(data: Any) -> list[Operation]:
    """A coverage that does not say how it was measured was measured by decoding the means."""
    metrics = data.get("metrics")
    if not isinstance(metrics, dict) or "coverage" not in metrics:
        return []
    known = "coverage_definition" in metrics
    return [] if known else [Add("metrics.coverage_definition", "cov_mu")]


def _stays(data: Any) -> list[Operation]:
    del data
    return []


checkpoint = [
    Custom(
        "The coverage says how it was measured: by decoding the means (cov_mu).",
        _measured,
        _stays,
        touches=("metrics.coverage_definition",),
    ),
]
