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
OTHERS = ("curricula-", "presets-")
"""What golden files of other kinds begin with."""


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
    return [one for one in _golden() if not one.stem.startswith(OTHERS)]


def _golden() -> list[Path]:
    files = (one for one in sorted(GOLDEN.iterdir()) if one.suffix in (".yaml", ".json"))
    return [one for one in files if not one.stem.endswith(".head")]


class Kind:
    """A family of files of another kind, whose golden files begin with its short name."""

    def __init__(self, short: str) -> None:
        self.short = short
        self.name = f"hsmn_{short}"
        self.family = find_project(ROOT).source(self.name).family
        self.graph = RevisionGraph(self.name, load_revisions(ROOT / "migrations" / self.name))
        self.head = self.family.head.name

    def golden(self) -> list[Path]:
        return [one for one in _golden() if one.stem.startswith(f"{self.short}-")]

    def version_of(self, file: Path) -> str:
        return version_of(file).removeprefix(f"{self.short}-")

    def migrate(self, document: Document, origin: str, goal: str, *, stamp: bool = True) -> Outcome:
        return run(
            document,
            make_plan(self.graph, origin, goal),
            stamp=self.family.stamp(goal) if stamp else None,
            order=lambda version: compiled(self.family, version).order,
        )

    def errors(self, document: Document, version: str) -> list[tuple[str, str]]:
        found = compiled(self.family, version).validate(document.data)
        return [(".".join(map(str, one.loc)), one.type) for one in found]


def among_all(document: Document) -> Detection:
    """Detected among every family of this repository."""
    return detect(document, [one.family for one in find_project(ROOT).sources().values()])


def version_of(file: Path) -> str:
    return file.stem.partition("--")[0]
