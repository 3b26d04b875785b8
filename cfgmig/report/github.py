"""Workflow commands of GitHub Actions, which show findings in a pull request's diff.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.report.finding import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfgmig.report.finding import Finding, RuleInfo

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(findings: Sequence[Finding], rules: Mapping[str, RuleInfo]) -> str:
    """One line per finding; the help follows the message on a line of its own."""
    return "".join(_line(finding, rules) for finding in sorted(findings, key=in_order))


def _line(finding: Finding, rules: Mapping[str, RuleInfo]) -> str:
    rule = rules.get(finding.code)
    title = f"{finding.code} ({rule.name})" if rule is not None else finding.code
    properties = {
        "file": finding.file.replace("\\", "/"),
        "line": str(finding.line),
        "endLine": str(finding.end_line),
        "col": str(finding.column),
        "title": title,
    }
    if finding.end_line == finding.line:
        # GitHub ignores columns of a region that spans lines
        properties["endColumn"] = str(finding.end_column)
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = finding.message if finding.help is None else f"{finding.message}\nhelp: {finding.help}"
    return f"::{_COMMANDS[finding.severity]} {shown}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
