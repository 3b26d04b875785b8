"""Every version's model: closed, typed, described, and cheap to import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from cfgmig.schema.compile import compiled
from cfgmig.schema.jsonschema import json_schema
from tests.conftest import ROOT
from tests.content.tools import family, graph

NAMES = family().names


def test_the_chain_names_every_version() -> None:
    assert set(graph().versions) == set(NAMES)
    assert graph().heads == (family().head.name,) == ("5.12.5",)
    assert graph().roots == ("5.5.0", "cli", "manifold", "foundation")


def test_the_family_imports_without_pydantic() -> None:
    code = "import sys, schemas.ternary_vae; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_key_says_what_it_is(name: str) -> None:
    bare = [
        path
        for path, field in compiled(family(), name).fields.items()
        if not field.description and not path.endswith("*")
    ]
    assert bare == []


@pytest.mark.parametrize("name", NAMES)
def test_every_version_compiles(name: str) -> None:
    version = compiled(family(), name)
    assert version.why == ""
    assert json_schema(family(), name)["additionalProperties"] is False


@pytest.mark.parametrize("name", NAMES)
def test_a_section_takes_no_unknown_key(name: str) -> None:
    model = family().model(name)
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"hidden_dimension": 64})
    assert "extra_forbidden" in {error["type"] for error in caught.value.errors()}


def test_a_later_module_imports_earlier_ones_only() -> None:
    order = {name: place for place, name in enumerate(NAMES)}
    modules = {version.model.partition(":")[0].strip("."): version for version in family().versions}
    for module, version in modules.items():
        if version.dialect:
            continue
        source = (ROOT / "schemas" / "ternary_vae" / f"{module}.py").read_text("utf-8")
        imported = [
            word.strip(",")
            for line in source.splitlines()
            if line.startswith("from . import")
            for word in line.split()[3:]
            if word.strip(",") in modules
        ]
        assert all(order[modules[word].name] < order[version.name] for word in imported), module
