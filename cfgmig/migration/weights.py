"""What a function that returns operations on weights is told of a state dict."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
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
    """

    tensors: Mapping[str, Type]
    facts: Mapping[str, Any] = _NOTHING
    dimensions: Mapping[str, int] = _NOTHING
    wanted: Mapping[str, Any] = _NOTHING
    wanted_dimensions: Mapping[str, int] = _NOTHING
    config: Mapping[str, Any] = _NOTHING
