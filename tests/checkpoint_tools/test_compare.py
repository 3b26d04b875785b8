"""Differences are found, named and measured, across formats, types, shards and migrations."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import Checkpoint, open_checkpoint
from checkpoint_tools.compare import Tolerance, compare, compare_along, digest, round_trip
from checkpoint_tools.plan import (
    Cast,
    Compute,
    Concat,
    Expr,
    Irreversible,
    Take,
    Transpose,
    identity_plan,
    plan_of,
    split,
)
from checkpoint_tools.writing import convert

np = pytest.importorskip("numpy", reason="arrays are made with numpy")


def saved(path: Path, **arrays: Any) -> Checkpoint:
    np.savez(path, **arrays)
    return open_checkpoint(path)


def test_the_same_in_other_clothes(tmp_path: Path) -> None:
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.asfortranarray(np.ones((5, 7)))}
    left = saved(tmp_path / "a.npz", **arrays)
    convert(left, identity_plan(left), tmp_path / "b.safetensors")
    convert(left, identity_plan(left), tmp_path / "shards", format="sharded", max_shard=100)
    convert(left, identity_plan(left), tmp_path / "c.pt")
    for name in ("b.safetensors", "shards", "c.pt"):
        with open_checkpoint(tmp_path / name) as right:
            result = compare(left, right)
            assert result.same
            assert [pair.verdict for pair in result.pairs] == ["equal", "equal"]
            for tensor in arrays:
                assert digest(left, tensor) == digest(right, tensor)


def test_structure_comes_first(tmp_path: Path) -> None:
    left = saved(tmp_path / "a.npz", a=np.ones(3), b=np.ones((2, 3)), c=np.ones(4, "f4"))
    right = saved(tmp_path / "b.npz", b=np.ones((3, 2)), c=np.ones(4), d=np.ones(1))
    result = compare(left, right)
    assert (result.only_left, result.only_right) == (["a"], ["d"])
    assert [(pair.left, pair.verdict) for pair in result.pairs] == [("b", "shape"), ("c", "dtype")]
    assert result.pairs[1].differing == 0
    assert not result.same
    named = compare(left, right, mapping={"a": "d"}, values=False)
    assert [(pair.left, pair.right, pair.verdict) for pair in named.pairs] == [
        ("a", "d", "shape"),
        ("b", "b", "shape"),
        ("c", "c", "dtype"),
    ]


def test_the_largest_deviation_and_its_place(tmp_path: Path) -> None:
    one = np.random.default_rng(0).normal(size=(700, 1300)).astype("f4")
    other = one.copy()
    other[3, 5] += 0.25
    other[600, 1299] -= 0.5
    left, right = saved(tmp_path / "a.npz", x=one), saved(tmp_path / "b.npz", x=other)
    (pair,) = compare(left, right).pairs
    assert (pair.verdict, pair.differing, pair.where) == ("different", 2, (600, 1299))
    assert pair.largest == pytest.approx(0.5)
    assert pair.values == (one[600, 1299], other[600, 1299])
    for tolerance, verdict in (
        (Tolerance(absolute=0.6), "close"),
        (Tolerance(absolute=0.3), "different"),
        (Tolerance(relative=1e9), "close"),
    ):
        assert compare(left, right, tolerance=tolerance).pairs[0].verdict == verdict


def test_numbers_that_are_odd(tmp_path: Path) -> None:
    nan, inf = float("nan"), float("inf")
    cases = [
        ([nan, 1.0], [nan, 1.0], "equal", 0.0),
        ([0.0, 1.0], [-0.0, 1.0], "equal", 0.0),
        ([nan, 1.0], [2.0, 1.0], "different", inf),
        ([inf, 1.0], [-inf, 1.0], "different", inf),
        ([inf, 1.0], [inf, 2.0], "different", 1.0),
    ]
    for number, (one, other, verdict, largest) in enumerate(cases):
        left = saved(tmp_path / f"a{number}.npz", x=np.array(one))
        right = saved(tmp_path / f"b{number}.npz", x=np.array(other))
        (pair,) = compare(left, right).pairs
        assert (pair.verdict, pair.largest) == (verdict, largest)
    whole = np.array([2**62, -(2**63), 5])
    left = saved(tmp_path / "a.npz", x=whole)
    right = saved(tmp_path / "b.npz", x=whole + np.array([1, 0, 0]))
    assert compare(left, right).pairs[0].largest == 1.0
    right = saved(tmp_path / "c.npz", x=np.array([2**62, 2**63 - 1, 5]))
    assert compare(left, right).pairs[0].largest == 2.0**64


def test_one_bit_in_very_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = {f"layer.{i}.w": rng.normal(size=5).astype("f4") for i in range(3000)}
    left = saved(tmp_path / "a.npz", **arrays)
    arrays["layer.1234.w"] = (arrays["layer.1234.w"].view("u4") ^ np.array([0, 0, 1, 0, 0], "u4")
                              ).view("f4")  # fmt: skip
    right = saved(tmp_path / "b.npz", **{f"model.{k}": v for k, v in arrays.items()})
    names = {name: f"model.{name}" for name in arrays}
    (pair,) = compare(left, right, mapping=names).changed
    assert (pair.left, pair.right) == ("layer.1234.w", "model.layer.1234.w")
    assert (pair.where, pair.differing) == ((2,), 1)


def test_along_a_migration(tmp_path: Path) -> None:
    old = saved(tmp_path / "a.npz", q=np.ones((2, 4)), k=np.zeros((2, 4)), w=np.eye(3, 5))
    joined: list[tuple[str, Expr]] = [
        ("qk", Concat((Take("q"), Take("k")))),
        ("w", Transpose(Take("w"))),
    ]
    plan = plan_of(joined)
    convert(old, plan, tmp_path / "b.safetensors")
    with open_checkpoint(tmp_path / "b.safetensors") as new:
        assert compare_along(old, plan, new).same
        swapped = plan_of([("qk", Concat((Take("k"), Take("q")))), joined[1]])
        (pair,) = compare_along(old, swapped, new).changed
        assert (pair.left, pair.right) == ("concat(k, q; dim 0)", "qk")
        assert (pair.differing, pair.largest) == (16, 1.0)


def test_round_trips_without_writing(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    source = saved(
        tmp_path / "a.npz", qkv=rng.normal(size=(12, 5)), w=rng.normal(size=(3, 4)).astype("f4")
    )
    double = Compute(
        "double", lambda x: x * np.float32(2), (Take("w"),), "float32", (3, 4),
        reverse=lambda x: x / np.float32(2),
    )  # fmt: skip
    pairs: list[tuple[str, Expr]] = list(zip("qkv", split(Take("qkv"), [4, 4, 4]), strict=True))
    plan = plan_of([*pairs, ("w2", Transpose(double))])
    before = sorted(tmp_path.iterdir())
    result = round_trip(source, plan)
    assert result.same
    assert {pair.right for pair in result.pairs} == {"qkv", "w"}
    assert sorted(tmp_path.iterdir()) == before
    wrong = Compute(
        "double", double.function, double.inputs, "float32", (3, 4),
        reverse=lambda x: (x.view("u4") ^ np.eye(3, 4, dtype="u4")).view("f4") / np.float32(2),
    )  # fmt: skip
    (pair,) = round_trip(source, plan_of([*pairs, ("w2", wrong)])).changed
    assert (pair.right, pair.differing) == ("w", 3)
    with pytest.raises(Irreversible):
        round_trip(source, plan_of([*pairs, ("w", Cast(Take("w"), "float16"))]))
    lossy = round_trip(source, plan_of([*pairs, ("w", Cast(Take("w"), "float16"))]), lossy=True)
    assert [pair.verdict for pair in lossy.pairs] == ["equal", "different"]
    assert lossy.pairs[1].largest < 1e-2


def test_types_without_numbers(tmp_path: Path) -> None:
    from tests.checkpoint_tools.building import entry, safetensors

    for name, data in (("a", bytes(4)), ("b", bytes([0, 0, 7, 0]))):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(safetensors({"x": entry([4], 0, 4, "F8_E8M0")}, data))
    with open_checkpoint(tmp_path / "a.safetensors") as left:
        assert compare(left, left).same
        with open_checkpoint(tmp_path / "b.safetensors") as right:
            (pair,) = compare(left, right).pairs
    assert (pair.verdict, pair.where) == ("different", (2,))


def test_random_pairs_against_numpy(tmp_path: Path) -> None:
    rng, dice = np.random.default_rng(3), random.Random(3)
    for number in range(40):
        kinds = ["f8", "f4", "f2", "i8", "i4", "u1", "c8", "?"]
        shape = tuple(dice.randint(1, 6) for _ in range(dice.randint(0, 4)))
        one = (rng.normal(size=shape) * 10).astype(dice.choice(kinds))
        other = one.astype(dice.choice([one.dtype, *kinds[:2]])) if one.dtype.kind != "c" else one
        if dice.random() < 0.7 and one.dtype.kind == "f":
            other = other + rng.normal(size=shape).astype(other.dtype) * (rng.random(shape) > 0.5)
        left = saved(tmp_path / f"a{number}.npz", x=one)
        right = saved(tmp_path / f"b{number}.npz", x=np.asarray(other))
        (pair,) = compare(left, right).pairs
        gap = np.abs(np.asarray(one, "c16") - np.asarray(other, "c16"))
        assert pair.differing == int((gap != 0).sum())
        assert pair.largest == pytest.approx(gap.max(initial=0))
        if pair.where is not None:
            assert gap[pair.where] == pytest.approx(gap.max())
