"""What operations come down to in one config: four concrete effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cfgmig.migration.site import Kept
from cfgmig.paths import Path


@dataclass(frozen=True)
class Moved:
    """What stood at `source` stands at `target`, at the place that `kept` names if any does.

    `among` are the keys that stood around it when the operation began, in their order, for
    an operation that moves many of them; `fixed` are those of them that it leaves there.
    """

    source: Path
    target: Path
    kept: Kept | None = None
    among: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A key that was not there; `kept` is what the stash had of it, `pinned` a default."""

    path: Path
    value: Any
    kept: Kept | None = None
    pinned: bool = False


@dataclass(frozen=True)
class Dropped:
    """A key is gone; `stash` says that it is kept there."""

    path: Path
    value: Any
    stash: bool = False


@dataclass(frozen=True)
class Changed:
    """Another value; `kept` gives the old spelling back, `stash` keeps it for the way back."""

    path: Path
    old: Any
    new: Any
    stash: bool = False
    kept: Kept | None = None


Effect = Moved | Written | Dropped | Changed
