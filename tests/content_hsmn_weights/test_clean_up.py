"""Models of ids fed with bundles through a clean-up: the same logits, or no conversion."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoint_tools.plan import LossError
from tests.content.weights import assert_same
from tests.content_hsmn_weights.tools import (
    adapted,
    arrays,
    bundles,
    forward,
    loaded,
    logits,
    made,
    net,
    readings,
    sequences,
    there_and_back,
    words,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")

WANTED = {"input": "hd_bundle", "cleanup": True, "seed": 42, "keys": "unitary", "ctqw_steps": 0}


@pytest.mark.parametrize(("size", "seed"), [(256, 7), (256, 42), (257, 42)])
def test_the_same_logits_of_bundles(size: int, seed: int) -> None:
    one = arrays(made())
    sizes = {"hd_dim": size, "length": 4}
    other, kept = adapted("clean_up", one, sizes, **{**WANTED, "seed": seed})
    assert not kept
    assert [name for name in other if name in one] == list(one)
    assert all(other[name] is one[name] for name in one)
    model = loaded(other, hd_dim=size, expand="cleanup", seed=seed)
    ids = sequences(32, below=400)
    after = logits(model, bundles(ids, size, seed=seed))
    assert (after == logits(loaded(one), ids)).all()
    found = readings(one, other)
    assert found["logits"].deviation == 0
    assert (found["share"].after, found["share"].deviation) == (1.0, 0.0)
    assert_same(there_and_back("clean_up", one, sizes, **WANTED), one)


@pytest.mark.parametrize("kind", ["dense", "lazy"])
def test_tables_are_those_of_the_encoder(kind: str) -> None:
    wanted = {**WANTED, "base_table": kind}
    other, _ = adapted("clean_up", arrays(made()), {"hd_dim": 256, "length": 4}, **wanted)
    fresh = arrays(made(hd_dim=256, expand="cleanup", base_table=kind))
    for name in ("hd.base_seed", "hd.position_keys", "hd.base_vectors"):
        assert other[name].dtype == fresh[name].dtype
        assert np.abs(other[name] - fresh[name]).max() < 1e-6


@pytest.mark.parametrize(
    ("size", "more"),
    [(32, {}), (64, {}), (128, {}), (256, {"keys": "gaussian"}), (256, {"ctqw_steps": 6})],
)
def test_too_little_room_is_refused(size: int, more: dict[str, Any]) -> None:
    with pytest.raises(LossError, match=r"set model\.adapter\.hd_dim to 256 or more"):
        adapted("clean_up", arrays(made()), {"hd_dim": size, "length": 4}, **{**WANTED, **more})


def test_the_probe_tells_what_is_not_found() -> None:
    """The refusal is not the only guard: a file that lost its keys fails the probe as well."""
    one = arrays(made())
    other, _ = adapted("clean_up", one, {"hd_dim": 256, "length": 4}, **WANTED)
    broken = {**other, "hd.base_vectors": other["hd.base_vectors"][::-1].copy()}
    assert (
        forward().cleaned(net(broken), bundles(sequences(), 256)).tolist()
        == (399 - sequences()).tolist()
    )
    found = readings(one, other | {"hd.position_keys": 0 * other["hd.position_keys"] + 1.0})
    assert found["share"].deviation > 0.9
    assert found["logits"].deviation > 0.1


@pytest.mark.parametrize(("size", "length"), [(512, 4), (200, 4), (256, 2), (512, 8)])
def test_other_sizes_are_drawn_anew(size: int, length: int) -> None:
    one = arrays(made(hd_dim=256, expand="cleanup"))
    sizes = {"hd_dim": size, "length": length}
    other, kept = adapted("clean_up", one, sizes, **WANTED)
    assert len(kept) == 3
    ids = sequences(16, min(length, 4), below=400)
    model = loaded(other, hd_dim=size, expand="cleanup", sample_length=length)
    before = logits(loaded(one, hd_dim=256, expand="cleanup"), bundles(ids, 256))
    after = logits(model, bundles(ids, size))
    both = ids.shape[1]
    assert np.abs(after[:, :both] - before[:, :both]).max() < 1e-6
    assert readings(one, other)["logits"].deviation < 1e-9
    assert_same(there_and_back("clean_up", one, sizes, **WANTED), one)
    assert words("clean_up", one, {}, **WANTED) is None


def test_back_to_ids() -> None:
    one = arrays(made(hd_dim=256, expand="cleanup"))
    wanted = {"input": "token_ids", "embedding": "plain"}
    other, kept = adapted("clean_up", one, **wanted)
    assert sorted(key.partition("/")[2] for key in kept) == [
        "hd.base_seed_4_256", "hd.base_vectors_4_256", "hd.position_keys_4_256",
    ]  # fmt: skip
    ids = sequences(below=400)
    before = logits(loaded(one, hd_dim=256, expand="cleanup"), bundles(ids, 256))
    assert (logits(loaded(other), ids) == before).all()
    back = there_and_back("clean_up", one, **wanted)
    assert_same({name: back[name] for name in one}, one)


def test_what_has_no_table_of_ids() -> None:
    sizes = {"hd_dim": 256, "length": 4}
    dual = arrays(made(embedding="dual_path", embedding_hd=32))
    adapter = arrays(made(hd_dim=256))
    assert words("clean_up", dual, sizes, **WANTED) is None
    assert words("clean_up", adapter, sizes, **WANTED) is None
    assert words("clean_up", adapter, {"hd_dim": 512}) is None
    assert words("clean_up", arrays(made()), sizes, input="hd_bundle", cleanup=False) is None
