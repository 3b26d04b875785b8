"""HS401-HS406: parameters and memory, and who counted them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from . import estimators, memory, read
from .read import fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

ESTIMATOR = "budget.estimator"
STACK = ("num_reasoning_blocks", "num_moe_experts")
LEAST, MOST = 100_000_000, 20_000_000_000
"""The budgets that the old server took."""
_TINY = (
    "model:\n  hidden_dim: 64\n  num_reasoning_blocks: 6\n  num_moe_experts: 4\n"
    "  adapter: {hd_dim: 256}\n"
    "  blocks: {attention: {num_heads: 4, latent_dim: 16}, wlam: {num_heads: 4}, moe: {inner_dim: 128}}\n"
    "data:\n  hd: {sample_length: 16}\ntokenizer: {active_vocab_size: 512}\n"
)
"""461,966 parameters, counted on a model."""


def counts(config: Config) -> dict[str, int]:
    """What each estimator makes of the file, by its name; `exact` where sections fix all."""
    flat = read.flat(config)
    found = {name: count(flat) for name, count in estimators.FLAT.items()}
    of = read.sizes(config)
    # The old estimators fill in what is open; a count of tensors that nobody decided is none.
    is_open = any(read.whole(config, key) is None for key in STACK)
    return found if of is None or is_open else found | {"exact": estimators.count_exact(of)}


def _says_sizes(config: Config) -> bool:
    return any(read.whole(config, key) for key in ("hidden_dim", "embedding_dim"))


@rule(
    code="HS401",
    name="estimate-above-the-budget",
    severity="error",
    summary="The model has more parameters than its budget.",
    explanation="""
    The estimator decides whether this is so: for one config they differ up to 73 times. Flat files
    are judged by the last estimator of the old code (head), as their own search judged them; it
    counts 1,358,886,019 for trial ef7cddb1 with a budget of 250,000,000, most of it a table of
    1,048,576 positions that no longer existed. Files in sections are judged by the exact count of
    tensors, when they say `estimator: exact`.
    """,
    valid=(
        Example(f"{_TINY}budget: {{param_budget: 461966, estimator: exact}}\n"),
        Example(f"{_TINY}budget: {{param_budget: 400000, estimator: v1}}\n"),
        Example("hidden_dim: 64\nparam_budget: 250000000\n", version="flat-v2"),
    ),
    invalid=(
        Example(f"{_TINY}budget: {{param_budget: 461965, estimator: exact}}\n"),
        Example(
            "hidden_dim: 512\nembedding_dim: 1280\ncontext_window: 1048576\n"
            "param_budget: 250000000\n",
            version="flat-v2",
        ),
    ),
)
def above_budget(config: Config) -> Iterator[Problem]:
    name = "head" if read.is_flat(config) else "exact"
    if name == "exact" and config.get(ESTIMATOR) != "exact":
        return
    budget = read.whole(config, "param_budget")
    count = counts(config).get(name)
    if budget is not None and count is not None and count > budget:
        of = None if name == "head" else read.sizes(config)
        parts = {} if of is None else estimators.exact_parts(of)
        listed = ", ".join(f"{part} {fmt(size)}" for part, size in parts.items())
        yield Problem(
            read.place(config, "param_budget") or "",
            f"{fmt(count)} parameters by estimator {name}{f' ({listed})' * bool(listed)},"
            f" {count / budget:.2f} times the budget of {fmt(budget)}",
            "fewer experts or blocks, a smaller width or vocabulary - or a larger budget",
        )


@rule(
    code="HS402",
    name="estimator-unnamed",
    severity="warning",
    summary="A budget is set, and nothing says whose count of parameters it limits.",
    explanation="""
    Three estimators exist in the history of the family, v1, v2 and head, and none counts tensors.
    An entry of the old log of refused trials (128,000 ids, hd_dim 3,072) is 16,621,696 parameters
    by v1, 393,458,688 by v2 and 5,393,774 by head: 73 times. For ef7cddb1 they say 715,502,080, 151,802,880 and 1,358,886,019; for ed48d074/t2 104,752,032,
    32,735,488 and 1,304,344,737. v1 charges the vocabulary twice, v2 a table of vocab x hd_dim that
    HD mode does not have, head a table of positions that streaming removed, and the embedding's
    width in place of the model's. `exact` counts the tensors of the model that is built here; only
    it can reject a config. Naming it may change which configs pass, so the fix is unsafe. A request
    need not name one: it is the search that counts.
    """,
    since="1",
    valid=(
        Example(f"{_TINY}budget: {{param_budget: 1000000, estimator: exact}}\n"),
        Example(_TINY),
        Example("profile: request\nbudget: {param_budget: 1000000}\n"),
    ),
    invalid=(
        Example(
            f"{_TINY}budget:\n  param_budget: 1000000\n",
            fixed=f"{_TINY}budget:\n  param_budget: 1000000\n  estimator: exact\n",
        ),
    ),
)
def unnamed(config: Config) -> Iterator[Problem]:
    budget = read.whole(config, "param_budget")
    if budget is None or config.get(ESTIMATOR) is not None:
        return
    if read.is_flat(config) or read.profile(config) == "request":
        return
    said = ""
    if _says_sizes(config):
        found = counts(config)
        spread = max(found.values()) / max(1, min(found.values()))
        listed = ", ".join(f"{name} {fmt(count)}" for name, count in found.items())
        said = f": {listed} ({spread:.1f} times)"
    yield Problem(
        "budget.param_budget",
        f"a budget of {fmt(budget)}, and no estimator named{said}",
        f"set `{ESTIMATOR}: exact`",
        read.setting(config, ESTIMATOR, "exact"),
    )


@rule(
    code="HS403",
    name="old-estimate-above-the-budget",
    severity="info",
    summary="By the estimator that the file names the model is above its budget.",
    explanation="""
    v1, v2 and head are closed forms that the old search used, kept to understand its decisions. They
    are no count of tensors: a model of 461,966 parameters is 377,088 by v1, 357,376 by v2 and
    712,133 by head. So this is no error; the message gives the exact count beside the estimate, which decides once the file
    says `estimator: exact`.
    """,
    since="1",
    valid=(Example(f"{_TINY}budget: {{param_budget: 461966, estimator: exact}}\n"),),
    invalid=(Example(f"{_TINY}budget: {{param_budget: 100000, estimator: v1}}\n"),),
)
def old_estimate(config: Config) -> Iterator[Problem]:
    name, budget = read.text(config, ESTIMATOR), read.whole(config, "param_budget")
    if name not in estimators.FLAT or budget is None or not _says_sizes(config):
        return
    found = counts(config)
    if found[name] > budget:
        exact = f"; the exact count is {fmt(found['exact'])}" if "exact" in found else ""
        yield Problem(
            "budget.param_budget",
            f"estimator {name} says {fmt(found[name])}, {found[name] / budget:.2f} times the budget"
            f" of {fmt(budget)}{exact}",
            f"set `{ESTIMATOR}: exact`",
            read.setting(config, ESTIMATOR, "exact"),
        )


@rule(
    code="HS404",
    name="estimator-charges-a-table-that-is-not-there",
    severity="warning",
    summary="In HD mode an old estimator charges vocab x hd_dim, and not the head.",
    explanation="""
    Bundles are embeddings, so in HD mode there is no table of vocab x hd_dim. v2 charges it all the
    same and has no term of the vocabulary in the head, where the vocabulary really is: (256 + D + 2)
    parameters per id. With 128,000 ids, hd_dim 1024 and width 64 v2 finds 131,185,664 parameters,
    131 million of them in a table that is not there, and misses 41 million of the head.
    """,
    since="2",
    valid=(Example(f"{_TINY}budget: {{param_budget: 1000000, estimator: exact}}\n"),),
    invalid=(
        Example(
            f"{_TINY}budget:\n  param_budget: 100000000\n  estimator: v2\n",
            fixed=f"{_TINY}budget:\n  param_budget: 100000000\n  estimator: exact\n",
        ),
    ),
)
def no_such_table(config: Config) -> Iterator[Problem]:
    name = read.text(config, ESTIMATOR)
    if name in estimators.FLAT and read.streams_bundles(config):
        yield Problem(
            ESTIMATOR,
            f"estimator {name} charges a table of ids that a model of bundles does not have",
            f"set `{ESTIMATOR}: exact`",
            read.setting(config, ESTIMATOR, "exact"),
        )


@rule(
    code="HS405",
    name="budget-out-of-range",
    severity="error",
    summary="The server takes budgets of 100 million to 20 billion parameters only.",
    explanation="""
    20 billion is the limit of the old program's free edition, 100 million the least that its server
    took. A request is held to that by its profile (CM002); this is the same for the flat files that
    the server made of requests. Files in sections may have any budget: a model that trains on a CPU
    has half a million parameters.
    """,
    valid=(
        Example("sweep_id: a\nparam_budget: 100000000\n", version="flat-v2"),
        Example("budget: {param_budget: 500000}\n"),
    ),
    invalid=(Example("sweep_id: a\nparam_budget: 99999999\n", version="flat-v2"),),
)
def out_of_range(config: Config) -> Iterator[Problem]:
    budget = read.whole(config, "param_budget") if read.is_flat(config) else None
    if budget is None or LEAST <= budget <= MOST:
        return
    if read.profile(config) in ("sweep", "trial"):
        yield Problem(
            "param_budget",
            f"param_budget {fmt(budget)} is outside {fmt(LEAST)} to {fmt(MOST)}",
            f"set `param_budget` within {LEAST} to {MOST}",
        )


@rule(
    code="HS406",
    name="more-memory-than-there-is",
    severity="error",
    summary="The estimated peak memory is above four fifths of 32 GB.",
    explanation="""
    Counted by the old memory estimator: weights, gradients and two or three moments of the head
    estimate, activations of context_window tokens, linear attention, and a fifth on top. Every v2
    trial on record asks for 1,048,576 tokens and so for 26.94 GB (batch 8), 52.75 GB (batch 16) or
    2,083 GB (ef7cddb1, counted with width 1280), and was started all the same; 153587c9 with 4,096 tokens needs 0.60 GB. The count is about
    flat files: a model in sections reads bundles of sample_length tokens.
    """,
    valid=(
        Example("hidden_dim: 64\ncontext_window: 4096\nbatch_size: 16\n", version="flat-v2"),
        Example("model: {hidden_dim: 64, context_window: 1048576}\n"),
    ),
    invalid=(
        Example("hidden_dim: 64\ncontext_window: 1048576\nbatch_size: 16\n", version="flat-v2"),
    ),
)
def too_much_memory(config: Config) -> Iterator[Problem]:
    if not read.is_flat(config) or not isinstance(config.data, dict):
        return
    found = memory.memory(config.data)
    if found.peak > found.limit:
        fits = (
            f"`context_window: {found.context}` would fit" if found.context else "lower the width"
        )
        place = "context_window" if config.has("context_window") else ""
        yield Problem(
            place,
            f"about {found.peak / 1e9:,.2f} GB at the peak, more than {found.limit / 1e9:.1f} GB",
            f"{fits}; so would a smaller `batch_size`",
            read.setting(config, place, found.context) if place and found.context else None,
        )


rules = (above_budget, unnamed, old_estimate, no_such_table, out_of_range, too_much_memory)
