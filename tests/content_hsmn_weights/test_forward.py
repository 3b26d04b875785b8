"""The numpy reference against the torch model, in every shape that a model has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.content.weights import shapes
from tests.content_hsmn_weights.tools import (
    ENTRIES,
    HEADS,
    arrays,
    bundles,
    forward,
    logits,
    made,
    net,
    sequences,
    solved,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")

CASES = [
    *({"entry": entry} for entry in ENTRIES),
    *({"head": head} for head in HEADS),
    {"entry": "adapter", "head": "dense"},
    {"blocks": ("spatial",) * 3},
    {"blocks": ("spatial",)},
    {"experts": 1, "entry": "adapter"},
    {"paths": 1, "state_dim": 3, "wavelet_taps": 4, "entry": "adapter"},
    {"head_qubits": 1, "head_layers": 1},
]


def settings(case: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in case.items() if key not in ("entry", "head")}
    return {**ENTRIES[case.get("entry", "plain")], **HEADS[case.get("head", "quantum")], **rest}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_computes_what_torch_computes(case: dict[str, Any]) -> None:
    chosen = settings(case)
    model = made(**chosen)
    tensors, ids = arrays(model), sequences(length=4)
    size = chosen.get("hd_dim")
    x = ids if size is None else bundles(ids, size, keys=chosen.get("keys", "unitary"))
    ours, theirs = forward().run(net(tensors), x), logits(model, x)
    assert ours.shape == theirs.shape == (6, 4, 400)
    assert np.abs(ours - theirs).max() < 2e-5 * np.abs(theirs).max()
    assert theirs.std() > 0.05  # or nothing would be compared


@pytest.mark.parametrize("entry", [name for name in ENTRIES if "hd_dim" in ENTRIES[name]])
def test_it_encodes_as_the_trainer_does(entry: str) -> None:
    chosen, ids = ENTRIES[entry], sequences()
    found = forward().encoded(net(arrays(made(**chosen))), ids)
    theirs = bundles(ids, chosen["hd_dim"], keys=chosen.get("keys", "unitary"))
    assert np.abs(found - theirs).max() < 1e-6


@pytest.mark.parametrize("case", CASES, ids=str)
def test_its_layout_is_certain(case: dict[str, Any]) -> None:
    chosen = settings(case)
    match = solved(shapes(arrays(made(**chosen))))
    assert match.exact, match.evidence
    assert match.versions == ("5",)
    assert match.dimensions["hidden"] == 8
    assert match.facts["num_reasoning_blocks"] == len(chosen.get("blocks", range(6)))
