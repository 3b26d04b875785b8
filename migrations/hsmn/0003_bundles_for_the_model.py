"""Gives the model an adapter for bundles, labels for whole sequences, a vocabulary in budget.

Version 1 fed bundles of shape (batch, hd_dim) to a model of tokens, which took their
dimensions for a sequence, and the tokenizer learnt ids until 128,000 were full. The
corpus must be encoded again: its old labels were last tokens.

A vocabulary that is missing is computed from the budget, as the old factory computed it
(floor of 8,000, cap of 128,000). One of the three constants that nobody chose is cut to
that; any other number is the user's and stays. A request leaves all this to the search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfgmig.errors import Refused
from cfgmig.migration import (
    MISSING,
    STASH,
    Add,
    Custom,
    Move,
    Operation,
    Remove,
    Revise,
    Tell,
)

revision = "2"
revises = "1"

CAP, FLOOR = 128_000, 8000
CONSTANTS = (128_000, 256_000, 65_536)
MOST = 4096
"""The largest HD dimension that a search of version 2 knew."""
BUNDLES = {"kind": "hd_bundle", "dtype": "float32"}
TOKENS = {"kind": "token_ids", "dtype": "int32"}
ADAPTER, INPUT, EMBEDDING = "model.adapter", "model.input", "model.embedding"
OLD_DIM, NEW_DIM = "data.hd.hd_dim", "model.adapter.hd_dim"


def _get(data: Any, path: str, default: Any = None) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return default if data is None else data


def _enabled(data: Any) -> bool:
    return bool(_get(data, "data.hd.enabled", True))


def _affordable(data: Any) -> Any:
    """Ids that the budget allows, as the old factory counted; None without a budget.

    eb = int(B (1 - f)); d = hd_dim or 8 E; (eb - d E) // d, or eb // E for one plain
    table; at least 8,000 and at most the cap.
    """
    budget = _get(data, "budget.param_budget")
    if budget is None or data.get("profile") == "request":
        return None
    width = _get(data, "model.hidden_dim", 256)
    eb = int(budget * (1 - _get(data, "budget.overhead_fraction", 0.5)))
    if _get(data, "model.embedding.kind") == "plain":
        raw = eb // width
    else:
        dim = _get(data, OLD_DIM) or 8 * width
        raw = (eb - dim * width) // dim
    return max(FLOOR, min(raw, CAP))


def _vocabulary(data: Any) -> Any:
    said, most = _get(data, "tokenizer.vocab_size"), _affordable(data)
    if most is None or (said is not None and said not in CONSTANTS):
        return MISSING if said is None else said
    return most if said is None else min(said, most)


def _derived(data: Any) -> list[Operation]:
    said, most = _get(data, "tokenizer.vocab_size"), _affordable(data)
    if said is None and most is not None:
        return [Add("tokenizer.derived_from", "budget")]
    return [Add("tokenizer.derived_from", STASH, optional=True)]


def _underived(data: Any) -> list[Operation]:
    computed = _get(data, "tokenizer.vocab_size") is None and _affordable(data) is not None
    return [Remove("tokenizer.derived_from", "budget" if computed else STASH, optional=True)]


def _new(path: str, summary: str, value: Callable[[Any], Any]) -> Custom:
    """A key that follows from the others; what a file of version 2 said else comes back."""

    def up(data: Any) -> list[Operation]:
        found = value(data)
        return [Add(path, STASH, optional=True) if found is None else Add(path, found)]

    def down(data: Any) -> list[Operation]:
        found = value(data)
        return [Remove(path, STASH if found is None else found, optional=True)]

    return Custom(summary, up, down, touches=(path,))


def _dimension(data: Any) -> Any:
    if not _enabled(data):
        return MISSING
    return _get(data, OLD_DIM, 1024)


def _multiple(data: Any) -> Any:
    """The given HD dimension, rounded to a multiple of the width: up, down at the limit."""
    width, given = _get(data, "model.hidden_dim"), _get(data, NEW_DIM)
    if not width or given is None:
        return MISSING if given is None else given
    above = -(-given // width) * width
    found = above if above <= MOST else given // width * width
    if not found:
        raise Refused(
            f"no multiple of the width {width} is an HD dimension of at most {MOST}",
            kind="migration",
            help="choose another `hidden_dim`, or turn `data.hd.enabled` off",
        )
    return found


def _compose(data: Any) -> list[Operation]:
    if not _enabled(data):
        return [Add(INPUT, TOKENS), Remove(OLD_DIM, STASH, optional=True)]
    return [
        Add(INPUT, BUNDLES),
        Move(OLD_DIM, NEW_DIM),
        Add("model.adapter.expand", "unbind"),
        Add("model.adapter.use_bias", True),
        Add("model.adapter.position", STASH, optional=True),
        Move(EMBEDDING, "legacy_extra.embedding", optional=True),
        Tell(ADAPTER, "labels are whole sequences from here on: encode the corpus again"),
    ]


def _take_apart(data: Any) -> list[Operation]:
    found: list[Operation] = [Remove(INPUT, BUNDLES if _enabled(data) else TOKENS, optional=True)]
    old = _get(data, "legacy_extra.embedding")
    if isinstance(old, dict) and _get(data, EMBEDDING) is None:
        found.append(Move("legacy_extra.embedding", EMBEDDING))
    if _get(data, ADAPTER) is None:
        return [*found, Add(OLD_DIM, STASH, optional=True)]
    return [
        *found,
        Remove("model.adapter.use_bias", True, optional=True),
        Remove("model.adapter.expand", "unbind", optional=True),
        Remove("model.adapter.position", STASH, optional=True),
        Move(NEW_DIM, OLD_DIM),
    ]


def _whole(data: Any) -> list[Operation]:
    del data
    return [Add("data.hd.label_mode", STASH, optional=True)]


def _last(data: Any) -> list[Operation]:
    if _get(data, "data.hd.label_mode") != "full_sequence":
        return []
    return [Remove("data.hd.label_mode", STASH)]


config = [
    Custom(
        "A vocabulary that the budget gives is marked as such.",
        _derived,
        _underived,
        touches=("tokenizer.derived_from",),
    ),
    Revise(
        "tokenizer.vocab_size", _vocabulary, "The budget gives the vocabulary that nobody chose."
    ),
    _new(
        "tokenizer.max_vocab_size",
        "The tokenizer stops at the vocabulary.",
        lambda data: _get(data, "tokenizer.vocab_size"),
    ),
    _new(
        "budget.vocab_cap",
        "The vocabulary had a cap of 128,000.",
        lambda data: None if _get(data, "budget.param_budget") is None else CAP,
    ),
    Custom(
        "A label of version 2 comes back from the stash.",
        _whole,
        _last,
        touches=("data.hd.label_mode",),
    ),
    Revise(
        "data.hd.label_mode",
        lambda data: "full_sequence" if _get(data, "data.hd.label_mode") else MISSING,
        "A label is the whole sequence of a bundle, so the corpus must be encoded again.",
    ),
    Revise(OLD_DIM, _dimension, "A bundle had 1,024 dimensions where the file does not say."),
    Custom(
        "Bundles get an adapter, and the embedding leaves the model.",
        _compose,
        _take_apart,
        touches=(INPUT, ADAPTER, EMBEDDING, OLD_DIM, "legacy_extra"),
    ),
    Revise(NEW_DIM, _multiple, "The HD dimension must be a multiple of the width."),
    Revise(
        "training.loss.ignore_index",
        lambda data: 2 if _enabled(data) else MISSING,
        "Padding, id 2, counts nothing in a label.",
    ),
    Remove("ui", STASH, optional=True),
]
weights = []
