"""JUnit XML, which CI systems show as test results: one suite per run.

A file without errors and warnings is one passed case; each error or warning is a failed
case of its own, and what is merely worth knowing is a passed case with its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.report.finding import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfgmig.report.finding import Finding, RuleInfo

_QUOTES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def render(findings: Sequence[Finding], files: Sequence[str], rules: Mapping[str, RuleInfo]) -> str:
    """Cases in the order of files, then of places."""
    ordered = sorted(findings, key=in_order)
    names = sorted({*files, *(finding.file for finding in ordered)})
    cases: list[str] = []
    failures = 0
    for name in names:
        own = [finding for finding in ordered if finding.file == name]
        failed = [finding for finding in own if finding.severity != "info"]
        if not failed:
            cases.append(f'    <testcase classname="{_escape(name)}" name="cfgmig"/>\n')
        cases += [_case(finding, rules) for finding in own]
        failures += len(failed)
    head = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="cfgmig" {head}>\n'
        f'  <testsuite name="cfgmig" {head} skipped="0">\n'
        f"{''.join(cases)}"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def _case(finding: Finding, rules: Mapping[str, RuleInfo]) -> str:
    rule = rules.get(finding.code)
    code = f"{finding.code} {rule.name}" if rule is not None else finding.code
    place = f"{finding.file}:{finding.line}:{finding.column}"
    text = f"{place}: {finding.code} {finding.message}"
    if finding.help is not None:
        text += f"\nhelp: {finding.help}"
    body = _escape(text)
    if finding.severity == "info":
        inner = f"      <system-out>{body}</system-out>\n"
    else:
        said = _escape(finding.message)
        inner = f'      <failure type="{finding.severity}" message="{said}">{body}</failure>\n'
    name = _escape(f"{code} {finding.path or finding.line}")
    return (
        f'    <testcase classname="{_escape(finding.file)}" name="{name}"'
        f' file="{_escape(finding.file)}" line="{finding.line}">\n{inner}    </testcase>\n'
    )


def _escape(text: str) -> str:
    """XML text or attribute; characters that XML 1.0 cannot hold at all are spelled out."""
    return "".join(_QUOTES.get(c) or (c if _is_allowed(c) else _spell(c)) for c in text)


def _is_allowed(c: str) -> bool:
    return (
        c == "\n"
        or " " <= c < "\x7f"
        or "\x9f" < c < "\ud800"
        or (c > "\udfff" and c not in "\ufffe\uffff")
    )


def _spell(c: str) -> str:
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
