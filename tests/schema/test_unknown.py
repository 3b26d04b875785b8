from __future__ import annotations

from typing import Any

import pytest

from cfgmig.paths import format_path
from cfgmig.schema import Family
from cfgmig.schema.compile import compiled
from cfgmig.schema.unknown import closest, meant_by, unknown_paths


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"model": {"width": 1}}, []),
        ({"model": {"widht": 1}, "zz": {"a": 1}}, ["model.widht", "zz"]),
        ({"train": {"phases": [{"name": "a", "zz": 1}]}}, ["train.phases[0].zz"]),
        ({"extra": {"a": {"b": [{"c": 1}]}}}, []),
        ({"train": {"betas": [0.1, 0.2]}}, []),
        ({"heads": {"a": {"nam": 1}}}, ["heads.a.nam"]),
        ({"schema_version": "x"}, []),
        ([1], []),
        (None, []),
    ],
)
def test_unknown_paths(data: Any, expected: list[str], demo: Family) -> None:
    fields = compiled(demo, "2.0").fields
    assert [format_path(path) for path in unknown_paths(data, fields, "schema_version")] == expected


def test_same_as_pydantic_says(demo: Family) -> None:
    version = compiled(demo, "2.0")
    data = {"model": {"width": 1, "zz": 2}, "y": 1, "train": {"phases": [{"name": "a", "x": 1}]}}
    said = {error.loc for error in version.validate(data) if error.type == "extra_forbidden"}
    assert set(unknown_paths(data, version.fields)) == said


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("widht", "width"),
        ("Width", "width"),
        ("t-max", "t_max"),
        ("tmax", "t_max"),
        ("depth", None),
        ("", None),
    ],
)
def test_closest(word: str, expected: str | None) -> None:
    assert closest(word, ["width", "t_max", "note"]) == expected


def test_no_guess_at_a_key_that_is_there(demo: Family) -> None:
    fields = compiled(demo, "2.0").fields
    data = {"model": {"width": 1, "widht": 2}}
    assert meant_by(("model", "widht"), data, fields).help("a.yaml") is None


def test_other_sections(demo: Family) -> None:
    fields = compiled(demo, "2.0").fields
    meant = meant_by(("floor",), {}, fields)
    assert meant.help("a.yaml") == (
        "the key exists as `train.schedule.floor` or `train.tagged.floor`: move it there"
    )
