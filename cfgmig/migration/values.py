"""When two config values are the same, and how a message shows one."""

from __future__ import annotations

from math import isnan
from typing import Any


def identical(left: Any, right: Any) -> bool:
    """Same types, same values, same order of keys; NaN is itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(identical(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(identical, left, right))
    return bool(left == right) or (_nan(left) and _nan(right))


def same_content(left: Any, right: Any) -> bool:
    """Same types and values, whatever the order of keys."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same_content(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same_content, left, right))
    return bool(left == right) or (_nan(left) and _nan(right))


def equal(left: Any, right: Any) -> bool:
    """The same meaning: `1` is `1.0`, but `True` is not `1`; the order of keys is free."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right) or (_nan(left) and _nan(right))


def _nan(value: Any) -> bool:
    return isinstance(value, float) and isnan(value)


def copy(value: Any) -> Any:
    """A deep copy of plain data; what was shared stays shared."""
    return _copy(value, {})


def _copy(value: Any, memo: dict[int, Any]) -> Any:
    if not isinstance(value, dict | list):
        return value
    known = memo.get(id(value))
    if known is not None:
        return known
    if isinstance(value, dict):
        mapping: dict[Any, Any] = {}
        memo[id(value)] = mapping
        for key, item in value.items():
            mapping[key] = _copy(item, memo) if isinstance(item, dict | list) else item
        return mapping
    items: list[Any] = []
    memo[id(value)] = items
    items.extend(_copy(item, memo) for item in value)
    return items


def show(value: Any) -> str:
    """A value as a config file would spell it, short enough for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, list):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    elif type(value).__module__ == "checkpoint_tools.plan.expressions":
        from checkpoint_tools.plan import describe

        text = describe(value)
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
