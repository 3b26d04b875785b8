from __future__ import annotations

from typing import Any

import pytest

from cfgmig.paths import format_path
from cfgmig.schema import Family
from cfgmig.schema.compile import compiled
from cfgmig.schema.located import locate, sentence


def told(demo: Family, train: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    data = {"model": {"width": 3}, "train": train, **more}
    found = locate(compiled(demo, "2.0").validate(data), data)
    return [(format_path(one.path), one.kind, sentence(one, "it")) for one in found]


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (
            {"epochs": 0},
            [("train.epochs", "value", "`it` should be greater than or equal to 1, not 0")],
        ),
        ({"epochs": "3"}, [("train.epochs", "value", "`it` should be an integer, not '3'")]),
        ({"epoch": 3}, [("train.epoch", "unknown", "`it`: Extra inputs are not permitted")]),
        ({"lr": "x"}, [("train.lr", "value", "`it` should be a number or 'auto', not 'x'")]),
        ({"lr": None}, [("train.lr", "value", "`it` should be a number or 'auto', not null")]),
        (
            {"phases": [{"name": "a"}, {"epochs": 2}]},
            [("train.phases[1].name", "missing", "`it`: Field required")],
        ),
        (
            {"phases": ["a"]},
            [("train.phases[0]", "value", "`it` should be a section, not 'a'")],
        ),
    ],
)
def test_one_error_per_place(
    train: dict[str, Any], expected: list[tuple[str, str, str]], demo: Family
) -> None:
    assert told(demo, train) == expected


@pytest.mark.parametrize("key", ["schedule", "tagged"])
@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"type": "cosine", "t_max": "3"}, [("t_max", "value")]),
        ({"type": "step", "sizes": [1], "t_max": 3}, [("t_max", "unknown")]),
        ({"type": "step"}, [("sizes", "missing")]),
        ({"type": "cosine", "sizes": [1]}, [("sizes", "unknown")]),
    ],
)
def test_the_member_that_is_meant(
    key: str, section: dict[str, Any], expected: list[tuple[str, str]], demo: Family
) -> None:
    found = [(path, kind) for path, kind, _ in told(demo, {key: section})]
    assert found == [(f"train.{key}.{path}", kind) for path, kind in expected]


def test_union_of_sections_given_a_word(demo: Family) -> None:
    assert told(demo, {"schedule": "cosine"}) == [
        ("train.schedule", "value", "`it` should be a section, not 'cosine'")
    ]


def test_keys_that_are_no_text(demo: Family) -> None:
    found = told(demo, {}, extra={1: 2})
    assert [(path, kind) for path, kind, _ in found] == [("extra.1", "value")]


def test_key_called_like_a_union_member(demo: Family) -> None:
    found = told(demo, {"schedule": {"type": "cosine", "Cosine": 1, "t_max": "x"}})
    assert {path for path, _, _ in found} == {"train.schedule.Cosine", "train.schedule.t_max"}


def test_a_missing_section_of_a_stamped_file_keeps_its_name(demo: Family) -> None:
    data = {"schema_version": "demo/2.0", "train": {"epochs": 1}}
    found = locate(compiled(demo, "2.0").validate(data), data)
    assert ("model",) in [one.path for one in found if one.kind == "missing"]
