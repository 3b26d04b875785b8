"""The compatibility matrix says what was measured, also where old documents say otherwise."""

from __future__ import annotations

import pytest

from cfgmig.schema import Matrix
from tests.content.test_rules import FAMILY

_LOADED = FAMILY.load_matrix()
assert _LOADED is not None
MATRIX: Matrix = _LOADED
PARTIAL = "TernaryVAEV5_11_PartialFreeze"
IMPROVED = f"{PARTIAL} (improved)"
FROZEN = "frozen_checkpoint.path"


@pytest.mark.parametrize(
    ("architecture", "checkpoint", "loads"),
    [
        ("TernaryVAEV5_11", "v5_5", "yes"),
        ("TernaryVAEV5_11", "v5_12_4", "yes"),
        (PARTIAL, "v5_5", "yes"),
        (PARTIAL, "v5_11", "yes"),
        (PARTIAL, "v5_12_4", "yes"),
        (PARTIAL, "v5_5_simplified", "convert"),
        (PARTIAL, "v5_12_4_extended", "no"),
        (IMPROVED, "v5_5", "convert"),
        (IMPROVED, "v5_12_4", "convert"),
        (IMPROVED, "v5_12_4_extended", "yes"),
        ("DualNeuralVAEV5", "v5_5", "yes"),
        ("DualNeuralVAEV5", "v5_6", "convert"),
    ],
)
def test_a_pair(architecture: str, checkpoint: str, loads: str) -> None:
    row = MATRIX.lookup(architecture, checkpoint)
    assert row is not None
    assert row.loads == loads
    assert row.reason


def test_the_class_that_was_never_written_has_no_row() -> None:
    assert MATRIX.of("TernaryVAEV5_12") == ()
    assert any("TernaryVAEV5_12" in note for note in MATRIX.notes)


@pytest.mark.parametrize("architecture", ["TernaryVAEV5_11", PARTIAL, IMPROVED])
def test_frozen_weights_are_required_from_5_11_on(architecture: str) -> None:
    assert MATRIX.requires(architecture, FROZEN)


def test_earlier_classes_require_nothing() -> None:
    assert not MATRIX.requires("DualNeuralVAEV5", FROZEN)


def test_what_cannot_load_as_it_is_says_what_to_do() -> None:
    for row in MATRIX.rows:
        if row.loads == "convert" and row.architecture.startswith("Ternary"):
            assert row.help, row


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("checkpoints/v5_5/latest.pt", "v5_5"),
        ("sandbox-training/checkpoints/v5_12_4/best_Q.pt", "v5_12_4"),
        ("checkpoints/v5_12_4_fixed/best.pt", "v5_12_4_fixed"),
        ("checkpoints/v5_12_4_mine/best.pt", "v5_12_4"),
        ("checkpoints/v5_12_4_extended/best.pt", "v5_12_4_extended"),
        ("checkpoints/v5_11_11_homeostatic_rtx2060s/best.pt", "v5_11"),
        ("checkpoints/v5_11_homeostasis/best.pt", "v5_11_homeostasis"),
        ("runs\\v5_12_1\\best_Q.pt", "v5_12_1"),
        ("v5_10/old/v5_6/latest.pt", "v5_6"),
        ("models/v5.12.4.pt", "v5_12_4"),
        ("models/mine.pt", None),
        ("checkpoints/v5_55/best.pt", None),
        ("", None),
    ],
)
def test_the_version_that_a_path_names(path: str, tag: str | None) -> None:
    assert FAMILY.resolve(".matrix:checkpoint_tag")(path) == tag


@pytest.mark.parametrize("format", ["table", "markdown", "json"])
def test_is_shown_in_every_format(format: str) -> None:
    assert IMPROVED in MATRIX.render(format)
