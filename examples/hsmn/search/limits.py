"""What a trial must keep to; counted from its config alone, before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cfgmig.schema.rules import Config
from examples.common.flow import Stop
from schemas.hsmn.rules import read
from schemas.hsmn.rules.estimators import CAP, cost_of_an_id, count_exact, exact_cap

VERSION = "5"


class Measured(NamedTuple):
    """A trial's config against its limits.

    Attributes:
        parameters: counted tensor by tensor.
        budget: parameters at most; None for no limit.
        violations: by name, 0 or less where the limit is kept, as Optuna counts constraints.
        reasons: in words, for those that are not.
    """

    parameters: int
    budget: int | None
    violations: dict[str, float]
    reasons: list[str]

    @property
    def is_feasible(self) -> bool:
        """Whether every limit is kept."""
        return not self.reasons


def measure(data: Mapping[str, Any]) -> Measured:
    """Count the parameters of a trial and what its dimensions leave over.

    budget: parameters / budget - 1. vocabulary: ids / those that the share of the budget pays
    for - 1. divisibility: the sum of what is left over, each over its divisor.

    Raises:
        Stop: width or vocabulary are open.
    """
    config = Config(dict(data), VERSION)
    sizes = read.sizes(config)
    if sizes is None:
        raise Stop("hidden_dim or active_vocab_size is neither drawn nor in the config")
    count, budget = count_exact(sizes), read.whole(config, "param_budget")
    violations, reasons = {}, []
    if budget is not None:
        violations["budget"] = count / budget - 1
        if count > budget:
            reasons.append(f"{count:,} parameters of a budget of {budget:,}")
        cap = exact_cap(budget, sizes, read.fraction(config))
        violations["vocabulary"] = sizes.ids / max(cap, 1) - 1
        if sizes.ids > cap:
            reasons.append(f"{sizes.ids:,} ids; the budget pays for {cap:,}")
    left = 0.0
    for name, value, divisor in _divisions(config, sizes.width):
        if value % divisor:
            left += value % divisor / divisor
            reasons.append(f"{name} {value} is no multiple of {divisor}")
    violations["divisibility"] = left
    return Measured(count, budget, violations, reasons)


def affordable(data: Mapping[str, Any]) -> int:
    """The largest vocabulary that keeps both limits of the budget, but never below the base.

    Raises:
        Stop: there is no budget, or no width.
    """
    config = Config(dict(data), VERSION)
    base, budget = read.base(config), read.whole(config, "param_budget")
    sizes = read.sizes(config, base)
    if sizes is None or budget is None:
        raise Stop("no vocabulary is drawn or named, and no budget and width that it follows from")
    room = base + (budget - count_exact(sizes)) // max(cost_of_an_id(sizes), 1)
    total = read.whole(config, "total_vocab_size") or CAP
    return max(base, min(exact_cap(budget, sizes, read.fraction(config)), room, total))


def _divisions(config: Config, width: int) -> list[tuple[str, int, int]]:
    """Name, dividend and divisor of everything that has to come out even."""
    attention, wlam = ("model.blocks.attention", "model.blocks.wlam")
    heads = read.whole_at(config, f"{attention}.num_heads") or 8
    low = read.whole_at(config, f"{wlam}.num_heads") or 8
    shared = read.whole_at(config, f"{attention}.num_kv_heads") or 2
    found = [
        ("hidden_dim", width, 2),
        ("hidden_dim", width, heads),
        ("hidden_dim", width, low),
        ("attention heads", heads, shared),
        ("wlam heads", low, shared),
    ]
    if read.streams_bundles(config):
        hd_dim = read.bundle_dim(config)
        if hd_dim is not None:
            found.append(("hd_dim", hd_dim, width))
    return found
