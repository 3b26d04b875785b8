"""HS310-HS316: widths that heads divide, patterns that exist, limits of the edition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from . import read
from .estimators import positive
from .read import fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

HYBRID = "mamba_timecrystal_wlam_moe_hybrid"
HEADS = ("num_heads", "wlam_num_heads", "quantum_gqa_num_heads")
LIMITS = {
    "context_window": (1, 5_000_000),
    "sequence_length": (1, 5_000_000),
    "num_reasoning_blocks": (1, 24),
    "num_moe_experts": (2, 12),
    "embedding_dim": (1, 4096),
    "hidden_dim": (1, 4096),
}
"""What the free edition of the old program builds."""


def snapped(width: int) -> int:
    """The nearest multiple of 8, half to even, and 32 at least: as the search snaps widths."""
    return max(32, round(width / 8) * 8)


def power_from(heads: int) -> int:
    """The next power of two: 7 -> 8, 8 -> 8, 9 -> 16."""
    return 1 << (heads - 1).bit_length()


@rule(
    code="HS310",
    name="width-is-no-multiple-of-eight",
    severity="error",
    summary="hidden_dim is not a multiple of 8, or below 32.",
    explanation="""
    The search snaps every width to a multiple of 8 and to 32 at least after each mutation, and the
    Hamiltonian block needs an even one: it splits the width into positions and momenta. The fix
    takes the nearest multiple, as the search does: 358 becomes 360, 354 becomes 352.
    """,
    valid=(Example("model: {hidden_dim: 64}\n"), Example("hidden_dim: 32\n", "flat-v2")),
    invalid=(
        Example("model:\n  hidden_dim: 358\n", fixed="model:\n  hidden_dim: 360\n"),
        Example("hidden_dim: 16\n", version="flat-v2", fixed="hidden_dim: 32\n"),
    ),
)
def width(config: Config) -> Iterator[Problem]:
    path, said = read.place(config, "hidden_dim"), read.whole(config, "hidden_dim")
    if path is not None and said is not None and (said % 8 or said < 32):
        odd = "; it is odd, and the Hamiltonian block halves it" if said % 2 else ""
        yield Problem(
            path,
            f"hidden_dim {fmt(said)} is no multiple of 8 of at least 32{odd}",
            f"set `{path}: {snapped(said)}`",
            read.setting(config, path, snapped(said)),
        )


@rule(
    code="HS311",
    name="heads-do-not-divide-the-width",
    severity="error",
    summary="hidden_dim is not a multiple of a number of heads.",
    explanation="""
    Each head gets hidden_dim / heads numbers, in the latent-KV attention as in the wavelet mixer,
    whose low band is an attention of its own. The layers raise when they are built; the search does
    not look, because it mutates widths and heads apart from each other.
    """,
    valid=(Example("hidden_dim: 64\nwlam_num_heads: 8\n", version="flat-v2"),),
    invalid=(
        Example("hidden_dim: 88\nwlam_num_heads: 16\n", version="flat-v2"),
        Example("model: {hidden_dim: 72, blocks: {attention: {num_heads: 16}}}\n"),
    ),
)
def heads_divide(config: Config) -> Iterator[Problem]:
    said = read.whole(config, "hidden_dim")
    for key in HEADS:
        path, heads = read.place(config, key), read.whole(config, key)
        if path is not None and heads is not None and said is not None and said % heads:
            yield Problem(
                path,
                f"{heads} heads do not divide hidden_dim {fmt(said)}",
                f"set `{path}` to a power of two that divides {said}",
            )


@rule(
    code="HS312",
    name="heads-do-not-share-keys",
    severity="error",
    summary="num_heads is not a multiple of num_kv_heads.",
    explanation="""
    Each head of keys and values serves num_heads / num_kv_heads query heads (grouped queries), so
    the one must divide the other. The old defaults are 8 and 2.
    """,
    valid=(Example("model: {blocks: {attention: {num_heads: 8, num_kv_heads: 2}}}\n"),),
    invalid=(Example("model: {blocks: {attention: {num_heads: 8, num_kv_heads: 3}}}\n"),),
)
def shared_keys(config: Config) -> Iterator[Problem]:
    path = read.place(config, "num_kv_heads")
    heads, groups = read.whole(config, "num_heads"), read.whole(config, "num_kv_heads")
    if path is not None and groups is not None and (heads or 8) % groups:
        yield Problem(
            path,
            f"{heads or 8} query heads cannot share {groups} heads of keys and values evenly",
            f"set `{path}` to a divisor of {heads or 8}",
        )


@rule(
    code="HS313",
    name="heads-are-no-power-of-two",
    severity="error",
    summary="A number of heads is not a power of two.",
    explanation="""
    The search takes the next power of two after every mutation (7 becomes 8, 9 becomes 16), so no
    trial of its own has another number. The
    fix does the same as the search; see HS311 for whether the heads still divide the width.
    """,
    valid=(Example("wlam_num_heads: 8\n", version="flat-v2"),),
    invalid=(
        Example("wlam_num_heads: 6\n", version="flat-v2", fixed="wlam_num_heads: 8\n"),
        Example("model: {blocks: {wlam: {num_heads: 9}}}\n"),
    ),
)
def power_of_two(config: Config) -> Iterator[Problem]:
    for key in HEADS:
        path, heads = read.place(config, key), read.whole(config, key)
        if path is not None and heads is not None and heads != power_from(heads):
            yield Problem(
                path,
                f"{heads} heads are no power of two",
                f"set `{path}: {power_from(heads)}`",
                read.setting(config, path, power_from(heads)),
            )


@rule(
    code="HS314",
    name="beyond-the-edition",
    severity="error",
    summary="A size is beyond what the program builds.",
    explanation="""
    Limits of the program, checked when a model is made: 24 blocks, 2 to 12 experts, widths of at
    most 4,096 and 5,000,000 tokens of context. The search's ranges end there too, so a trial cannot
    improve on such a file.
    """,
    valid=(Example("model: {num_reasoning_blocks: 24, num_moe_experts: 12}\n"),),
    invalid=(
        Example("num_reasoning_blocks: 25\n", version="flat-v2"),
        Example("model: {num_moe_experts: 1}\n"),
    ),
)
def beyond_edition(config: Config) -> Iterator[Problem]:
    for key, (low, high) in LIMITS.items():
        path = read.place(config, key)
        said = None if path is None else read.number(config, path)
        if path is not None and said is not None and not low <= said <= high:
            yield Problem(
                path,
                f"{key} {fmt(said)} is outside {low} to {fmt(high)}",
                f"set `{path}` within {low} to {high}",
            )


@rule(
    code="HS315",
    name="pattern-that-means-another",
    severity="error",
    summary="block_pattern is a word that silently means the hybrid.",
    explanation="""
    Only mamba_only selects another stack. Every other word gives the six-block hybrid, also the
    documented transformer and moe_only, and transformer is the default of the old ModelConfig. The
    fix writes what is built.
    """,
    valid=(
        Example("model: {block_pattern: mamba_only}\n"),
        Example(f"block_pattern: {HYBRID}\n", version="flat-v2"),
    ),
    invalid=(
        Example(
            "model:\n  block_pattern: transformer\n",
            fixed=f"model:\n  block_pattern: {HYBRID}\n",
        ),
    ),
)
def pattern(config: Config) -> Iterator[Problem]:
    path = read.place(config, "block_pattern")
    said = read.text(config, path) if path is not None else ""
    if path is not None and said and said not in (HYBRID, "mamba_only"):
        yield Problem(
            path,
            f"block_pattern {said[:40]!r} means the hybrid",
            f"set `{path}: {HYBRID}`, or mamba_only",
            read.setting(config, path, HYBRID, safe=True),
        )


@rule(
    code="HS316",
    name="open-tensor-train",
    severity="error",
    summary="A list of tensor-train ranks does not begin and end with 1.",
    explanation="""
    A matrix in tensor-train form is a chain of cores whose outer ranks are 1; otherwise the product
    of the chain is no number. The search draws [1, 4, 4, 1], [1, 8, 8, 1] and [1, 16, 16, 1]. The
    second entry is what the last estimator counts with.
    """,
    valid=(Example("tt_ffn_ranks: [1, 8, 8, 1]\n", version="flat-v2"),),
    invalid=(Example("tt_ffn_ranks: [8, 8, 1]\n", version="flat-v2"),),
)
def tensor_train(config: Config) -> Iterator[Problem]:
    ranks = config.get("tt_ffn_ranks") if read.is_flat(config) else None
    if isinstance(ranks, list) and not _is_closed(ranks):
        yield Problem(
            "tt_ffn_ranks",
            f"ranks {str(ranks)[:60]} are no chain from 1 to 1",
            "set `tt_ffn_ranks` to positive numbers with 1 at both ends",
        )


def _is_closed(ranks: list[object]) -> bool:
    good = all(positive(rank) for rank in ranks)
    return good and len(ranks) > 1 and ranks[0] == 1 == ranks[-1]


rules = (
    width,
    heads_divide,
    shared_keys,
    power_of_two,
    beyond_edition,
    pattern,
    tensor_train,
)
