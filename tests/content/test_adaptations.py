"""TernaryVAE's projection from setting to setting: the same function, there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.errors import Refused
from checkpoint_tools.plan import (
    LossError,
)
from tests.content.tools import family
from tests.content.weights import (
    adapted,
    arrays,
    assert_is,
    assert_same,
    deviation,
    made,
    net,
    torch_model,
    touched,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")


@pytest.fixture(scope="module")
def forward() -> Any:
    return family().resolve(".forward")


@pytest.fixture(scope="module")
def files(corpus: Path) -> Path:
    return corpus / "ternary_vae/checkpoints"


@pytest.fixture(scope="module")
def table(corpus: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """Tensors of instantiated variants, in the order in which torch lists them."""
    path = corpus.parent / "families/ternary_vae_state_dicts.json"
    found = json.loads(path.read_text())
    return {
        name: {tensor: tuple(shape) for tensor, (shape, _) in one["tensors"].items()}
        for name, one in found.items()
    }


@pytest.mark.parametrize("layers", [1, 2])
def test_two_copies_of_one_projection(layers: int, forward: Any) -> None:
    one = made(use_dual_projection=False, projection_layers=layers)
    two = adapted(one, "dual_projection", use_dual_projection=True)
    assert_is(two, use_dual_projection=True, projection_layers=layers)
    assert set(deviation(forward, one, two).values()) == {0.0}
    assert_same(adapted(two, "dual_projection", use_dual_projection=False), one)
    assert adapted(one, "dual_projection") is None


def test_two_trained_projections_are_not_one() -> None:
    two = adapted(made(use_dual_projection=False), "dual_projection", use_dual_projection=True)
    trained = touched(two, "projection.proj_B.radius_net.0.bias")
    with pytest.raises(LossError, match="the projections of A and B differ"):
        adapted(trained, "dual_projection", use_dual_projection=False)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("dual", [True, False])
def test_dropout_renumbers_and_changes_no_number(layers: int, dual: bool, forward: Any) -> None:
    settings = {"use_dual_projection": dual, "projection_layers": layers}
    one = made(projection_dropout="> 0", **settings)
    other = adapted(one, "projection_dropout", projection_dropout="0")
    assert_is(other, projection_dropout="0", **settings)
    reference = made(projection_dropout="0", **settings)
    assert list(other) == [name for name in reference if name in other]
    assert set(deviation(forward, one, other).values()) == {0.0}
    assert_same(adapted(other, "projection_dropout", projection_dropout="> 0"), one)


@pytest.mark.parametrize(("have", "want"), [(1, 2), (1, 4), (2, 3)])
@pytest.mark.parametrize(
    ("dropout", "latent", "hidden"), [("> 0", 4, 12), ("0", 5, 13), ("> 0", 16, 64)]
)
def test_a_deeper_projection_computes_the_same(
    have: int, want: int, dropout: str, latent: int, hidden: int, forward: Any
) -> None:
    sizes = {"latent": latent, "hidden": hidden}
    one = made(projection_layers=have, projection_dropout=dropout, **sizes)
    deep = adapted(one, "projection_depth", projection_layers=want)
    assert_is(deep, sizes, projection_layers=want, projection_dropout=dropout)
    apart = deviation(forward, one, deep)
    assert max(apart[what] for what in ("z_A", "z_B", "mu_A", "mu_B")) < 1e-5
    assert_same(adapted(deep, "projection_depth", projection_layers=have), one)


def test_depth_needs_room_for_pairs_and_constants() -> None:
    narrow = made(latent=16, hidden=32)
    with pytest.raises(Refused, match="need 34 units") as caught:
        adapted(narrow, "projection_depth", projection_layers=2)
    assert caught.value.help == "widen it as well: set model.hidden_dim to a multiple of 32"
    wide = adapted(narrow, "projection_width", {"hidden": 64, "radius_hidden": 32})
    deep = adapted(wide, "projection_depth", projection_layers=2)
    assert_is(deep, {"hidden": 64}, projection_layers=2)


@pytest.mark.parametrize(
    "name",
    [
        "direction_net.4.weight",
        "direction_net.4.bias",
        "direction_net.5.weight",
        "direction_net.5.bias",
        "direction_net.8.weight",
        "radius_net.3.bias",
        "radius_net.6.weight",
        "radius_net.6.bias",
    ],
)
def test_a_trained_layer_does_not_leave(name: str) -> None:
    deep = adapted(made(), "projection_depth", projection_layers=2)
    trained = touched(deep, f"projection.proj_B.{name}")
    with pytest.raises(LossError, match="was trained"):
        adapted(trained, "projection_depth", projection_layers=1)


def test_what_nothing_listens_to_may_be_trained() -> None:
    """The unused units of a radius_net; and the output's bias, which is the old one."""
    one = made()
    deep = adapted(one, "projection_depth", projection_layers=2)
    deep = touched(deep, "projection.proj_A.radius_net.3.weight")
    deep = touched(deep, "projection.proj_A.direction_net.8.bias")
    back = adapted(deep, "projection_depth", projection_layers=1)
    kept = deep["projection.proj_A.direction_net.8.bias"]
    assert_same(back, {**one, "projection.proj_A.direction_net.4.bias": kept})


@pytest.mark.parametrize("name", ["v5_11_best.pt", "v5_11_partial_freeze_best.pt"])
def test_real_projections_get_deeper(name: str, files: Path, forward: Any, table: Any) -> None:
    one = arrays(files / name)
    deep = adapted(one, "projection_depth", projection_layers=2)
    before, after = torch_model(one, "float32"), torch_model(deep, "float32")
    for side in "AB":
        assert np.abs(after[f"z_{side}"] - before[f"z_{side}"]).max() < 4e-7
    ours = [forward.run(net(tensors)).radius["B"] for tensors in (one, deep)]
    first, second = map(forward.hierarchy, ours)
    assert second == pytest.approx(first, abs=1e-7)
    if name == "v5_11_partial_freeze_best.pt":
        assert first == pytest.approx(-0.819571, abs=1e-6)
        assert {n: a.shape for n, a in deep.items()} == table["v5_12_4_as_shipped"]
        assert list(deep) == list(table["v5_12_4_as_shipped"])
    deeper = adapted(one, "projection_depth", projection_layers=4)
    assert max(deviation(forward, one, deeper).values()) < 4e-7
    assert_same(adapted(deeper, "projection_depth", projection_layers=1), one)


def test_copying_what_fits_ruins_the_hierarchy(files: Path, forward: Any) -> None:
    """The contrast: other tensors as a fresh model has them, four times."""
    one = arrays(files / "v5_11_partial_freeze_best.pt")
    deep = adapted(one, "projection_depth", projection_layers=2)
    found = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        copied = {}
        for name, array in deep.items():
            weight = deep[name.replace("bias", "weight")]
            fan_in = weight.shape[-1] if weight.ndim else 1
            fresh = rng.uniform(-(fan_in**-0.5), fan_in**-0.5, array.shape).astype("float32")
            if ".direction_net.5." in name:
                fresh = np.full_like(array, name.endswith("weight"))
            if ".direction_net.8." in name or name.endswith("radius_net.6.bias"):
                fresh = np.zeros_like(array)
            fits = name in one and one[name].shape == array.shape
            copied[name] = one[name] if fits else fresh
        found.append(forward.hierarchy(forward.run(net(copied)).radius["B"]))
    assert min(found) > -0.45  # it was -0.82


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("dropout", ["> 0", "0"])
def test_a_wider_projection_computes_the_same(
    times: int, layers: int, dropout: str, forward: Any
) -> None:
    one = made(latent=6, hidden=40, projection_layers=layers, projection_dropout=dropout)
    sizes = {"hidden": 40 * times, "radius_hidden": 20 * times}
    wide = adapted(one, "projection_width", sizes)
    assert_is(wide, sizes, projection_layers=layers)
    apart = deviation(forward, one, wide)
    assert max(apart[what] for what in ("z_A", "z_B")) < 1e-6
    assert list(wide) == list(one)
    back = {"hidden": 40, "radius_hidden": 32}
    assert_same(adapted(wide, "projection_width", back), one)


def test_other_widths_are_refused() -> None:
    with pytest.raises(Refused, match="12 wide cannot be made 18 wide") as caught:
        adapted(made(), "projection_width", {"hidden": 18, "radius_hidden": 32})
    assert caught.value.help == "set model.hidden_dim to 12 or to a multiple of it"


@pytest.mark.parametrize("name", ["direction_net.0.weight", "direction_net.4.weight"])
def test_trained_copies_stay(name: str) -> None:
    wide = adapted(made(), "projection_width", {"hidden": 24, "radius_hidden": 32})
    trained = touched(wide, f"projection.proj_A.{name}")
    with pytest.raises((ValueError, LossError), match=r"copies differ|elements beyond"):
        adapted(trained, "projection_width", {"hidden": 12, "radius_hidden": 32})


def test_new_units_of_a_radius_net_can_learn() -> None:
    """Units whose weights are zero on both sides never would."""
    one = made(hidden=40)
    wide = adapted(one, "projection_width", {"hidden": 80, "radius_hidden": 40})
    incoming = [wide[f"projection.proj_{side}.radius_net.0.weight"][32:] for side in "AB"]
    assert all((rows != 0).all() for rows in incoming)
    assert (incoming[0] != incoming[1]).any()


@pytest.mark.parametrize("name", ["v5_11_best.pt", "v5_12_4_latest.pt"])
def test_real_projections_get_wider(name: str, files: Path, forward: Any) -> None:
    one = arrays(files / name)
    wide = adapted(one, "projection_width", {"hidden": 128, "radius_hidden": 64})
    before, after = torch_model(one, "float32"), torch_model(wide, "float32")
    for side in "AB":
        assert np.abs(after[f"z_{side}"] - before[f"z_{side}"]).max() < 4e-7
    assert_same(adapted(wide, "projection_width", {"hidden": 64, "radius_hidden": 32}), one)


def test_what_was_done_last_is_undone_first() -> None:
    """Copies are merged and narrowed only when the layers added to them have left."""
    deep = made(projection_layers=2)
    narrower = {"hidden": 6, "radius_hidden": 32}
    assert adapted(deep, "projection_width", narrower, projection_layers=1) is None
    single = {"use_dual_projection": False, "projection_layers": 1}
    assert adapted(deep, "dual_projection", **single) is None
    assert adapted(deep, "dual_projection", narrower, use_dual_projection=False) is None
