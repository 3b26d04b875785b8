"""The compatibility matrix: each model against each checkpoint, with what it takes."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.schema import Matrix
from cfgmig.states import State
from cfgmig.weighing import weigh_state
from schemas.hsmn.matrix import matrix
from tests.content_hsmn_rules.tools import FAMILY

MATRIX: Matrix = matrix


@pytest.mark.parametrize(
    ("model", "checkpoint", "loads"),
    [
        ("token_ids", "token_ids", "yes"),
        ("token_ids", "hd_bundle (unbind)", "convert"),
        ("token_ids", "hd_bundle (broadcast)", "no"),
        ("token_ids", "hd_bundle (cleanup)", "convert"),
        ("hd_bundle (unbind)", "token_ids", "convert"),
        ("hd_bundle (unbind)", "hd_bundle (broadcast)", "yes"),
        ("hd_bundle (cleanup)", "token_ids", "convert"),
        ("hd_bundle (cleanup)", "hd_bundle (unbind)", "convert"),
        ("hd_bundle (unbind)", "old folder (model.keras)", "no"),
        ("token_ids", "old weights (.weights.h5)", "no"),
    ],
)
def test_a_pair(model: str, checkpoint: str, loads: str) -> None:
    row = MATRIX.lookup(model, checkpoint)
    assert row is not None
    assert row.loads == loads
    assert row.reason


def test_every_pair_has_a_row() -> None:
    assert len(MATRIX.rows) == len(MATRIX.architectures) * len(MATRIX.checkpoints) == 4 * 6


def test_every_model_takes_its_own_checkpoint() -> None:
    for model in MATRIX.architectures:
        assert model in MATRIX.loadable(model)


BY_ITS_CONFIG = {
    ("token_ids", "hd_bundle (broadcast)"),
    ("hd_bundle (cleanup)", "hd_bundle (broadcast)"),
}
"""No tensor tells how an adapter expands; the conversion reads it, and makes no rows of these."""


def test_what_it_says_is_what_weighing_finds() -> None:
    """Each model that is built here, against the tensors of each; none may be left over."""
    pytest.importorskip("torch")
    from examples.hsmn.model import build

    layouts = FAMILY.load_layouts()
    assert layouts is not None
    states = {name: _state(build(_config(name))) for name in MATRIX.architectures}
    for wanted in MATRIX.architectures:
        for name, state in states.items():
            weighed = weigh_state(layouts, layouts.expect(_config(wanted)), state)
            found = "convert" if weighed.help else "no"
            if weighed.verdict == "loads":
                found = "yes" if state.shapes == states[wanted].shapes else "convert"
            if (wanted, name) in BY_ITS_CONFIG:
                found = "no"
            row = MATRIX.lookup(wanted, name)
            assert row is not None
            assert row.loads == found, (wanted, name)


def _config(model: str) -> dict[str, Any]:
    expand = model.partition("(")[2].rstrip(")")
    adapter = {"hd_dim": 128, "expand": expand} if expand else None
    return {
        "model": {
            "hidden_dim": 32,
            "num_reasoning_blocks": 1,
            "num_moe_experts": 2,
            "context_window": 4,
            "adapter": adapter,
        },
        "tokenizer": {"active_vocab_size": 380},
        "data": {"hd": {"enabled": bool(expand), "sample_length": 4, "keys": "unitary"}},
    }


def _state(model: Any) -> State:
    shapes = {name: tuple(one.shape) for name, one in model.state_dict().items()}
    return State("", "model", shapes, {})


def test_what_does_not_load_as_it_is_says_what_to_do() -> None:
    for row in MATRIX.rows:
        assert row.loads == "yes" or row.help, row


def test_bundles_need_the_keys_that_made_them() -> None:
    for row in MATRIX.rows:
        if row.loads != "no":
            assert any("position keys" in one for one in row.requires) == (
                row.architecture != "token_ids"
            )


@pytest.mark.parametrize("format", ["table", "markdown", "json"])
def test_is_shown_in_every_format(format: str) -> None:
    assert "hd_bundle (cleanup)" in MATRIX.render(format)
