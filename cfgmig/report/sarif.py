"""SARIF 2.1.0, for code scanning services and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.report.finding import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cfgmig.report.finding import Finding, RuleInfo

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(findings: Sequence[Finding], files: Sequence[str], rules: Mapping[str, RuleInfo]) -> str:
    """One run; `rules` holds the codes that were found, in the order of their codes."""
    import json

    ordered = sorted(findings, key=in_order)
    codes = sorted({finding.code for finding in ordered})
    driver = {
        "name": "cfgmig",
        "informationUri": "https://pypi.org/project/cfgmig/",
        "rules": [_rule(code, rules.get(code)) for code in codes],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(name)}} for name in sorted(set(files))],
        "results": [_result(finding, codes) for finding in ordered],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str, info: RuleInfo | None) -> dict[str, Any]:
    if info is None:
        return {"id": code}
    return {
        "id": code,
        "name": "".join(word.title() for word in info.name.split("-")),
        "shortDescription": {"text": info.summary},
        "fullDescription": {"text": info.explanation or info.summary},
        "help": {"text": f"Run `cfgmig explain {code}` for examples."},
        "defaultConfiguration": {"level": _LEVELS[info.severity]},
    }


def _result(finding: Finding, codes: list[str]) -> dict[str, Any]:
    text = finding.message if finding.help is None else f"{finding.message}\nhelp: {finding.help}"
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}, "region": region}
    }
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "member"}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"cfgmig/v1": _fingerprint(finding)},
    }
    if finding.fix is not None:
        result["properties"] = {"fix": finding.fix}
    return result


def _fingerprint(finding: Finding) -> str:
    """The same for the same finding after lines were added above it."""
    import hashlib

    parts = "\0".join((finding.code, finding.file, finding.path, finding.message))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _uri(name: str) -> str:
    """A file's name as a URI reference: relative ones stay relative."""
    import re
    from urllib.parse import quote

    path = quote(name.replace("\\", "/").removeprefix("./"), safe="/:~", errors="surrogateescape")
    if re.match(r"[A-Za-z]:/", path):
        return f"file:///{path}"
    if path.startswith("/"):
        return f"file://{path}"
    # a colon in the first segment would make it a scheme
    return f"./{path}" if ":" in path.partition("/")[0] else path
