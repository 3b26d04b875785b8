"""One revision: how configs and weights get from one version to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfgmig.migration.grade import Grade
from cfgmig.migration.operations import Operation


@dataclass(frozen=True)
class Revision:
    """A revision file, read and checked.

    Attributes:
        revision: the version that it leads to.
        revises: the version that it starts from; None for a family's first version.
        summary: one sentence for users, the first line of the file's docstring.
        config: what happens to a config, in order.
        weights: what happens to a state dict.
        path: the file.
        explanation: the rest of the docstring.
    """

    revision: str
    revises: str | None
    summary: str
    config: tuple[Operation, ...]
    weights: Any
    path: Path
    explanation: str = ""

    @property
    def number(self) -> str:
        """The digits that the file's name begins with."""
        return self.path.stem.partition("_")[0]

    @property
    def grade(self) -> Grade:
        """The worst grade of its operations, going up."""
        return max((operation.grade for operation in self.config), default=Grade.EXACT)

    @property
    def down_grade(self) -> Grade:
        """The worst grade of its reversed operations."""
        return max((operation.grade for operation in self.reversed_config()), default=Grade.EXACT)

    def reversed_config(self) -> tuple[Operation, ...]:
        """The way back: the reversed list of reversed operations."""
        return tuple(operation.reverse() for operation in reversed(self.config))

    def operations(self, *, up: bool) -> tuple[Operation, ...]:
        """What happens to a config in that direction, in order."""
        return self.config if up else self.reversed_config()
