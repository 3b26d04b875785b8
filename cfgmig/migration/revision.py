"""One revision: how configs and weights get from one version to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfgmig.migration.grade import Grade
from cfgmig.migration.guarantee import EXACT, Guarantee
from cfgmig.migration.operations import Operation

Words = Sequence[Operation] | Callable[[Any], Sequence[Operation] | None]
"""Operations on weights, or a function from `Weights` to them."""


@dataclass(frozen=True)
class Revision:
    """A revision file, read and checked.

    Attributes:
        revision: the version that it leads to.
        revises: the version that it starts from; None for a family's first version.
        summary: one sentence for users, the first line of the file's docstring.
        config: what happens to a config, in order.
        weights: what happens to a model's state dict.
        path: the file.
        explanation: the rest of the docstring.
        checkpoint: what happens to what lies around the tensors of a checkpoint: the keys of
            its state dicts, metrics, histories.
        guarantee: what the operations on weights promise.
    """

    revision: str
    revises: str | None
    summary: str
    config: tuple[Operation, ...]
    weights: Words
    path: Path
    explanation: str = ""
    checkpoint: tuple[Operation, ...] = ()
    guarantee: Guarantee = EXACT

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
        return reversed_words(self.config)

    def on_checkpoint(self, *, up: bool) -> tuple[Operation, ...]:
        """What happens around the tensors in that direction, in order."""
        return self.checkpoint if up else reversed_words(self.checkpoint)

    def on_weights(self, state: Any, *, up: bool) -> tuple[Operation, ...]:
        """What happens to a state dict in that direction, in order; `state` is a `Weights`."""
        words = words_for(self.weights, state)
        return words if up else reversed_words(words)

    def operations(self, *, up: bool) -> tuple[Operation, ...]:
        """What happens to a config in that direction, in order."""
        return self.config if up else self.reversed_config()


@dataclass(frozen=True)
class Adaptation:
    """How weights of one setting become weights of another one, within a version.

    Attributes:
        name: the file's name without its suffix.
        summary: one sentence for users, the first line of the file's docstring.
        settings: the facts or dimensions that it changes, as a layout names them.
        weights: `Weights` -> operations; None where it does not apply.
        guarantee: what it promises.
        path: the file.
        explanation: the rest of the docstring.
    """

    name: str
    summary: str
    settings: tuple[str, ...]
    weights: Callable[[Any], Sequence[Operation] | None]
    guarantee: Guarantee
    path: Path
    explanation: str = ""


def words_for(words: Words, state: Any) -> tuple[Operation, ...]:
    """The operations that a list or a function of a state dict means."""
    return tuple((words(state) or ()) if callable(words) else words)


def reversed_words(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The way back: the reversed list of reversed operations."""
    return tuple(operation.reverse() for operation in reversed(operations))
