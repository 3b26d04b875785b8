"""Runs the engine's rules and the family's rules over one document."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.errors import CfgmigError, UsageError
from cfgmig.paths import parse_path
from cfgmig.report.finding import Finding, RuleInfo, in_order
from cfgmig.schema.checks import RULES
from cfgmig.schema.selection import Suppressions, applies, is_selected
from cfgmig.schema.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cfgmig.document import Document
    from cfgmig.schema.detect import Detection
    from cfgmig.schema.family import Family
    from cfgmig.schema.rules import Fix, Problem, Rule
    from cfgmig.schema.unknown import Moved


ENGINE_RULES = RULES
"""The rules that hold for every family."""


class Checked(NamedTuple):
    """A finding, and the changes that would resolve it."""

    finding: Finding
    fix: Fix | None


def all_rules(family: Family) -> tuple[Rule, ...]:
    """The engine's rules and the family's, in the order of their codes.

    Raises:
        UsageError: two rules have one code.
    """
    found = sorted((*ENGINE_RULES, *family.load_rules()), key=lambda rule: rule.code)
    for index, second in enumerate(found[1:]):
        first = found[index]
        if first.code == second.code:
            raise UsageError(f"rules {first.name} and {second.name} both have code {first.code}")
    return tuple(found)


def rule_infos(rules: Iterable[Rule]) -> dict[str, RuleInfo]:
    """What a report wants to know of rules, by code."""
    return {
        rule.code: RuleInfo(rule.code, rule.name, rule.severity, rule.summary, rule.explanation)
        for rule in rules
    }


def check_document(
    document: Document,
    family: Family,
    version: str,
    *,
    root: FilePath | None = None,
    folder: FilePath | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    detection: Detection | None = None,
    moved: Moved | None = None,
    rules: Sequence[Rule] | None = None,
) -> list[Checked]:
    """What there is to say about a document that is of `version`, in reading order.

    Args:
        root: the project's root, against which paths in the config are resolved first.
        folder: the config's own folder; the document's name says it when not given.
        select: codes or prefixes; all when empty.
        ignore: codes or prefixes.
        detection: how the version was found.
        moved: tells where a path of an older version went.
        rules: instead of the engine's and the family's.

    Raises:
        UsageError: there is no such version, or a rule itself failed.
    """
    from cfgmig.schema.compile import compiled

    beside = FilePath(document.name).parent if folder is None else folder
    subject = Subject(
        document,
        compiled(family, version),
        root=beside if root is None else root,
        folder=beside,
        detection=detection,
        moved=moved,
    )
    suppressions = Suppressions(document)
    found: list[Checked] = []
    for rule in all_rules(family) if rules is None else rules:
        concerns = rule in ENGINE_RULES or applies(rule, family, version)
        if is_selected(rule.code, select, ignore) and concerns:
            for problem in _run(rule, subject):
                checked = _checked(rule, problem, document)
                if not _is_silenced(checked.finding, document, suppressions):
                    found.append(checked)
    return sorted(found, key=lambda checked: in_order(checked.finding))


def _run(rule: Rule, subject: Subject) -> Iterator[Problem]:
    try:
        yield from rule.check(subject)
    except CfgmigError:
        raise
    except Exception as error:
        raise UsageError(
            f"rule {rule.code} ({rule.name}) failed: {type(error).__name__}: {error}",
            file=subject.source.name,
            help=f"report it to the authors of {subject.family.name}, or go on without it:"
            f" `--ignore {rule.code}`",
        ) from error


def _checked(rule: Rule, problem: Problem, document: Document) -> Checked:
    place = document.position(parse_path(problem.path), problem.part)
    fix = problem.fix
    finding = Finding(
        document.name,
        place.line,
        place.column,
        place.end_line,
        place.end_column,
        rule.code,
        rule.severity,
        problem.message,
        problem.path,
        problem.help,
        None if fix is None else "safe" if fix.safe else "unsafe",
    )
    return Checked(finding, fix)


def _is_silenced(finding: Finding, document: Document, suppressions: Suppressions) -> bool:
    if not suppressions.lines and not suppressions.file:
        return False
    key = document.position(parse_path(finding.path), "key").line
    return suppressions.silence(finding.code, {finding.line, key})
