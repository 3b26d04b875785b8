"""`cfgmig stamp`: writes into files which version they are of, and changes nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.cli import console, work
from cfgmig.cli.files import Target, collect
from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import Diff, Paths, Quiet, Stamp
    from cfgmig.project import Project

DETECTED = "detected"


def stamp(
    version: Stamp,
    paths: Paths = (),  # type: ignore[assignment]
    *,
    diff: Diff = False,
    quiet: Quiet = False,
) -> int:
    """Stamp files as FAMILY/VERSION, or with what each is `detected` to be."""
    project = work.project_of(paths)
    if not diff:
        work.recover(project)
    targets = collect(paths, project.settings.get("exclude", ()))
    changes = [change for target in targets if (change := _plan(target, version, project))]
    if diff:
        for change in changes:
            console.data(work.diff(change))
        return 0
    work.write(project, changes, "stamp", quiet=quiet)
    return 0


def _plan(target: Target, version: str, project: Project) -> work.Change | None:
    from cfgmig.document import Document
    from cfgmig.migration.stamping import stamped
    from cfgmig.upgrading import Options, detected

    content = target.read()
    document = Document.parse(content, target.name)
    if version == DETECTED:
        found = detected(document, project, Options()).demand(target.name)
        family, name = found.family, found.version
    else:
        family_name, slash, name = version.partition("/")
        if not slash:
            raise UsageError(
                f"{version!r} is no stamp", help="write FAMILY/VERSION, or the word `detected`"
            )
        family = project.source(family_name).family
        family.version(name)
    after = stamped(document, family.stamp_key, family.stamp(name)).document.to_bytes()
    return work.Change(target, content, after) if after != content else None
