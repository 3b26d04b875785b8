"""Components of the frozen type become improved ones: what is kept, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools.plan import (
    LossError,
)
from tests.content.tools import family
from tests.content.weights import (
    FROZEN,
    Arrays,
    adapted,
    arrays,
    assert_is,
    assert_same,
    made,
    net,
    travelled,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")


@pytest.fixture(scope="module")
def forward() -> Any:
    return family().resolve(".forward")


@pytest.fixture(scope="module")
def files(corpus: Path) -> Path:
    return corpus / "ternary_vae/checkpoints"


IMPROVED = ("encoder_type", "decoder_type")


def improved(tensors: Arrays, *kinds: str) -> Arrays:
    """Adapted until all of the kinds are improved, as the engine does it."""
    for _ in kinds:
        tensors = adapted(tensors, "improved_components", **dict.fromkeys(kinds, "improved"))
    return tensors


def frozen(tensors: Arrays, *kinds: str) -> Arrays:
    for _ in kinds:
        tensors = adapted(tensors, "improved_components", **dict.fromkeys(kinds, "frozen"))
    return tensors


def test_layer_norms_are_those_of_the_layer_before(forward: Any) -> None:
    one = {n: a for n, a in made().items() if n.startswith(FROZEN)}
    new = improved(one, *IMPROVED)
    assert_is(new, encoder_type="improved", decoder_type="improved")
    for component, hidden, count in (
        ("encoder_A.encoder", forward.operations(np.float64), 3),
        ("encoder_B.encoder", forward.operations(np.float64), 3),
        ("decoder_A.decoder", forward.run(net(one), np.float64).mu["A"], 2),
    ):
        for at in range(count):
            weight = one[f"{component}.{2 * at}.weight"]
            hidden = hidden @ weight.T.astype(np.float64) + one[f"{component}.{2 * at}.bias"]
            means = hidden.mean(axis=1)
            gamma = 16 * np.sqrt((hidden**2).mean(axis=1) - means**2).mean()
            beta = 16 * means.mean()
            made_of = [new[f"{component}.{4 * at + 1}.{leaf}"] for leaf in ("weight", "bias")]
            np.testing.assert_allclose(made_of[0], gamma, rtol=1e-6)
            np.testing.assert_allclose(made_of[1], beta, rtol=1e-5)
            scale = 16 if at else 1
            np.testing.assert_array_equal(new[f"{component}.{4 * at}.weight"] * scale, weight)
            hidden = np.maximum(hidden, 0)
    mu = "encoder_A.fc_mu.weight"
    np.testing.assert_array_equal(new[mu] * 16, one[mu])
    same = [n for n in one if n.endswith(".bias")]
    renumbered = [n for n in same if ".encoder." not in n and ".decoder." not in n]
    assert all((new[name] == one[name]).all() for name in renumbered)


@pytest.mark.parametrize("kinds", [IMPROVED, IMPROVED[:1], IMPROVED[1:]])
def test_untouched_improved_components_go_back(kinds: tuple[str, ...]) -> None:
    one = {n: a for n, a in made().items() if n.startswith(FROZEN)}
    new = improved(one, *kinds)
    assert list(new) == [n for n in made(**dict.fromkeys(kinds, "improved")) if n in new]
    assert_same(frozen(new, *kinds), one)


@pytest.mark.parametrize("name", ["encoder_B.encoder.9.bias", "encoder_A.encoder.4.weight"])
def test_trained_improved_components_stay(name: str) -> None:
    one = {n: a for n, a in made().items() if n.startswith(FROZEN)}
    new = improved(one, "encoder_type")
    changed = {**new, name: new[name] + np.float32(0.05)}
    with pytest.raises(LossError, match="not those of a calibration"):
        frozen(changed, "encoder_type")


MEASURED = {
    "v5_5_latest.pt": (0.99969, 0.2872),
    "v5_5_simplified_latest.pt": (0.99994, None),
    "v5_12_4_best_Q.pt": (0.99969, 0.2872),
}


@pytest.mark.parametrize("name", MEASURED)
def test_calibrated_components_reproduce_nearly_all(name: str, files: Path, forward: Any) -> None:
    one = arrays(files / name)
    if "simplified" in name:
        one, _ = travelled(one, "5.5.2", "5.12.5")
    one = {n: a for n, a in one.items() if n.startswith(FROZEN)}
    assert coverage(forward, one) == 1.0
    calibrated, by_name = MEASURED[name]
    assert coverage(forward, improved(one, *IMPROVED)) == pytest.approx(calibrated, abs=1e-4)
    assert coverage(forward, improved(one, "encoder_type")) == 1.0
    if by_name is not None:
        plain = {**improved(one, *IMPROVED), **renumbered(one)}
        assert coverage(forward, plain) == pytest.approx(by_name, abs=2e-3)
    assert_same(frozen(improved(one, *IMPROVED), *IMPROVED), one)


def coverage(forward: Any, tensors: Arrays) -> float:
    found: float = forward.coverage(forward.run(net(tensors)).logits)
    return found


def renumbered(one: Arrays) -> Arrays:
    """The contrast: dense layers under their new numbers, LayerNorms as they begin."""
    found: Arrays = {}
    for name, array in one.items():
        parts = name.split(".")
        if parts[1] in ("encoder", "decoder"):
            parts[2] = str(2 * int(parts[2]))
            if array.ndim == 1 and name != "decoder_A.decoder.4.bias":
                norm = ".".join([*parts[:2], str(int(parts[2]) + 1)])
                found[f"{norm}.weight"] = np.ones_like(array)
                found[f"{norm}.bias"] = np.zeros_like(array)
        found[".".join(parts)] = array
    return found
