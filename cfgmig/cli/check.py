"""`cfgmig check`: findings about configs, each at its line, in the format of your choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.cli import console, work
from cfgmig.cli.files import Target, collect
from cfgmig.errors import CfgmigError, Refused, UsageError

if TYPE_CHECKING:
    from cfgmig.checking import CheckOptions
    from cfgmig.cli.options import (
        Diff,
        Family,
        Fix,
        FromVersion,
        Ignore,
        Jobs,
        OutputFormat,
        Paths,
        Quiet,
        Select,
        SkipUnknown,
        UnsafeFixes,
        Verbose,
    )
    from cfgmig.report.finding import Finding

CODES = {"error": 1, "warning": 1, "info": 0}


class Result(NamedTuple):
    """What became of one file: findings, or the error that kept it from being checked."""

    name: str
    findings: tuple[Finding, ...] = ()
    change: work.Change | None = None
    error: CfgmigError | None = None
    is_foreign: bool = False


def check(
    paths: Paths = (),  # type: ignore[assignment]
    *,
    fix: Fix = False,
    unsafe_fixes: UnsafeFixes = False,
    diff: Diff = False,
    select: Select = (),  # type: ignore[assignment]
    ignore: Ignore = (),  # type: ignore[assignment]
    family: Family = "",
    from_version: FromVersion = "",
    output_format: OutputFormat = "text",
    skip_unknown: SkipUnknown = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    jobs: Jobs = 0,
) -> int:
    """Check configs against their own version and against the current one.

    Exit code 0: nothing found (infos do not count). 1: findings. 2: a file could not be
    read or is of no known family. 3: a file is malformed.
    """
    from cfgmig.checking import CheckOptions

    project = work.project_of(paths)
    if (fix or unsafe_fixes) and not diff:
        work.recover(project)
    targets = collect(paths, project.settings.get("exclude", ()))
    options = CheckOptions(family or None, from_version or None, tuple(select), tuple(ignore))
    wants_fixes = fix or unsafe_fixes or diff
    task = Task(options, wants_fixes, unsafe_fixes)
    results = work.map_files(task, targets, jobs=jobs, quiet=quiet, title="checking")
    changes = [result.change for result in results if result.change is not None]
    if diff:
        for change in changes:
            console.data(work.diff(change))
        return 1 if changes else work.worst(result.error for result in results)
    if changes and (fix or unsafe_fixes):
        work.write(project, changes, "check --fix", quiet=quiet)
    _report(results, output_format, infos=verbose)
    return _conclude(results, targets, skip_unknown=skip_unknown, quiet=quiet, verbose=verbose)


class Task:
    """Checks one file; picklable, so that other processes can do it."""

    def __init__(self, options: CheckOptions, wants_fixes: bool, unsafe: bool) -> None:
        self.options = options
        self.wants_fixes = wants_fixes
        self.unsafe = unsafe

    def __call__(self, target: Target) -> Result:
        """Never raises a CfgmigError: it is part of the result."""
        from cfgmig import checking

        project = checking.in_project(target.path)
        try:
            content = target.read()
            checkup = checking.check(content, target.name, project, self.options)
            change = None
            if self.wants_fixes:
                checkup = checking.repaired(checkup, project, self.options, unsafe=self.unsafe)
                after = checkup.document.to_bytes()
                if after != content:
                    change = work.Change(target, content, after)
            return Result(target.name, checkup.findings, change)
        except CfgmigError as error:
            if isinstance(error, Refused):
                finding = checking.unusable(error, target.name)
                return Result(target.name, (finding,), error=error)
            return Result(target.name, error=error, is_foreign=work.is_foreign(error))


def _report(results: Sequence[Result], output_format: str, *, infos: bool) -> None:
    import sys

    from cfgmig.report import FORMATS, render

    if output_format not in FORMATS:
        raise UsageError(
            f"no output format is called {output_format!r}", help=f"one of: {', '.join(FORMATS)}"
        )
    findings = [finding for result in results for finding in result.findings]
    if output_format == "text" and not infos:
        findings = [finding for finding in findings if finding.severity != "info"]
    rules = {}
    if output_format == "sarif" and findings:
        from cfgmig.checking import rule_infos

        rules = rule_infos(findings)
    text = render(
        findings,
        output_format,
        files=[result.name for result in results],
        rules=rules,
        color=output_format == "text" and console.colored(sys.stdout),
    )
    console.data(text)


def _conclude(
    results: Sequence[Result],
    targets: Sequence[Target],
    *,
    skip_unknown: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Say what could not be checked, sum up, and find the exit code."""
    explicit = {target.name for target in targets if target.explicit}
    code = 0
    for result in results:
        if result.is_foreign and (skip_unknown or result.name not in explicit):
            console.say(f"{result.name}: skipped, of no known family", quiet=not verbose)
        elif result.error is not None:
            if not isinstance(result.error, Refused):
                console.say(str(work.told(result.error, result.name)))
            code = max(code, result.error.exit_code)
        for finding in result.findings:
            code = max(code, CODES[finding.severity])
    console.say(_summary(results, hidden=not verbose), quiet=quiet)
    return code


def _summary(results: Sequence[Result], *, hidden: bool) -> str:
    findings = [finding for result in results for finding in result.findings]
    checked = sum(result.error is None for result in results)
    counts = [
        f"{count} {severity}{'s' * (count != 1)}"
        for severity in CODES
        if (count := sum(finding.severity == severity for finding in findings))
    ]
    said = ", ".join(counts) or "nothing found"
    if hidden and any(finding.severity == "info" for finding in findings):
        said += " (`-v` shows infos)"
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    more = ""
    if fixes:
        safe = fixes.count("safe")
        parts = [f"{safe} with `--fix`"] if safe else []
        if len(fixes) > safe:
            parts.append(f"{len(fixes) - safe} with `--unsafe-fixes`")
        more = f"; can be repaired: {', '.join(parts)}"
    foreign = sum(result.is_foreign for result in results)
    others = f" ({foreign} of no known family)" if foreign else ""
    return f"{checked} file{'s' * (checked != 1)} checked{others}: {said}{more}"
