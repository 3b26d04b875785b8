"""Rules: a stable code, a severity, an explanation, examples and a check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cfgmig.errors import UsageError
from cfgmig.paths import Path, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cfgmig.document import Change, Document
    from cfgmig.report.finding import Severity

_CODE = re.compile(r"[A-Z]{2,8}\d{3}")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Example(NamedTuple):
    """A fragment of YAML that a rule accepts or reports.

    Args:
        text: the fragment.
        version: the version it is read as; the head when None.
        files: paths that exist beside it while it is checked.
        fixed: the text after the rule's fix.
    """

    text: str
    version: str | None = None
    files: tuple[str, ...] = ()
    fixed: str | None = None


class Fix(NamedTuple):
    """Changes that resolve a problem; a safe one never changes what the config means."""

    changes: tuple[Change, ...]
    safe: bool


class Problem(NamedTuple):
    """What a check found, at a path of the config (the empty path is the whole file)."""

    path: str
    message: str
    help: str | None = None
    fix: Fix | None = None
    part: Literal["key", "value"] = "value"


@dataclass(eq=False)  # a frozen one costs every start-up a millisecond
class Rule:
    """One rule. `since` and `until` are version names, both inclusive; None is open."""

    code: str
    name: str
    severity: Severity
    summary: str
    explanation: str
    since: str | None
    until: str | None
    valid: tuple[Example, ...]
    invalid: tuple[Example, ...]
    check: Callable[[Config], Iterator[Problem]]

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise UsageError(f"rule code {self.code!r} is not letters and three digits")
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"rule {self.code}: the name {self.name!r} is not in kebab-case")


def rule(
    *,
    code: str,
    name: str,
    severity: Severity,
    summary: str,
    explanation: str,
    since: str | None = None,
    until: str | None = None,
    valid: tuple[Example, ...] = (),
    invalid: tuple[Example, ...] = (),
) -> Callable[[Callable[[Config], Iterator[Problem]]], Rule]:
    """Turn a check into a Rule."""

    def declare(check: Callable[[Config], Iterator[Problem]]) -> Rule:
        text = _unwrap(explanation)
        return Rule(code, name, severity, summary, text, since, until, valid, invalid, check)

    return declare


def _unwrap(text: str) -> str:
    """Strip the indentation that a triple-quoted text has in the source."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


class Config:
    """What a rule sees of a file: the data as read, before any validation."""

    __slots__ = ("_cache", "data", "document", "folder", "root", "version", "versions")

    def __init__(
        self,
        data: Any,
        version: str,
        *,
        root: FilePath = FilePath(),
        folder: FilePath | None = None,
        document: Document | None = None,
        versions: tuple[str, ...] = (),
    ) -> None:
        self.data = data
        self.version = version
        self.root = root
        self.folder = root if folder is None else folder
        self.document = document
        self.versions = versions
        self._cache: dict[str, Path] = {}

    def _find(self, path: str) -> tuple[bool, Any]:
        node = self.data
        for segment in self._parse(path):
            if isinstance(segment, int):
                if not isinstance(node, list) or segment >= len(node):
                    return False, None
                node = node[segment]
            elif not isinstance(node, dict) or segment not in node:
                return False, None
            else:
                node = node[segment]
        return True, node

    def _parse(self, path: str) -> Path:
        if path not in self._cache:
            self._cache[path] = parse_path(path)
        return self._cache[path]

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path; `default` when a part of the path is missing."""
        found, value = self._find(path)
        return value if found else default

    def has(self, path: str) -> bool:
        """Whether the file itself has the path, with whatever value."""
        return self._find(path)[0]

    def raw(self, path: str) -> str | None:
        """The source spelling of the scalar at `path`; None without one."""
        if self.document is None:
            return None
        node = self.document.node(self._parse(path))
        return node.raw if node is not None and node.kind == "scalar" else None

    def at_least(self, name: str) -> bool:
        """Whether this file's version is `name` or a later one of the family."""
        if self.version not in self.versions or name not in self.versions:
            return False
        return self.versions.index(self.version) >= self.versions.index(name)

    def resolve(self, path_text: str) -> FilePath:
        """The file a config names; see `named_file`."""
        return named_file(path_text, self.root, self.folder)


def named_file(path_text: str, root: FilePath, folder: FilePath) -> FilePath:
    """The file a config in `folder` names: below the project root, else beside the config.

    When neither exists the place below the project root is returned.
    """
    path = FilePath(path_text)
    if path_text.startswith("~"):
        try:
            path = path.expanduser()
        except RuntimeError:  # no such user: then it is a name like any other
            return path
    if path.is_absolute():
        return path
    below_root, beside = root / path, folder / path
    return beside if not below_root.exists() and beside.exists() else below_root
