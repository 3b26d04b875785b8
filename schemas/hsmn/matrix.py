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
_DECODES = (
    "trunk and head fit; the adapter is missing: exact with cleanup where every id of a sample is"
    " decoded (hd_dim 1024, 16 positions, unitary keys: 1.00), else a warm start"
)
_LSTSQ = (
    "trunk and head fit; a fitted projection is lossy (held-out R2 0.39 at hd_dim 1024 and 16"
    " positions, 0.53 at 4096)"
)
_TO_HD = "convert: exact-cleanup keeps the function, lstsq fits the adapter, init draws it"
_TO_TOKENS = "convert: embedding = base vectors x W + b, in closed form"
_LABELS = "labels differ: token mode predicts the next id, HD mode the ids themselves"
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
        _row(TOKENS, UNBIND, "convert", _LABELS, _TO_TOKENS),
        _row(TOKENS, CLEANUP, "convert", "it kept its table of ids: drop the rest", _TO_TOKENS),
        _row(TOKENS, BROADCAST, "convert", _LABELS, _TO_TOKENS),
        *_old(UNBIND),
        _row(UNBIND, TOKENS, "convert", _LSTSQ, _TO_HD),
        _row(UNBIND, UNBIND, "yes", "its own tensors: adapter, blocks, head"),
        _row(UNBIND, CLEANUP, "convert", "it has a table of ids and no projection", _TO_HD),
        _row(UNBIND, BROADCAST, "yes", _SAME_TENSORS),
        *_old(CLEANUP),
        _row(CLEANUP, TOKENS, "convert", _DECODES, _TO_HD),
        _row(CLEANUP, UNBIND, "no", "it has no table of ids to clean up with", _AGAIN),
        _row(CLEANUP, CLEANUP, "yes", "its own tensors: embed.token, blocks, head"),
        _row(CLEANUP, BROADCAST, "no", "it has no table of ids to clean up with", _AGAIN),
        *_old(BROADCAST),
        _row(BROADCAST, TOKENS, "convert", "a fresh adapter only: positions are lost", _TO_HD),
        _row(BROADCAST, UNBIND, "yes", _SAME_TENSORS),
        _row(BROADCAST, CLEANUP, "convert", "a fresh adapter only: positions are lost", _TO_HD),
        _row(BROADCAST, BROADCAST, "yes", "its own tensors: adapter, blocks, head"),
    ),
    notes=(
        "No checkpoint of the old program is known; nothing of its kernels is in source.",
        "Fewer ids convert exactly: rows are the base of 362 and then by frequency, so a cut keeps"
        " a prefix of table, head and codebook; below 362 it is refused. More ids are approximate.",
        "A larger hd_dim converts exactly by padding the spectrum with zeros (relative error 6e-16),"
        " with ctqw_steps 0 and stored tables; a smaller one needs a new fit (error about 1).",
        "A token model predicts the next id, a model of bundles the ids of the bundle: a converted"
        " trunk is a warm start unless the labels are shifted too.",
    ),
)
