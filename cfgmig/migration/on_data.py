"""The words applied to plain data: what a file must read as afterwards.

Order counts: a new key goes where a schema's order puts it, as in a document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cfgmig.migration.effect import Changed, Dropped, Effect, Moved, Written
from cfgmig.migration.effects import effects
from cfgmig.migration.operations import Operation
from cfgmig.migration.site import Kept, Site
from cfgmig.migration.values import copy
from cfgmig.paths import Path, Segment, child, get, has, key_of

if TYPE_CHECKING:
    from cfgmig.migration.plan import Plan

Order = Callable[[Path], tuple[str, ...]]


def no_order(parent: Path) -> tuple[str, ...]:
    """The order of a schema that is not known: new keys go to the end."""
    del parent
    return ()


def apply(
    operations: Sequence[Operation],
    data: Any,
    *,
    order: Order = no_order,
    site: Site | None = None,
) -> Any:
    """A changed copy of `data`.

    Args:
        operations: in the order of their application.
        data: nested dicts and lists.
        order: the keys of a section, in schema order.
        site: carries the stash from one call to the next; `Site()` when omitted.

    Raises:
        Refused: an operation does not fit the data.
        LossyError: it would lose what the data says.
    """
    site = site or Site()
    result = copy(data)
    for operation in operations:
        for effect in effects(operation, result, site):
            keep(effect, site)
            perform(effect, result, order)
    return result


def apply_plan(plan: Plan, data: Any, *, site: Site | None = None) -> Any:
    """What the plan makes of plain data, of a config inside a checkpoint, say.

    Raises:
        Refused: a step does not fit the data.
        LossyError: it would lose what the data says.
    """
    site = site or Site()
    for step in plan.steps:
        site.origin, site.goal = step.origin, step.goal
        data = apply(step.operations, data, site=site)
        site.leave()
    return data


def keep(effect: Effect, site: Site) -> None:
    """Book what `effect` puts into the stash or takes from it."""
    if isinstance(effect, Dropped) and effect.stash:
        site.kept.append(Kept(site.origin, site.goal, effect.path, copy(effect.value)))
    elif isinstance(effect, Changed) and effect.stash:
        old = copy(effect.old)
        site.kept.append(Kept(site.origin, site.goal, effect.path, old, form="value"))
    if not isinstance(effect, Dropped) and effect.kept is not None:
        site.forget(effect.kept)


def perform(effect: Effect, data: Any, order: Order = no_order) -> None:
    """Change `data` in place."""
    if isinstance(effect, Moved):
        value = get(data, effect.source)
        if effect.source[:-1] == effect.target[:-1]:
            _rename(get(data, effect.source[:-1]), effect.source[-1], effect.target[-1])
            return
        _insert(data, effect.target, value, placed(effect, data, order))
        _delete(data, effect.source)
    elif isinstance(effect, Written):
        _insert(data, effect.path, copy(effect.value), restored(effect, data, order))
    elif isinstance(effect, Dropped):
        _delete(data, effect.path)
    else:
        parent = get(data, effect.path[:-1])
        last = effect.path[-1]
        parent[key_of(parent, last) if isinstance(parent, dict) else last] = copy(effect.new)


def placed(effect: Moved, data: Any, order: Order) -> Order:
    """The order that brings a key back to the place that was kept for it.

    Of many that move to a section whose keys no schema orders, each keeps its turn.
    """
    kept = effect.kept
    if kept is None:
        section = effect.target[:-1]
        if not effect.among or not section or order(section):
            return order
        return lambda path: effect.among if path == section else order(path)
    parent, key = kept.path[:-1], str(kept.path[-1])
    names = [str(name) for name in get(data, parent)]
    if kept.after is None:
        found = (key, *names)
    elif kept.after in names:
        found = (kept.after, key)
    else:
        return order
    return lambda path: found if path == parent else order(path)


def restored(effect: Written, data: Any, order: Order) -> Order:
    """The order that brings what was cut out back among the siblings that it had."""
    cut = effect.kept.cut if effect.kept is not None else None
    if cut is None or not has(data, cut.at[:-1]):
        return order
    parent, key = cut.at[:-1], str(cut.at[-1])
    siblings = get(data, parent)
    names = [str(name) for name in siblings] if isinstance(siblings, dict) else []
    for found in [(name, key) for name in cut.before] + [(key, name) for name in cut.after]:
        if found[0] in names or found[1] in names:
            return lambda path: found if path == parent else order(path)
    if not cut.before or not names:
        return order
    # What it stood behind is no data: the stamp.
    first = (key, *names)
    return lambda path: first if path == parent else order(path)


def top_of(data: Any, path: Path, target: Path = ()) -> Path:
    """`path`, or the section that goes with it because nothing else is, or comes to be, in it."""
    while len(path) > 1 and len(get(data, path[:-1])) == 1:
        if target[: len(path) - 1] == path[:-1]:
            break
        path = path[:-1]
    return path


def place_of(effect: Moved, data: Any, order: Order) -> tuple[Kept, bool]:
    """Where the topmost thing stands that goes when a key moves away.

    Returns:
        the place, without the versions of the step, and whether schema `order` would
        bring it back to just that place.
    """
    top = top_of(data, effect.source, effect.target)
    names = [str(name) for name in get(data, top[:-1])]
    index = names.index(str(top[-1]))
    rest = dict.fromkeys(name for name in names if name != top[-1])
    place(rest, top[-1], None, order(top[:-1]))
    kept = Kept("", "", top, form="place")
    kept.after = names[index - 1] if index else None
    kept.before = names[index + 1] if index + 1 < len(names) else None
    return kept, list(rest).index(str(top[-1])) == index


def place_among(effect: Moved, order: tuple[str, ...]) -> tuple[Kept, bool]:
    """As `place_of`, by the keys that stood around it when the operation began.

    The way back puts the keys that schema `order` sorts as the file had them where that
    order wants them, and then every other one behind the key that it followed.
    """
    key, names = str(effect.source[-1]), effect.among
    index = names.index(key)
    kept = Kept("", "", effect.source, form="place")
    kept.after = names[index - 1] if index else None
    kept.before = names[index + 1] if index + 1 < len(names) else None
    return kept, key in sorted_keys(names, order, effect.fixed)


@lru_cache(maxsize=8)
def sorted_keys(
    names: tuple[str, ...], order: tuple[str, ...], fixed: tuple[str, ...] = ()
) -> frozenset[str]:
    """As many of `names` as possible that stand in the order that `order` has them in.

    Only such as stand on the right side of every `fixed` one count.
    """
    from bisect import bisect_left

    ranks = {name: rank for rank, name in enumerate(order)}
    for stays in fixed:
        place = names.index(stays)
        for index, name in enumerate(names):
            if (ranks.get(name, -1) < ranks.get(stays, -1)) != (index < place) and name != stays:
                ranks.pop(name, None)
    tails: list[int] = []  # the lowest rank that an ascending run of each length ends in
    ends: list[str] = []
    before: dict[str, str | None] = {}
    for name in names:
        if name not in ranks:
            continue
        length = bisect_left(tails, ranks[name])
        before[name] = ends[length - 1] if length else None
        tails[length:] = [ranks[name], *tails[length + 1 :]]
        ends[length:] = [name, *ends[length + 1 :]]
    found = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append(last)
        last = before[last]
    return frozenset(found)


def _rename(parent: dict[Any, Any], old: Segment, new: Segment) -> None:
    key = key_of(parent, old)
    items = [(new if name == key else name, value) for name, value in parent.items()]
    parent.clear()
    parent.update(items)


def _delete(data: Any, path: Path) -> None:
    """Take `path` out, and the sections that this empties; items of a list stay."""
    parent = get(data, path[:-1])
    if isinstance(parent, list):
        parent.pop(int(path[-1]))
        return
    del parent[key_of(parent, path[-1])]
    if not parent and len(path) > 1 and isinstance(get(data, path[:-2]), dict):
        _delete(data, path[:-1])


def _insert(data: Any, path: Path, value: Any, order: Order) -> None:
    for depth, segment in enumerate(path[:-1]):
        try:
            data = child(data, segment)
        except KeyError:
            for name in reversed(path[depth + 1 :]):
                value = {name: value}
            place(data, path[depth], value, order(path[:depth]))
            return
    place(data, path[-1], value, order(path[:-1]))


def place(parent: Any, segment: Segment, value: Any, order: Sequence[str]) -> None:
    """Put a new key where `order` wants it.

    That is after the last key that precedes it in `order`, else before the first that
    follows it, else at the end.
    """
    if isinstance(parent, list):
        parent.insert(int(segment), value)
        return
    names = [str(name) for name in parent]
    index = len(names)
    if segment in order:
        rank = list(order).index(str(segment))
        before = [i for i, name in enumerate(names) if name in order[:rank]]
        after = [i for i, name in enumerate(names) if name in order[rank + 1 :]]
        index = before[-1] + 1 if before else after[0] if after else index
    items = list(parent.items())
    items.insert(index, (segment, value))
    parent.clear()
    parent.update(items)
