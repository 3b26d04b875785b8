"""`cfgmig matrix`: which architecture takes which checkpoint, and what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, TableFormat


def matrix(*, family: Family = "", output_format: TableFormat = "table") -> int:
    """Show the compatibility matrix of a family: architecture x checkpoint version."""
    source = find_project(Path.cwd()).only(family or None)
    found = source.family.load_matrix()
    if found is None:
        raise UsageError(
            f"family {source.name} declares no matrix",
            help=f"give it one: `matrix=Matrix(...)` in {source.folder / '__init__.py'}",
        )
    console.data(found.render(output_format))
    return 0
