"""`cfgmig test`: the standard tests of a project's schemas, migrations and rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, Quiet, Verbose


def test(*, family: Family = "", quiet: Quiet = False, verbose: Verbose = False) -> int:
    """Test this project's content: one head, schemas explained, no trace, everything fires."""
    from cfgmig.testing import failures, standard_tests

    project = find_project(Path.cwd())
    if not project.own:
        raise UsageError(
            f"{project.root} declares no family of its own", help="declare one with `cfgmig init`"
        )
    cases = list(standard_tests(project, [family] if family else []))
    failed = 0
    for case, reason in failures(cases):
        failed += reason is not None
        if reason is not None:
            console.data(f"FAILED {case.name}\n{reason}\n")
        elif verbose:
            console.data(f"ok     {case.name}\n")
    console.say(f"{len(cases) - failed} passed, {failed} failed", quiet=quiet)
    return 1 if failed else 0
