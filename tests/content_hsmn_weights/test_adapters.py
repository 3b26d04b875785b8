"""A table of ids for an adapter of bundles, and back: fitted, begun afresh, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.migration.on_weights import apply
from checkpoint_tools.plan import LossError
from tests.content.weights import assert_same, finished, started
from tests.content_hsmn_weights.tools import (
    about,
    adaptations,
    adapted,
    arrays,
    bundles,
    forward,
    loaded,
    logits,
    made,
    net,
    on_tensors,
    readings,
    sequences,
    there_and_back,
    words,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")
torch = pytest.importorskip("torch", reason="torch is what is compared with")

WANTED: dict[str, Any] = {
    "input": "hd_bundle",
    "cleanup": False,
    "expand": "unbind",
    "seed": 42,
    "keys": "unitary",
    "ctqw_steps": 0,
    "adapter_bias": True,
    "adapter_position": True,
}
IDS = {"input": "token_ids", "embedding": "plain"}
ROOM = {"hd_dim": 256, "length": 4}
W, B, P = "adapter.projection.weight", "adapter.projection.bias", "adapter.position.weight"
KEYS, TABLE = "hd.position_keys", "embed.token.weight"


def entered(model: Any, x: Any) -> Any:
    """What the adapter of a torch model makes of bundles."""
    with torch.no_grad():
        return model.adapter(torch.as_tensor(x), model.hd.position_keys).numpy()


def explained(made: Any, rows: Any) -> float:
    """R2 of rows by what is made of them."""
    return 1 - float(((made - rows) ** 2).sum() / ((rows - rows.mean((0, 1))) ** 2).sum())


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({}, {}),
        ({"adapter_bias": False}, {"adapter_bias": False}),
        ({"adapter_position": False}, {"adapter_position": False}),
        ({"keys": "gaussian"}, {"keys": "gaussian"}),
    ],
    ids=str,
)
def test_the_model_of_bundles_has_all_its_tensors(
    more: dict[str, Any], settings: dict[str, Any]
) -> None:
    one = arrays(made())
    other, kept = adapted("adapter", one, ROOM, **{**WANTED, **more})
    fresh = made(hd_dim=256, **settings)
    loaded(other, hd_dim=256, **settings)
    trained = [name for name, _ in fresh.named_parameters()]
    assert [name for name in other if name in trained] == trained  # as an optimizer counts them
    for name in (KEYS, "hd.base_seed"):
        assert np.abs(other[name] - fresh.state_dict()[name].numpy()).max() < 1e-6
    assert not other.get(P, np.zeros(1)).any()
    assert list(kept) == ["adapter/adapter.table_400"]
    assert kept["adapter/adapter.table_400"] is one[TABLE]
    assert all(other[n] is one[n] for n in one if n != TABLE)
    assert_same(there_and_back("adapter", one, ROOM, **{**WANTED, **more}), one)


def test_no_other_projection_comes_much_closer() -> None:
    """Against numpy's own least squares on other sequences, measured on a third set."""
    one = arrays(made())
    other, _ = adapted("adapter", one, ROOM, **WANTED)
    model, table = loaded(other, hd_dim=256), one[TABLE].astype("f8")
    share = ((table - table.mean(0)) ** 2).sum(1)
    drawn = np.random.default_rng(77)

    def sampled(count: int) -> Any:
        return drawn.choice(400, (count, 4), p=share / share.sum())

    train, test = sampled(4000), sampled(1000)
    heard = [forward().found(net(other), bundles(ids, 256)) for ids in (train, test)]
    heard = [one.reshape(-1, 256) for one in heard]
    heard = [np.concatenate((one, np.ones((len(one), 1))), 1) for one in heard]
    best, *_ = np.linalg.lstsq(heard[0], table[train].reshape(-1, 8), rcond=None)
    theirs = explained((heard[1] @ best).reshape(1000, 4, 8), table[test])
    ours = explained(entered(model, bundles(test, 256)), table[test])
    assert theirs > 0.15
    assert ours == pytest.approx(theirs, abs=0.03)
    found = readings(one, other)
    assert found["share"].after == pytest.approx(ours, abs=0.05)
    assert 0.02 < found["own"].after < 0.5
    assert found["own"].before == 1.0


def test_room_makes_the_fit_better() -> None:
    one = arrays(made())
    found = []
    for size in (32, 256, 1024):
        other, _ = adapted("adapter", one, {"hd_dim": size, "length": 4}, **WANTED)
        found.append(readings(one, other)["share"].after)
    assert found == sorted(found)
    assert found[2] > 0.4
    assert found[0] < 0.1


def test_a_fit_that_is_no_better_than_the_mean_is_refused() -> None:
    sizes = {"hd_dim": 64, "length": 64}
    with pytest.raises(LossError, match=r"R2 -?0\.00.*set model\.adapter\.hd_dim to 4096 or more"):
        adapted("adapter", arrays(made()), sizes, **{**WANTED, "keys": "gaussian"})


def test_lazy_vectors_and_a_spread_are_fitted_as_they_are_encoded() -> None:
    one = arrays(made())
    more = {"base_table": "lazy", "ctqw_steps": 1}
    other, _ = adapted("adapter", one, ROOM, **{**WANTED, **more})
    model, ids = loaded(other, hd_dim=256), sequences(256, below=400)
    right = explained(entered(model, bundles(ids, 256, **more)), one[TABLE][ids])
    wrong = explained(entered(model, bundles(ids, 256)), one[TABLE][ids])
    assert right > 0.05
    assert wrong < 0


@pytest.mark.parametrize(
    "settings",
    [{}, {"adapter_bias": False}, {"adapter_position": False}, {"keys": "gaussian"}],
    ids=str,
)
def test_a_row_is_what_the_adapter_makes_of_its_id_alone(settings: dict[str, Any]) -> None:
    one = arrays(made(hd_dim=256, **settings))
    other, kept = adapted("adapter", one, **IDS)
    plain = made()
    loaded(other)
    trained = [name for name, _ in plain.named_parameters()]
    assert [name for name in other if name in trained] == trained
    ids = np.arange(400)[:, None]
    x = bundles(ids, 256, keys=settings.get("keys", "unitary"))
    alone = entered(loaded(one, hd_dim=256, **settings), x)
    expected = alone[:, 0]
    if P in one:
        expected = expected - one[P][0] + one[P].mean(0)
    assert np.abs(other[TABLE] - expected).max() < 2e-5
    assert {key.partition("/")[2] for key in kept} == {f"{n}_256_4" for n in one if n not in other}
    back = there_and_back("adapter", one, **IDS)
    old = [name for name, _ in made(hd_dim=256, **settings).named_parameters()]
    assert [name for name in back if name in old] == old
    assert_same({name: back[name] for name in one}, one)
    assert readings(one, other)["share"].after < 0.1  # random weights hear the others as well


def test_rows_of_a_grown_adapter_are_those_of_the_old_one() -> None:
    for size in (64, 65):
        one = arrays(made(hd_dim=size))
        wide, _ = adapted("larger_bundles", one, {"hd_dim": 160})
        before, _ = adapted("adapter", one, **IDS)
        after, _ = adapted("adapter", wide, **IDS)
        assert np.abs(after[TABLE] - before[TABLE]).max() < 1e-5


def test_a_return_puts_back_what_was_kept() -> None:
    one = arrays(made(hd_dim=256))
    ids, kept = adapted("adapter", one, **IDS)
    state = started(ids, kept)
    done = on_tensors("adapter", about(state, ROOM, WANTED))
    apply(done, state, key="adapter", what="adapter")
    again, left = finished(state, ids | kept)
    assert {name: again[name].tobytes() for name in again} == {
        name: one[name].tobytes() for name in one
    }
    assert list(left) == ["adapter/adapter.table_400"]
    # Of another size, it is fitted.
    state = started(ids, kept)
    done = on_tensors("adapter", about(state, {**ROOM, "hd_dim": 512}, WANTED))
    apply(done, state, key="adapter", what="adapter")
    assert finished(state, ids | kept)[0][W].shape == (512, 8)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ({}, {"expand": "broadcast"}),
        ({}, {"expand": "none", "adapter_position": False}),
        ({}, {"expand": "broadcast", "adapter_bias": False, "keys": "gaussian"}),
        ({"embedding": "dual_path", "embedding_hd": 32, "embedding_active": 380}, {}),
    ],
    ids=str,
)
def test_what_cannot_be_fitted_starts_afresh(
    source: dict[str, Any], wanted: dict[str, Any]
) -> None:
    one, sizes = arrays(made(**source)), {"hd_dim": 512, "length": 4}
    asked = {**WANTED, **wanted}
    assert words("adapter", one, sizes, **asked) is None
    other, kept = adapted("fresh_adapter", one, sizes, **asked)
    settings = {"hd_dim": 512, "expand": asked["expand"], "keys": asked["keys"]}
    settings |= {key: asked[key] for key in ("adapter_bias", "adapter_position")}
    fresh = made(**settings)
    loaded(other, **settings)
    trained = [name for name, _ in fresh.named_parameters()]
    assert [name for name in other if name in trained] == trained
    assert np.abs(other[KEYS] - fresh.state_dict()[KEYS].numpy()).max() < 1e-6
    bound = (6 / (512 + 8)) ** 0.5
    assert np.abs(other[W]).max() <= bound
    assert other[W].std() == pytest.approx(bound / 3**0.5, rel=0.05)
    if P in other:
        assert other[P].std() == pytest.approx(0.02, rel=0.5)
    assert not other.get(B, np.zeros(1)).any()
    assert all(other[name] is one[name] for name in one if not name.startswith("embed."))
    assert len(kept) == sum(name.startswith("embed.") for name in one)
    assert_same(there_and_back("fresh_adapter", one, sizes, **asked), one)


def test_only_one_applies() -> None:
    tokens, adapter = arrays(made()), arrays(made(hd_dim=256))
    assert words("fresh_adapter", tokens, ROOM, **WANTED) is None
    for name in ("adapter", "fresh_adapter"):
        assert words(name, adapter, {}) is None
        assert words(name, adapter, {"hd_dim": 512}, **WANTED) is None
        assert words(name, tokens, {}) is None
        assert words(name, tokens, ROOM, **{**WANTED, "cleanup": True}) is None
    assert words("fresh_adapter", adapter, {}, **IDS) is None


def test_only_what_unbinds_has_rows() -> None:
    state = started(arrays(made(hd_dim=256)))
    about_it = about(state, {}, IDS)
    weights = adaptations()["adapter"].weights
    for expand, fine in (("unbind", True), ("broadcast", False), ("none", False)):
        config = {"model": {"adapter": {"expand": expand}}, "data": {"hd": {"ctqw_steps": 0}}}
        assert (weights(about_it._replace(config=config)) is not None) is fine
    for odd in ({"model": None}, {"model": {"adapter": []}}, {"data": 1}):
        assert weights(about_it._replace(config=odd)) is not None


def test_a_clean_up_makes_way_for_an_adapter() -> None:
    one = arrays(made(hd_dim=256, expand="cleanup"))
    other, _ = adapted("clean_up", one, **WANTED)
    ids = sequences(below=400)
    before = logits(loaded(one, hd_dim=256, expand="cleanup"), bundles(ids, 256))
    assert (logits(loaded(other), ids) == before).all()
    back = there_and_back("clean_up", one, **WANTED)
    assert_same({name: back[name] for name in one}, one)
