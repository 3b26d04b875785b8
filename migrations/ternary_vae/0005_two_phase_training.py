"""Adds two-phase training and hard negatives; the ranking weight has one place again.

5.7 ranked with `model.base_ranking_weight` where it was given, whatever
`padic_losses.ranking_loss_weight` said. Where the two differ, the former stays and the
latter goes into the stash. `model.statenet_ranking_scale` has no effect in 5.8, but keeps
its place: 5.9 uses it again.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    Custom,
    Move,
    Operation,
    Remove,
    Resized,
    Weights,
)

revision = "5.8.0"
revises = "5.7.0"

BASE = "model.base_ranking_weight"
OWN = "padic_losses.ranking_loss_weight"
ASIDE = "padic_losses.ranking_loss_weight_of_5_8"


def _values(data: Any) -> tuple[Any, Any]:
    base = (data.get("model") or {}).get("base_ranking_weight")
    own = (data.get("padic_losses") or {}).get("ranking_loss_weight")
    return base, own


def _up(data: Any) -> list[Operation]:
    base, own = _values(data)
    if base is None or base == own:
        return []  # the second name itself is stashed below
    return [Remove(OWN, STASH, optional=True), Add(OWN, base)]


def _down(data: Any) -> list[Operation]:
    base, own = _values(data)
    if base is None or base != own:
        return []
    choose = Custom("The weight that was given before comes back.", _choose, _choose)
    return [Move(OWN, ASIDE), Add(OWN, STASH, optional=True), choose]


def _choose(data: Any) -> list[Operation]:
    base, own = _values(data)
    return [Move(ASIDE, OWN)] if own is None else [Remove(ASIDE, base)]


config = [
    Custom(
        "The ranking weight is padic_losses.ranking_loss_weight alone.",
        _up,
        _down,
        touches=(BASE, OWN),
    ),
    Remove(BASE, STASH, optional=True),
    Add("padic_losses.enable_ranking_loss_v2", False, implicit=True),
    Add("padic_losses.ranking_v2", {}, implicit=True),
    Add("two_phase_training", None, implicit=True),
]


def weights(state: Weights) -> list[Operation]:
    """StateNet of 5.7 leaves with its buffers; the first one gets columns for three inputs more.

    5.8 trained the model of 5.6, whose StateNet has 12 inputs. A new input with weights of zero
    changes nothing.
    """
    kind = state.facts.get("state_net")
    if kind == "v1":
        return [Convert("state_net.encoder.0.weight", Resized(1, 9, 12))]
    if kind == "v2":
        return []
    return [Remove(name, STASH, optional=True) for name in ("state_net", "r_A_ema", "r_B_ema")]
