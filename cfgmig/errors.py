"""The few errors of cfgmig: one class for each decision that its user can take."""

from __future__ import annotations


class CfgmigError(Exception):
    """Any failure that cfgmig explains.

    Args:
        message: what is wrong, in one sentence.
        file: the file it concerns, as the user named it.
        line: 1-based line in that file.
        column: 1-based column, in code points.
        help: the command or the edit that resolves it.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.help = help

    @property
    def location(self) -> str:
        """`file:line:column`, as far as it is known; empty when nothing is."""
        parts = [self.file or ""]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts).strip(":")

    def __str__(self) -> str:
        head = f"{self.location}: {self.message}" if self.location else self.message
        return f"{head}\n  help: {self.help}" if self.help else head


class UsageError(CfgmigError):
    """The command, or the project it runs in, must be corrected."""


class Unreadable(CfgmigError):
    """A file could not be read or written: nothing is known about its content."""


class Refused(CfgmigError):
    """The input is malformed, or the edit would not be safe; nothing was changed.

    `kind` names the reason in a stable word: not-yaml, not-json, not-toml, encoding,
    duplicate-key, key-collision, shared-node, unsupported-shape,
    verification-failed, too-deep, alias-bomb, too-large, not-found, migration,
    future-version or format.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message, file=file, line=line, column=column, help=help)
        self.kind = kind


class LossyError(Refused):
    """A guarded step would lose what the file says; nothing was changed."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message, kind="migration", file=file, line=line, column=column, help=help)
