from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cfgmig.errors import UsageError
from cfgmig.schema import Family
from cfgmig.schema.jsonschema import json_schema
from tests.schema.demo import family as demo_family
from tests.schema.test_compile import KEYS, NEARLY, pydantic_errors

SCHEMA = json_schema(demo_family, "2.0")
VALIDATOR = Draft202012Validator(SCHEMA)


def test_every_version_has_a_valid_schema(demo: Family) -> None:
    for name in demo.names:
        schema = json_schema(demo, name)
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:cfgmig:demo:{name}"
        assert json.loads(json.dumps(schema, allow_nan=False)) == schema


def test_head(demo: Family) -> None:
    assert list(SCHEMA)[:4] == ["$schema", "$id", "title", "description"]
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "Demo 2.0"
    assert next(iter(SCHEMA["properties"])) == "schema_version"


@pytest.mark.parametrize(
    ("data", "is_valid"),
    [
        ({"model": {"width": 3}}, True),
        ({"schema_version": "demo/2.0", "model": {"width": 3}}, True),
        ({"schema_version": "demo/1.0", "model": {"width": 3}}, False),
        ({"model": {"width": 3, "zz": 1}}, False),
        ({"model": {"width": "3"}}, False),
        ({"model": {"width": 3.5}}, False),
        ({"model": {"width": True}}, False),
        ({"model": {"width": 3}, "train": {"lr": 1}}, True),
        ({"model": {"width": 3}, "train": {"lr": "auto"}}, True),
        ({"model": {"width": 3}, "train": {"lr": "x"}}, False),
        ({"model": {"width": 3}, "extra": {"a": {"b": [1]}}}, True),
        ({}, False),
    ],
)
def test_agrees_on_examples(data: Any, is_valid: bool) -> None:
    assert VALIDATOR.is_valid(data) is is_valid


def ignores_strictness(data: Any) -> Any:
    """JSON Schema knows no difference between 1.0 and 1, and pydantic's tuples are no lists."""
    if isinstance(data, dict):
        return {str(key): ignores_strictness(value) for key, value in data.items()}
    if isinstance(data, list):
        return [ignores_strictness(value) for value in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data


@settings(max_examples=150, deadline=None)
@given(NEARLY | st.dictionaries(st.sampled_from(KEYS), st.integers(-1, 2), max_size=3))
def test_agrees_with_the_model(data: Any) -> None:
    data = ignores_strictness(data)
    assert VALIDATOR.is_valid(data) is (not pydantic_errors(demo_family.model("2.0"), data))


def test_unknown_version(demo: Family) -> None:
    with pytest.raises(UsageError, match="no version"):
        json_schema(demo, "3")
