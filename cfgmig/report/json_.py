"""JSON: one object with the files that were looked at and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.report.finding import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfgmig.report.finding import Finding


def render(findings: Sequence[Finding], files: Sequence[str]) -> str:
    """Keys are the names of `Finding`'s fields; `counts` has every severity."""
    import json

    found = [_as_data(finding) for finding in sorted(findings, key=in_order)]
    counts = {
        severity: sum(finding.severity == severity for finding in findings)
        for severity in ("error", "warning", "info")
    }
    data = {"version": 1, "files": sorted(set(files)), "counts": counts, "findings": found}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _as_data(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "code": finding.code,
        "severity": finding.severity,
        "path": finding.path,
        "message": finding.message,
        "help": finding.help,
        "fix": finding.fix,
    }
