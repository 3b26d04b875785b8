"""The engine's own rules, CM0xx: they hold for every family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.checks.shape import invalid_value, missing_key, unknown_key
from cfgmig.schema.checks.spelling import ambiguous_scalar, unfinished_block
from cfgmig.schema.checks.version import ambiguous_version, no_stamp, not_at_head

if TYPE_CHECKING:
    from cfgmig.schema.rules import Rule

RULES: tuple[Rule, ...] = (
    unknown_key,
    invalid_value,
    missing_key,
    not_at_head,
    ambiguous_scalar,
    no_stamp,
    ambiguous_version,
    unfinished_block,
)

__all__ = ["RULES"]
