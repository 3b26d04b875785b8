"""Which rules speak: by code, by version and by comments in the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cfgmig.document import Document
    from cfgmig.schema.family import Family
    from cfgmig.schema.rules import Rule

_IGNORE = r"#\s*cfgmig:\s*ignore\b\s*(?:\[(?P<codes>[^\]]*)\])?"


def is_selected(code: str, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> bool:
    """Whether a code is wanted: the longer prefix wins, `ignore` among equals.

    Without `select` every code is; `ALL` stands for every code.
    """
    wanted = _reach(code, select) if select else 0
    unwanted = _reach(code, ignore)
    return wanted is not None and (unwanted is None or wanted > unwanted)


def _reach(code: str, prefixes: Sequence[str]) -> int | None:
    """The length of the longest prefix that matches; None when none does."""
    plain = ("" if prefix == "ALL" else prefix for prefix in prefixes)
    return max((len(prefix) for prefix in plain if code.startswith(prefix)), default=None)


def unmatched(selectors: Iterable[str], codes: Iterable[str]) -> list[str]:
    """The selectors that match no code at all: most likely typing errors."""
    known = list(codes)
    return [
        selector
        for selector in selectors
        if selector != "ALL" and not any(code.startswith(selector) for code in known)
    ]


def applies(rule: Rule, family: Family, version: str) -> bool:
    """Whether a rule is about a version; both ends of its range are inclusive.

    A dialect stands outside the order: only rules without a range, or whose range begins
    or ends with it by name, are about it; the latter alone where rules do not read it.
    """
    declared = family.version(version)
    if not declared.ruled:
        return version in (rule.since, rule.until)
    if declared.dialect:
        return rule.since in (None, version) and rule.until in (None, version)
    place = family.index(version)
    after = rule.since is None or family.index(rule.since) <= place
    return after and (rule.until is None or place <= family.index(rule.until))


class Suppressions:
    """The comments `# cfgmig: ignore[CM001, TV]` of a file.

    Above the first key such a comment is about the whole file, elsewhere about its line.
    Without brackets it stands for every code.
    """

    def __init__(self, document: Document) -> None:
        self.lines: dict[int, list[str]] = {}
        self.file: list[str] = []
        if "cfgmig:" not in document.text:
            return
        data = document.data
        has_keys = isinstance(data, dict) and bool(data)
        first = document.position((str(next(iter(data))),)).line if has_keys else 0
        for comment in document.comments():
            found = re.search(_IGNORE, comment.text)
            if found is None:
                continue
            named = found["codes"]
            codes = ["ALL"] if named is None else [one.strip() for one in named.split(",")]
            kept = self.file if comment.line < first else self.lines.setdefault(comment.line, [])
            kept += [code for code in codes if code]

    def silence(self, code: str, lines: Iterable[int]) -> bool:
        """Whether a finding of that code on any of these lines is not to be told."""
        if _reach(code, self.file) is not None:
            return True
        return any(_reach(code, self.lines.get(line, ())) is not None for line in lines)
