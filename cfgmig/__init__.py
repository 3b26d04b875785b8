"""Versioned config schemas and migrations that keep every untouched byte.

`load` gives a trainer its validated, current config from a file of any age;
`upgrade_text` upgrades a text without touching a file. Both are imported on use,
so that `import cfgmig` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it, without the four milliseconds to import it

if TYPE_CHECKING:
    from typing import Any

    from cfgmig.errors import CfgmigError, LossyError, Refused, Unreadable, UsageError
    from cfgmig.loading import StaleConfigWarning, load
    from cfgmig.upgrading import Upgraded, upgrade_text

__version__ = "0.1.0"

__all__ = [
    "CfgmigError",
    "LossyError",
    "Refused",
    "StaleConfigWarning",
    "Unreadable",
    "Upgraded",
    "UsageError",
    "load",
    "upgrade_text",
]

_HOMES = {"load": "loading", "StaleConfigWarning": "loading"} | {
    "upgrade_text": "upgrading",
    "Upgraded": "upgrading",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
