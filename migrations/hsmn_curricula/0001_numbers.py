"""Learning rates become numbers; a stage whose weight is not positive stops the upgrade.

The web page lowered the weight by 0.1 from stage to stage, through zero and below, and no
code said what such a stage was to be. Nor can a migration: whoever wrote the file gives
the stage a weight, or leaves it out.

A number comes back as the web page spelt one, `1e-4`: the same number, whatever the
spelling was.
"""

# ruff: noqa: D102  the base class says what each method does
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from cfgmig.errors import LossyError
from cfgmig.migration import Codec, Convert, Custom, Grade, Operation, Values

revision = "2"
revises = "1"


@dataclass(frozen=True)
class Refusing(Codec):
    """No value will do; `why` ends the sentence that begins with the path."""

    why: str

    def apply(self, value: Any) -> Any:
        del value
        raise LossyError(self.why)

    def reverse(self) -> Codec:
        return self

    def describe(self) -> str:
        return self.why


@dataclass(frozen=True)
class Spelt(Codec):
    """A learning rate as the web page spelt it; the way back takes any spelling."""

    def apply(self, value: Any) -> Any:
        return _text(value)

    def reverse(self) -> Codec:
        return Read()

    def describe(self) -> str:
        return "a number becomes text"


@dataclass(frozen=True)
class Read(Codec):
    """The number that a text spells."""

    def apply(self, value: Any) -> Any:
        return float(value)

    def reverse(self) -> Codec:
        return Spelt()

    def describe(self) -> str:
        return "text becomes a number"


def _stages(data: Any) -> Iterator[tuple[str, Any]]:
    """Every stage, with its path."""
    for outer, curriculum in enumerate(data):
        stages = curriculum.get("stages") if isinstance(curriculum, dict) else None
        for inner, stage in enumerate(stages if isinstance(stages, list) else ()):
            if isinstance(stage, dict):
                yield f"[{outer}].stages[{inner}]", stage


def _to_numbers(data: Any) -> Iterator[Operation]:
    for path, stage in _stages(data):
        weight, rate = stage.get("weight"), stage.get("learning_rate")
        if isinstance(weight, int | float) and weight <= 0:
            yield Convert(f"{path}.weight", Refusing(_unclear(stage)))
        if isinstance(rate, str):
            yield Convert(f"{path}.learning_rate", _number(rate))


def _unclear(stage: Any) -> str:
    return (
        f"the stage {stage.get('name')!r} has the weight {stage['weight']!r}, and nobody can say"
        " whether it is to be trained: give it a weight above 0, or leave the stage out"
        " (`cfgmig check --unsafe-fixes` with the file's name deletes every such stage)"
    )


def _number(text: str) -> Codec:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not isfinite(number) or number <= 0:
        return Refusing(f"{text!r} is no learning rate: write a number above 0, such as 1e-4")
    return Values({text: number})


def _to_text(data: Any) -> Iterator[Operation]:
    for path, stage in _stages(data):
        rate = stage.get("learning_rate")
        if isinstance(rate, int | float) and not isinstance(rate, bool) and isfinite(rate):
            yield Convert(f"{path}.learning_rate", Spelt())


def _text(number: float) -> str:
    """As the web page spelt it: `1e-4`, `2.5e-5`; from 0.01 on without an exponent."""
    if number >= 0.01:
        return repr(number)
    _, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    first, *rest = map(str, digits)
    return f"{first}{'.' * bool(rest)}{''.join(rest)}e{int(exponent) + len(rest)}"


config = [
    Custom(
        "Learning rates are numbers, and every stage has a positive weight.",
        lambda data: list(_to_numbers(data)),
        lambda data: list(_to_text(data)),
        grade=Grade.SAME_MEANING,
        touches=("*.stages.*.learning_rate", "*.stages.*.weight"),
    )
]
weights = []
