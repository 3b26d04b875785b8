"""Says what the decoder reads: older files keep the encoder's latent, `mu`.

`model.projection_hidden_dim`, a second name of `model.hidden_dim`, goes; a file in which
the two differ is refused, since only its author knows which one was meant.
"""

from cfgmig.migration import STASH, Add, Convert, CopyOf, Custom, Remove, Values

revision = "5.12.1"
revises = "5.12.0"

SECOND = "model.projection_hidden_dim"


def _one_name(data):
    model = data.get("model") or {}
    second = model.get("projection_hidden_dim")
    if second is None or second == model.get("hidden_dim"):
        return [Remove(SECOND, STASH, optional=True)]
    return [Remove(SECOND, CopyOf("model.hidden_dim"))]


def _both_names(data):
    del data
    return [Add(SECOND, STASH, optional=True)]


config = [
    Custom(
        "model.projection_hidden_dim is dropped where it equals model.hidden_dim.",
        _one_name,
        _both_names,
        touches=(SECOND,),
    ),
    Add("model.decoder_input", "mu"),
    Add("version.changes", [], implicit=True),
    Convert("version.model", Values({"5.12": "5.12.1"}, others="keep"), optional=True),
]
weights = []
