"""Files that are a list at the root, values whose type tells a version, and unread dialects."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.errors import UsageError
from cfgmig.schema import Family, Has, Holds, Lacks, Version
from cfgmig.schema.compile import compiled
from cfgmig.schema.detect import detect
from cfgmig.schema.engine import check_document
from cfgmig.schema.fields import build_fields, known_path
from cfgmig.schema.jsonschema import json_schema
from cfgmig.schema.selection import applies
from cfgmig.schema.structure import structure


@pytest.fixture(scope="module")
def plans() -> Family:
    evidence = (Has("[0].phases"),)
    versions = (
        Version("1", ".lists:Plans", evidence=(*evidence, Holds("*.phases.*.rate", "text", 1.0))),
        Version("2", ".lists:Plans", evidence=evidence),
    )
    return Family("plans", "Plans", versions, rules=None, package="tests.schema.demo")


def parse(text: str, name: str = "a.yaml") -> Document:
    return Document.parse(text, name)


def codes(family: Family, text: str, version: str = "2", **more: Any) -> list[str]:
    found = check_document(parse(text), family, version, **more)
    return [f"{one.finding.code} {one.finding.path}" for one in found]


def test_the_table_of_a_list_begins_with_its_items(plans: Family) -> None:
    table = build_fields(plans.model("1"))
    assert list(table) == [
        "*", "*.id", "*.phases", "*.phases.*", "*.phases.*.name", "*.phases.*.rate", "*.note",
    ]  # fmt: skip
    assert known_path(table, (0, "phases", 3, "name")) == "*.phases.*.name"
    assert known_path(table, (0, "names")) is None


def test_a_root_model_inside_another_has_no_level_of_its_own() -> None:
    from tests.schema.demo.lists import Book

    table = build_fields(Book)
    assert list(table)[:3] == ["plans", "plans.*", "plans.*.id"]


def test_a_compiled_list_validates_without_its_model(plans: Family) -> None:
    version = compiled(plans, "1")
    assert version.why == ""
    assert version.validate([{"id": "a", "phases": []}]) == []
    wrong = version.validate([{"id": 1, "phases": [{}]}])
    assert [(one.loc, one.type) for one in wrong] == [
        ((0, "id"), "string_type"),
        ((0, "phases", 0, "name"), "missing"),
    ]
    assert version.order((0,)) == ("id", "phases", "note")


def test_findings_have_paths_that_begin_with_an_index(plans: Family) -> None:
    text = "- id: 1\n  phases: [{nam: x}]\n  notes: y\n"
    assert codes(plans, text) == [
        "CM002 [0].id",
        "CM003 [0].phases[0].name",
        "CM001 [0].phases[0].nam",
        "CM001 [0].notes",
    ]


def test_every_leaf_of_a_list_is_judged(plans: Family) -> None:
    shape = structure(plans).shape([{"id": "a", "phases": [{"name": "b", "x": 1}]}, {"id": "c"}])
    assert shape.unknown_to(0) == [(0, "phases", 0, "x")]
    assert shape.missing_for(0) == [(1, "phases")]


@pytest.mark.parametrize(
    ("rate", "version"),
    [("'0.1'", "1"), ("0.1", "2"), ("1", "2"), ("'0.1'}\n  - {name: two, rate: 0.1", "1")],
)
def test_the_type_of_a_value_tells_the_version(plans: Family, rate: str, version: str) -> None:
    text = "- id: a\n  phases:\n  - {name: one, rate: " + rate + "}\n"
    found = detect(parse(text), [plans])
    assert found.best is not None
    assert (found.verdict, found.best.version) == ("detected", version)
    said = "holds a text" if version == "1" else "all of its"
    assert said in found.sentence


def test_no_value_says_nothing(plans: Family) -> None:
    found = detect(parse("- id: a\n  phases:\n  - {name: one, rate: null}\n"), [plans])
    assert found.verdict == "ambiguous"
    with pytest.raises(UsageError) as caught:
        found.demand("a.yaml")
    assert caught.value.help == "say which: `--family plans --from-version 2`"


@pytest.mark.parametrize("text", ["a:\n  id: a\n  phases: []\n", "on: [push]\njobs: {}\n"])
def test_a_mapping_is_no_list(plans: Family, text: str) -> None:
    found = detect(parse(text), [plans])
    assert found.verdict == "unknown"
    assert found.candidates[0].doubts[0] == "it has no `[0].phases`"


@pytest.mark.parametrize("text", ["[]", "[1, 2]", "- on: push\n", "- [{id: a}]\n"])
def test_another_list_is_unknown(plans: Family, demo: Family, text: str) -> None:
    found = detect(parse(text), [plans, demo])
    assert found.verdict == "unknown"
    with pytest.raises(UsageError) as caught:
        found.demand("a.yaml")
    help = "say what it is: `--family FAMILY --from-version VERSION`"
    assert caught.value.help == help


def test_holds_tells_numbers_from_text_and_booleans() -> None:
    def points(kind: Any, text: str) -> float:
        versions = (Version("a", ".v1:Dump", evidence=(Holds("learning_rate", kind, 3.0),)),)
        family = Family("one", "One", versions, rules=None, package="tests.schema.demo")
        return detect(parse(f"width: 1\nlearning_rate: {text}\n"), [family]).candidates[0].score

    plain = points("text", "null")
    assert [points("text", one) - plain for one in ("'1'", "1", "true")] == [3.0, -3.0, -3.0]
    assert [points("number", one) - plain for one in ("1", "0.5", "true")] == [3.0, 3.0, -3.0]


def test_a_list_has_no_place_for_a_stamp_and_is_not_asked_for_one(plans: Family) -> None:
    text = "- id: a\n  phases: []\n"
    found = detect(parse(text), [plans])
    said = check_document(parse(text), plans, "2", detection=found)
    assert [one.finding.code for one in said] == ["CM007"]
    assert said[0].finding.help == "say which: `--family plans --from-version 2`"


def test_the_json_schema_of_a_list_names_no_keys_of_its_own(plans: Family) -> None:
    import jsonschema

    schema = json_schema(plans, "2")
    assert schema["$id"] == "urn:cfgmig:plans:2"
    assert (schema["type"], "properties" in schema) == ("array", False)
    jsonschema.validate([{"id": "a", "phases": []}], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{"id": "a"}], schema)


def test_only_rules_that_name_it_read_a_dialect_that_is_not_ruled(demo: Family) -> None:
    too_wide, weights_file = demo.load_rules()
    versions = (
        *demo.versions,
        Version("dump", ".v1:Dump", dialect=True, ruled=False, evidence=(Lacks("model"),)),
    )
    family = Family("demo", "Demo", versions, package=demo.package)
    assert not applies(weights_file, family, "dump")
    assert applies(weights_file, family, "cli")
    assert not applies(too_wide, family, "dump")
    named = type(too_wide)(**{**vars(too_wide), "until": "dump"})
    assert applies(named, family, "dump")
    text = "width: 1\nlearning_rate: '1'\nextra: {weights: none.pt}\n"
    assert codes(family, text, "dump") == ["CM004 ", "CM006 ", "CM002 learning_rate", "CM001 extra"]
