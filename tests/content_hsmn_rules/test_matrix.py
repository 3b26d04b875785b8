"""The compatibility matrix: each model against each checkpoint, with what it takes."""

from __future__ import annotations

import pytest

from cfgmig.schema import Matrix
from schemas.hsmn.matrix import matrix

MATRIX: Matrix = matrix


@pytest.mark.parametrize(
    ("model", "checkpoint", "loads"),
    [
        ("token_ids", "token_ids", "yes"),
        ("token_ids", "hd_bundle (unbind)", "convert"),
        ("hd_bundle (unbind)", "token_ids", "convert"),
        ("hd_bundle (unbind)", "hd_bundle (broadcast)", "yes"),
        ("hd_bundle (cleanup)", "token_ids", "convert"),
        ("hd_bundle (cleanup)", "hd_bundle (unbind)", "no"),
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
