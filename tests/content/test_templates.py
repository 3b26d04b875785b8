"""The templates are valid as they are shipped, and stay so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.document import Document
from cfgmig.report import Finding
from cfgmig.schema.engine import check_document
from tests.conftest import ROOT
from tests.content.test_rules import FAMILY, HEAD

FOLDER = ROOT / "schemas" / "ternary_vae" / "templates"
TEMPLATES = sorted(FOLDER.glob("*.yaml"))
MISSING_FILE = "TV105"


def _findings(file: Path, root: Path) -> list[Finding]:
    document = Document.parse(file.read_bytes(), file.name)
    found = check_document(document, FAMILY, HEAD, root=root, folder=root)
    return [checked.finding for checked in found]


def _serious(findings: list[Finding]) -> list[str]:
    return sorted({f.code for f in findings if f.severity != "info"})


def test_both_are_there() -> None:
    assert [file.stem for file in TEMPLATES] == ["development", "production"]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_is_stamped_with_the_head(file: Path) -> None:
    data = Document.parse(file.read_bytes(), file.name).data
    assert data["schema_version"] == FAMILY.stamp(HEAD)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_only_the_checkpoint_is_missing(file: Path, tmp_path: Path) -> None:
    assert _serious(_findings(file, tmp_path)) == [MISSING_FILE]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_nothing_is_wrong_beside_its_checkpoint(file: Path, tmp_path: Path) -> None:
    path = Document.parse(file.read_bytes(), file.name).data["frozen_checkpoint"]["path"]
    weights = tmp_path / path
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    assert _serious(_findings(file, tmp_path)) == []


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_says_in_its_first_line_what_it_is_for(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")
