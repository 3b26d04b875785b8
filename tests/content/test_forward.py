"""The numpy forward against torch, against definitions, and against what real files measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.schema.layout import Net
from tests.content.tools import family
from tests.content.weights import (
    Arrays,
    arrays,
    made,
    net,
    simplified,
    torch_model,
    wrapped,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")


@pytest.fixture(scope="module")
def forward() -> Any:
    return family().resolve(".forward")


@pytest.fixture(scope="module")
def files(corpus: Path) -> Path:
    return corpus / "ternary_vae/checkpoints"


def test_operations_and_valuations(forward: Any) -> None:
    operations = forward.operations()
    assert operations.shape == (19683, 9)
    assert operations.dtype == np.float32
    powers = 3 ** np.arange(9)
    assert (((operations + 1) * powers).sum(axis=1) == np.arange(19683)).all()
    found = forward.valuations()
    assert found[0] == 9
    assert list(np.bincount(found)) == [13122, 4374, 1458, 486, 162, 54, 18, 6, 2, 1]
    assert all(n % 3 ** int(v) == 0 and n % 3 ** int(v + 1) for n, v in enumerate(found) if n)


def test_the_hierarchy_is_spearmans_with_average_ranks(forward: Any) -> None:
    levels = forward.valuations().astype(float)
    assert forward.hierarchy(-levels) == pytest.approx(-1)
    apart = -levels + np.arange(19683) * 1e-6
    ties = sum(n**3 - n for n in np.bincount(forward.valuations()).tolist())
    assert forward.hierarchy(apart) == pytest.approx(-((1 - ties / (19683**3 - 19683)) ** 0.5))
    assert forward.hierarchy(apart) == pytest.approx(-0.83205030, abs=5e-9)
    assert forward.hierarchy(levels) == pytest.approx(1)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"projection_layers": 2, "projection_dropout": "0"},
    {"projection_layers": 3, "use_dual_projection": False},
    {"projection_layers": 1, "projection_dropout": "0", "use_dual_projection": False},
    {"encoder_type": "improved", "decoder_type": "improved", "projection_layers": 2},
    {"encoder_type": "improved"},
    {"decoder_type": "improved"},
]


PRECISE = [SETTINGS[1], SETTINGS[4]]


@pytest.mark.parametrize(
    ("settings", "dtype", "close"),
    [
        *((settings, "float32", 2e-5) for settings in SETTINGS),
        *((settings, "float64", 1e-12) for settings in PRECISE),
    ],
)
def test_torch_computes_the_same(
    settings: dict[str, Any], dtype: str, close: float, forward: Any
) -> None:
    tensors = made(**settings)
    model = net(tensors)
    assert settings.items() <= model.facts.items()
    ours = forward.run(model, getattr(np, dtype))
    theirs = torch_model(tensors, dtype)
    for side in "AB":
        assert ours.mu[side].dtype == ours.z[side].dtype == dtype
        np.testing.assert_allclose(ours.mu[side], theirs[f"mu_{side}"], rtol=0, atol=close)
        np.testing.assert_allclose(ours.z[side], theirs[f"z_{side}"], rtol=0, atol=close)
        length = np.linalg.norm(theirs[f"z_{side}"], axis=1)
        np.testing.assert_allclose(ours.radius[side], length, rtol=0, atol=close)
        logvar = forward.encode(model, side, getattr(np, dtype))[1]
        np.testing.assert_allclose(logvar, theirs[f"logvar_{side}"], rtol=0, atol=close)
    np.testing.assert_allclose(ours.logits, theirs["logits"], rtol=0, atol=10 * close)


MEASURED = [
    "v5_5_latest.pt",
    "v5_5_best.pt",
    "v5_5_simplified_latest.pt",
    "v5_10_init.pt",
    "v5_11_best.pt",
    "v5_11_partial_freeze_best.pt",
    "v5_12_4_best_Q.pt",
    "v5_12_4_null_path_best_Q.pt",
    "v5_12_4_improved_grokking_best_Q.pt",
]


@pytest.mark.parametrize("name", MEASURED)
def test_real_files_measure_what_the_index_says(name: str, files: Path, forward: Any) -> None:
    row = next(one for one in json.loads((files / "index.json").read_text()) if one["file"] == name)
    outputs = forward.run(net(arrays(files / name)))
    assert forward.coverage(outputs.logits) == pytest.approx(row["coverage_mu"], abs=6e-7)
    for side in "AB":
        if f"hier_mu_{side}" in row:
            found = forward.hierarchy(outputs.radius[side])
            assert found == pytest.approx(row[f"hier_mu_{side}"], abs=2e-6)
    if name == "v5_12_4_improved_grokking_best_Q.pt":
        theirs = torch_model(arrays(files / name), "float32")
        assert np.abs(outputs.z["B"] - theirs["z_B"]).max() < 2e-6


def readings(forward: Any, before: Arrays, after: Arrays) -> dict[str, Any]:
    return {one.what: one for one in forward.probe(net(before), net(after))}


def test_a_probe_tells_how_far_two_models_are_apart(forward: Any) -> None:
    one = made()
    same = readings(forward, one, one)
    assert sorted(same) == [
        "coverage (cov_mu)",
        "hierarchy_A",
        "hierarchy_B",
        "mu_A, all operations",
        "mu_B, all operations",
        "z_A, all operations",
        "z_B, all operations",
    ]
    assert all(reading.deviation == 0 for reading in same.values())
    bias = one["encoder_A.fc_mu.bias"].copy()
    bias[2] += 0.25
    moved = readings(forward, one, {**one, "encoder_A.fc_mu.bias": bias})
    assert moved["mu_A, all operations"].deviation == pytest.approx(0.25, abs=1e-5)
    assert moved["mu_B, all operations"].deviation == 0
    assert moved["z_A, all operations"].deviation > 1e-3
    assert moved["hierarchy_A"].before != moved["hierarchy_A"].after


def test_a_probe_compares_what_both_have(forward: Any) -> None:
    whole = made()
    parts = {n: a for n, a in whole.items() if n.startswith(("encoder", "decoder"))}
    found = readings(forward, whole, parts)
    assert sorted(found) == ["coverage (cov_mu)", "mu_A, all operations", "mu_B, all operations"]
    other = readings(forward, whole, made(latent=5))
    assert sorted(other) == ["coverage (cov_mu)", "hierarchy_A", "hierarchy_B"]


@pytest.mark.parametrize("rename", ["simplified", "appetitive"])
def test_other_names_are_read_as_well(rename: str, forward: Any) -> None:
    ours = {n: a for n, a in made(latent=16).items() if n.startswith(("encoder", "decoder"))}
    new = simplified if rename == "simplified" else wrapped
    renamed = {new(name): array for name, array in ours.items()}
    layout = f"v5.5 {rename}" if rename == "simplified" else f"v5.6 {rename}"
    model = Net(layout, {"encoder_type": "frozen"}, {"latent": 16}, renamed.__getitem__)
    found = forward.probe(net(ours), model)
    assert [one.deviation for one in found] == [0, 0, 0]
