"""Says what the decoder reads: older files keep the encoder's latent, `mu`.

`model.projection_hidden_dim`, a second name of `model.hidden_dim`, goes; a file in which
the two differ is refused, since only its author knows which one was meant.
"""

from __future__ import annotations

from typing import Any

from cfgmig.errors import LossyError
from cfgmig.migration import STASH, Add, Convert, CopyOf, Custom, Operation, Remove, Values

revision = "5.12.1"
revises = "5.12.0"

SECOND = "model.projection_hidden_dim"


def _one_name(data: Any) -> list[Operation]:
    model = data.get("model") or {}
    second = model.get("projection_hidden_dim")
    if second is None or second == model.get("hidden_dim"):
        return [Remove(SECOND, STASH, optional=True)]
    return [Remove(SECOND, CopyOf("model.hidden_dim"))]


def _both_names(data: Any) -> list[Operation]:
    del data
    return [Add(SECOND, STASH, optional=True)]


INPUT = "model.decoder_input"


def _latent(data: Any) -> list[Operation]:
    del data
    return [Add(INPUT, "mu")]


def _unsaid(data: Any) -> list[Operation]:
    if (data.get("model") or {}).get("decoder_input") != "mu":
        raise LossyError(
            "the decoder of this file reads the tangent space, that of 5.12.0 the latent",
            help=f"go down no further than 5.12.1, or write `{INPUT}: mu` if that is meant",
        )
    return [Remove(INPUT, "mu")]


config = [
    Custom(
        "model.projection_hidden_dim is dropped where it equals model.hidden_dim.",
        _one_name,
        _both_names,
        touches=(SECOND,),
    ),
    Custom(
        "model.decoder_input says that older files decode the latent, mu.",
        _latent,
        _unsaid,
        touches=(INPUT,),
    ),
    Add("version.changes", [], implicit=True),
    Convert("version.model", Values({"5.12": "5.12.1"}, others="keep"), optional=True),
]
weights = []


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
