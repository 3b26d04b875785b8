"""Every version's model: closed, typed, described, cheap to import; flat keys know their places."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from cfgmig.migration import Regroup
from cfgmig.schema.compile import compiled
from cfgmig.schema.jsonschema import json_schema
from tests.conftest import ROOT
from tests.content_hsmn.tools import family, graph

NAMES = family().names
SECTIONED = [one.name for one in family().versions if not one.dialect]
FLAT = {"flat-v2": "1", "flat-v3": "3", "flat-v4": "4"}


def test_the_chain_names_every_version() -> None:
    assert set(graph().versions) == set(NAMES)
    assert graph().heads == (family().head.name,) == ("5",)
    assert graph().roots == (
        "flat-v1",
        "flat-v3",
        "flat-v6",
        "dataclass-v1",
        "grouped-v2",
        "grouped-v6",
    )


def test_the_family_imports_without_pydantic() -> None:
    code = "import sys, schemas.hsmn; sys.exit('pydantic' in sys.modules)"
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
    assert compiled(family(), name).why == ""
    assert json_schema(family(), name)["additionalProperties"] is (name not in SECTIONED)


@pytest.mark.parametrize("name", SECTIONED)
def test_a_section_takes_no_unknown_key(name: str) -> None:
    model = family().model(name)
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"model": {"hidden": 64}, "tokenizer": {"vocab": 1}})
    assert [error["type"] for error in caught.value.errors()] == ["extra_forbidden"] * 2


def test_a_version_adds_what_it_brought() -> None:
    fields = {name: set(compiled(family(), name).fields) for name in SECTIONED}
    vocabulary = {
        "1": {"vocab_size"},
        "2": {"vocab_size", "max_vocab_size"},
        "3": {"target_vocab_size", "max_vocab_size"},
        "4": {"target_vocab_size", "max_vocab_size", "vocab_size"},
        "5": {"active_vocab_size", "total_vocab_size", "max_vocab_size"},
    }
    for name, keys in vocabulary.items():
        there = {path for path in fields[name] if "vocab_size" in path}
        own = {path.partition(".")[2] for path in there if path.startswith("tokenizer.")}
        assert own == keys, name
    assert "model.adapter.hd_dim" in fields["2"] - fields["1"]
    assert "data.hd.sample_length" in fields["3"] - fields["2"]
    assert "model.hd_dims.moe" in fields["4"] - fields["3"]
    assert {"model.embedding_dim", "model.sequence_length"} <= fields["4"] - fields["5"]


@pytest.mark.parametrize("flat", FLAT)
def test_a_flat_key_is_what_stands_in_its_place(flat: str) -> None:
    revision = next(one for one in graph().revisions if one.revises == flat)
    regroup = revision.config[0]
    assert isinstance(regroup, Regroup)
    before, after = compiled(family(), flat).fields, compiled(family(), FLAT[flat]).fields
    spelt = {"use_hyperdimensional_embedding", "use_quantum_lm_head"}
    for key, place in regroup.table:
        old, new = before[key], after[place]
        if key in spelt or key in ("learning_rate", "lr_min", "lr_max"):
            continue
        assert old.type in (new.type, f"{new.type} | null"), key
        assert new.required or old.default == new.default, key


def test_schema_and_migrations_have_the_same_places() -> None:
    from schemas.hsmn import places

    tables = {"flat-v2": places.V2, "flat-v3": places.V3, "flat-v4": places.V4}
    for revision in graph().revisions:
        if revision.revises in tables:
            assert isinstance(revision.config[0], Regroup)
            assert dict(revision.config[0].table) == tables[revision.revises]
