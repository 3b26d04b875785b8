"""How a leaf's value changes: each codec knows its own way back.

`null` passes through every codec but `Values` and `Compose`d ones that hold it.
A value that the way back would not restore is stashed by the run, or refused
with `--no-stash`; a codec itself never guesses.
"""

# ruff: noqa: D102  the base class says what each method does
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from cfgmig.errors import LossyError, UsageError
from cfgmig.migration.grade import Grade
from cfgmig.migration.values import equal, show


class Codec:
    """A reversible change of one value."""

    def apply(self, value: Any) -> Any:
        """The new value.

        Raises:
            LossyError: the codec has no place for this value.
        """
        raise NotImplementedError

    def reverse(self) -> Codec:
        """The codec of the way back."""
        raise NotImplementedError

    @property
    def grade(self) -> Grade:
        """What the way back restores for every value that the codec accepts."""
        return Grade.EXACT

    def describe(self) -> str:
        """The change in a few words that continue a sentence."""
        raise NotImplementedError


Pairs = tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, init=False)
class Values(Codec):
    """One value for another: `Values({"adam_old": "adam"})`.

    Args:
        mapping: old value to new value.
        others: `refuse` an unlisted value, or `keep` it as it is.
        reverse: new value to old value, for a mapping that gives two old values the
            same new one; without it the way back refuses such a value, unless the
            stash knows which one it was.
    """

    pairs: Pairs
    others: Literal["refuse", "keep"]
    back: Pairs

    def __init__(
        self,
        mapping: Mapping[Any, Any] | Pairs,
        others: Literal["refuse", "keep"] = "refuse",
        reverse: Mapping[Any, Any] | Pairs | None = None,
    ) -> None:
        pairs = tuple(mapping.items()) if isinstance(mapping, Mapping) else mapping
        if not pairs:
            raise UsageError("Values needs at least one pair")
        if others not in ("refuse", "keep"):
            raise UsageError(f'Values: others is "refuse" or "keep", not {others!r}')
        if reverse is None:
            back = tuple((new, old) for old, new in pairs)
        else:
            back = tuple(reverse.items()) if isinstance(reverse, Mapping) else reverse
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "others", others)
        object.__setattr__(self, "back", back)

    def apply(self, value: Any) -> Any:
        news = [new for old, new in self.pairs if equal(old, value)]
        if len(news) == 1:
            return news[0]
        if news:
            raise LossyError(f"{show(value)} may have been {' or '.join(map(show, news))}")
        if self.others == "keep":
            return value
        listed = ", ".join(show(old) for old, _ in self.pairs)
        raise LossyError(f"{show(value)} is none of the known values: {listed}")

    def reverse(self) -> Values:
        return Values(self.back, self.others, self.pairs)

    @property
    def grade(self) -> Grade:
        if self.others == "keep" or not (_unique(self.pairs) and _unique(self.back)):
            return Grade.GUARDED
        bijective = all(equal(self.reverse().apply(new), old) for old, new in self.pairs)
        return Grade.EXACT if bijective else Grade.SAME_MEANING

    def describe(self) -> str:
        return ", ".join(f"{show(old)} becomes {show(new)}" for old, new in self.pairs)


def _unique(pairs: Pairs) -> bool:
    """Whether every first member occurs once."""
    firsts = [first for first, _ in pairs]
    return not any(equal(a, b) for i, a in enumerate(firsts) for b in firsts[:i])


@dataclass(frozen=True)
class Scale(Codec):
    """Another unit: the number times `factor`, exact in decimal (99.7 * 0.01 is 0.997).

    An integer stays one where the result is whole.
    """

    factor: int | float
    divide: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.factor, bool) or not isinstance(self.factor, int | float):
            raise UsageError(f"Scale needs a number, not {show(self.factor)}")
        if not self.factor or self.factor != self.factor or abs(self.factor) == float("inf"):
            raise UsageError(f"Scale by {self.factor} has no way back")

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LossyError(f"{show(value)} is not a number")
        number, factor = Decimal(repr(value)), Decimal(repr(self.factor))
        try:
            result = number / factor if self.divide else number * factor
        except InvalidOperation:
            raise LossyError(f"{show(value)} cannot be scaled") from None
        if isinstance(value, int) and result == result.to_integral_value():
            return int(result)
        return float(result)

    def reverse(self) -> Scale:
        return Scale(self.factor, not self.divide)

    def describe(self) -> str:
        return f"{'divided' if self.divide else 'multiplied'} by {self.factor!r}"


_TYPES: dict[type, str] = {int: "whole number", float: "number", str: "string", bool: "boolean"}


@dataclass(frozen=True)
class Cast(Codec):
    """Another type for the same value: `Cast(float, was=int)`.

    Without `was` the way back leaves the value as it is.
    """

    to: type
    was: type | None = None

    def __post_init__(self) -> None:
        for kind in (self.to, self.was):
            if kind is not None and kind not in _TYPES:
                raise UsageError(f"Cast knows int, float, str and bool, not {kind!r}")

    def apply(self, value: Any) -> Any:
        if value is None or type(value) is self.to:
            return value
        result = self._cast(value)
        if result is None:
            raise LossyError(f"{show(value)} is not a {_TYPES[self.to]}")
        return result

    def _cast(self, value: Any) -> Any:
        if isinstance(value, dict | list):
            return None
        if self.to is str:
            return show(value)
        if self.to is bool:
            return _as_bool(value)
        try:
            number = float(value)
            if self.to is float:
                return number
            whole = int(value)
        except (ValueError, OverflowError):
            return None
        return whole if whole == number else None

    def reverse(self) -> Codec:
        return Unchanged(self) if self.was is None else Cast(self.was, self.to)

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def describe(self) -> str:
        return f"becomes a {_TYPES[self.to]}"


def _as_bool(value: Any) -> bool | None:
    if value in (0, 1):
        return bool(value)
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


@dataclass(frozen=True)
class Not(Codec):
    """A switch with the opposite name."""

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, bool):
            raise LossyError(f"{show(value)} is neither true nor false")
        return not value

    def reverse(self) -> Not:
        return self

    def describe(self) -> str:
        return "inverted: true becomes false, false becomes true"


@dataclass(frozen=True)
class ReplacePrefix(Codec):
    """Another beginning of a string; a string that begins otherwise stays as it is.

    The way back of an empty `new` gives the prefix to every string that is not an
    absolute path; what never had it is restored from the stash.
    """

    old: str
    new: str

    def __post_init__(self) -> None:
        if self.old == self.new:
            raise UsageError("ReplacePrefix needs two different prefixes")

    def apply(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(self.old):
            return value
        if not self.old and (value.startswith(("/", "\\", "~", self.new)) or ":" in value):
            return value
        return self.new + value[len(self.old) :]

    def reverse(self) -> ReplacePrefix:
        return ReplacePrefix(self.new, self.old)

    @property
    def grade(self) -> Grade:
        return Grade.GUARDED

    def describe(self) -> str:
        if not self.new:
            return f"loses the prefix {show(self.old)}"
        if not self.old:
            return f"gains the prefix {show(self.new)}"
        return f"begins with {show(self.new)} instead of {show(self.old)}"


@dataclass(frozen=True)
class Unchanged(Codec):
    """The way back of a codec that cannot tell what was: the value stays."""

    of: Codec

    def apply(self, value: Any) -> Any:
        return value

    def reverse(self) -> Codec:
        return self.of

    @property
    def grade(self) -> Grade:
        return self.of.grade

    def describe(self) -> str:
        return "stays as it is"


@dataclass(frozen=True, init=False)
class Compose(Codec):
    """Several codecs, the first one first."""

    codecs: tuple[Codec, ...]

    def __init__(self, *codecs: Codec) -> None:
        if not codecs:
            raise UsageError("Compose needs at least one codec")
        object.__setattr__(self, "codecs", codecs)

    def apply(self, value: Any) -> Any:
        for codec in self.codecs:
            value = codec.apply(value)
        return value

    def reverse(self) -> Compose:
        return Compose(*(codec.reverse() for codec in reversed(self.codecs)))

    @property
    def grade(self) -> Grade:
        return max(codec.grade for codec in self.codecs)

    def describe(self) -> str:
        return ", then ".join(codec.describe() for codec in self.codecs)
