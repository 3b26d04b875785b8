"""Cuts the vocabulary to its most frequent ids, or grows it by rarer ones.

Ids are numbered by frequency: 362 of the bytes and special tokens, then n-grams, the most
frequent first. So a smaller vocabulary is a prefix of a larger one, and a cut keeps the first
rows of the table of ids and the first columns of the head. What leaves is kept beside the
result, and a growth by just these ids puts it back. The codebook in the checkpoint is cut alike,
and the whole one stays as `codebook_before`: texts get longer, because the n-grams that left are
spelled with shorter ones. A growth takes words from there. Ids beyond them have none: they stay
without use, `model.vocab_source: config`, until a larger codebook is learnt.

A growth draws what is new. A row or a column is the mean of those that are there and noise of a
tenth of their deviation, from normal numbers of a fixed seed and the name of the tensor; a
bias is the mean without noise. A logit of the mean column is the mean of all logits, and its
exponential at most the mean of theirs (Jensen), so n new ids beside V take at most n / (V + n)
of the probability, as far as the noise goes. Of a factored head the rows behind the vocabulary
are there already, and stay what they are. A clean-up's vectors of new ids are drawn on from the
checkpoint's own seed.

The logits of ids that stay do not change: on small random models of every entry and head, in
float32, not by a bit, cut to 370 of 400 ids or grown to 450. A table that has rows for the
frequent ids only and codes for others changes its rows with the vocabulary alone: where a row
would take the place of a code, or a code that of a row, the id would be another vector, and
that is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from zlib import crc32

from cfgmig.errors import Refused
from cfgmig.migration import (
    IRREVERSIBLE,
    STASH,
    Add,
    Beside,
    Convert,
    Custom,
    Joined,
    Move,
    Operation,
    Remove,
    Split,
    Weights,
    preserving,
)

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr

settings = ("vocab", "rows", "total")
guarantee = preserving(1e-6, "the logits of the ids that both have")

BASE = 362
"""Special tokens, bytes and a buffer: what every tokenizer has before it learns."""
LAZY_ABOVE = 65_536
"""Ids above which base vectors are drawn one by one, unless the config says otherwise."""
NOISE = 0.1
SEED = 20260114
PLACES = {
    "embed.token.weight": 0,
    "hd.base_vectors": 0,
    "head.output_proj.weight": 1,
    "head.output_proj.bias": 0,
    "head.dense.weight": 1,
    "head.dense.bias": 0,
    "head.output_proj.U": 0,
}
"""Tensors with a place for each id, and the dimension that counts them."""


BOOK, BOOK_BEFORE = "codebook", "codebook_before"


def weights(state: Weights) -> list[Operation] | None:
    """A part less or a part more of every tensor that has a place for each id."""
    changed = {
        size: (have, state.wanted_dimensions[size])
        for size, have in state.dimensions.items()
        if size in settings and state.wanted_dimensions[size] != have
    }
    if not changed:
        return None
    _check(state, *changed.get("vocab", (BASE, BASE)))
    if "rows" in changed:
        _check_rows(state, *changed["rows"])
    words: list[Operation] = []
    for name, dim in PLACES.items():
        size = _counted(state, name)
        if name in state.tensors and size in changed:
            old, new = changed[size]
            words += _cut(name, dim, old, new) if new < old else _grown(state, name, dim, old, new)
    if "vocab" in changed:
        words.append(Beside(_book(*changed["vocab"])))
    return words


def _counted(state: Weights, name: str) -> str:
    """The size by which a tensor counts its ids."""
    if name == "embed.token.weight" and state.facts.get("embedding") == "dual_path":
        return "rows"
    return "total" if name == "head.output_proj.U" else "vocab"


def _check(state: Weights, old: int, new: int) -> None:
    if new < BASE:
        raise Refused(
            f"{new} ids are fewer than the {BASE} of bytes and special tokens",
            kind="migration",
            help=f"set tokenizer.active_vocab_size to {BASE} or more",
        )
    crossed = min(old, new) <= LAZY_ABOVE < max(old, new)
    if crossed and state.facts.get("input") == "hd_bundle" and "base_table" not in state.wanted:
        kind = "lazy" if old > LAZY_ABOVE else "dense"
        raise Refused(
            f"from {old} to {new} ids the base vectors would be drawn in another way, and no "
            "bundle would be what the model was trained on",
            kind="migration",
            help=f"keep them as they are: set data.hd.base_table: {kind}",
        )


def _check_rows(state: Weights, old: int, new: int) -> None:
    """Rows of frequent ids go with ids that go, and come with ids that come."""
    ids, wanted = state.dimensions.get("vocab"), state.wanted_dimensions.get("vocab")
    if new != (min(old, wanted) if new < old and wanted else new) or (new > old and old != ids):
        raise Refused(
            f"of {ids or 'an unknown number of'} ids {old} have a row and {new} should: those "
            "between have codes in one and rows in the other",
            kind="migration",
            help=f"set model.embedding.hd_active_vocab_size to {min(old, wanted or old)}",
        )


def _book(old: int, new: int) -> Custom:
    """The codebook of as many ids, as far as there are words for them."""
    said = f"{BOOK} has the words of {new} ids from here on; {BOOK_BEFORE} has all."
    ways = (lambda data: _other_book(data, new)), (lambda data: _other_book(data, old))
    return Custom(said, *ways, touches=(BOOK, BOOK_BEFORE))


def _other_book(data: Mapping[str, Any], ids: int) -> list[Operation]:
    """Operations that put a part of the largest known codebook in the place of the codebook."""
    now, before = (_parsed(data.get(key)) for key in (BOOK, BOOK_BEFORE))
    if now is None:
        return []
    own, whole = _words(now), _words(before or now)
    keep = ids - BASE
    if whole[: len(own)] != own or len(whole[:keep]) == len(own):
        return []
    kept = whole[:keep]
    if len(kept) == len(whole):
        return [Remove(BOOK, IRREVERSIBLE), Move(BOOK_BEFORE, BOOK)]
    config = {**now.get("config", {}), "max_vocab_size": ids}
    made = {**now, "config": config, "superwords": kept, "next_id": BASE + len(kept)}
    value = json.dumps(made, ensure_ascii=False) if isinstance(data[BOOK], str) else made
    aside = Move(BOOK, BOOK_BEFORE) if before is None else Remove(BOOK, IRREVERSIBLE)
    return [aside, Add(BOOK, value)]


def _parsed(value: Any) -> dict[str, Any] | None:
    """A codebook as data, whose ids begin where they do here; None where it is none."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
    is_book = isinstance(found, dict) and isinstance(found.get("superwords"), list)
    return found if is_book and found.get("base_vocab_size", BASE) == BASE else None


def _words(book: Mapping[str, Any]) -> list[Any]:
    """Its words in the order of their ids."""
    return sorted(book["superwords"], key=lambda word: int(word["superword_id"]))


def _rest(name: str, low: int, high: int) -> str:
    """The name of a tensor's part from id `low` up to `high`: what it is kept under, too."""
    return f"{name}_{low}_{high}"


def _cut(name: str, dim: int, old: int, new: int) -> list[Operation]:
    rest = _rest(name, new, old)
    return [Convert(name, Split((name, rest), (new, old - new), dim)), Remove(rest, STASH)]


def _grown(state: Weights, name: str, dim: int, old: int, new: int) -> list[Operation]:
    from checkpoint_tools.plan import Compute, Init, Take

    dtype, shape = state.tensors[name]
    more = (*shape[:dim], new - old, *shape[dim + 1 :])
    rest = _rest(name, old, new)
    made: Expr
    if name == "hd.base_vectors":
        kind = state.wanted.get("base_table", "lazy" if new > LAZY_ABOVE else "dense")
        drawn = _drawn_on(old, new, lazy=kind == "lazy")
        both = (Take(name), Take("hd.base_seed"))
        made = Compute("vectors drawn on from the seed", drawn, both, dtype, more)
    elif len(shape) == 1:
        made = Compute("the mean", _mean(more), (Take(name),), dtype, more)
    else:
        noise = Init("float64", more, "normal", seed=SEED + crc32(name.encode()))
        inputs = (Take(name), noise)
        made = Compute("the mean and seeded noise", _around_mean(dim), inputs, dtype, more)
    return [
        Add(rest, made),
        Convert(name, Joined((name, rest), (old, new - old), dim)),
    ]


def _mean(shape: tuple[int, ...]) -> Callable[..., Any]:
    def function(array: Any) -> Any:
        np = _numpy()
        return np.full(shape, array.mean(dtype=np.float64)).astype(array.dtype)

    return function


def _around_mean(dim: int) -> Callable[..., Any]:
    """The function that puts noise of a tenth of the deviation around the mean of all ids."""

    def function(array: Any, noise: Any) -> Any:
        exact = array.astype("float64")
        mean, deviation = (part(axis=dim, keepdims=True) for part in (exact.mean, exact.std))
        return (mean + NOISE * deviation * noise).astype(array.dtype)

    return function


def _drawn_on(old: int, new: int, *, lazy: bool) -> Callable[..., Any]:
    """The function that draws base vectors `old` to `new`, in the scale of those before."""

    def function(base: Any, seed: Any) -> Any:
        np = _numpy()
        if lazy:
            rows = range(0, new)
            drawn = np.stack(
                [np.random.default_rng(int(seed) + n).standard_normal(base.shape[1]) for n in rows]
            )
        else:
            drawn = np.random.default_rng((int(seed), 0)).standard_normal((new, base.shape[1]))
        scale = float(base[0].astype("float64") @ drawn[0]) / float(drawn[0] @ drawn[0])
        if not np.allclose(base, scale * drawn[:old], atol=1e-4 * scale):
            from checkpoint_tools.plan import LossError

            raise LossError(
                f"hd.base_vectors are not those that seed {int(seed)} draws, so nobody knows "
                "the vectors of further ids"
            )
        return (scale * drawn[old:]).astype(base.dtype)

    return function


def _numpy() -> Any:
    from checkpoint_tools.plan.casts import numpy

    return numpy()
