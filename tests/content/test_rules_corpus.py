"""Which rules fire on the real files, reviewed line by line against what is known of each.

No checkpoint lies beside them here, so every file that names one has TV105. The files of 2025
that still have the old path prefix have TV505; later revisions of the same file have lost it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.document import Document
from cfgmig.schema.compile import compiled
from cfgmig.schema.detect import detect
from cfgmig.schema.engine import Checked, check_document
from tests.content.test_rules import FAMILY, RULES

# 5.5 to 5.10: TV503 keys the V5.5 trainer ignores; TV605 schedules longer than the run; TV607 KL
# warm-up; TV608 fewer samples drawn than the coverage target needs (195,000 only in 5.5).
FLAT = {
    "appetitive_vae.r1": "505 605 607 608",
    "v5_5.r1": "503 505",
    "v5_5.r2": "503 505 607",
    "v5_6.r2": "505 605 607 608",
    "v5_7.r1": "505 605 607 608",
    "v5_8.r1": "505 607 608",
    "v5_9.r1": "505 607 608",
    "v5_9_2.r2": "607 608",
    "v5_10.r1": "505 607 608",
    "v5_10.r3": "505 607 608",
    "v5_10.r4": "505 607 608",
    "v5_10.r6": "505 607 608",
    "v5_10.r7": "505 607 608",
    "v5_10.r9": "605 607 608",
}

# 5.11: the fast test has no weights (TV101) and 8 latent dimensions (TV116), the RTX profile no
# section at all (TV104). From 5.11.11 on zero_structure (TV307), learnable curvature (TV308) and a
# best file by hierarchy alone (TV404).
FROZEN = {
    "v5_11.r1": "105 505",
    "ternary_fast_test.r1": "101 116 505",
    "v5_11_11_homeostatic_ale_device.r1": "105 307 308 404 505",
    "v5_11_11_homeostatic_ale_device.r2": "105 307 308 404",
    "v5_11_11_homeostatic_rtx2060s.r1": "104 307 308 404 505",
}

# 5.12: unread keys (TV502); from 5.12.3 radii of unsaid unit (TV303); from 5.12.4 improved
# components with frozen-type weights (TV113). The fixed file (r4) trains 30 epochs, so phase 2 at
# 50 never starts (TV402, TV403, TV407), and switches precision twice (TV406). The grokking file r1
# is the one with `path: null` and the text none (TV101, TV107); its phases end at 500 of 100.
RICH = {
    "v5_12.r1": "105 307 308 502 505",
    "v5_12.r3": "105 307 308 502 505",
    "v5_12.r4": "105 307 308 502",
    "v5_12_1.r1": "105 307 308 502 505",
    "v5_12_3.r2": "105 303 307 308 502",
    "v5_12_4.r1": "105 113 303 307 308 502 505",
    "v5_12_4.r3": "105 113 303 307 308 502",
    "v5_12_4.r4": "105 113 303 307 308 402 403 406 407 502",
    "v5_12_4_extended_grokking.r1": "101 107 303 307 308 402 403 502 505",
    "v5_12_4_extended_grokking.r2": "105 113 303 307 308 402 403 502 505",
    "mathematical_framework": "105 113 303 307 308 502 505",
}

# 5.12.5: all name v5_12_4/best_Q.pt with improved components (TV113) but D, which trains from
# nothing (TV101). B and D have encoder scales of 1.0 under homeostasis (TV202). C has switched
# zero_structure off. All are quick tests of 8 to 30 epochs, D one of 100 (TV402, TV403, TV407).
HEAD_FILES = {
    "v5_12_5_adaptive_loss_test.r1": "105 113 303 307 308 402 403 406 407 505",
    "v5_12_5_adaptive_loss_test.r2": "105 113 303 307 308 402 403 406 407",
    "v5_12_5_adaptive_lr_test.r1": "105 113 303 307 308 402 403 406 407 505",
    "v5_12_5_gradient_checkpointing_test.r1": "105 113 303 307 308 402 403 406 407 505",
    "v5_12_5_homeostatic_differential.r1": "105 113 303 307 308 402 403 406 407 505",
    "v5_12_5_homeostatic_differential.r2": "105 113 303 307 308 402 403 406 407",
    "v5_12_5_relaxed_A_unfreeze.r1": "105 113 303 307 308 402 403 406 407 505",
    "v5_12_5_relaxed_A_unfreeze.r2": "105 113 303 307 308 402 403 406 407",
    "v5_12_5_relaxed_B_aggressive_lr.r1": "105 113 202 303 307 308 402 403 406 407 505",
    "v5_12_5_relaxed_B_aggressive_lr.r2": "105 113 202 303 307 308 402 403 406 407",
    "v5_12_5_relaxed_C_loss_rebalance.r2": "105 113 303 308 402 403 406 407",
    "v5_12_5_relaxed_D_from_scratch.r1": "101 202 303 307 308 402 403 406 407 505",
}

# The foundation loads leniently (TV117), lacks an unfreeze threshold (TV204) and aims at -0.8321
# (TV305); none of its three best files sees reconstruction (TV404), as the frequency file's.
DIALECTS = {
    "v5_12_5_foundation": "105 113 117 204 305 308 404",
    "frequency_optimal": "404",
}

EXPECTED = {**FLAT, **FROZEN, **RICH, **HEAD_FILES, **DIALECTS}


def _version(file: Path) -> str:
    return detect(_read(file), [FAMILY]).demand(file.name).version


def _read(file: Path) -> Document:
    return Document.parse(file.read_bytes(), file.name)


def _check(document: Document, version: str, root: Path) -> list[Checked]:
    return check_document(document, FAMILY, version, root=root, folder=root, rules=RULES)


def _codes(file: Path, root: Path) -> list[str]:
    found = _check(_read(file), _version(file), root)
    return sorted({checked.finding.code for checked in found})


@pytest.mark.parametrize("name", EXPECTED)
def test_fires_as_reviewed(name: str, corpus: Path, tmp_path: Path) -> None:
    file = corpus / "ternary_vae" / "configs" / f"{name}.yaml"
    assert _codes(file, tmp_path) == [f"TV{code}" for code in EXPECTED[name].split()]


def test_every_file_is_reviewed(corpus: Path) -> None:
    files = (corpus / "ternary_vae" / "configs").glob("*.yaml")
    assert sorted(EXPECTED) == sorted(file.stem for file in files)


def test_a_file_with_its_weights_at_hand_lacks_only_the_missing_file(
    corpus: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "checkpoints" / "v5_5" / "latest.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    file = corpus / "ternary_vae" / "configs" / "v5_12.r4.yaml"
    assert _codes(file, tmp_path) == ["TV307", "TV308", "TV502"]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_fix_can_be_applied_and_resolves_its_finding(
    name: str, corpus: Path, tmp_path: Path
) -> None:
    file = corpus / "ternary_vae" / "configs" / f"{name}.yaml"
    version, document = _version(file), _read(file)
    schema = compiled(FAMILY, version)
    before = len(schema.validate(document.data))
    for checked in _check(document, version, tmp_path):
        if checked.fix is None:
            continue
        fixed = document.edit(checked.fix.changes, order=schema.order).document
        same = (checked.finding.code, checked.finding.path)
        left = {(c.finding.code, c.finding.path) for c in _check(fixed, version, tmp_path)}
        assert same not in left
        assert len(schema.validate(fixed.data)) <= before
        assert len(fixed.text.splitlines()) >= len(document.text.splitlines()) - 2
