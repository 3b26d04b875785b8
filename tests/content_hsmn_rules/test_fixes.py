"""Fixes on real files: each can be applied, resolves its finding and breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.schema.compile import compiled
from cfgmig.schema.engine import check_document
from tests.content_hsmn_rules.tools import FAMILY, RULES, parse, version_of

FILES = (
    "sweeps/v2_hdfix__sweep_ed48d074_config.json",
    "sweeps/v6_active_total__sweep_c4153d5e_training_config.json",
    "trials/v2_hdfix__ab733418__qahpo_g0_t1__config.json",
    "trials/v2_hdfix__ed48d074__qahpo_g0_t1__config.json",
    "trials/v2_hdfix__ef7cddb1__qahpo_g0_t1__config.json",
    "trials/v4_perlayer__2add627d__qahpo_g0_t1__config.json",
    "trials/v6_active_total__153587c9__qahpo_g0_t1__config.json",
)


@pytest.mark.parametrize("name", FILES)
def test_every_fix_resolves_its_finding(name: str, corpus: Path, tmp_path: Path) -> None:
    document = parse((corpus / "hsmn" / name).read_bytes(), Path(name).name)
    version = version_of(document)
    schema = compiled(FAMILY, version)
    before = len(schema.validate(document.data))
    found = check_document(document, FAMILY, version, root=tmp_path, rules=RULES)
    fixed_any = False
    for checked in found:
        if checked.fix is None:
            continue
        fixed = document.edit(checked.fix.changes, order=schema.order).document
        again = check_document(fixed, FAMILY, version, root=tmp_path, rules=RULES)
        same = (checked.finding.code, checked.finding.path)
        assert same not in {(one.finding.code, one.finding.path) for one in again}
        assert len(schema.validate(fixed.data)) <= before
        fixed_any = True
    assert fixed_any


def test_safe_fixes_leave_what_is_built(corpus: Path, tmp_path: Path) -> None:
    """The stale vocabulary goes; head, width and lengths stay as they are."""
    name = FILES[-1]
    document = parse((corpus / "hsmn" / name).read_bytes(), Path(name).name)
    version = version_of(document)
    found = check_document(document, FAMILY, version, root=tmp_path, rules=RULES)
    changes = [
        change
        for one in found
        if one.fix is not None and one.fix.safe
        for change in one.fix.changes
    ]
    fixed = document.edit(changes).document
    gone = set(document.data) - set(fixed.data)
    assert gone == {"vocab_size"}
    assert all(document.data[key] == said for key, said in fixed.data.items())


def test_a_computed_vocabulary_is_the_one_that_the_old_program_stored(
    corpus: Path, tmp_path: Path
) -> None:
    """Trial and sweep of 153587c9: the factory wrote 121,558 for 1e9, width 512, no hd_dim."""
    name = FILES[1]
    document = parse((corpus / "hsmn" / name).read_bytes(), Path(name).name)
    found = check_document(document, FAMILY, "flat-v6", root=tmp_path, rules=RULES)
    helps = [one.finding.help or "" for one in found if one.finding.code == "HS201"]
    assert len(helps) == 1
    assert "121558" in helps[0]
