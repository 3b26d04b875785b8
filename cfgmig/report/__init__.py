"""One finding, many formats; every import is lazy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfgmig.report.finding import Finding, RuleInfo, Severity
    from cfgmig.report.formats import FORMATS, render

_HOMES = {
    "Finding": "finding",
    "RuleInfo": "finding",
    "Severity": "finding",
    "FORMATS": "formats",
    "render": "formats",
}

__all__ = ["FORMATS", "Finding", "RuleInfo", "Severity", "render"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
