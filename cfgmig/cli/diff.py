"""`cfgmig diff`: what two configs mean differently, whatever their versions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from cfgmig.cli import console, work
from cfgmig.cli.files import Target
from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, OnePath, OtherPath, Quiet, TextFormat, To
    from cfgmig.comparing import Comparison, Side


def diff(
    left: OnePath,
    right: OtherPath,
    *,
    to: To = "",
    family: Family = "",
    output_format: TextFormat = "text",
    quiet: Quiet = False,
) -> int:
    """Compare two configs by meaning: both are upgraded in memory, defaults count.

    Exit code 0: they mean the same. 1: they differ.
    """
    from cfgmig.comparing import compare
    from cfgmig.upgrading import Options

    if left == right == "-":
        raise UsageError("only one of the two can be standard input")
    first, second = Target(left, explicit=True), Target(right, explicit=True)
    found = compare(
        (first.read(), first.name),
        (second.read(), second.name),
        work.project_of([left]),
        Options(to=to or None, family=family or None, stamp=False),
    )
    if output_format == "json":
        console.data(json.dumps(_as_json(found), indent=2, ensure_ascii=False) + "\n")
    else:
        for one in found.differences:
            console.data(f"{one.path}: {_side(one.left)} -> {_side(one.right)}\n")
    count = len(found.differences)
    said = f"{count} difference{'s' * (count != 1)}" if count else "the same meaning"
    versions = f"{found.left.from_version} and {found.right.from_version}"
    console.say(f"{said} ({versions}, compared as {found.family}/{found.version})", quiet=quiet)
    return 1 if count else 0


def _side(side: Side) -> str:
    if side.said == "nobody":
        return "(absent)"
    value = json.dumps(side.value, ensure_ascii=False, default=str)
    if side.said == "default":
        return f"{value} (default)"
    return f"{value} (line {side.place.line})" if side.place is not None else value


def _as_json(found: Comparison) -> dict[str, object]:
    return {
        "family": found.family,
        "version": found.version,
        "left": found.left.before.name,
        "right": found.right.before.name,
        "differences": [asdict(one) for one in found.differences],
    }
