from __future__ import annotations

from typing import Any

import pytest

from cfgmig.errors import LossyError, Refused
from cfgmig.migration import (
    IRREVERSIBLE,
    STASH,
    Add,
    Convert,
    CopyOf,
    Custom,
    Default,
    Move,
    Not,
    Operation,
    Remove,
    Scale,
    Values,
)
from cfgmig.migration.on_data import apply
from cfgmig.migration.site import Site
from cfgmig.migration.values import identical

Case = tuple[Operation, Any, Any]

CASES: list[Case] = [
    (Move("a", "b"), {"a": 1, "c": 2}, {"b": 1, "c": 2}),
    (Move("a", "m.a"), {"a": 1, "c": 2}, {"c": 2, "m": {"a": 1}}),
    (Move("m.a", "a"), {"m": {"a": 1}, "c": 2}, {"c": 2, "a": 1}),
    (Move("m.a", "n.b.a"), {"m": {"a": 1, "x": 0}}, {"m": {"x": 0}, "n": {"b": {"a": 1}}}),
    (Move("p.*.n", "p.*.t"), {"p": [{"n": 1}, {"n": 2}]}, {"p": [{"t": 1}, {"t": 2}]}),
    (Move("a.*", "b.*"), {"a": {"x": 1, "y": 2}}, {"b": {"x": 1, "y": 2}}),
    (Move("62", "b"), {62: 1}, {"b": 1}),
    (Move("a", "b", optional=True), {"c": 2}, {"c": 2}),
    (Add("m.d", 2), {"m": {"w": 1}}, {"m": {"w": 1, "d": 2}}),
    (Add("m.d", 2), {}, {"m": {"d": 2}}),
    (Add("m.d", 2), {"m": None}, {"m": None}),
    (Add("m.d", 2, implicit=True), {"m": {}}, {"m": {}}),
    (Add("m.d", 2, implicit=True), {"m": {"d": 3}}, {"m": {"d": 3}}),
    (Add("p.*.k", "x"), {"p": [{"n": 1}, {"n": 2}]},
     {"p": [{"n": 1, "k": "x"}, {"n": 2, "k": "x"}]}),
    (Add("p.*.k", "x"), {}, {}),
    (Add("b", CopyOf("a")), {"a": [1]}, {"a": [1], "b": [1]}),
    (Remove("a", STASH), {"a": 1, "b": 2}, {"b": 2}),
    (Remove("m.a", 1), {"m": {"a": 1.0}, "b": 2}, {"b": 2}),
    (Remove("a", 1, implicit=True), {"b": 2}, {"b": 2}),
    (Remove("p.*.k", STASH), {"p": [{"n": 1, "k": 2}, {"n": 2}]}, {"p": [{"n": 1}, {"n": 2}]}),
    (Remove("p.*", STASH), {"p": [1, 2], "q": 0}, {"p": [], "q": 0}),
    (Remove("a", CopyOf("m.a")), {"a": 3, "m": {"a": 3}}, {"m": {"a": 3}}),
    (Remove("a", IRREVERSIBLE), {"a": 3}, {}),
    (Default("m.lr", 0.1), {"m": {"x": 1}}, {"m": {"x": 1, "lr": 0.1}}),
    (Default("m.lr", 0.1), {"m": {"lr": 0.2}}, {"m": {"lr": 0.2}}),
    (Default("m.lr", 0.1), {"m": None}, {"m": None}),
    (Default("m.lr", 0.1), {}, {"m": {"lr": 0.1}}),
    (Default("m.lr", 0.1, new=0.2), {"m": {"lr": 0.2, "x": 1}}, {"m": {"x": 1}}),
    (Convert("t", Scale(0.01)), {"t": 99.7}, {"t": 0.997}),
    (Convert("m.*", Not()), {"m": {"a": True, "b": False}}, {"m": {"a": False, "b": True}}),
    (Convert("t", Not(), optional=True), {}, {}),
    (Custom("Split.", lambda data: [Remove("ab", STASH), Add("a", data["ab"][0])],
            lambda data: []), {"ab": [1, 2]}, {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]!r}"[:60])
def test_words_on_data(case: Case) -> None:
    operation, before, after = case
    assert identical(apply([operation], before), after)


@pytest.mark.parametrize(
    ("operation", "data", "kind", "says"),
    [
        (Move("a", "b"), {}, "migration", "`a` is not in the file, so it cannot move to `b`"),
        (Move("a", "b"), {"a": 1, "b": 2}, "key-collision", "which is there too"),
        (Move("a", "m.a"), {"a": 1, "m": None}, "key-collision", "`m` is null, not a section"),
        (Move("a", "m.a"), {"a": 1, "m": 3}, "key-collision", "`m` is 3, not a section"),
        (Move("a.*", "b.*"), {"a": [1]}, "unsupported-shape", "is an item of a list"),
        (Add("a", 1), {"a": 1}, "migration", "`a` is in the file already"),
        (Add("a", STASH), {}, "migration", "the file's stash does not have it"),
        (Add("a", CopyOf("b")), {}, "migration", "`a` copies `b`, which is not there"),
        (Remove("a", STASH), {}, "migration", "`a` is not in the file"),
        (Remove("a", CopyOf("b")), {"a": 1, "b": 2}, "migration", "`a` is 1, but `b` is 2"),
        (Remove("a", CopyOf("b")), {"a": 1}, "migration", "`b`, which replaces it, is not there"),
        (Remove("a", IRREVERSIBLE).reverse(), {}, "migration", "no way back"),
        (Convert("a", Not()), {}, "migration", "`a` is not in the file"),
        (Convert("a", Not()), {"a": 3}, "migration", "3 is neither true nor false"),
    ],
)
def test_refusals(operation: Operation, data: Any, kind: str, says: str) -> None:
    with pytest.raises(Refused) as refusal:
        apply([operation], data)
    assert refusal.value.kind == kind
    assert says in refusal.value.message
    assert type(operation).__name__ in refusal.value.message


@pytest.mark.parametrize(
    ("operation", "data"),
    [
        (Remove("a", STASH), {"a": 1}),
        (Remove("a", 2), {"a": 1}),
        (Convert("a", Values({"x": 1, "y": 1})), {"a": "x"}),
        (Convert("a", Values({"x": "y"}, others="keep")), {"a": "y"}),
    ],
)
def test_without_a_stash_what_would_be_lost_is_refused(operation: Operation, data: Any) -> None:
    with pytest.raises(LossyError, match="--no-stash"):
        apply([operation], data, site=Site(stash=False))


def test_the_order_of_a_schema_decides_where_a_new_key_goes() -> None:
    def order(parent: tuple[str | int, ...]) -> tuple[str, ...]:
        return {(): ("a", "b", "c", "m"), ("m",): ("x", "y", "z")}.get(parent, ())  # type: ignore[call-overload, no-any-return]

    def keys(operation: Operation, data: dict[str, Any]) -> list[str]:
        return list(apply([operation], data, order=order))

    assert keys(Add("b", 0), {"a": 1, "q": 1, "c": 1}) == ["a", "b", "q", "c"]
    assert keys(Add("a", 0), {"q": 1, "c": 1}) == ["q", "a", "c"]
    assert keys(Add("new", 0), {"c": 1, "a": 1}) == ["c", "a", "new"]
    data = apply([Move("a", "m.y")], {"a": 0, "m": {"x": 1, "z": 2}}, order=order)
    assert list(data["m"]) == ["x", "y", "z"]
