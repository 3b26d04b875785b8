"""Why a plan is not carried out."""

from __future__ import annotations

from collections.abc import Sequence

from checkpoint_tools.errors import CheckpointError, Refused


class PlanError(CheckpointError):
    """The plan does not fit the checkpoint or itself; nothing was written.

    `problems` holds every contradiction, the message the first one and how many follow.
    """

    def __init__(self, reason: str, *, file: str | None = None, problems: Sequence[str] = ()):
        self.problems = tuple(problems) or (reason,)
        more = len(self.problems) - 1
        super().__init__(f"{reason} (and {more} more)" if more else reason, file=file)

    @classmethod
    def of(cls, problems: Sequence[str], file: str | None = None) -> PlanError:
        """One error for several problems."""
        return cls(problems[0], file=file, problems=problems)


class Irreversible(PlanError):
    """A plan has no reverse, and which step is why."""


class LossError(Refused):
    """A cast would lose what the caller said must not be lost; nothing was written."""
