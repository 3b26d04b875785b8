"""Adds radial strata and their curriculum; log_interval counts batches, not epochs.

An interval of n epochs becomes n times the batches of one epoch of this very file
(62 at a batch size of 256); without one, both versions log once per epoch. Ranking with
hard negatives leaves; its settings stay in the stash.
"""

from math import ceil

from cfgmig.migration import STASH, Add, Convert, Custom, Remove, Values

revision = "5.10.1"
revises = "5.10.0"


def _batches(data):
    """Batches of one epoch: the training share of all operations, in batches."""
    samples = (data.get("ternary_dataset") or {}).get("num_samples", 19683)
    return ceil(int(data.get("train_split", 0.8) * samples) / data["batch_size"])


def _to_batches(data):
    if "log_interval" not in data:
        return []
    epochs = data["log_interval"]
    return [Convert("log_interval", Values({epochs: epochs * _batches(data)}))]


def _to_epochs(data):
    batches = data.get("log_interval")
    if batches is None:
        return [Remove("log_interval", STASH, optional=True)]
    epochs = max(1, round(batches / _batches(data)))
    return [Convert("log_interval", Values({batches: epochs}))]


config = [
    Custom(
        "log_interval: epochs become batches.",
        _to_batches,
        _to_epochs,
        touches=("log_interval", "batch_size", "train_split", "ternary_dataset.num_samples"),
    ),
    Convert("config_version", Values({"5.10": "5.10.1"}, others="keep"), optional=True),
    Add("model.statenet_version", 4, implicit=True),
    Add("model.statenet_curriculum_scale", 0.1, implicit=True),
    Add("radial_stratification", None, implicit=True),
    Add("curriculum", None, implicit=True),
    Add("gpu_resident", False, implicit=True),
    Remove("padic_losses.enable_ranking_loss_v2", STASH, optional=True),
    Remove("padic_losses.ranking_v2", STASH, optional=True),
    Add("padic_losses.ranking_loss", {}, implicit=True),
    Add("padic_losses.hyperbolic_v10.prior.kl_target", 50.0, implicit=True),
    Add("padic_losses.hyperbolic_v10.prior.target_radius", 0.5, implicit=True),
    Add("padic_losses.hyperbolic_v10.prior.ema_alpha", 0.05, implicit=True),
    Add("correlation_feedback", None, implicit=True),
    Add("exploration_boost", None, implicit=True),
    Add("correlation_loss", None, implicit=True),
    Add("histogram_interval", 0, implicit=True),
    Add("embedding_interval", 0, implicit=True),
    Add("embedding_n_samples", 0, implicit=True),
]
weights = []
