"""Which architecture takes which checkpoint, measured or counted from tensor shapes.

"Loads" is about the parts that `frozen_checkpoint` asks for: both encoders and decoder_A.
Projections and controllers are trained anew, so their shapes do not decide here.
"""

from __future__ import annotations

import re

from cfgmig.schema.matrix import Matrix, Row, Verdict

FROZEN = "frozen_checkpoint.path"
"""What every V5.11 and V5.12 architecture requires."""

PLAIN = "TernaryVAEV5_11"
PARTIAL = "TernaryVAEV5_11_PartialFreeze"
IMPROVED = f"{PARTIAL} (improved)"
"""With `encoder_type: improved` or `decoder_type: improved` either class has other tensors."""

ALIASES = {"TernaryVAEV5_11_OptionC": PARTIAL}
"""Names that old files use for a class that is called otherwise now."""

NEVER_EXISTED = "TernaryVAEV5_12"
LATENT = 16
"""Latent width of every checkpoint of the family that is known."""

_RENAME = "rename its tensors first: encoder_X.N -> encoder_X.encoder.N, fc_mu_X -> encoder_X.fc_mu"
_CALIBRATE = (
    "set model.encoder_type and model.decoder_type to frozen, or convert the weights first "
    "(LayerNorm calibrated on the 19,683 inputs)"
)
_SAME_TYPE = "frozen-type (ReLU) components, as the V5.12 trainer always wrote"
_OLD_TENSORS = "tensors of v5_5; measure coverage first; compiled runs prefix _orig_mod."

_LOW = "fits, but its best_Q.pt has 19 % coverage"
_UNTRAINED = "improved (LayerNorm, SiLU) components that grew from random weights: 0.01 % coverage"
_GOOD = "take checkpoints/v5_5/latest.pt or checkpoints/v5_12_4/best_Q.pt"
_EQUAL_DEPTH = "the same encoders and decoder_A; projections fit at equal depth only"


def _row(checkpoint: str, reason: str, loads: Verdict = "yes", help: str | None = None) -> Row:
    return Row("", checkpoint, loads, (FROZEN,), reason, help)


_FROZEN_TYPE = (
    _row("v5_5", "26 encoder and decoder_A tensors fit; latest.pt 100 % coverage, best.pt 13 %"),
    _row("v5_5_simplified", "other key layout: strict=False loads nothing", "convert", _RENAME),
    _row("v5_6", _OLD_TENSORS),
    _row("v5_7", _OLD_TENSORS),
    _row("v5_8", _OLD_TENSORS),
    _row("v5_9", _OLD_TENSORS),
    _row("v5_10", _OLD_TENSORS),
    _row("v5_11", _EQUAL_DEPTH),
    _row("v5_11_homeostasis", "fits; coverage 99.9 %"),
    _row("v5_11_structural", "its projection (hidden_dim 128, 2 layers) stays behind"),
    _row("homeostatic_rich", "trained with max_radius 0.99; latest.pt has 0.005 % coverage"),
    _row("v5_12", _SAME_TYPE),
    _row("v5_12_1", _LOW, help=_GOOD),
    _row("v5_12_3", _LOW, help=_GOOD),
    _row("v5_12_4", f"{_SAME_TYPE}; coverage 100 %"),
    _row("v5_12_4_fixed", _UNTRAINED, "no", _GOOD),
    _row("v5_12_4_extended", _UNTRAINED, "no", _GOOD),
    _row("v5_12_5", _SAME_TYPE),
)
"""Rows of every architecture with frozen-type components, whatever its name."""


def _for(architecture: str, row: Row) -> Row:
    return Row(architecture, row.checkpoint, row.loads, row.requires, row.reason, row.help)


def _of(architecture: str) -> tuple[Row, ...]:
    return tuple(_for(architecture, row) for row in _FROZEN_TYPE)


def _improved() -> tuple[Row, ...]:
    clash = "clashes at encoder.4 and decoder.4; calibrated 99.97 % coverage, renamed 30 %"
    special = {
        "v5_5_simplified": _row(
            "v5_5_simplified",
            "other key layout and frozen-type tensors",
            "convert",
            f"{_RENAME}; then {_CALIBRATE}",
        ),
        "v5_12_4_fixed": _row("v5_12_4_fixed", _UNTRAINED, help=_GOOD),
        "v5_12_4_extended": _row("v5_12_4_extended", _UNTRAINED, help=_GOOD),
    }
    rows = [
        special.get(row.checkpoint) or _row(row.checkpoint, clash, "convert", _CALIBRATE)
        for row in _FROZEN_TYPE
    ]
    return tuple(_for(IMPROVED, row) for row in rows)


_TRAINS_ITSELF = "the class that wrote it; all parts train, nothing is frozen"
_STATENET = "same networks but for StateNet: drop or re-initialise state_net.*"

_V5 = (
    Row("DualNeuralVAEV5", "v5_5", "yes", (), _TRAINS_ITSELF),
    Row("DualNeuralVAEV5", "v5_6", "convert", (), f"{_STATENET} (12 instead of 9)"),
    Row("DualNeuralVAEV5", "v5_8", "convert", (), "written by the v5.6 class; see v5_6"),
    Row("DualNeuralVAEV5", "v5_9", "convert", (), "written by the v5.6 class; see v5_6"),
    Row("DualNeuralVAEV5_7", "v5_7", "yes", (), _TRAINS_ITSELF),
    Row("DualNeuralVAEV5_7", "v5_5", "convert", (), f"{_STATENET} (14 instead of 9)"),
    Row(
        "DualNeuralVAEV5_10",
        "v5_10",
        "convert",
        (),
        "three StateNets under one name (18, 20, 21 inputs), the first with prefix statenet.",
    ),
    Row("DualNeuralVAEV5_10", "v5_5", "convert", (), f"{_STATENET} (21 instead of 9)"),
)

matrix = Matrix(
    title="TernaryVAE: architecture x checkpoint",
    rows=(
        *_V5,
        *_of(PLAIN),
        *_of(PARTIAL),
        *_improved(),
    ),
    notes=(
        "No class TernaryVAEV5_12 was ever written; V5.12 files name "
        "TernaryVAEV5_11_PartialFreeze, once called TernaryVAEV5_11_OptionC.",
        "strict=False never helps: a shape that differs still raises, a key that differs is "
        "dropped in silence.",
        "A whole model, projections included, also needs equal projection_layers, hidden_dim and "
        "projection_dropout > 0 on both sides; 1 -> 2 layers converts without changing outputs.",
        "latent_dim is 16 in every known checkpoint.",
    ),
)

TAGS = tuple(sorted(matrix.checkpoints, key=len, reverse=True))


def architectures() -> tuple[str, ...]:
    """The class names that a config may state, without the improved variant."""
    return tuple(name for name in matrix.architectures if name != IMPROVED)


def checkpoint_tag(path: str) -> str | None:
    """The version that a checkpoint's path names, most telling folder first, or None.

    `checkpoints/v5_12_4/best_Q.pt` -> `v5_12_4`; `runs/v5_11_11_rtx/best.pt` -> `v5_11`.
    """
    parts = path.replace("\\", "/").split("/")
    for part in [*reversed(parts[:-1]), parts[-1]]:
        for tag in TAGS:
            if re.search(rf"(?<![A-Za-z0-9]){tag}(?![0-9])", part.replace(".", "_")):
                return tag
    return None
