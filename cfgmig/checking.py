"""Everything there is to say about one config, before any compute is spent on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.errors import CfgmigError, Refused, UsageError
from cfgmig.paths import format_path, parse_path
from cfgmig.report.finding import Finding, RuleInfo, in_order
from cfgmig.upgrading import Options, Upgraded, identify, migrate

if TYPE_CHECKING:
    from cfgmig.document import Document
    from cfgmig.paths import Path
    from cfgmig.project import Project, Source
    from cfgmig.schema.detect import Detection
    from cfgmig.schema.engine import Checked
    from cfgmig.schema.rules import Fix, Rule

UNUSABLE = "CM000"
"""The code of a file that is malformed, or that cannot be upgraded."""


ROUNDS = 20
"""So often at most a file is fixed and checked again; two or three do for real ones."""


class CheckOptions(NamedTuple):
    """What a user may decide about a check; codes may be prefixes."""

    family: str | None = None
    version: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class _Scope(NamedTuple):
    """Where paths in a config start, and which rules speak."""

    root: FilePath
    select: tuple[str, ...]
    ignore: tuple[str, ...]


class Repair(NamedTuple):
    """The fix of a finding, and the code of the rule that found it."""

    code: str
    fix: Fix


class Checkup(NamedTuple):
    """The findings about one document, in reading order, and the fixes that go with them."""

    document: Document
    family: str
    version: str
    findings: tuple[Finding, ...]
    fixes: tuple[Repair, ...] = ()


def check(content: bytes | str, name: str, project: Project, options: CheckOptions) -> Checkup:
    """Check one config: its own version's schema and rules, then those of the head.

    A file of an older version is also upgraded in memory, and what the current rules
    say of the result is told at the lines of the file as it is.

    Raises:
        Refused: it is malformed, or from the future.
        UsageError: it is of no known family, or a rule itself failed.
    """
    from cfgmig.document import Document

    document = Document.parse(content, name)
    asked = Options(family=options.family, version=options.version)
    source, detection, versions = identify(document, project, asked)
    scope = _Scope(
        project.root,
        _codes(options.select, project, "select"),
        _codes(options.ignore, project, "ignore"),
    )
    own = _own(document, source, versions[0], detection, scope)
    later = _later(document, source, versions[0], detection, scope)
    findings = [checked.finding for checked in own]
    findings += [one for one in later if not _is_told(one, findings)]
    return Checkup(
        document,
        source.name,
        versions[0],
        tuple(sorted(findings, key=in_order)),
        tuple(Repair(one.finding.code, one.fix) for one in own if one.fix is not None),
    )


def _own(
    document: Document,
    source: Source,
    version: str,
    detection: Detection,
    scope: _Scope,
) -> list[Checked]:
    from cfgmig.loadable import RULES as LOADABLE
    from cfgmig.schema.engine import all_rules, check_document

    return check_document(
        document,
        source.family,
        version,
        rules=(*all_rules(source.family), *LOADABLE),
        **scope._asdict(),
        detection=detection,
        moved=lambda path: moved(source, path),
    )


def _later(
    document: Document,
    source: Source,
    version: str,
    detection: Detection,
    scope: _Scope,
) -> list[Finding]:
    """What the head's rules that are not about `version` say of the upgraded document."""
    head = source.family.head.name
    if version == head or not source.graph.revisions:
        return []
    from cfgmig.loadable import RULES as LOADABLE
    from cfgmig.schema.engine import check_document
    from cfgmig.schema.selection import applies

    try:
        upgraded = migrate(document, source, version, detection, Options(layout=False))
    except CfgmigError as error:
        return [unusable(error, document.name, f"cannot be upgraded to {head}: ")]
    rules = [
        rule for rule in source.family.load_rules() if not applies(rule, source.family, version)
    ]
    found = check_document(
        upgraded.document,
        source.family,
        head,
        **scope._asdict(),
        rules=(*rules, *LOADABLE),
    )
    return [_told_of_the_original(checked.finding, upgraded) for checked in found]


def _told_of_the_original(finding: Finding, upgraded: Upgraded) -> Finding:
    """A finding about the upgraded document, at the place in the file as it is."""
    path: Path | None = parse_path(finding.path)
    while path:
        old = upgraded.origin(path)
        if old is not None and upgraded.before.has(old):
            path = old
            break
        path = path[:-1]
    place = upgraded.before.position(path or ())
    return finding._replace(
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
        path=format_path(path or ()),
        message=f"{finding.message} (after the upgrade)",
        fix=None,
    )


def _is_told(finding: Finding, findings: Sequence[Finding]) -> bool:
    return any((one.code, one.path) == (finding.code, finding.path) for one in findings)


def moved(source: Source, path: Path) -> tuple[Path, str] | None:
    """Where the family's migrations moved a path of any older version, and since when."""
    from cfgmig.migration.plan import make_plan
    from cfgmig.migration.trace import destination

    graph, head = source.graph, source.family.head.name
    for root in graph.roots:
        if head not in graph.descendants(root):
            continue
        try:
            found = destination(make_plan(graph, root, head), path)
        except UsageError:
            continue
        if found is not None:
            return found
    return None


def unusable(error: CfgmigError, name: str, prefix: str = "") -> Finding:
    """An error as a finding, for reports that want everything in one format."""
    line, column = error.line or 1, error.column or 1
    message = f"{prefix}{error.message}"
    return Finding(name, line, column, line, column, UNUSABLE, "error", message, help=error.help)


def repaired(
    checkup: Checkup, project: Project, options: CheckOptions, *, unsafe: bool = False
) -> Checkup:
    """The document fixed, checked and fixed again until nothing is left that could be.

    Raises:
        UsageError: the fixes undo each other, or find no end; it names their rules.
    """
    seen: list[str] = []
    rounds: list[list[str]] = []
    while len(rounds) < ROUNDS:
        seen.append(checkup.document.text)
        document, codes = _round(checkup, unsafe=unsafe)
        if not codes:
            return checkup
        rounds.append(codes)
        if document.text in seen:
            since = rounds[seen.index(document.text) :]
            raise _endless("undo each other's fixes", since, checkup)
        checkup = check(document.to_bytes(), checkup.document.name, project, options)
    raise _endless(f"still find something to fix after {ROUNDS} rounds", rounds[-1:], checkup)


def _endless(what: str, rounds: Sequence[Sequence[str]], checkup: Checkup) -> UsageError:
    codes = sorted({code for codes in rounds for code in codes})
    named = f"{' and '.join(codes)} {what}" if len(codes) > 1 else f"{codes[0]}: its fixes {what}"
    return UsageError(
        f"{named}; the file stays as it is",
        file=checkup.document.name,
        help=f"leave one of them out, e.g. `--ignore {codes[-1]}`",
    )


def fixed(checkup: Checkup, *, unsafe: bool = False) -> Document:
    """The document with its fixes applied once: the safe ones, or with `unsafe` all of them.

    A fix that no longer fits after another one is left out; see `repaired`.
    """
    return _round(checkup, unsafe=unsafe)[0]


def _round(checkup: Checkup, *, unsafe: bool) -> tuple[Document, list[str]]:
    """The document after one round of fixes, and the rules whose fixes changed it."""
    from cfgmig.document.changes import paths_of

    document, codes = checkup.document, []
    lists: set[Path] = set()
    for code, fix in checkup.fixes:
        paths = [path for change in fix.changes for path in paths_of(change)]
        # Where an item came or went, the numbers of the others mean other items by now.
        stale = any(path[: len(one)] == one != path for path in paths for one in lists)
        if stale or not (fix.safe or unsafe):
            continue
        try:
            after = document.edit(fix.changes).document
        except Refused:
            continue
        if after.text != document.text:
            document = after
            codes.append(code)
            lists |= {path[:-1] for path in paths if path and isinstance(path[-1], int)}
    return document, codes


def _codes(given: tuple[str, ...], project: Project, setting: str) -> tuple[str, ...]:
    """The codes of an option, else those of the project's settings."""
    from cfgmig.schema.selection import unmatched

    codes = tuple(code for text in given for code in text.upper().split(",") if code)
    if not codes:
        return tuple(project.settings.get(setting, ()))
    known = [UNUSABLE, *(rule.code for rule in known_rules(project))]
    wrong = unmatched(codes, known)
    if wrong:
        raise UsageError(
            f"no rule has a code like {wrong[0]!r}", help="`cfgmig explain` lists all codes"
        )
    return codes


def known_rules(project: Project) -> tuple[Rule, ...]:
    """Every rule that can fire in this project, the engine's first."""
    from cfgmig.loadable import RULES as LOADABLE
    from cfgmig.schema.checks import RULES

    families = [source.family for source in project.sources().values()]
    own = (rule for family in families for rule in family.load_rules())
    return (*RULES, *LOADABLE, *own)


def rule_infos(findings: Sequence[Finding]) -> dict[str, RuleInfo]:
    """What SARIF wants to know of the rules that fired, by code."""
    from cfgmig.schema.engine import rule_infos as infos

    projects = {in_project(finding.file).root: in_project(finding.file) for finding in findings}
    return infos([rule for project in projects.values() for rule in known_rules(project)])


def in_project(name: str) -> Project:
    """The project around a file, or around the current folder for standard input."""
    from cfgmig.project import find_project

    return find_project(FilePath(name).parent if name != "-" else FilePath.cwd())
