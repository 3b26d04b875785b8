"""Layouts against tensors that are made up."""

from __future__ import annotations

import time

import pytest

from cfgmig.schema.layout import (
    Component,
    Layout,
    Layouts,
    Variant,
    choose,
    expand,
    expected,
    linear,
    norm,
)
from cfgmig.schema.solving import identify, solve
from cfgmig.schema.wrappers import strip, unwrapped

PLAIN = Variant(
    linear("body.0", "width", "in") | linear("body.2", "out", "width"), {"normed": False}
)
NORMED = Variant(
    linear("body.0", "width", "in") | norm("body.1", "width") | linear("body.3", "out", "width"),
    {"normed": True},
    "it is normed",
    ("2.0",),
)
HEAD = Component(
    "head",
    (Variant(linear("head", 3, "out"), {"head": True}),),
    absent=Variant({}, {"head": False}, "it has no head"),
)
SMALL = Layout("small", ("1.0", "2.0"), (Component("body", (PLAIN, NORMED)), HEAD))
BLOCKS = Layout(
    "blocks",
    ("3.0",),
    (
        Component(
            "blocks",
            (
                Variant(
                    linear("blocks.{layers}.up", "inner", "width")
                    | linear("blocks.{layers}.experts.{experts}.down", "width", "inner")
                ),
            ),
        ),
    ),
)


def small(width: int = 8, into: int = 4, out: int = 2) -> dict[str, tuple[int, ...]]:
    return expected(PLAIN, {"width": width, "in": into, "out": out})


def test_dimensions_are_solved() -> None:
    match = solve(SMALL, small(8, 4, 2))
    assert match.exact
    assert match.dimensions == {"width": 8, "in": 4, "out": 2}
    assert match.facts == {"normed": False, "head": False}
    assert match.versions == ("1.0", "2.0")
    assert match.evidence == ("4 of 4 tensors fit its names and shapes", "it has no head")


def test_a_variant_narrows_the_versions() -> None:
    match = solve(SMALL, expected(NORMED, {"width": 8, "in": 4, "out": 2}))
    assert match.exact
    assert match.versions == ("2.0",)
    assert match.facts["normed"] is True


def test_the_majority_decides_a_dimension() -> None:
    match = solve(SMALL, {**small(), "body.0.bias": (9,)})
    assert match.dimensions["width"] == 8
    assert str(match.mismatched[0]) == "body.0.bias is [9], not [8]"


def test_missing_and_unexpected() -> None:
    tensors = {**small(), "extra": (1,)}
    del tensors["body.0.bias"]
    match = solve(SMALL, tensors)
    assert match.missing == ("body.0.bias",)
    assert match.unexpected == ("extra",)
    assert match.score == pytest.approx(3 / 5)
    assert match.evidence[0] == (
        "3 of 4 tensors fit its names and shapes: 1 missing, 1 unknown to it"
    )


def test_placeholders_count() -> None:
    tensors = expected(
        BLOCKS.components[0].variants[0], {"layers": 3, "experts": 2, "inner": 8, "width": 4}
    )
    assert len(tensors) == 3 * 2 + 3 * 2 * 2
    match = solve(BLOCKS, tensors)
    assert match.exact
    assert match.dimensions == {"layers": 3, "experts": 2, "inner": 8, "width": 4}


def test_a_hole_in_a_numbered_row_is_missing() -> None:
    tensors = expected(
        BLOCKS.components[0].variants[0], {"layers": 3, "experts": 1, "inner": 8, "width": 4}
    )
    less = {name: shape for name, shape in tensors.items() if not name.startswith("blocks.1.")}
    match = solve(BLOCKS, less)
    assert match.dimensions["layers"] == 3
    assert set(match.missing) == {name for name in tensors if name.startswith("blocks.1.")}


@pytest.mark.parametrize("number", ["999999999", "9" * 4000, "007", "-1"])
def test_far_numbers_cost_nothing(number: str) -> None:
    tensors = {f"blocks.{number}.up.weight": (8, 4), f"blocks.0.experts.{number}.down.bias": (4,)}
    started = time.perf_counter()
    assert not solve(BLOCKS, tensors).exact
    assert time.perf_counter() - started < 1


def test_a_product_of_far_numbers_is_not_written_out() -> None:
    tensors = {f"blocks.{n}.up.weight": (8, 4) for n in range(2000)}
    tensors |= {f"blocks.0.experts.{n}.down.weight": (4, 8) for n in range(2000)}
    started = time.perf_counter()
    solve(BLOCKS, tensors)
    assert time.perf_counter() - started < 2


def test_parts_of_two_depths_are_doubted() -> None:
    two = Layout(
        "two",
        ("1",),
        (
            Component("up", (Variant({"up.{layers}.w": ("width",)}),)),
            Component("down", (Variant({"down.{layers}.w": ("width",)}),)),
        ),
    )
    found = identify([two], {"up.0.w": (3,), "up.1.w": (3,), "down.0.w": (3,)})
    assert found.verdict == "likely"
    assert found.ranked[0].doubts == ("down has 1 layers, others 2",)


def test_a_tie_is_never_certain() -> None:
    other = SMALL._replace(name="twin")
    found = identify([SMALL, other], small())
    assert found.verdict == "tie"
    assert [tie.layout.name for tie in found.ties] == ["small", "twin"]


def test_what_fits_badly_is_unknown() -> None:
    found = identify([SMALL, BLOCKS], {"encoder.weight": (3, 3), "body.0.bias": (8,)})
    assert found.verdict == "unknown"
    assert found.best is None
    assert identify([], small()).verdict == "unknown"
    assert identify([SMALL], {}).verdict == "unknown"


@pytest.mark.parametrize(
    ("prefix", "stripped"),
    [
        ("module.", ("module.",)),
        ("_orig_mod.", ("_orig_mod.",)),
        ("model.", ("model.",)),
        ("net.", ("net.",)),
        ("base.", ("base.",)),
        ("module._orig_mod.", ("module.", "_orig_mod.")),
        ("_orig_mod.module.", ("_orig_mod.", "module.")),
        ("module.model.net.", ("module.", "model.", "net.")),
    ],
)
def test_wrappers_are_taken_off_and_named(prefix: str, stripped: tuple[str, ...]) -> None:
    wrapped = {prefix + name: shape for name, shape in small().items()}
    found = identify([SMALL], wrapped)
    assert found.verdict == "certain"
    assert set(found.ranked[0].stripped) == set(stripped)
    assert [strip(name, found.ranked[0].stripped) for name in wrapped] == list(small())


def test_a_compiled_part_is_unwrapped() -> None:
    wrapped = {name.replace("body.", "body._orig_mod."): shape for name, shape in small().items()}
    found = identify([SMALL], wrapped)
    assert (found.verdict, found.ranked[0].stripped) == ("certain", ("_orig_mod.",))


def test_a_layout_that_is_wrapped_itself_stays_so() -> None:
    own = Layout("own", ("1",), (Component("own", (Variant(linear("model.head", 3, "in")),)),))
    found = identify([own], {"model.head.weight": (3, 2), "model.head.bias": (3,)})
    assert (found.verdict, found.ranked[0].stripped) == ("certain", ())


def test_two_tensors_never_become_one() -> None:
    ways = list(unwrapped({"a._orig_mod.b": (1,), "a.b": (1,)}))
    assert len(ways) == 1
    assert len(list(unwrapped({"module": (1,)}))) == 1


def test_choosing_and_expanding() -> None:
    body = SMALL.components[0]
    assert choose(body, {"normed": True}) is NORMED
    assert choose(HEAD, {"head": False}).tensors == {}
    with pytest.raises(KeyError):
        choose(body, {"normed": "odd"})
    assert list(expand("a.{n}.b", {"n": 2})) == ["a.0.b", "a.1.b"]
    with pytest.raises(KeyError):
        Layouts((SMALL,)).layout("large")


def test_contradicting_components_are_doubted() -> None:
    twice = Layout(
        "twice",
        ("1.0", "2.0"),
        (
            Component("a", (Variant({"a.x": (1,)}, {"kind": "x"}, versions=("1.0",)),)),
            Component("b", (Variant({"b.y": (1,)}, {"kind": "y"}, versions=("2.0",)),)),
        ),
    )
    match = solve(twice, {"a.x": (1,), "b.y": (1,)})
    assert match.doubts == (
        "b shows kind y, others x",
        "no one version writes all of these components",
    )
    assert match.versions == ("1.0", "2.0")
