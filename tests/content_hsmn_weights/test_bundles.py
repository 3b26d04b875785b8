"""Adapters for bundles of another size: padded spectra lose nothing, cut ones what is measured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.content.weights import assert_same
from tests.content_hsmn_weights.tools import (
    ENTRIES,
    adapted,
    arrays,
    bundles,
    forward,
    loaded,
    logits,
    made,
    readings,
    sequences,
    solved,
    there_and_back,
    words,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")

W, P = "adapter.projection.weight", "hd.position_keys"


def convolved(a: Any, b: Any) -> Any:
    """Circular convolution by its definition: sum_j a_j b_(k - j)."""
    size = len(a)
    return np.array([sum(a[j] * b[(k - j) % size] for j in range(size)) for k in range(size)])


def padded(x: Any, size: int) -> Any:
    """R: another length by sums of cosines, the highest bin of an even length counted by half."""
    old = len(x)
    spectrum = [sum(x * np.exp(-2j * np.pi * k * np.arange(old) / old)) for k in range(old)]
    t = np.arange(size)
    total = np.full(size, spectrum[0].real)
    for k in range(1, old // 2 + 1):
        total = total + 2 * (spectrum[k] * np.exp(2j * np.pi * k * t / size)).real
    return total / size


@pytest.mark.parametrize("entry", ["adapter", "gaussian", "no_position"])
@pytest.mark.parametrize(("old", "new"), [(64, 128), (64, 65), (65, 66), (65, 130)])
def test_padded_spectra_compute_the_same(entry: str, old: int, new: int) -> None:
    settings = {**ENTRIES[entry], "hd_dim": old}
    one = arrays(made(**settings))
    other, kept = adapted("larger_bundles", one, {"hd_dim": new})
    assert list(other) == list(one)
    x = bundles(sequences(), old, keys=settings.get("keys", "unitary"))
    wide = forward().resized(x.astype("f8"), new).astype("f4")
    before = logits(loaded(one, **settings), x)
    after = logits(loaded(other, **{**settings, "hd_dim": new}), wide)
    assert np.abs(after - before).max() < (5e-5 if entry == "gaussian" else 5e-6)
    assert readings(one, other)["logits"].deviation < 5e-6
    assert {key.partition("/")[2] for key in kept} == {f"{W}_{old}", f"{P}_{old}"}
    assert_same(there_and_back("larger_bundles", one, {"hd_dim": new}), one)


@pytest.mark.parametrize(("old", "new"), [(8, 16), (8, 11), (7, 10), (7, 8)])
def test_padding_goes_with_convolution(old: int, new: int) -> None:
    """What padding is, said again by sums: keys of the migration, bundles of the reference."""
    rng = np.random.default_rng(1)
    item, key = rng.normal(size=(2, old))
    item = item / np.linalg.norm(item)
    one = arrays(made(hd_dim=old))
    one[P][0] = key
    other, _ = adapted("larger_bundles", one, {"hd_dim": new})
    bundle = convolved(item, one[P][0].astype("f8"))
    nyquist = np.cos(np.pi * np.arange(new) * old / new) if old % 2 == 0 else 0.0
    last = sum(item * (-1.0) ** np.arange(old)) / new
    half = padded(item, new) - (2 - 2**0.5) * last * nyquist
    ours = convolved(half, other[P][0].astype("f8"))
    theirs = forward().resized(bundle[None] / np.linalg.norm(bundle), new)[0]
    assert np.abs(ours / np.linalg.norm(ours) - theirs).max() < 1e-6


@pytest.mark.parametrize("keys", ["unitary", "gaussian"])
@pytest.mark.parametrize(("old", "new"), [(64, 128), (65, 128), (64, 65)])
def test_cutting_undoes_padding(keys: str, old: int, new: int) -> None:
    one = arrays(made(hd_dim=old, keys=keys))
    wide, _ = adapted("larger_bundles", one, {"hd_dim": new})
    back, _ = adapted("smaller_bundles", wide, {"hd_dim": old})
    assert max(np.abs(back[name] - one[name]).max() for name in (W, P)) < 1e-6


@pytest.mark.parametrize("keys", ["unitary", "gaussian"])
@pytest.mark.parametrize(("old", "new"), [(128, 64), (65, 64), (65, 63), (256, 193)])
def test_what_a_cut_loses_is_measured(keys: str, old: int, new: int) -> None:
    settings = {"hd_dim": old, "keys": keys}
    one = arrays(made(**settings))
    other, _ = adapted("smaller_bundles", one, {"hd_dim": new})
    assert list(other) == list(one)
    assert_same(there_and_back("smaller_bundles", one, {"hd_dim": new}), one)
    x = bundles(sequences(64), old, keys=keys)
    small = forward().resized(x.astype("f8"), new).astype("f4")
    assert np.linalg.norm(small, axis=1) == pytest.approx(1, abs=1e-6)
    before, after = loaded(one, **settings), loaded(other, **{**settings, "hd_dim": new})
    found = readings(one, other)
    torch_away = np.abs(logits(before, x) - logits(after, small)).max()
    assert found["logits"].deviation == pytest.approx(torch_away, rel=0.9)
    kept = found["share"].after
    assert kept > (0.95 if old == 65 else 0.05)
    rates = {size: readings(one, adapted("smaller_bundles", one, {"hd_dim": size})[0]) for size in
             (old - 1, old // 4)}  # fmt: skip
    assert rates[old - 1]["share"].after > rates[old // 4]["share"].after


def test_keys_stay_unitary() -> None:
    one = arrays(made(hd_dim=64))
    for size in (32, 33, 63):
        other, _ = adapted("smaller_bundles", one, {"hd_dim": size})
        assert np.abs(np.fft.rfft(other[P])) == pytest.approx(1, abs=1e-5)


def test_a_response_that_all_bins_share_keeps_its_size() -> None:
    """A projection onto what a key finds of one id gives as much of it as before, on average."""
    rng = np.random.default_rng(0)
    items = rng.standard_normal((200, 256))
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    one = arrays(made(hd_dim=256))
    for item in items[:8]:
        one[W][:, 0] = item
        other, _ = adapted("smaller_bundles", one, {"hd_dim": 64})
        heard = forward().resized(item[None], 64)[0] @ other[W][:, 0]
        assert heard == pytest.approx(1, abs=0.25)


def test_only_sizes_of_an_adapter() -> None:
    clean = arrays(made(hd_dim=256, expand="cleanup"))
    tokens = arrays(made())
    for name, size in (("larger_bundles", 512), ("smaller_bundles", 128)):
        assert words(name, clean, {"hd_dim": size}) is None
        wanted = {"input": "hd_bundle", "cleanup": False}
        assert words(name, tokens, {"hd_dim": size, "length": 4}, **wanted) is None
        adapter = arrays(made(hd_dim=256))
        assert words(name, adapter, {"hd_dim": 256}) is None
        assert words(name, adapter, {"hd_dim": size}, cleanup=True) is None
    assert solved({n: a.shape for n, a in clean.items()}).facts["cleanup"] is True
