"""Adapters with fewer or more positions: a prefix, or what the encoder would draw on."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.migration.on_weights import apply
from checkpoint_tools.plan import LossError
from tests.content.weights import assert_same, finished, started, touched
from tests.content_hsmn_weights.tools import (
    ENTRIES,
    about,
    adapted,
    arrays,
    bundles,
    loaded,
    made,
    on_tensors,
    readings,
    sequences,
    there_and_back,
    words,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")
torch = pytest.importorskip("torch", reason="torch is what is compared with")

POSITION, KEYS = "adapter.position.weight", "hd.position_keys"


def entered(model: Any, x: Any) -> Any:
    with torch.no_grad():
        return model.adapter(torch.as_tensor(x), model.hd.position_keys).numpy()


@pytest.mark.parametrize("length", [2, 3, 5, 16])
@pytest.mark.parametrize("entry", ["adapter", "gaussian", "no_position"])
def test_positions_that_both_have_enter_alike(entry: str, length: int) -> None:
    settings = ENTRIES[entry]
    one = arrays(made(**settings))
    other, kept = adapted("length", one, {"length": length})
    assert list(other) == list(one)
    fresh = made(**settings, sample_length=length).state_dict()[KEYS].numpy()
    # Those that were drawn for the length; their scale is the vocabulary's and the size's.
    assert np.abs(other[KEYS] - fresh).max() < 1e-6
    model = loaded(other, **settings, sample_length=length)
    both = min(length, 4)
    x = bundles(sequences(8, both), settings["hd_dim"], keys=settings.get("keys", "unitary"))
    before, after = entered(loaded(one, **settings), x), entered(model, x)
    assert np.abs(before[:, :both] - after[:, :both]).max() < 1e-5
    assert readings(one, other)["share"].after == pytest.approx(1)
    assert len(kept) == (2 if POSITION in one else 1) * (length < 4)
    assert_same(there_and_back("length", one, {"length": length}), one)


def test_new_positions_are_the_mean_and_seeded_noise() -> None:
    one = arrays(made(hd_dim=64))
    first, second = (adapted("length", one, {"length": 604})[0][POSITION] for _ in range(2))
    assert (first == second).all()
    assert (first[:4] == one[POSITION]).all()
    assert np.abs(first[4:].mean(0) - one[POSITION].mean(0)).max() < 0.01
    assert (first[4:] - one[POSITION].mean(0)).std() == pytest.approx(0.02, rel=0.05)


def test_what_was_cut_comes_back() -> None:
    one = arrays(made(hd_dim=64))
    cut, kept = adapted("length", one, {"length": 3})
    state = started(cut, kept)
    apply(
        on_tensors("length", about(state, {"length": 4}, {})),
        state,
        key="length",
        what="length",
    )
    again, left = finished(state, cut | kept)
    assert_same(again, one)
    assert not left


@pytest.mark.parametrize("keys", ["unitary", "gaussian"])
@pytest.mark.parametrize(("old", "new"), [(64, 128), (65, 128), (64, 65)])
def test_length_and_size_in_either_order(old: int, new: int, keys: str) -> None:
    one = arrays(made(hd_dim=old, keys=keys))
    size, length = {"hd_dim": new}, {"length": 7}
    first = adapted("length", adapted("larger_bundles", one, size)[0], length)[0]
    second = adapted("larger_bundles", adapted("length", one, length)[0], size)[0]
    assert first.keys() == second.keys()
    assert all(np.abs(first[name] - second[name]).max() < 1e-6 for name in first)


def test_keys_that_nobody_can_draw() -> None:
    one = touched(arrays(made(hd_dim=64)), KEYS)
    adapted("length", one, {"length": 2})
    with pytest.raises(LossError, match="not those that seed 42 draws"):
        adapted("length", one, {"length": 5})
    # A cut spectrum no longer tells: so a config that asks for both gets the length first.
    both = {"hd_dim": 40, "length": 5}
    assert words("smaller_bundles", arrays(made(hd_dim=64)), both) is None
    assert words("length", arrays(made(hd_dim=64)), both)


def test_only_adapters_have_a_length_of_their_own() -> None:
    assert words("length", arrays(made(hd_dim=64)), {"length": 4}) is None
    assert words("length", arrays(made(hd_dim=256, expand="cleanup")), {"length": 5}) is None
    assert words("length", arrays(made()), {"length": 5}) is None
    assert words("length", arrays(made(hd_dim=64)), {"length": 5}, cleanup=True) is None
