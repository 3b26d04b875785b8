"""The errors of checkpoint_tools: one class for each decision that a user can take."""

from __future__ import annotations

from checkpoint_tools.text import escape


class CheckpointError(Exception):
    """A checkpoint that is not read, and why.

    `str()` is one line, `file: byte N: reason`, with control characters escaped.

    Args:
        reason: what is wrong, in one sentence.
        file: the file it concerns, as the user named it.
        offset: the byte in that file, counted from its start, when one can be named.
    """

    exit_code = 2

    def __init__(self, reason: str, *, file: str | None = None, offset: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = file
        self.offset = offset
        self.partial: object | None = None

    def __str__(self) -> str:
        parts = [] if self.file is None else [self.file]
        if self.offset is not None:
            parts.append(f"byte {self.offset}")
        return ": ".join(escape(part) for part in [*parts, self.reason])

    def within(self, file: str, base: int = 0) -> CheckpointError:
        """The same error, seen from the file that holds the part it was found in."""
        self.file = self.file or file
        if self.offset is not None:
            self.offset += base
        return self


class Unreadable(CheckpointError):
    """The file could not be reached, or is no checkpoint: name another one."""


class Refused(CheckpointError):
    """The file is not read, whatever it claims to be."""

    exit_code = 3


class Malformed(Refused):
    """The file contradicts itself or its format.

    `partial` holds a Checkpoint of what lies before the damage, where that can be told.
    """


class Unsafe(Refused):
    """The file asks for code to be run, for a path outside of it, or for boundless memory."""
