"""Counts the system calls of a piece of code, and does something before one of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CHANGING = (
    "mkdir",
    "open",
    "write",
    "link",
    "fsync",
    "chown",
    "chmod",
    "setxattr",
    "utime",
    "ftruncate",
)
REMOVING = ("replace", "unlink", "rmdir")
GROWING = ("mkdir", "write", "setxattr")


@dataclass
class Points:
    """`seen` calls were made; `action` comes before call number `at` (or all from it on)."""

    at: int = -1
    action: Callable[[], None] = lambda: None
    onwards: bool = False
    seen: int = 0

    def reached(self) -> None:
        here, self.seen = self.seen, self.seen + 1
        if here == self.at or (self.onwards and 0 <= self.at <= here):
            self.action()


@contextmanager
def watched(points: Points, names: tuple[str, ...] = CHANGING + REMOVING) -> Iterator[None]:
    """Route these functions of `os` through `points`; an open counts if it may create."""
    real = {name: getattr(os, name) for name in names if hasattr(os, name)}

    def routed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if name != "open" or args[1] & os.O_CREAT:
                points.reached()
            return function(*args, **options)

        return call

    for name, function in real.items():
        setattr(os, name, routed(name, function))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)
