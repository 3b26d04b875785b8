"""HS201-HS206: how many ids there are, and what a budget leaves for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.schema.rules import Example, Problem, rule

from . import estimators, read
from .read import fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

    from .estimators import Sizes

CAP = "tokenizer.max_vocab_size"
_ROOM = "budget:\n  param_budget: 1000000\n"
_WIDTH = "model:\n  hidden_dim: 64\n"


class Room(NamedTuple):
    """What a budget leaves for the vocabulary, and how that was counted.

    Args:
        raw: ids by the formula alone; may be negative.
        cap: ids after floor and cap.
        how: the estimator and its numbers, for a message.
    """

    raw: int
    cap: int
    how: str


def room(config: Config) -> Room | None:
    """The ids that this file's budget allows; None without a budget.

    Up to version 1 by the formula of the old factory, which charges vocab x hd_dim. From
    version 2 on by the tensors that grow with the vocabulary.
    """
    budget = read.whole(config, "param_budget")
    if budget is None:
        return None
    width = read.whole(config, "hidden_dim")
    if read.is_flat(config) or config.version == "1":
        plain = read.value(config, "use_hyperdimensional_embedding") in (False, "plain")
        dim, wide = (
            read.whole(config, "hd_dim"),
            width or read.whole(config, "embedding_dim") or 256,
        )
        share = read.fraction(config)
        raw = estimators.affordable(budget, wide, dim, hyperdimensional=not plain, overhead=share)
        cost = wide if plain else dim or 8 * wide
        said = "old formula, width" if plain else "old formula, hd_dim"
        return Room(raw, estimators.bounded(raw), f"{said} {cost:,} per id")
    of = read.sizes(config, read.vocabulary(config)[1] or estimators.BASE)
    if of is None:
        return None
    raw = estimators.exact_cap(budget, of, read.fraction(config))
    most = read.whole_at(config, "budget.vocab_cap") or estimators.CAP
    return Room(raw, min(raw, most), f"exact count, {_cost(of)} parameters per id")


def _enough(config: Config, ids: int) -> str:
    """How a budget becomes large enough for so many ids; version 2 on, where tensors count."""
    of = None if config.version == "1" else read.sizes(config, ids)
    if of is None:
        return "raise `param_budget`" if read.is_flat(config) else "raise `budget.param_budget`"
    share = read.fraction(config)
    least = math.floor(estimators.cost_of_an_id(of) * ids / (1 - share))
    while estimators.exact_cap(least, of, share) < ids:
        least += 1
    return f"raise `budget.param_budget` to {least} or more"


def _cost(of: Sizes) -> str:
    return f"{estimators.cost_of_an_id(of):,}"


@rule(
    code="HS201",
    name="no-vocabulary-for-the-budget",
    severity="error",
    summary="A budget is set, and the vocabulary that it pays for is not.",
    explanation="""
    Without a vocabulary the tokenizer takes a constant: 128,000 in the controller, 256,000 in a
    module, 32,000 in the training config - whatever the budget says. All eight searches on record
    of v2 and the one training config of v6 are like this (vocabulary null, budget 1,000,000,000).
    A request is not concerned: there the search decides. The fix writes what the estimator of this
    file's version allows; it is unsafe because a search draws its own width and dimensions.
    """,
    valid=(
        Example("profile: request\nbudget: {param_budget: 1000000}\n"),
        Example("tokenizer: {active_vocab_size: 512}\nbudget: {param_budget: 1000000}\n"),
        Example("lr_min: 1.0e-5\nparam_budget: 250000000\n", version="flat-v2"),
    ),
    invalid=(
        Example(
            "sweep_id: a\nhidden_dim: 256\nparam_budget: 100000000\n",
            version="flat-v2",
            fixed="sweep_id: a\nhidden_dim: 256\nparam_budget: 100000000\nvocab_size: 24158\n",
        ),
        Example(
            f"{_WIDTH}tokenizer:\n  active_vocab_size: null\n{_ROOM}",
            fixed=f"{_WIDTH}tokenizer:\n  active_vocab_size: 1552\n{_ROOM}",
        ),
    ),
)
def no_vocabulary(config: Config) -> Iterator[Problem]:
    path, ids = read.vocabulary(config)
    budget = read.whole(config, "param_budget")
    if ids is not None or budget is None or read.profile(config) == "request":
        return
    found = room(config)
    good = found is not None and found.cap >= read.base(config)
    named = next(iter(read.named_vocabularies(config)), "")
    where = named or read.place(config, "param_budget") or ""
    is_null = "is null" if named else "is missing"
    yield Problem(
        where,
        f"param_budget is {fmt(budget)}, and the vocabulary {is_null}",
        f"set `{path}: {found.cap}` ({found.how})"
        if found is not None and good
        else f"set `{path}` and the model's width",
        read.setting(config, path, found.cap) if found is not None and good else None,
    )


@rule(
    code="HS202",
    name="vocabulary-beyond-its-budget",
    severity="error",
    summary="The vocabulary takes more of the budget than is left for it.",
    explanation="""
    Half of the budget (overhead_fraction) is for everything else. What is left is divided by what
    an id costs, and there are two ways to count that. The old factory charged hd_dim parameters per
    id, (eb - hd_dim E) // hd_dim with eb = B (1 - f), at least 8,000 and at most 300,000: for
    B = 1,000,000, width 64 and hd_dim 128 the formula gives 3,842, raised to 8,000. Flat files and
    version 1 are judged by it.

    From version 2 on the tensors decide: (256 + D + 2) V parameters of the head, and D V more with
    a table of ids, must fit: 1,552 ids for B = 1,000,000 and width 64 with bundles. There is no
    floor.
    """,
    valid=(
        Example(
            "vocab_size: 8000\nhidden_dim: 64\nhd_dim: 128\nparam_budget: 1000000\n", "flat-v2"
        ),
        Example(
            f"{_WIDTH}  adapter: {{hd_dim: 128}}\ntokenizer:\n  active_vocab_size: 1552\n{_ROOM}"
        ),
    ),
    invalid=(
        Example(
            "vocab_size: 128000\nhidden_dim: 64\nhd_dim: 128\nparam_budget: 1000000\n",
            version="flat-v1",
            fixed="vocab_size: 8000\nhidden_dim: 64\nhd_dim: 128\nparam_budget: 1000000\n",
        ),
        Example(
            f"{_WIDTH}  adapter: {{hd_dim: 128}}\ntokenizer:\n  active_vocab_size: 1553\n{_ROOM}",
            fixed=f"{_WIDTH}  adapter: {{hd_dim: 128}}\ntokenizer:\n"
            f"  active_vocab_size: 1552\n{_ROOM}",
        ),
    ),
)
def beyond_budget(config: Config) -> Iterator[Problem]:
    (path, ids), found = read.vocabulary(config), room(config)
    if ids is None or found is None or ids <= found.cap:
        return
    budget = read.whole(config, "param_budget") or 0
    raised = f", raised to {fmt(found.cap)}" if found.cap > found.raw else ""
    capped = f", cut to {fmt(found.cap)}" if found.cap < found.raw else ""
    good = found.cap >= read.base(config)
    yield Problem(
        path,
        f"vocabulary {fmt(ids)}, but a budget of {fmt(budget)} leaves {fmt(found.raw)} ids"
        f" ({found.how}){raised}{capped}",
        f"set `{path}: {found.cap}`" if good else _enough(config, read.base(config)),
        read.setting(config, path, found.cap) if good else None,
    )


@rule(
    code="HS203",
    name="floor-above-the-budget",
    severity="warning",
    summary="The old formula's floor of 8,000 ids is more than the budget leaves.",
    explanation="""
    The factory gave every model at least 8,000 ids, so that a small budget is exceeded in silence:
    B = 1,000,000, width 64 and hd_dim 128 leave 3,842 ids, hd_dim 512 leaves 912, and both get
    8,000. A vocabulary that passes the cap is then no proof that it fits. From version 2 on the
    tensors are counted and there is no floor (HS202, HS204).
    """,
    valid=(
        Example("hidden_dim: 64\nhd_dim: 128\nparam_budget: 3000000\n", version="flat-v2"),
        Example("hidden_dim: 64\nhd_dim: 128\n", version="flat-v2"),
    ),
    invalid=(
        Example("hidden_dim: 64\nhd_dim: 512\nparam_budget: 1000000\n", version="flat-v2"),
        Example("model: {hidden_dim: 64}\nbudget: {param_budget: 1000000}\n", version="1"),
    ),
)
def floor_above_budget(config: Config) -> Iterator[Problem]:
    found = room(config) if read.is_flat(config) or config.version == "1" else None
    if found is not None and found.raw < estimators.FLOOR:
        yield Problem(
            read.place(config, "param_budget") or "",
            f"the budget leaves {fmt(found.raw)} ids ({found.how}); the old floor makes them"
            f" {fmt(estimators.FLOOR)}",
            "raise `param_budget`, lower `hd_dim`, or upgrade to count by tensors",
        )


@rule(
    code="HS204",
    name="budget-below-the-base-vocabulary",
    severity="error",
    summary="The budget does not even pay for the ids that a tokenizer begins with.",
    explanation="""
    A tokenizer that has learnt nothing has 362 ids: 10 special ones, an offset of 32, 256 bytes and
    a buffer of 64 (384 with a byte offset of 64). The tensors that grow with the vocabulary cost
    256 + D + 2 parameters per id, so width 64 needs 116,564 parameters for them, twice that as a
    budget. The old code would have raised the vocabulary to 8,000 instead.
    """,
    since="2",
    valid=(Example(f"{_WIDTH}  adapter: {{hd_dim: 128}}\nbudget: {{param_budget: 233128}}\n"),),
    invalid=(Example(f"{_WIDTH}  adapter: {{hd_dim: 128}}\nbudget: {{param_budget: 233127}}\n"),),
)
def below_base(config: Config) -> Iterator[Problem]:
    found, base = room(config), read.base(config)
    if found is not None and found.raw < base:
        yield Problem(
            "budget.param_budget",
            f"the budget leaves {fmt(found.raw)} ids ({found.how}); a tokenizer begins with {base}",
            f"{_enough(config, base)}, or lower `model.hidden_dim`",
        )


@rule(
    code="HS205",
    name="vocabulary-below-its-base",
    severity="error",
    summary="A vocabulary or its cap is below the ids that the tokenizer begins with.",
    explanation="""
    The base vocabulary is max(362, byte_offset + 320) and cannot be left out: a cap below it gives
    room for no n-gram, and a vocabulary of 362 all the same - above the cap. A model of fewer ids
    would look up ids beyond its table. Ids 10 to 31 and 288 to 361 are never used, but they count.
    """,
    valid=(Example("tokenizer: {active_vocab_size: 362, max_vocab_size: 362}\n"),),
    invalid=(
        Example(
            "tokenizer:\n  active_vocab_size: 512\n  max_vocab_size: 361\n",
            fixed="tokenizer:\n  active_vocab_size: 512\n  max_vocab_size: 362\n",
        ),
        Example(
            "tokenizer:\n  byte_offset: 64\n  active_vocab_size: 383\n",
            fixed="tokenizer:\n  byte_offset: 64\n  active_vocab_size: 384\n",
        ),
        Example("vocab_size: 300\n", version="flat-v2"),
    ),
)
def too_few_ids(config: Config) -> Iterator[Problem]:
    base = read.base(config)
    cap = read.place(config, "max_vocab_size") or CAP
    for path in dict.fromkeys((read.vocabulary(config)[0], cap)):
        said = read.whole_at(config, path)
        if said is not None and said < base:
            yield Problem(
                path,
                f"{path.rsplit('.', maxsplit=1)[-1]} {said} is below the tokenizer's base of {base}",
                f"set `{path}` to {base} or more",
                read.setting(config, path, base),
            )


@rule(
    code="HS206",
    name="more-ids-than-there-can-be",
    severity="error",
    summary="The vocabulary is above the hard cap of 300,000, or above its own total.",
    explanation="""
    The runner refused more than 300,000 ids, and from version 5 on total_vocab_size says how many
    there can ever be: a factored head has that many rows, and active_vocab_size, the ids that can
    be predicted, are the first of them. budget.vocab_cap sets a lower cap: 128,000 in the first
    account of the fix and so in files that come from version 1.
    """,
    valid=(Example("tokenizer: {active_vocab_size: 300000, total_vocab_size: 300000}\n"),),
    invalid=(
        Example("tokenizer: {active_vocab_size: 512, total_vocab_size: 500}\n"),
        Example("tokenizer: {active_vocab_size: 512, total_vocab_size: 400000}\n"),
        Example("target_vocab_size: 300001\n", version="flat-v3"),
        Example("tokenizer: {vocab_size: 200000}\nbudget: {vocab_cap: 128000}\n", version="2"),
    ),
)
def too_many_ids(config: Config) -> Iterator[Problem]:
    path, ids = read.vocabulary(config)
    limits = {
        "the hard cap": estimators.CAP,
        "budget.vocab_cap": read.whole_at(config, "budget.vocab_cap"),
        "total_vocab_size": read.whole(config, "total_vocab_size"),
        "the head's total_vocab_size": read.whole_at(config, "model.lm_head.total_vocab_size"),
    }
    known = {name: limit for name, limit in limits.items() if limit}
    name, least = min(known.items(), key=lambda item: item[1])
    if ids is not None and ids > least:
        yield Problem(
            path,
            f"vocabulary {fmt(ids)} is above {name}, {fmt(least)}",
            f"set `{path}` to {least} or less",
        )
    total = limits["total_vocab_size"]
    where = read.place(config, "total_vocab_size")
    if where is not None and total is not None and total > estimators.CAP:
        yield Problem(
            where,
            f"total_vocab_size {fmt(total)} is above the hard cap of {fmt(estimators.CAP)}",
            f"set `{where}: {estimators.CAP}`",
            read.setting(config, where, estimators.CAP),
        )


rules = (
    no_vocabulary,
    beyond_budget,
    floor_above_budget,
    below_base,
    too_few_ids,
    too_many_ids,
)
