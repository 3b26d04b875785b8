"""For a terminal: `file:line:column: CODE message`, then the help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.report.finding import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cfgmig.report.finding import Finding

_COLORS = {"error": "31", "warning": "33", "info": "36"}


def render(findings: Sequence[Finding], *, color: bool = False) -> str:
    """Two lines per finding, or one where there is no help."""
    return "".join(_lines(finding, color) for finding in sorted(findings, key=in_order))


def _lines(finding: Finding, color: bool) -> str:
    place = f"{one_line(finding.file)}:{finding.line}:{finding.column}:"
    code = finding.code
    if color:
        place = f"\x1b[1m{place}\x1b[0m"
        code = f"\x1b[1;{_COLORS[finding.severity]}m{code}\x1b[0m"
    flag = {"safe": "(--fix)", "unsafe": "(--unsafe-fixes)", None: ""}[finding.fix]
    help = f"{one_line(finding.help or '')} {flag}".strip()
    text = f"{place} {code} {one_line(finding.message)}\n"
    return f"{text}  help: {help}\n" if help else text


def one_line(text: str) -> str:
    """Without line breaks and terminal controls, which a file's content could bring in."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
