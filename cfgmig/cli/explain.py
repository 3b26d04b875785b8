"""`cfgmig explain`: what a rule is about, why it matters, and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.checking import known_rules
from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Code
    from cfgmig.schema import Rule


def explain(code: Code = "") -> int:
    """Explain a rule code; without one, list all codes."""
    rules = {rule.code: rule for rule in known_rules(find_project(Path.cwd()))}
    if not code:
        width = max(len(rule.severity) for rule in rules.values())
        for rule in rules.values():
            console.data(f"{rule.code}  {rule.severity:<{width}}  {rule.name}: {rule.summary}\n")
        return 0
    found = rules.get(code.upper())
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(code.upper(), rules, 1)
        raise UsageError(
            f"no rule has the code {code!r}",
            help=f"did you mean {near[0]}?" if near else "`cfgmig explain` lists all codes",
        )
    console.data(describe(found))
    return 0


def describe(rule: Rule) -> str:
    """A rule as a page of text, examples included."""
    range_ = f"{rule.since or 'the first version'} to {rule.until or 'the current one'}"
    lines = [f"{rule.code} {rule.name} ({rule.severity})", "", rule.summary, ""]
    if rule.since or rule.until:
        lines += [f"Applies to: {range_}", ""]
    lines += [rule.explanation, ""]
    for title, examples in (("Reported:", rule.invalid), ("Fine:", rule.valid)):
        for example in examples[:2]:
            lines += [title, *(f"    {line}" for line in example.text.strip().splitlines()), ""]
    return "\n".join(lines)
