"""Which model takes which checkpoint: by what it is fed, and by who wrote the file.

A config states its model by `data.hd.enabled` and `model.adapter.expand`. Vocabulary and
dimensions decide too, but they convert: the notes say how.
"""

from __future__ import annotations

from cfgmig.schema.matrix import Matrix, Row, Verdict

CODEBOOK = "tokenizer codebook of the checkpoint"
KEYS = "position keys of the checkpoint (data.hd.keys, seed, hd_dim)"

TOKENS, UNBIND, CLEANUP, BROADCAST = (
    "token_ids",
    "hd_bundle (unbind)",
    "hd_bundle (cleanup)",
    "hd_bundle (broadcast)",
)
"""The models, as `model.input.kind` and `model.adapter.expand` name them."""

OLD_FOLDER, OLD_WEIGHTS = "old folder (model.keras)", "old weights (.weights.h5)"
"""What the old program saved: with a config beside it, and without."""

_CLOSED = "its blocks run in closed kernels and tensor trains: other tensors, no source to port"
_BARE = "tensors without a config: useless even to the old program without the trial's file"
_AGAIN = "train again from the upgraded config"
_FITTED = (
    "blocks and head fit; an adapter is fitted to the table of ids: a warm start (held-out R2 0.39"
    " at hd_dim 1024 and 16 positions, 0.53 at 4096)"
)
_FRESH = "blocks and head fit; the adapter starts afresh"
_ROWS = "blocks and head fit; the row of an id is what the adapter makes of it alone: a warm start"
_APART = "ids are not apart in what it projects, so nothing makes a row of each"
_DECODES = (
    "the table stays and a clean-up feeds it: exact where each of a sample's ids is found (1.00 at"
    " hd_dim 1024, 16 positions, unitary keys), refused where one is not"
)
_BACK = "its table of ids stays, what cleaned up leaves: the same logits"
_CONVERT = "`cfgmig checkpoint convert --for` the config"
_SAME_TENSORS = "the same tensors for another input to the blocks: train on before measuring"


def _row(model: str, checkpoint: str, loads: Verdict, reason: str, help: str | None = None) -> Row:
    needs = (CODEBOOK,) if model == TOKENS else (CODEBOOK, KEYS)
    return Row(model, checkpoint, loads, needs if loads != "no" else (), reason, help)


def _old(model: str) -> tuple[Row, ...]:
    return (
        _row(model, OLD_FOLDER, "no", _CLOSED, _AGAIN),
        _row(model, OLD_WEIGHTS, "no", _BARE, _AGAIN),
    )


matrix = Matrix(
    title="HSMN: model x checkpoint",
    rows=(
        *_old(TOKENS),
        _row(TOKENS, TOKENS, "yes", "its own tensors: embed.token, blocks, head"),
        _row(TOKENS, UNBIND, "convert", _ROWS, _CONVERT),
        _row(TOKENS, CLEANUP, "convert", _BACK, _CONVERT),
        _row(TOKENS, BROADCAST, "no", _APART, _AGAIN),
        *_old(UNBIND),
        _row(UNBIND, TOKENS, "convert", _FITTED, _CONVERT),
        _row(UNBIND, UNBIND, "yes", "its own tensors: adapter, blocks, head"),
        _row(UNBIND, CLEANUP, "convert", _FITTED, _CONVERT),
        _row(UNBIND, BROADCAST, "yes", _SAME_TENSORS),
        *_old(CLEANUP),
        _row(CLEANUP, TOKENS, "convert", _DECODES, _CONVERT),
        _row(CLEANUP, UNBIND, "convert", _ROWS, _CONVERT),
        _row(CLEANUP, CLEANUP, "yes", "its own tensors: embed.token, blocks, head"),
        _row(CLEANUP, BROADCAST, "no", _APART, _AGAIN),
        *_old(BROADCAST),
        _row(BROADCAST, TOKENS, "convert", _FRESH, _CONVERT),
        _row(BROADCAST, UNBIND, "yes", _SAME_TENSORS),
        _row(BROADCAST, CLEANUP, "convert", _FRESH, _CONVERT),
        _row(BROADCAST, BROADCAST, "yes", "its own tensors: adapter, blocks, head"),
    ),
    notes=(
        "No checkpoint of the old program is known; nothing of its kernels is in source.",
        "Fewer ids convert exactly: rows are the base of 362 and then by frequency, so a cut keeps"
        " a prefix of table, head and codebook; below 362 it is refused. More ids are approximate.",
        "A larger hd_dim converts by padding spectra with zeros: the same function of bundles that"
        " are padded alike. A smaller one cuts them, and what that loses is measured. The trainer"
        " resizes the bundles of such weights in the same way.",
        "A token model predicts the next id, a model of bundles the ids of the bundle: a converted"
        " trunk is a warm start unless the labels are shifted too.",
    ),
)
