"""The exported JSON Schemas agree with the Pydantic models on the examples and their mutants."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from cfgmig.document import Document
from cfgmig.schema.family import load_family
from cfgmig.schema.jsonschema import json_schema

FAMILY = load_family("schemas.ternary_vae")
GOLDEN = Path(__file__).parent / "golden"
MUTANTS = 40
OTHER: list[Any] = [None, "text", -1, 1.5, True, [], {}, 10**9]


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))


def mutants(data: dict[str, Any], seed: str) -> Iterator[dict[str, Any]]:
    """The data with one key deleted, added or given another value."""
    rng = random.Random(seed)
    paths = list(leaves(data))
    for _ in range(MUTANTS):
        mutant = copy.deepcopy(data)
        *parents, last = rng.choice(paths)
        holder: Any = mutant
        for key in parents:
            holder = holder[key]
        choice = rng.random()
        if choice < 0.3:
            del holder[last]
        elif choice < 0.4 and isinstance(holder, dict):
            holder["no_such_key"] = 1
        else:
            holder[last] = rng.choice(OTHER)
        yield mutant


def pydantic_accepts(version: str, data: dict[str, Any]) -> bool:
    try:
        FAMILY.model(version).model_validate(data)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("version", FAMILY.names)
def test_schema_and_model_agree(version: str) -> None:
    schema = json_schema(FAMILY, version)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    file = GOLDEN / f"{version}.yaml"
    data = Document.parse(file.read_bytes(), str(file)).data
    assert validator.is_valid(data)
    data.pop(FAMILY.stamp_key, None)
    assert pydantic_accepts(version, data)
    verdicts = set()
    for mutant in mutants(data, version):
        verdict = pydantic_accepts(version, mutant)
        assert validator.is_valid(mutant) == verdict, mutant
        verdicts.add(verdict)
    assert verdicts == {True, False}
