"""A model's state dict in the middle of a conversion: names, and what each tensor is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING

from cfgmig.migration.ordering import Order, Prefix, Relatives, by_number

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr, Type


class StateDict:
    """A model's tensors, as expressions over the tensors of a file.

    Args:
        source: types of all tensors that may be taken.
        tensors: name -> expression, in the order of the state dict.
        kept: what left the model on the way and is kept beside it: key -> expression.

    Attributes:
        dropped: names of tensors that left, as they were called then.
        gone: tensors of the file of which something is in no tensor any more, perhaps.
    """

    def __init__(
        self,
        source: Mapping[str, Type],
        tensors: Mapping[str, Expr],
        kept: Mapping[str, Expr] | None = None,
    ) -> None:
        from checkpoint_tools.plan.resolve import Resolver

        self._resolver = Resolver(source)
        self.tensors = {name: self._resolver.resolve(expr) for name, expr in tensors.items()}
        self.kept = {key: self._resolver.resolve(expr) for key, expr in (kept or {}).items()}
        self.dropped: list[str] = []
        self.gone: set[str] = set()
        self._fresh: dict[str, None] = {}
        self._origins: dict[str, str] = {}

    def copy(self) -> StateDict:
        """Another one with the same tensors."""
        other = copy(self)
        other.tensors, other.kept = dict(self.tensors), dict(self.kept)
        other.dropped, other.gone = list(self.dropped), set(self.gone)
        other._fresh, other._origins = dict(self._fresh), dict(self._origins)
        return other

    @property
    def types(self) -> dict[str, Type]:
        """The types of the tensors as they are now."""
        return {name: self._resolver.types[expr] for name, expr in self.tensors.items()}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the tensors as they are now."""
        return {name: self._resolver.types[expr].shape for name, expr in self.tensors.items()}

    def type_of(self, name: str) -> Type:
        """The type of one tensor."""
        return self._resolver.types[self.tensors[name]]

    def put(self, name: str, expr: Expr) -> None:
        """Add a tensor; `settle` gives it its place."""
        self.tensors[name] = self._resolver.resolve(expr)
        self._fresh[name] = None

    def take_out(self, name: str, keep_as: str | None = None) -> None:
        """Let a tensor leave; `keep_as` is the key under which it is kept beside the model."""
        from checkpoint_tools.plan.expressions import takes

        expr = self.tensors.pop(name)
        self.gone.update(takes(expr))
        self.dropped.append(name)
        if keep_as is not None:
            self.kept[keep_as] = expr

    def settle(self) -> None:
        """Bring new tensors next to their siblings, numbered ones in the order of the numbers."""
        if not self._fresh:
            return
        order = Order(name for name in self.tensors if name not in self._fresh)
        for name in self._fresh:
            order.add(name)
        self._fresh = {}
        self.tensors = {name: self.tensors[name] for name in order}

    def rename(self, new: Mapping[str, str], numbered: Iterable[Prefix] = ()) -> None:
        """Give tensors other names; below `numbered`, numbers afterwards stand in order."""
        made = {new.get(name, name): expr for name, expr in self.tensors.items()}
        self._origins = {new.get(name, name): origin for name, origin in self._origins.items()}
        groups = set(numbered)
        self.tensors = (
            {name: made[name] for name in by_number(list(made), groups)} if groups else made
        )

    def replace(self, became: Mapping[str, Mapping[str, Expr]], gone: Iterable[str]) -> None:
        """Put other tensors into the places of some.

        Args:
            became: for a tensor that is there, what stands in its place from now on.
            gone: all tensors that are no more; what `became` says may have their names.
        """
        order, together = Order(self.tensors), Relatives(self._origins)
        for origin, made in became.items():
            fresh = [name for name in made if name not in self.tensors]
            order.instead(origin, fresh, together)
            self._origins |= dict.fromkeys(fresh, origin)
        for name in gone:
            del self.tensors[name]
        for made in became.values():
            self.tensors |= {name: self._resolver.resolve(expr) for name, expr in made.items()}
        self.tensors = {name: self.tensors[name] for name in order if name in self.tensors}

    def resolved(self, expr: Expr) -> Expr:
        """An expression over the file in its plain form."""
        return self._resolver.resolve(expr)

    def made_of(self, expr: Expr) -> Expr:
        """An expression over the names as they are now, as one over the file."""
        from checkpoint_tools.plan import PlanError, Take
        from checkpoint_tools.plan.expressions import children, with_children
        from checkpoint_tools.text import quote

        if isinstance(expr, Take):
            if expr.name not in self.tensors:
                raise PlanError(f"there is no tensor {quote(expr.name)} to take")
            return self.tensors[expr.name]
        return with_children(expr, [self.made_of(part) for part in children(expr)])
