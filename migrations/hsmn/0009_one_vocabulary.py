"""Leaves one vocabulary, one width and one length; HD dimensions fit the width.

A stale vocab_size beside the target goes, and a note says both numbers. Where width and
embedding differ, the width stays: it built the model, while the estimators saw the other.
Two lengths that differ are refused until someone says which one is meant.

A vocabulary that is null beside a budget is computed as the old factory computed it.
"""

from __future__ import annotations

from typing import Any

from cfgmig.errors import Refused
from cfgmig.migration import MISSING, Add, Custom, Move, Operation, Remove, Revise, Unite

revision = "5"
revises = "4"

TARGET = "tokenizer.target_vocab_size"
MOST = 4096
"""The largest HD dimension that a search of version 5 draws."""


def _get(data: Any, path: str, default: Any = None) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return default if data is None else data


def _is_open(data: Any) -> bool:
    """Whether the file says by null that its budget is to give the vocabulary."""
    tokenizer = data.get("tokenizer") or {}
    budget = _get(data, "budget.param_budget")
    return (
        "target_vocab_size" in tokenizer and tokenizer["target_vocab_size"] is None and bool(budget)
    )


def _vocabulary(data: Any) -> Any:
    """Eb = int(B (1 - f)); d = hd_dim or 8 E; (eb - d E) // d, or eb // E for a plain table."""
    if not _is_open(data):
        return _get(data, TARGET, MISSING)
    width = _get(data, "model.hidden_dim", 256)
    eb = int(_get(data, "budget.param_budget") * (1 - _get(data, "budget.overhead_fraction", 0.5)))
    dim = _get(data, "model.adapter.hd_dim") or 8 * width
    plain = _get(data, "model.embedding.kind") == "plain"
    raw = eb // width if plain else (eb - dim * width) // dim
    return max(8000, min(raw, _get(data, "budget.vocab_cap", 300_000)))


def _derived(data: Any) -> list[Operation]:
    if _is_open(data) and "derived_from" not in data["tokenizer"]:
        return [Add("tokenizer.derived_from", "budget")]
    return []


def _underived(data: Any) -> list[Operation]:
    return [Remove("tokenizer.derived_from", "budget", optional=True)] if _is_open(data) else []


def _fitting(layer: str) -> Revise:
    """At most 4096, and a multiple of the width: rounded up, down at the limit."""
    path = f"model.hd_dims.{layer}"

    def value(data: Any) -> Any:
        width, given = _get(data, "model.hidden_dim"), _get(data, path)
        if given is None:
            return MISSING
        dim = min(given, MOST)
        if not width:
            return dim
        above = -(-dim // width) * width
        found = above if above <= MOST else dim // width * width
        if not found:
            raise Refused(
                f"no multiple of the width {width} is an HD dimension of at most {MOST}",
                kind="migration",
                help="choose another `hidden_dim`",
            )
        return found

    return Revise(path, value, f"An HD dimension is a multiple of the width, {MOST} at most.")


config = [
    Unite("tokenizer.vocab_size", TARGET, default="target", alone="target"),
    Unite(
        "model.embedding_dim",
        "model.hidden_dim",
        default="target",
        alone="target",
        meanings=("what the estimators saw", "what the model was built with"),
    ),
    Custom(
        "A vocabulary that the budget gives is marked as such.",
        _derived,
        _underived,
        touches=("tokenizer.derived_from",),
    ),
    Revise(TARGET, _vocabulary, "The budget gives the vocabulary that is null."),
    Move(TARGET, "tokenizer.active_vocab_size", optional=True),
    Add("tokenizer.total_vocab_size", 300_000, optional=True),
    Unite(
        "model.sequence_length",
        "model.context_window",
        alone="target",
        meanings=(
            "what the user asked for",
            "what the loader read, and raised to 8192 without a word",
        ),
    ),
    *(_fitting(layer) for layer in ("embedding", "spatial", "timecrystal", "moe")),
    Add("model.lm_head.factor_rank", None, implicit=True),
    Add("model.lm_head.total_vocab_size", None, implicit=True),
]
weights = []
