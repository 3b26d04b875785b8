"""What the tests of the rules share: the family with its rules, and the codes of a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cfgmig.document import Document
from cfgmig.project import find_project
from cfgmig.report.finding import Finding
from cfgmig.schema import Family
from cfgmig.schema.detect import detect
from cfgmig.schema.engine import check_document
from cfgmig.schema.rules import Config
from tests.conftest import ROOT

FAMILY: Family = find_project(ROOT).source("hsmn").family.replaced(rules=".rules")
RULES = FAMILY.load_rules()
HEAD = FAMILY.head.name


def parse(text: str | bytes, name: str = "config.yaml") -> Document:
    return Document.parse(text, name)


def version_of(document: Document) -> str:
    return detect(document, [FAMILY]).demand(document.name).version


def findings(document: Document, version: str, folder: Path) -> list[Finding]:
    """What the family's own rules say of a document."""
    found = check_document(document, FAMILY, version, root=folder, folder=folder, rules=RULES)
    return [one.finding for one in found]


def config(data: Any, version: str = HEAD) -> Config:
    return Config(data, version, versions=FAMILY.names)
