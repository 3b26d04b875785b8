"""HS214-HS215: what generation makes of the vocabulary, and how often it goes over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from . import read
from .read import fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

LIMITS = {
    "qsg_grover_iterations": (1, 10),
    "qsg_jacobi_iterations": (0, 6),
    "qsg_hopfield_beta": (0.1, 5.0),
}
"""The least and the most of what the phases take, by flat key."""


@rule(
    code="HS214",
    name="more-candidates-than-ids",
    severity="error",
    summary="Generation keeps more candidates than there are ids.",
    explanation="""
    qsg.top_k candidates of each position are kept before sampling. The tensor library of the old
    code refuses more than the vocabulary has, at the first text that is generated, after training.
    Here all ids are kept then, so the number says something else than what happens.
    """,
    valid=(Example("tokenizer: {active_vocab_size: 512}\nqsg: {top_k: 512}\n"),),
    invalid=(
        Example(
            "tokenizer:\n  active_vocab_size: 512\nqsg:\n  top_k: 513\n",
            fixed="tokenizer:\n  active_vocab_size: 512\nqsg:\n  top_k: 512\n",
        ),
    ),
)
def too_many_candidates(config: Config) -> Iterator[Problem]:
    kept, (_, ids) = read.whole_at(config, "qsg.top_k"), read.vocabulary(config)
    if kept is not None and ids is not None and kept > ids:
        yield Problem(
            "qsg.top_k",
            f"top_k {fmt(kept)} of a vocabulary of {fmt(ids)}",
            f"set `qsg.top_k` to {ids} or less",
            read.setting(config, "qsg.top_k", ids),
        )


@rule(
    code="HS215",
    name="phase-out-of-range",
    severity="error",
    summary="A phase of generation runs too often, not at all, or reaches nobody.",
    explanation="""
    Amplification takes 1 to 10 rounds, refinement 0 to 6, and the retrieval a beta of 0.1 to 5: the
    search draws within that, and each round goes over all ids of every position. Without a round of
    amplification the oracle is computed and has no say. A coherence_range of 0 lets a position
    average over itself alone; -1 is what means all of them.
    """,
    valid=(
        Example("qsg: {grover_iterations: 10, jacobi_iterations: 0, coherence_range: -1}\n"),
        Example("qsg_hopfield_beta: 0.1\nqsg_coherence_range: 8\n", version="flat-v6"),
    ),
    invalid=(
        Example("qsg: {grover_iterations: 0}\n"),
        Example("qsg: {jacobi_iterations: 7, hopfield_beta: 5.5}\n", version="2"),
        Example("qsg: {coherence_range: 0}\n"),
        Example("qsg_grover_iterations: 11\n", version="flat-v2"),
    ),
)
def out_of_range(config: Config) -> Iterator[Problem]:
    for key, (least, most) in LIMITS.items():
        path = read.place(config, key) or key
        said = read.number(config, path)
        if said is not None and not least <= said <= most:
            yield Problem(
                path,
                f"{key.removeprefix('qsg_')} {fmt(said)} is outside {least:g} to {most:g}",
                f"set `{path}` within {least:g} to {most:g}",
            )
    path = read.place(config, "qsg_coherence_range") or "qsg_coherence_range"
    if read.number(config, path) == 0:
        yield Problem(
            path,
            "coherence_range 0: no position hears of another",
            f"set `{path}` to the positions that may, or to -1 for all",
        )


rules = (too_many_candidates, out_of_range)
