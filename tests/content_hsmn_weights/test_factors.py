"""Heads factored and multiplied out: what a rank keeps, what it loses, what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from checkpoint_tools.plan import LossError
from tests.content.weights import assert_same
from tests.content_hsmn_weights.tools import (
    HEADS,
    adapted,
    arrays,
    loaded,
    logits,
    made,
    readings,
    sequences,
    there_and_back,
    words,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")

WEIGHT, BIAS = "head.output_proj.weight", "head.output_proj.bias"
U, V = "head.output_proj.U", "head.output_proj.V"
FACTORED, WHOLE = {"factored": True}, {"factored": False}


def of_rank(rank: int, noise: float = 0.0, **settings: Any) -> dict[str, Any]:
    """A small model whose head, with the bias in it, is of a rank, but for some noise."""
    one, drawn = arrays(made(**settings)), np.random.default_rng(3)
    states, ids = one[WEIGHT].shape
    left, right = drawn.normal(size=(states, rank)), drawn.normal(size=(rank, ids))
    matrix = left @ right + noise * drawn.normal(size=(states, ids))
    one[WEIGHT] = (matrix - one[BIAS]).astype("f4")
    return one


@pytest.mark.parametrize("head", ["quantum", "no_dense"])
@pytest.mark.parametrize("rank", [3, 16, 20])
def test_enough_ranks_compute_the_same(head: str, rank: int) -> None:
    settings = HEADS[head]
    one = of_rank(3, **settings) if rank == 3 else arrays(made(**settings))
    other, kept = adapted("factored_head", one, {"factor_rank": rank, "total": 400}, **FACTORED)
    model = loaded(other, **settings, factor_rank=rank, total_vocab=400)
    ids = sequences()
    before, after = logits(loaded(one, **settings), ids), logits(model, ids)
    assert np.abs(before - after).max() < 1e-5
    assert readings(one, other)["logits"].deviation < 1e-5
    energy = kept["factored_head/head.output_proj.discarded_energy"]
    assert energy.dtype == np.float64
    assert 0 <= energy < 1e-12
    trained = [name for name, _ in model.named_parameters()]
    assert [name for name in other if name in trained] == trained
    back = there_and_back("factored_head", one, {"factor_rank": rank, "total": 400}, **FACTORED)
    assert_same(back, one)


def test_it_is_the_closest_of_its_rank() -> None:
    one = of_rank(3, noise=0.05)
    other, kept = adapted("factored_head", one, {"factor_rank": 3, "total": 400}, **FACTORED)
    matrix = one[WEIGHT].astype("f8") + one[BIAS]
    singular = np.linalg.svd(matrix, compute_uv=False)
    lost = float((singular[3:] ** 2).sum() / (singular**2).sum())
    assert 0 < lost < 0.02
    energy = float(kept["factored_head/head.output_proj.discarded_energy"])
    assert energy == pytest.approx(lost, rel=1e-6)
    away = matrix - other[V].astype("f8").T @ other[U].astype("f8").T
    assert (away**2).sum() / (matrix**2).sum() == pytest.approx(lost, rel=1e-3)
    # U sqrt(S) and sqrt(S) V': both share the size alike.
    for size in ((other[U].astype("f8") ** 2).sum(0), (other[V].astype("f8") ** 2).sum(1)):
        assert size == pytest.approx(singular[:3], rel=1e-4)
    assert readings(one, other)["logits"].deviation > 1e-4


def test_too_few_ranks_are_refused() -> None:
    one = arrays(made())
    singular = np.linalg.svd(one[WEIGHT].astype("f8") + one[BIAS], compute_uv=False) ** 2
    shares = singular.cumsum() / singular.sum()
    enough = int((shares < 0.98).sum()) + 1
    assert 4 < enough <= 16
    said = f"rank 4 keeps {shares[3]:.2%} of the energy, and 98% is the least: "
    said += f"set model.lm_head.factor_rank to {enough} or more"
    with pytest.raises(LossError, match=re.escape(said)):
        adapted("factored_head", one, {"factor_rank": 4, "total": 400}, **FACTORED)
    sizes = {"factor_rank": enough - 1, "total": 400}
    with pytest.raises(LossError):
        adapted("factored_head", one, sizes, **FACTORED)
    adapted("factored_head", one, {"factor_rank": enough, "total": 400}, **FACTORED)


def test_a_head_of_zeros() -> None:
    one = arrays(made())
    one |= {WEIGHT: 0 * one[WEIGHT], BIAS: 0 * one[BIAS]}
    other, _ = adapted("factored_head", one, {"factor_rank": 2, "total": 400}, **FACTORED)
    assert not other[U].any()
    assert np.isfinite(other[V]).all()


@pytest.mark.parametrize("mixed", [True, False])
def test_multiplied_out(mixed: bool) -> None:
    settings = {"factor_rank": 5, "total_vocab": 420, "dense_fallback": mixed}
    one = arrays(made(**settings))
    other, kept = adapted("whole_head", one, {"vocab": 400}, **WHOLE)
    before, after = (
        logits(loaded(one, **settings), sequences()),
        logits(loaded(other, dense_fallback=mixed), sequences()),
    )
    assert np.abs(before - after).max() < 1e-5
    assert readings(one, other)["logits"].deviation < 1e-6
    assert sorted(kept) == [f"whole_head/{U}", f"whole_head/{V}"]
    assert_same(there_and_back("whole_head", one, {"vocab": 400}, **WHOLE), one)


def test_rows_of_a_wider_table_are_grown_behind() -> None:
    """Version 4 had a row for each id, later ones as many as there can ever be."""
    settings = {"factor_rank": 5, "total_vocab": 400}
    one = arrays(made(**settings))
    other, _ = adapted("vocabulary", one, {"total": 500})
    assert other[U].shape == (500, 5)
    assert (other[U][:400] == one[U]).all()
    model = loaded(other, **{**settings, "total_vocab": 500})
    assert (logits(model, sequences()) == logits(loaded(one, **settings), sequences())).all()


def test_nothing_to_do() -> None:
    for head, settings in HEADS.items():
        one = arrays(made(**settings))
        for name in ("factored_head", "whole_head"):
            assert words(name, one, {}) is None, head
    assert (
        words("factored_head", arrays(made(head="dense")), {"factor_rank": 4}, **FACTORED) is None
    )
