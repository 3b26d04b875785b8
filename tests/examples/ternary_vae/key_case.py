"""What a case of the table of keys is, and courses of evaluations that several of them use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .probes import course

Kind = Literal["trained", "judged", "written", "inert", "elsewhere"]


@dataclass(frozen=True)
class Case:
    """A value that differs from the one of the run `given`; the two runs must differ."""

    key: str
    value: Any
    kind: Kind = "trained"
    given: dict[str, Any] = field(default_factory=dict)
    evaluations: tuple[dict[str, float], ...] = ()
    epochs: int = 1


def each(
    prefix: str, values: dict[str, Any], kind: Kind = "trained", **more: Any
) -> tuple[Case, ...]:
    return tuple(Case(f"{prefix}.{key}", value, kind, **more) for key, value in values.items())


RECOMPUTING = {"gradient_checkpoint.enabled": True}
HALF = {"mixed_precision.enabled": True}
IMPROVED = {"model.encoder_type": "improved", "model.decoder_type": "improved"}
FLAT = tuple(course(hierarchy_B=[-0.6] * 16))
STEADY = {"homeostasis.enabled": True}
OLD_LOSS = {"loss.rich_hierarchy.enabled": False}
ZERO = {"loss.zero_structure.enabled": True}
