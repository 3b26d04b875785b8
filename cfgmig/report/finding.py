"""A finding: one thing to tell, at one place of one file."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "info"]


class Finding(NamedTuple):
    """Lines and columns are 1-based and count code points; the end is exclusive.

    Args:
        path: dotted path in the config; empty for the whole file.
        help: the exact edit or command that resolves it.
        fix: whether `--fix` (safe) or only `--unsafe-fixes` can repair it.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    severity: Severity
    message: str
    path: str = ""
    help: str | None = None
    fix: Literal["safe", "unsafe"] | None = None


class RuleInfo(NamedTuple):
    """What a report says about a rule: for SARIF's rule table."""

    code: str
    name: str
    severity: Severity
    summary: str
    explanation: str


def in_order(finding: Finding) -> tuple[str, int, int, str, str, str]:
    """Sort key: by file, place, code; the rest makes the order total."""
    place = (finding.file, finding.line, finding.column)
    return (*place, finding.code, finding.path, finding.message)
