"""What wrapping objects put before the names of tensors, and names without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cfgmig.schema.layout import Shapes

WRAPPERS = ("module", "model", "net", "base")
"""First segments that a wrapping object puts before every name."""
COMPILED = "_orig_mod"
"""The segment that a compiled module adds to every name below it."""


def unwrapped(tensors: Shapes) -> Iterator[tuple[tuple[str, ...], Shapes]]:
    """The tensors under their own names, then under what stays when wrappers are taken off."""
    stripped: tuple[str, ...] = ()
    yield stripped, tensors
    names = {name: name for name in tensors}
    while True:
        wrapper, names = _without_one(names)
        if not wrapper:
            return
        stripped = (*stripped, wrapper)
        yield stripped, {new: tensors[old] for old, new in names.items()}


def strip(name: str, stripped: Sequence[str]) -> str:
    """A tensor's name without the wrappers that `unwrapped` found."""
    for wrapper in stripped:
        parts = name.split(".")
        kept = [p for p in parts if p != COMPILED] if wrapper == f"{COMPILED}." else parts[1:]
        name = ".".join(kept)
    return name


def _without_one(names: dict[str, str]) -> tuple[str, dict[str, str]]:
    """One wrapper less: its name, and the names without it; empty when there is none."""
    heads = {new.partition(".")[0] for new in names.values()}
    wrapper = ""
    if len(heads) == 1 and heads <= set(WRAPPERS):
        wrapper = f"{heads.pop()}."
    elif any(COMPILED in new.split(".") for new in names.values()):
        wrapper = f"{COMPILED}."
    if not wrapper:
        return "", names
    less = {old: strip(new, (wrapper,)) for old, new in names.items()}
    # Two tensors must not become one, and a wrapper alone is no name.
    is_fine = len(set(less.values())) == len(less) and "" not in less.values()
    return (wrapper, less) if is_fine else ("", names)
