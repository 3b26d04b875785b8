"""`cfgmig upgrade` and `downgrade`: files brought to another version, in place, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.cli import console, work
from cfgmig.cli.files import Target, collect
from cfgmig.errors import CfgmigError, UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import (
        CheckOnly,
        Diff,
        DownTo,
        Family,
        FromVersion,
        Jobs,
        NoStamp,
        NoStash,
        Paths,
        Prefer,
        Quiet,
        SkipUnknown,
        To,
        Verbose,
        WithCheckpoints,
    )
    from cfgmig.companions import Companions
    from cfgmig.migration.transaction import Making
    from cfgmig.project import Project
    from cfgmig.upgrading import Options, Report


class Result(NamedTuple):
    """What an upgrade would do to one file."""

    target: Target
    change: work.Change | None = None
    report: Report | None = None
    error: CfgmigError | None = None
    is_foreign: bool = False


class Settings(NamedTuple):
    """How a run speaks and whether it writes."""

    command: str
    diff: bool
    check: bool
    skip_unknown: bool
    quiet: bool
    verbose: bool
    jobs: int


def upgrade(
    paths: Paths = (),  # type: ignore[assignment]
    *,
    to: To = "",
    diff: Diff = False,
    check: CheckOnly = False,
    family: Family = "",
    from_version: FromVersion = "",
    no_stamp: NoStamp = False,
    no_stash: NoStash = False,
    prefer: Prefer = (),  # type: ignore[assignment]
    with_checkpoints: WithCheckpoints = False,
    skip_unknown: SkipUnknown = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    jobs: Jobs = 0,
) -> int:
    """Bring configs up to the current version (or --to), in place.

    All files are planned and verified before the first one is written. A file that
    cannot be upgraded safely stops the run, and nothing is written.
    """
    from cfgmig.upgrading import Options

    names = to or None, family or None, from_version or None
    options = Options(
        *names, stamp=not no_stamp, stash=not no_stash, way="up", prefer=tuple(prefer),
        layout=diff or not check,
    )  # fmt: skip
    settings = Settings("upgrade", diff, check, skip_unknown, quiet, verbose, jobs)
    if with_checkpoints and to:
        raise UsageError(
            "--with-checkpoints brings weights to what a config of the newest version builds",
            help="leave `--to` out, or run `cfgmig checkpoint convert --to VERSION`",
        )
    return _run(paths, Task(options), settings, with_checkpoints=with_checkpoints)


def downgrade(
    paths: Paths = (),  # type: ignore[assignment]
    *,
    to: DownTo = "",
    diff: Diff = False,
    check: CheckOnly = False,
    family: Family = "",
    from_version: FromVersion = "",
    no_stamp: NoStamp = False,
    no_stash: NoStash = False,
    prefer: Prefer = (),  # type: ignore[assignment]
    skip_unknown: SkipUnknown = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    jobs: Jobs = 0,
) -> int:
    """Bring configs back to an older version, in place; keys that had left come back."""
    from cfgmig.upgrading import Options

    if not to:
        raise UsageError("downgrade to which version?", help="add `--to VERSION`")
    names = to, family or None, from_version or None
    options = Options(
        *names, stamp=not no_stamp, stash=not no_stash, way="down", prefer=tuple(prefer),
        layout=diff or not check,
    )  # fmt: skip
    settings = Settings("downgrade", diff, check, skip_unknown, quiet, verbose, jobs)
    return _run(paths, Task(options), settings)


class Task:
    """Plans one file; picklable, so that other processes can do it."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def __call__(self, target: Target) -> Result:
        """Never raises a CfgmigError: it is part of the result."""
        from cfgmig import checking, upgrading

        try:
            project = checking.in_project(target.path)
            content = target.read()
            done = upgrading.upgrade_document(content, target.name, project, self.options)
            report = done.report
            change = None
            if done.changed or target.is_standard_input:
                change = work.Change(target, content, done.document.to_bytes())
            return Result(target, change, report)
        except CfgmigError as error:
            known = upgrading.refusal(error, target.name)
            return Result(target, error=known, is_foreign=work.is_foreign(error))


def _run(
    paths: Sequence[str], task: Task, settings: Settings, *, with_checkpoints: bool = False
) -> int:
    project = work.project_of(paths)
    if not (settings.diff or settings.check):
        work.recover(project)
    targets = collect(paths, project.settings.get("exclude", ()))
    results = work.map_files(
        task,
        targets,
        jobs=settings.jobs,
        quiet=settings.quiet,
        title=f"planning {settings.command}",
    )
    if not with_checkpoints:
        return _finish(project, results, settings, ())
    from cfgmig.companions import Companions

    companions = Companions(project)
    try:
        results = [_accompanied(result, companions) for result in results]
        return _finish(project, results, settings, companions.making())
    finally:
        companions.close()


def _accompanied(result: Result, companions: Companions) -> Result:
    """The same result with the config's checkpoint converted along with it."""
    from pathlib import Path

    from cfgmig.document import Document

    target, report = result.target, result.report
    if report is None or target.is_standard_input:
        return result
    before = result.change.before if result.change is not None else target.read()
    after = result.change.after if result.change is not None else before
    document = Document.parse(after, target.name)
    try:
        edited, notes = companions.of(document, report.family, Path(target.path))
    except CfgmigError as error:
        return result._replace(change=None, report=None, error=_of_config(error, target))
    report = report._replace(notes=(*report.notes, *notes))
    changed = edited.to_bytes() != before
    change = work.Change(target, before, edited.to_bytes()) if changed else None
    return result._replace(change=change, report=report)


def _of_config(error: CfgmigError, target: Target) -> CfgmigError:
    """The error, with the config that it stands in the way of."""
    error.message = f"{error.message} (named by {target.name})"
    return error


def _finish(
    project: Project, results: Sequence[Result], settings: Settings, making: Sequence[Making]
) -> int:
    """Tell what was planned, and write it unless it is only to be told."""
    failed = [result for result in results if _is_failure(result, settings)]
    changes = [result.change for result in results if result.change is not None]
    if settings.diff or settings.check:
        changes = [change for change in changes if change.before != change.after]
    if not settings.quiet:
        for result in results:
            _tell(result, settings)
    for result in failed:
        console.say(str(work.told(result.error, result.target.name)))
    code = work.worst(result.error for result in failed)
    if settings.diff:
        for change in changes:
            console.data(work.diff(change))
    if settings.diff or settings.check:
        _sum_up(len(changes), len(results), settings, "would change")
        return code or (1 if settings.check and changes else 0)
    if failed:
        console.say(f"nothing was written: {len(failed)} of {len(results)} files cannot be done")
        return code
    work.write(project, changes, settings.command, quiet=True, making=making)
    _sum_up(len(changes), len(results), settings, "changed")
    return 0


def _is_failure(result: Result, settings: Settings) -> bool:
    if result.error is None:
        return False
    return not (result.is_foreign and (settings.skip_unknown or not result.target.explicit))


def _tell(result: Result, settings: Settings) -> None:
    """What happened to one file, on stderr."""
    name, report = result.target.name, result.report
    if report is None:
        if result.is_foreign:
            console.say(f"{name}: skipped, of no known family", quiet=not settings.verbose)
        return
    if result.change is None:
        console.say(f"{name}: is at {report.to_version}", quiet=not settings.verbose)
        return
    if report.from_version == report.to_version:
        console.say(f"{name}: stamped {report.family}/{report.to_version}")
    else:
        console.say(f"{name}: {report.from_version} -> {report.to_version} ({report.grade})")
    for line in report.notes:
        console.say(f"  note: {line}")
    if settings.verbose:
        console.say(f"  {report.certainty}")
        for line in report.changes:
            console.say(f"  {line}")


def _sum_up(changed: int, total: int, settings: Settings, verb: str) -> None:
    after = "; `cfgmig undo` takes it back" if verb == "changed" and changed else ""
    console.say(f"{changed} of {total} files {verb}{after}", quiet=settings.quiet)
