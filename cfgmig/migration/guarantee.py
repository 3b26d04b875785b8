"""What a step on weights promises, in words that `verify` can hold it to."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["exact", "preserving", "structural"]
_RANK: tuple[Kind, ...] = ("exact", "preserving", "structural")


class Guarantee(NamedTuple):
    """What stays the same when the weights of a model are rewritten.

    Attributes:
        kind: `exact`: the same numbers in other places. `preserving`: the model computes the
            same, up to `epsilon`. `structural`: the tensors fit the architecture, no more.
        epsilon: the largest deviation of what the model computes.
        of: of what that is the deviation.
    """

    kind: Kind
    epsilon: float = 0.0
    of: str = ""

    @property
    def words(self) -> str:
        """The guarantee as a user reads it."""
        if self.kind == "exact":
            return "exact: the same numbers"
        if self.kind == "structural":
            return f"structural: {self.of}" if self.of else "structural: it fits, no more"
        what = f" of {self.of}" if self.of else ""
        return f"function-preserving: the largest deviation{what} is {self.epsilon:g}"


EXACT = Guarantee("exact")
STRUCTURAL = Guarantee("structural")


def preserving(epsilon: float, of: str = "") -> Guarantee:
    """The model computes the same, up to `epsilon`."""
    return Guarantee("preserving", epsilon, of)


def structural(of: str) -> Guarantee:
    """The tensors fit, and `of` says what is known beyond that."""
    return Guarantee("structural", 0.0, of)


def weakest(guarantees: list[Guarantee]) -> Guarantee:
    """What is left of several promises kept one after the other."""
    return max(guarantees, key=lambda one: (_RANK.index(one.kind), one.epsilon), default=EXACT)
