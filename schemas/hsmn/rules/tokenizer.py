"""HS207-HS213: constants for a vocabulary, one vocabulary under several names, and the parts that must agree with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from . import read
from .estimators import CAP as MOST
from .read import fmt
from .vocabulary import CAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

CONSTANTS = (128_000, 256_000, 65_536)
"""Vocabularies that were constants of the controller and of the web page."""
ACTIVE = "hd_active_vocab_size"


@rule(
    code="HS207",
    name="vocabulary-at-its-cap",
    severity="warning",
    summary="The vocabulary is exactly the cap, so the formula behind it had no say.",
    explanation="""
    A computed vocabulary of 300,000 means that an id looked cheap: with hd_dim 192 a budget of
    250,000,000 "allows" 650,977 ids, cut to 300,000 (trial ab733418). But the head's columns do not
    depend on hd_dim: (256 + 64 + 2) x 300,000 = 96.6 million parameters that the formula does not
    see. The trial stayed at a loss of 12.61, which is ln 300000.
    """,
    valid=(Example("vocab_size: 299999\n", version="flat-v2"),),
    invalid=(
        Example("vocab_size: 300000\n", version="flat-v2"),
        Example("tokenizer: {active_vocab_size: 300000}\n"),
    ),
)
def at_its_cap(config: Config) -> Iterator[Problem]:
    path, ids = read.vocabulary(config)
    most = read.whole_at(config, "budget.vocab_cap") or MOST
    if ids == most:
        yield Problem(
            path,
            f"vocabulary {fmt(most)} is the hard cap, not what a budget or a text gave",
            f"set `{path}` to what the text yields, or raise `hd_dim`, which the formula charges",
        )


@rule(
    code="HS208",
    name="constant-vocabulary",
    severity="warning",
    summary="The vocabulary is a constant of the old code that nobody chose, beside a budget.",
    explanation="""
    128,000 was the controller's first target, 256,000 a module constant and the web page's limit,
    65,536 an estimator's default. A tokenizer with target 128,000 has room for 127,638 n-grams
    above its base of 362 and learns until that is full, whatever param_budget says. A vocabulary
    that the budget gave (derived_from: budget) may be 128,000, since that was the formula's cap.
    """,
    valid=(
        Example("vocab_size: 128000\n", version="flat-v1"),
        Example(
            "tokenizer: {vocab_size: 128000, derived_from: budget}\n"
            "budget: {param_budget: 250000000}\n",
            version="2",
        ),
    ),
    invalid=(
        Example("vocab_size: 128000\nparam_budget: 250000000\n", version="flat-v1"),
        Example("tokenizer: {vocab_size: 65536}\nbudget: {param_budget: 250000000}\n", version="2"),
    ),
)
def constant(config: Config) -> Iterator[Problem]:
    path = read.place(config, "vocab_size")
    ids, budget = read.whole(config, "vocab_size"), read.whole(config, "param_budget")
    if path is None or budget is None or ids not in CONSTANTS:
        return
    if read.text(config, "tokenizer.derived_from") != "budget":
        yield Problem(
            path,
            f"vocabulary {fmt(ids)} is a constant of the old code, not chosen for a budget of"
            f" {fmt(budget)}",
            f"set `{path}` to what budget and text give"
            + ("" if config.version == "flat-v1" else ", and say so with `derived_from`"),
        )


@rule(
    code="HS209",
    name="vocabulary-named-twice",
    severity="error",
    summary="The file names its vocabulary under more than one key.",
    explanation="""
    vocab_size became target_vocab_size and then active_vocab_size; the factory went on to write
    vocab_size beside them, computed from the budget. Real files say 121,558 beside 16,000 and
    40,178 beside 8,000. The model has the later key's; vocab_size is read by the estimators only,
    which then judge another model. The fix removes the stale key, which no model depends on.
    """,
    valid=(
        Example("tokenizer: {active_vocab_size: 512}\n"),
        Example("vocab_size: 8000\n", version="flat-v4"),
    ),
    invalid=(
        Example(
            "active_vocab_size: 16000\nvocab_size: 121558\n",
            version="flat-v6",
            fixed="active_vocab_size: 16000\n",
        ),
        Example(
            "tokenizer:\n  target_vocab_size: 8000\n  vocab_size: 40178\n",
            version="4",
            fixed="tokenizer:\n  target_vocab_size: 8000\n",
        ),
    ),
)
def named_twice(config: Config) -> Iterator[Problem]:
    said = read.named_vocabularies(config)
    if len(said) < 2:
        return
    holds, ids = read.vocabulary(config)
    stale = next(path for path in reversed(said) if path != holds or ids is None)
    values = {path: repr(found) for path, found in said.items()}
    names = ", ".join(
        f"{path.rsplit('.', maxsplit=1)[-1]} {found}" for path, found in values.items()
    )
    yield Problem(
        stale,
        f"one vocabulary under {len(said)} names: {names[:100]}; "
        f"{holds.rsplit('.', maxsplit=1)[-1]} holds",
        f"remove `{stale}`",
        read.dropping(stale, safe=True) if ids is not None and len(said) == 2 else None,
        part="key",
    )


@rule(
    code="HS210",
    name="dense-rows-beyond-the-vocabulary",
    severity="error",
    summary="hd_active_vocab_size is more than the vocabulary.",
    explanation="""
    The dual-path embedding has a row of its own for the first hd_active_vocab_size ids and codes
    the rest by hyperdimensional vectors. Rows beyond the vocabulary are never looked up: they take
    memory and, in the old estimator, eight parameters each of the budget. The sampler of the old
    code clamped the value without a word.
    """,
    valid=(
        Example("tokenizer: {target_vocab_size: 8000}\nhd_active_vocab_size: 1\n", version="4"),
        Example("target_vocab_size: 8000\nhd_active_vocab_size: 8000\n", version="flat-v4"),
    ),
    invalid=(
        Example(
            "target_vocab_size: 8000\nhd_active_vocab_size: 10000\n",
            version="flat-v4",
            fixed="target_vocab_size: 8000\nhd_active_vocab_size: 8000\n",
        ),
    ),
)
def rows_beyond(config: Config) -> Iterator[Problem]:
    path, rows = read.place(config, ACTIVE), read.whole(config, ACTIVE)
    where, ids = read.vocabulary(config)
    if path is None or rows is None or ids is None or rows <= ids:
        return
    yield Problem(
        path,
        f"{fmt(rows)} dense rows for a vocabulary of {fmt(ids)} ({where})",
        f"set `{path}: {ids}`",
        read.setting(config, path, ids),
    )


@rule(
    code="HS211",
    name="head-narrower-than-its-labels",
    severity="error",
    summary="The builder of v6 gives the head hd_active_vocab_size ids, not the vocabulary.",
    explanation="""
    The builder of v6 overwrites its active_vocab_size with hd_active_vocab_size before it makes the
    head. Trial 153587c9 has 16,000 ids and 1,000 dense rows, so its head is 1,000 wide and labels
    go up to 15,999: they are out of range. Only equal values are safe there. From version 5 on the
    head has the active vocabulary.
    """,
    since="flat-v6",
    until="flat-v6",
    valid=(Example("active_vocab_size: 16000\nhd_active_vocab_size: 16000\n", version="flat-v6"),),
    invalid=(
        Example(
            "active_vocab_size: 16000\nhd_active_vocab_size: 1000\n",
            version="flat-v6",
            fixed="active_vocab_size: 16000\nhd_active_vocab_size: 16000\n",
        ),
    ),
)
def narrow_head(config: Config) -> Iterator[Problem]:
    rows, ids = read.whole(config, ACTIVE), read.whole(config, "active_vocab_size")
    if rows is not None and ids is not None and rows != ids:
        yield Problem(
            ACTIVE,
            f"v6 builds a head of {fmt(rows)} ids; labels go up to {fmt(ids - 1)}",
            f"set `{ACTIVE}: {ids}`, or upgrade: version 5 builds {fmt(ids)}",
            read.setting(config, ACTIVE, ids),
        )


@rule(
    code="HS212",
    name="base-vocabulary-miscounted",
    severity="error",
    summary="base_vocab is not what byte_offset makes it.",
    explanation="""
    base_vocab is derived: max(362, byte_offset + 320). The search draws byte offsets of 16, 24, 32,
    48 and 64: 48 makes it 368 and 64 makes it 384. N-grams are numbered from there on, so a wrong base shifts every
    learnt id, and a codebook of another base is refused. The fix writes the number that the
    tokenizer has anyway.
    """,
    valid=(
        Example("tokenizer: {byte_offset: 24}\n"),
        Example("tokenizer: {byte_offset: 64, base_vocab: 384}\n"),
    ),
    invalid=(
        Example(
            "tokenizer:\n  base_vocab: 362\n  byte_offset: 64\n",
            fixed="tokenizer:\n  base_vocab: 384\n  byte_offset: 64\n",
        ),
        Example("tokenizer:\n  byte_offset: 64\n"),
    ),
)
def miscounted_base(config: Config) -> Iterator[Problem]:
    where, base = "tokenizer.base_vocab", read.base(config)
    if read.is_flat(config) or not read.section(config, "tokenizer"):
        return
    said = config.get(where, 362)
    if said != base:
        yield Problem(
            where if config.has(where) else "tokenizer.byte_offset",
            f"base_vocab {said!r:.20} with this byte_offset; the tokenizer begins with {base} ids",
            f"set `{where}: {base}`",
            read.setting(config, where, base, safe=True),
        )


@rule(
    code="HS213",
    name="cap-is-not-the-vocabulary",
    severity="warning",
    summary="max_vocab_size and the vocabulary differ, so one of them has no effect.",
    explanation="""
    The tokenizer learns up to the smaller of the two. A cap below the vocabulary leaves rows of the
    table and columns of the head that no id ever reaches (dead embeddings, when the model takes its
    vocabulary from the config); a cap above it never binds. The old loaders passed one number as
    both.
    """,
    valid=(
        Example("tokenizer: {active_vocab_size: 512, max_vocab_size: 512}\n"),
        Example("tokenizer: {active_vocab_size: 512}\n"),
    ),
    invalid=(
        Example(
            "tokenizer:\n  active_vocab_size: 1552\n  max_vocab_size: 512\n",
            fixed="tokenizer:\n  active_vocab_size: 1552\n  max_vocab_size: 1552\n",
        ),
        Example("tokenizer: {vocab_size: 512, max_vocab_size: 1552}\n", version="2"),
    ),
)
def cap_differs(config: Config) -> Iterator[Problem]:
    cap, (path, ids) = read.whole_at(config, CAP), read.vocabulary(config)
    if read.is_flat(config) or cap is None or ids is None or cap == ids:
        return
    effect = f"{fmt(ids - cap)} ids are never learnt" if cap < ids else "the cap never binds"
    yield Problem(
        CAP,
        f"max_vocab_size {fmt(cap)} beside a vocabulary of {fmt(ids)}: {effect}",
        f"make `{CAP}` and `{path}` equal",
        read.setting(config, CAP, ids),
    )


rules = (
    at_its_cap,
    constant,
    named_twice,
    rows_beyond,
    narrow_head,
    miscounted_base,
    cap_differs,
)
