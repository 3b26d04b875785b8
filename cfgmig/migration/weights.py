"""What a function that returns operations on weights is told, and may return beside them."""

# ruff: noqa: D102  the base class says what each method of an operation does
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.migration.operations import Operation

if TYPE_CHECKING:
    from cfgmig.migration.grade import Grade
    from cfgmig.paths import Path
    from checkpoint_tools.plan import Type

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Weights(NamedTuple):
    """A model's state dict in the middle of a conversion; no number of it is known yet.

    Attributes:
        tensors: name -> element type and shape, in the order of the file.
        facts: settings as the tensors show them, the name of the `layout` among them.
        dimensions: sizes as the tensors show them.
        wanted: settings as they shall be; those that nobody asked for are as in `facts`.
        wanted_dimensions: the same for sizes.
        config: the config inside the checkpoint, as data; empty without one.
        preferred: the user named this adaptation: it is to be done even where it loses much.
    """

    tensors: Mapping[str, Type]
    facts: Mapping[str, Any] = _NOTHING
    dimensions: Mapping[str, int] = _NOTHING
    wanted: Mapping[str, Any] = _NOTHING
    wanted_dimensions: Mapping[str, int] = _NOTHING
    config: Mapping[str, Any] = _NOTHING
    preferred: bool = False


@dataclass(frozen=True)
class Beside(Operation):
    """An adaptation's operation on what lies beside the tensors: a vocabulary's words, say.

    It stands among the operations on tensors that `weights` returns, and is applied to the
    checkpoint's own data after all of them.

    Args:
        operation: for plain data; formats that hold only texts give it texts.
    """

    operation: Operation

    def reverse(self) -> Beside:
        return Beside(self.operation.reverse())

    @property
    def grade(self) -> Grade:
        return self.operation.grade

    def describe(self) -> str:
        return self.operation.describe()

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.operation.paths
