"""Other vocabularies: what stays computes the same, what comes is stated, what leaves is kept."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.errors import Refused
from cfgmig.migration.on_weights import apply
from checkpoint_tools.plan import LossError
from tests.content.weights import assert_same, finished, started, touched
from tests.content_hsmn_weights.tools import (
    ENTRIES,
    HEADS,
    about,
    adapted,
    arrays,
    bundles,
    loaded,
    logits,
    made,
    on_tensors,
    readings,
    sequences,
    there_and_back,
    words,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")

BY_ID = {
    "embed.token.weight": 0,
    "hd.base_vectors": 0,
    "head.output_proj.weight": 1,
    "head.output_proj.bias": 0,
    "head.dense.weight": 1,
    "head.dense.bias": 0,
}


def sized(entry: str, head: str, ids: int) -> tuple[dict[str, int], dict[str, Any]]:
    """The sizes to ask for, and the settings of a model that has them."""
    sizes, more = {"vocab": ids}, {"vocab_size": ids}
    if entry == "dual_path":
        sizes["rows"] = min(380, ids)
    if head == "factored":
        sizes["total"] = more["total_vocab"] = max(ids, 420)
    return sizes, {**ENTRIES[entry], **HEADS[head], **more}


@pytest.mark.parametrize("ids", [370, 450])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_ids_that_stay_have_their_logits(entry: str, head: str, ids: int) -> None:
    chosen = {**ENTRIES[entry], **HEADS[head]}
    one = arrays(made(**chosen))
    sizes, settings = sized(entry, head, ids)
    other, _ = adapted("vocabulary", one, sizes)
    assert list(other) == list(one)
    x = sequences(count=16)
    if "hd_dim" in chosen:
        x = bundles(x, chosen["hd_dim"], keys=chosen.get("keys", "unitary"))
    before, after = (
        logits(model, x) for model in (loaded(one, **chosen), loaded(other, **settings))
    )
    both = min(ids, 400)
    assert np.abs(before[..., :both] - after[..., :both]).max() < 1e-6
    found = readings(one, other)
    assert found["logits"].deviation < 1e-12
    assert_same(there_and_back("vocabulary", one, sizes), one)
    if head != "factored":  # whose rows behind the vocabulary have been there all along
        raised = np.exp(after - after.max(-1, keepdims=True))
        share = (raised / raised.sum(-1, keepdims=True))[..., both:].sum(-1).mean()
        assert share <= 1.02 * max(ids - 400, 0) / ids
        less = found["probability"].after
        assert less == pytest.approx(share, abs=0.02)


def test_a_cut_keeps_a_prefix_and_the_rest_beside() -> None:
    one = arrays(made(hd_dim=256, expand="cleanup"))
    other, kept = adapted("vocabulary", one, {"vocab": 370})
    for name, dim in BY_ID.items():
        first, rest = np.split(one[name], [370], dim)
        assert (other[name] == first).all()
        assert (kept[f"vocabulary/{name}_370_400"] == rest).all()
    assert all(other[name] is one[name] for name in one if name not in BY_ID)


def test_new_rows_are_the_mean_and_seeded_noise() -> None:
    one = arrays(made())
    first, second = (adapted("vocabulary", one, {"vocab": 1400})[0] for _ in range(2))
    assert_same(first, second)
    for name, dim in BY_ID.items():
        if name not in one:
            continue
        new = np.split(first[name], [400], dim)[1].astype("f8")
        mean, deviation = one[name].mean(dim, dtype="f8"), one[name].astype("f8").std(dim)
        if new.ndim == 1:
            assert new == pytest.approx(mean, abs=1e-7)
            continue
        assert np.abs(new.mean(dim) - mean).max() < 0.02 * deviation.max()
        assert new.std(dim) / deviation == pytest.approx(0.1, rel=0.15)
    drawn = [first[name][:, 400:] for name in ("head.dense.weight", "head.output_proj.weight")]
    noises = [(part[:8] - part[:8].mean(1, keepdims=True)).ravel() for part in drawn]
    assert abs(np.corrcoef(*noises)[0, 1]) < 0.1  # each tensor has a seed of its own


def test_what_was_cut_comes_back() -> None:
    one = arrays(made())
    cut, kept = adapted("vocabulary", one, {"vocab": 370})
    state = started(cut, kept)
    state_words = on_tensors("vocabulary", about(state, {"vocab": 400}, {}))
    apply(state_words, state, key="vocabulary", what="vocabulary")
    again, left = finished(state, cut | kept)
    assert_same(again, one)
    assert not left
    # Other ids than those that were cut are drawn.
    state = started(cut, kept)
    state_words = on_tensors("vocabulary", about(state, {"vocab": 380}, {}))
    apply(state_words, state, key="vocabulary", what="vocabulary")
    drawn, left = finished(state, cut | kept)
    assert len(left) == len(kept)
    assert (drawn["embed.token.weight"][370:] != one["embed.token.weight"][370:380]).any()


@pytest.mark.parametrize("kind", ["dense", "lazy"])
def test_vectors_of_new_ids_are_those_of_the_encoder(kind: str) -> None:
    settings = {"hd_dim": 256, "expand": "cleanup", "base_table": kind}
    small, large = (arrays(made(vocab_size=ids, **settings)) for ids in (370, 400))
    grown, _ = adapted("vocabulary", small, {"vocab": 400}, base_table=kind)
    directions = [
        table / np.linalg.norm(table, axis=1, keepdims=True)
        for table in (grown["hd.base_vectors"], large["hd.base_vectors"])
    ]
    assert np.abs(directions[0] - directions[1]).max() < 1e-6
    x = sequences(below=400)
    model = loaded(grown, **settings)
    one = logits(model, bundles(x, 256, 400, base_table=kind))
    ids = loaded({n: grown[n] for n in grown if not n.startswith("hd.")})
    assert np.abs(one - logits(ids, x)).max() < 1e-6


def test_vectors_that_the_seed_does_not_draw() -> None:
    one = arrays(made(hd_dim=256, expand="cleanup"))
    with pytest.raises(LossError, match="not those that seed 42 draws"):
        adapted("vocabulary", touched(one, "hd.base_vectors"), {"vocab": 450})
    adapted("vocabulary", touched(one, "hd.base_vectors"), {"vocab": 370})


def test_a_base_that_every_tokenizer_has() -> None:
    with pytest.raises(Refused, match="361 ids are fewer than the 362") as caught:
        words("vocabulary", arrays(made()), {"vocab": 361})
    assert caught.value.help == "set tokenizer.active_vocab_size to 362 or more"
    assert words("vocabulary", arrays(made()), {"vocab": 362})
    assert words("vocabulary", arrays(made()), {"vocab": 400}) is None


def test_base_vectors_drawn_in_another_way() -> None:
    one = arrays(made(hd_dim=64))
    with pytest.raises(Refused, match="from 400 to 65537 ids") as caught:
        words("vocabulary", one, {"vocab": 65537})
    assert caught.value.help.endswith("set data.hd.base_table: dense")
    assert words("vocabulary", one, {"vocab": 65537}, base_table="dense")
    assert words("vocabulary", one, {"vocab": 65536})
    assert words("vocabulary", arrays(made()), {"vocab": 65537})  # ids need no vectors


@pytest.mark.parametrize(
    ("active", "ids", "rows", "fine"),
    [
        (380, 370, 370, True),
        (380, 450, 380, True),
        (400, 450, 450, True),
        (400, 450, 420, True),
        (380, 400, 390, False),
        (380, 450, 450, False),
        (380, 400, 370, False),
        (380, 370, 365, False),
    ],
)
def test_codes_do_not_become_rows(active: int, ids: int, rows: int, fine: bool) -> None:
    dual = {"embedding": "dual_path", "embedding_hd": 32, "embedding_active": active}
    one = arrays(made(**dual))
    if fine:
        assert words("vocabulary", one, {"vocab": ids, "rows": rows})
        return
    with pytest.raises(Refused, match="codes in one and rows in the other"):
        words("vocabulary", one, {"vocab": ids, "rows": rows})
