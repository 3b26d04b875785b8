"""The shipped configs: valid, of the profile that they say, and what they claim to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.schema.engine import check_document
from tests.conftest import ROOT
from tests.content_hsmn.tools import STAMP, data, detected, errors, family, head, migrate, read

FOLDER = ROOT / "examples" / "hsmn" / "configs"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_they_are_there() -> None:
    assert {"before", "request", "small_bundles", "small_tokens"} <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_schema_and_profile_have_nothing_against_it(file: Path) -> None:
    document = read(file)
    best = detected(document).best
    assert best is not None
    assert best.version == ("1" if file.stem == "before" else head())
    assert errors(document, best.version) == []
    found = check_document(document, family(), best.version, root=ROOT, folder=FOLDER)
    serious = [one.finding.code for one in found if one.finding.code in ("CM001", "CM002", "CM003")]
    assert serious == []


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_it_goes_down_to_the_first_version_and_back(file: Path) -> None:
    before = read(file)
    version = before.data[STAMP].partition("/")[2]
    down = migrate(before, version, "1").document
    assert errors(down, "1") == []
    up = migrate(down, "1", version).document
    for section, said in data(before).items():
        assert up.data[section] == said or set(said) <= set(up.data[section]), section


def test_the_run_that_failed_is_mended_by_its_upgrade() -> None:
    before = read(FOLDER / "before.yaml")
    said = before.data
    shape = (said["training"]["batch_size"], said["data"]["hd"]["hd_dim"])
    assert (*shape, said["tokenizer"]["vocab_size"]) == (64, 128, 128_000)
    done = migrate(before, "1", head())
    after = done.document.data
    assert after["model"]["input"] == {"kind": "hd_bundle", "dtype": "float32"}
    assert after["model"]["adapter"]["hd_dim"] == 128
    assert after["data"]["hd"]["label_mode"] == "full_sequence"
    assert after["tokenizer"]["active_vocab_size"] == after["tokenizer"]["max_vocab_size"] == 8000
    told = " ".join(note.message for note in done.notes)
    assert "128000" in told
    assert "encode the corpus again" in told
