from __future__ import annotations

from typing import Any

import pytest

from cfgmig.migration import (
    MISSING,
    STASH,
    Add,
    Convert,
    Custom,
    Default,
    Move,
    Operation,
    Remove,
    Scale,
    Values,
)
from cfgmig.migration.on_fields import unexplained

Table = dict[str, tuple[str, Any]]
OLD: Table = {
    "width": ("int", MISSING),
    "lr": ("float", 0.1),
    "seed": ("int | null", None),
    "goal": ("float", 99.7),
    "loss": ("section", MISSING),
    "loss.kind": ("str", "mse"),
    "loss.weight": ("float", 1.0),
    "phases": ("list[section]", []),
    "phases.*.name": ("str", MISSING),
    "extra": ("dict[str, any]", {}),
}


def without(*names: str, **more: tuple[str, Any]) -> Table:
    return {name: row for name, row in OLD.items() if name not in names} | more


@pytest.mark.parametrize(
    ("operations", "new"),
    [
        ([], OLD),
        ([Move("width", "model.width")],
         {**without("width"), "model": ("section", MISSING), "model.width": ("int", MISSING)}),
        ([Remove("seed", STASH, optional=True)], without("seed")),
        ([Remove("loss", STASH)], without("loss", "loss.kind", "loss.weight")),
        ([Remove("loss.kind", "mse"), Remove("loss.weight", 1.0)],
         without("loss", "loss.kind", "loss.weight")),
        ([Add("depth", 2)], without(depth=("int", MISSING))),
        ([Add("depth", 2)], without(depth=("int", 4))),
        ([Add("depth", 2, implicit=True)], without(depth=("int", 2))),
        ([Add("net", {"depth": 2}, implicit=True)],
         {**OLD, "net": ("section", {"depth": 2, "bias": True}), "net.depth": ("int", 2),
          "net.bias": ("bool", True)}),
        ([Add("net", None, implicit=True)],
         {**OLD, "net": ("section | null", None), "net.depth": ("int", 2)}),
        ([Default("lr", 0.1)], without(lr=("float", 0.5))),
        ([Default("lr", 0.1, new=0.5)], without(lr=("float", 0.5))),
        ([Default("lr", 0.1, new=MISSING)], without(lr=("float", MISSING))),
        ([Default("width", MISSING, new=8)], without(width=("int", 8))),
        ([Convert("goal", Scale(0.01))], without(goal=("float", 0.997))),
        ([Default("goal", 99.7), Convert("goal", Scale(0.01))], without(goal=("float", 1.0))),
        ([Convert("loss.kind", Values({"mse": "l2"}))],
         {**OLD, "loss.kind": ('"l1" | "l2"', "l2")}),
        ([Move("phases.*.name", "phases.*.title")],
         {**without("phases.*.name"), "phases.*.title": ("str", MISSING)}),
        ([Move("phases", "stages")],
         {**without("phases", "phases.*.name"), "stages": ("list[section]", []),
          "stages.*.name": ("str", MISSING)}),
        ([Move("extra.depth", "depth", optional=True)], without(depth=("int", 2))),
        ([Custom("x", lambda data: [], lambda data: [], touches=("seed", "depth"))],
         {**without("seed"), "depth": ("int", 3)}),
        ([], without(width=("float", MISSING))),
        ([], without(seed=("int | str | null", None))),
    ],
)  # fmt: skip
def test_explained(operations: list[Operation], new: Table) -> None:
    assert unexplained(operations, OLD, new) == []


@pytest.mark.parametrize(
    ("operations", "new", "kind", "path", "says"),
    [
        ([], without("seed"), "vanishes", "seed", "no operation removes it"),
        ([], without(depth=("int", 2)), "appears", "depth", "no operation adds it"),
        ([], without(lr=("float", 0.5)), "default", "lr", "was 0.1 and is 0.5"),
        ([], without(lr=("float", MISSING)), "default", "lr", "was 0.1 and is required"),
        ([], without(width=("int", 3)), "default", "width", "was required and is 3"),
        ([], without(seed=("str | null", None)), "type", "seed", "was int | null"),
        ([Convert("goal", Scale(0.01))], OLD, "default", "goal", "was 0.997 and is 99.7"),
        ([Default("lr", 0.2)], OLD, "operation", "lr", "is 0.1, not 0.2"),
        ([Default("lr", 0.1, new=0.4)], without(lr=("float", 0.5)), "default", "lr", "was 0.4"),
        ([Add("depth", 2, implicit=True)], without(depth=("int", 3)), "operation", "depth",
         "by leaving depth out, but it is 3"),
        ([Add("depth", 2, implicit=True)], without(depth=("int", MISSING)), "operation", "depth",
         "but it is required"),
        ([Add("lr", 2)], OLD, "operation", "lr", "of the older schema already"),
        ([Add("depth", 2)], OLD, "vanishes", "depth", "in the older schema only"),
        ([Move("widht", "model.width")], OLD, "operation", "widht", "no field of the older"),
        ([Move("width", "seed")], without("width"), "operation", "seed", "is taken"),
        ([Remove("sead", STASH)], OLD, "operation", "sead", "no field of the older"),
        ([Default("sead", 1)], OLD, "operation", "sead", "no field of the older"),
        ([Convert("sead", Scale(2))], OLD, "operation", "sead", "no field of the older"),
        ([Convert("loss.kind", Values({"l1": "l2"}))], OLD, "operation", "loss.kind",
         "its default"),
    ],
)  # fmt: skip
def test_unexplained(
    operations: list[Operation], new: Table, kind: str, path: str, says: str
) -> None:
    found = unexplained(operations, OLD, new)
    assert (kind, path) in [(one.kind, one.path) for one in found]
    assert any(says in one.message for one in found)
    assert len(found) <= 2
