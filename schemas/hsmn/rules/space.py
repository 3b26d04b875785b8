"""HS507-HS508: what a search draws, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.schema.compile import compiled
from cfgmig.schema.rules import Example, Problem, rule

from . import read
from .estimators import LARGEST
from .search import FROZEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

_SPACE = "qahpo.search_space"


@rule(
    code="HS507",
    name="searching-what-must-stay",
    severity="error",
    summary="The search space changes a limit, the data or the name of the search.",
    explanation="""
    The old search mutated every number of a config, param_budget and context_window among them, so
    that a trial could win by raising its own budget. Budget, context, data and the search's name
    stay as they are. The vocabulary follows from budget, width and dimensions; it is searched as
    active_vocab_size within that cap, never as vocab_size.
    """,
    valid=(Example("qahpo:\n  search_space: {hidden_dim: [32, 64]}\n"),),
    invalid=(
        Example(
            "qahpo:\n  search_space:\n    hidden_dim: [32, 64]\n    param_budget: [1000, 2000]\n",
            fixed="qahpo:\n  search_space:\n    hidden_dim: [32, 64]\n",
        ),
    ),
)
def must_stay(config: Config) -> Iterator[Problem]:
    for name in read.section(config, _SPACE):
        key = str(name).rsplit(".", maxsplit=1)[-1]
        if key in FROZEN and "." not in str(name):
            path = f"{_SPACE}.{name}"
            yield Problem(
                path,
                f"{key} does not change in a search",
                f"remove `{path}`",
                read.dropping(path),
                part="key",
            )
        elif key in FROZEN:
            yield Problem(
                _SPACE,
                f"{str(name)[:60]} does not change in a search",
                f"remove it from `{_SPACE}`",
            )


@rule(
    code="HS508",
    name="nothing-to-draw-from",
    severity="error",
    summary="An entry of the search space is empty, out of order or no value of its key.",
    explanation="""
    The search opens a list from its lower end: trials 0 to 9 see the lower half, 10 to 29 three
    quarters. So a list of numbers must be sorted, or the first trials are not the small ones, and
    an empty one leaves nothing to draw; a range {low, high} goes from low to high. A value that the
    schema does not take at its place makes a trial that is refused, however often it is drawn.
    """,
    valid=(
        Example("qahpo:\n  search_space: {hidden_dim: [32, 64], optimizer: [lion, adam]}\n"),
        Example("qahpo:\n  search_space: {learning_rate: {low: 0.001, high: 0.005, log: true}}\n"),
    ),
    invalid=(
        Example("qahpo:\n  search_space: {hidden_dim: []}\n"),
        Example("qahpo:\n  search_space: {hidden_dim: [64, 32]}\n"),
        Example("qahpo:\n  search_space: {learning_rate: {low: 0.005, high: 0.001}}\n"),
        Example("qahpo:\n  search_space: {num_moe_experts: [0, 4]}\n"),
        Example("qahpo:\n  search_space: {model.adapter.expand: [unbind, project]}\n"),
    ),
)
def nothing_to_draw(config: Config) -> Iterator[Problem]:
    for name, entry in read.section(config, _SPACE).items():
        values, wrong = _drawn(entry)
        refused = next((one for one in values if not wrong and _refused(config, name, one)), None)
        if refused is not None:
            wrong = f"draws {str(refused)[:40]!r}, which the schema does not take"
        if wrong:
            yield Problem(
                f"{_SPACE}.{name}" if str(name).isidentifier() else _SPACE,
                f"{str(name)[:60]} {wrong}",
                "list what may be drawn, smallest first, or give {low, high}",
            )


def _drawn(entry: Any) -> tuple[list[Any], str]:
    """The values of an entry, the ends of a range; and what is wrong with them as such."""
    if isinstance(entry, dict):
        ends: list[Any] = [entry.get("low"), entry.get("high")]
        good = all(_is_number(one) for one in ends) and ends[0] < ends[1]
        return ends, "" if good else "is no range from low to high"
    if not isinstance(entry, list):
        return [], "is neither a list nor a range"
    if not entry:
        return [], "has no value to draw"
    ordered = not all(map(_is_number, entry)) or entry == sorted(entry)
    return entry, "" if ordered else "is not sorted"


def _is_number(one: Any) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < LARGEST


def _refused(config: Config, name: Any, value: Any) -> bool:
    """Whether the schema refuses a value at the place that a name stands for, if it has one."""
    from .. import family

    place = str(name) if "." in str(name) else read.place(config, str(name))
    if place is None:
        return False
    parts = place.split(".")
    data: Any = value
    for part in reversed(parts):
        data = {part: data}
    errors = compiled(family, config.version).validate(data)
    return any(".".join(map(str, one.loc)) == place for one in errors)


rules = (must_stay, nothing_to_draw)
