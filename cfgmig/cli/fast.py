"""Parses an ordinary command line without Typer, which alone costs twice a whole check.

Typer remains the one who explains: whatever is not plainly understood here (help,
completion, an unknown option, a missing value) is left to it. Both read the same
plain functions, so nothing is declared twice; a test runs both on the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

SHORT = {
    "-q": "--quiet",
    "-v": "--verbose",
    "-j": "--jobs",
    "--from": "--from-version",
    "--for": "--for-config",
}
"""Short options, for this parser and for Typer's declarations alike."""


def parse(function: Callable[..., int], arguments: Sequence[str]) -> dict[str, Any] | None:
    """The keyword arguments that `arguments` mean for a command's function.

    The function's signature is the grammar: parameters before the `*` are positional
    (a `tuple` default takes all of them), the others are options named after
    themselves: a flag where the default is a bool, repeatable where it is a tuple,
    a number where it is an int or a float, else one value.

    Returns:
        None when Typer has to look at it.
    """
    options = function.__kwdefaults__ or {}
    result: dict[str, Any] = {}
    positional: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            positional += rest
            break
        if word == "-" or not word.startswith("-"):
            positional.append(word)
            continue
        name, _, attached = word.partition("=")
        if not attached or name.startswith("--"):
            name = SHORT.get(name, name)
        key = name.removeprefix("--").replace("-", "_")
        if not name.startswith("--") or key not in options:
            return None
        if not _take(result, key, options[key], attached, "=" in word, rest):
            return None
    return _place(function, positional, result)


def _take(
    result: dict[str, Any],
    key: str,
    default: object,
    attached: str,
    is_attached: bool,
    rest: list[str],
) -> bool:
    """Store one option's value in `result`; False when it is not plainly right."""
    if isinstance(default, bool):
        result[key] = True
        return not is_attached
    if not is_attached:
        if not rest or rest[0].startswith("-"):
            return False
        attached = rest.pop(0)
    if isinstance(default, tuple):
        result[key] = (*result.get(key, ()), attached)
    elif isinstance(default, int):
        if not attached.isdecimal():
            return False
        result[key] = int(attached)
    elif isinstance(default, float):
        try:
            result[key] = float(attached)
        except ValueError:
            return False
    else:
        result[key] = attached
    return True


def _place(
    function: Callable[..., int], positional: list[str], result: dict[str, Any]
) -> dict[str, Any] | None:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    required = len(names) - len(defaults)
    if defaults and isinstance(defaults[-1], tuple):
        last = len(names) - 1
        result[names[last]] = tuple(positional[last:])
        positional = positional[:last]
    if len(positional) > len(names) or len(positional) < required:
        return None
    return {**dict(zip(names, positional, strict=False)), **result}
