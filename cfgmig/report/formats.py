"""Chooses the format of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfgmig.report.finding import Finding, RuleInfo

FORMATS = ("text", "json", "github", "sarif", "junit")


def render(
    findings: Sequence[Finding],
    format: str,
    *,
    files: Sequence[str],
    rules: Mapping[str, RuleInfo] = {},
    color: bool = False,
) -> str:
    """A whole report; the same findings give the same text, whatever their order.

    Args:
        files: every file that was looked at, those without findings too.
        rules: what is known about the rules, by code.
        color: whether the text format may use terminal colours.

    Raises:
        UsageError: there is no such format.
    """
    if format == "text":
        from cfgmig.report import text

        return text.render(findings, color=color)
    if format == "json":
        from cfgmig.report import json_

        return json_.render(findings, files)
    if format == "github":
        from cfgmig.report import github

        return github.render(findings, rules)
    if format == "sarif":
        from cfgmig.report import sarif

        return sarif.render(findings, files, rules)
    if format == "junit":
        from cfgmig.report import junit

        return junit.render(findings, files, rules)
    raise UsageError(f"there is no output format {format!r}", help=f"one of: {', '.join(FORMATS)}")
