"""What the content tests share: the family, its revisions, and one call up or down."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from cfgmig.document import Document
from cfgmig.migration.grade import STASH_KEY
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.loader import load_revisions
from cfgmig.migration.plan import Plan, make_plan
from cfgmig.migration.run import Outcome, run
from cfgmig.project import find_project
from cfgmig.schema.compile import compiled
from cfgmig.schema.detect import Detection, detect
from cfgmig.schema.family import Family, load_family
from tests.conftest import ROOT

STAMP = "schema_version"
GOLDEN = Path(__file__).parent / "golden"
WINDOW = ("context_window",)


@cache
def family() -> Family:
    find_project(ROOT).source("hsmn").family  # noqa: B018  puts the root on sys.path
    return load_family("schemas.hsmn")


@cache
def graph() -> RevisionGraph:
    return RevisionGraph("hsmn", load_revisions(ROOT / "migrations" / "hsmn"))


def head() -> str:
    return family().head.name


def parse(text: bytes | str, name: str = "config.yaml") -> Document:
    return Document.parse(text, name)


def read(file: Path, name: str = "") -> Document:
    return parse(file.read_bytes(), name or file.name)


def detected(document: Document) -> Detection:
    return detect(document, [family()])


def plan(origin: str, goal: str) -> Plan:
    return make_plan(graph(), origin, goal)


def migrate(
    document: Document,
    origin: str,
    goal: str,
    *,
    stamp: bool = True,
    prefer: tuple[str, ...] = (),
) -> Outcome:
    """Up or down; with `stamp`, the file says afterwards what it is of."""
    return run(
        document,
        plan(origin, goal),
        stamp=family().stamp(goal) if stamp else None,
        order=lambda version: compiled(family(), version).order,
        prefer=prefer,
    )


def up(text: str, origin: str, goal: str, **options: Any) -> Any:
    """The data of a fragment after the way from one version to another, unstamped."""
    return data(migrate(parse(text), origin, goal, stamp=False, **options).document)


def errors(document: Document, version: str) -> list[tuple[str, str]]:
    """Schema errors as (path, kind)."""
    found = compiled(family(), version).validate(data(document))
    return [(".".join(map(str, one.loc)), one.type) for one in found]


def data(document: Document) -> Any:
    """What a document says, without its stamp and its stash."""
    return {key: value for key, value in document.data.items() if key not in (STAMP, STASH_KEY)}


def golden() -> list[Path]:
    """Our own configs: one of each version and dialect, named after it, and some more."""
    files = (one for one in sorted(GOLDEN.iterdir()) if one.suffix in (".yaml", ".json"))
    return [one for one in files if not one.stem.endswith(".head")]


def version_of(file: Path) -> str:
    return file.stem.partition("--")[0]
