"""`cfgmig history`, `heads` and `show`: what changed from version to version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import Source, find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, Revision, Verbose
    from cfgmig.migration.revision import Revision as LoadedRevision


def history(*, family: Family = "", verbose: Verbose = False) -> int:
    """List the family's revisions, newest first."""
    source = find_project(Path.cwd()).only(family or None)
    for revision in reversed(source.graph.revisions):
        console.data(_line(source, revision) + "\n")
        if verbose:
            for operation in revision.config:
                console.data(f"    {operation.describe()}\n")
    return 0


def heads(*, family: Family = "") -> int:
    """List the newest version of each family, and of each branch of it."""
    project = find_project(Path.cwd())
    sources = [project.only(family)] if family else list(project.sources().values())
    for source in sources:
        for head in source.graph.heads:
            console.data(f"{source.name}/{head}\n")
    return 0


def show(revision: Revision, *, family: Family = "") -> int:
    """Show one revision: every operation, both ways, with its grade."""
    source = find_project(Path.cwd()).only(family or None)
    found = [
        one
        for one in source.graph.revisions
        if revision in (one.revision, one.number, one.path.stem)
    ]
    if not found:
        raise UsageError(
            f"family {source.name} has no revision {revision!r}",
            help="`cfgmig history` lists them",
        )
    for one in found:
        console.data(f"{_line(source, one)}\n{one.path}\n\nup ({one.grade.words}):\n")
        for operation in one.config:
            console.data(f"  {operation.describe()} [{operation.grade.words}]\n")
        console.data(f"\ndown ({one.down_grade.words}):\n")
        for operation in one.reversed_config():
            console.data(f"  {operation.describe()} [{operation.grade.words}]\n")
    return 0


def _line(source: Source, revision: LoadedRevision) -> str:
    origin = revision.revises or "the beginning"
    head = " (head)" if revision.revision in source.graph.heads else ""
    return f"{revision.number} {origin} -> {revision.revision}{head}: {revision.summary}"
