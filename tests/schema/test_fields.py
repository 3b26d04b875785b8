from __future__ import annotations

import json

import pytest

from cfgmig.migration import MISSING
from cfgmig.paths import parse_path
from cfgmig.schema import Family
from cfgmig.schema.compile import compiled
from cfgmig.schema.fields import Field, build_fields, children, known_path


def table(demo: Family) -> dict[str, Field]:
    return build_fields(demo.model("2.0"))


def test_flat_table(demo: Family) -> None:
    assert build_fields(demo.model("1.0")) == {
        "width": Field("int", True),
        "depth": Field("int", False, 2),
        "lr": Field("float", False, 0.1),
        "out": Field("str", False, "runs"),
    }


@pytest.mark.parametrize(
    ("path", "kind", "type_", "required", "default"),
    [
        ("model", "section", "section", True, MISSING),
        ("model.width", "leaf", "int", True, MISSING),
        ("model.note", "leaf", "str | null", False, None),
        ("model.dropout", "leaf", "float | null", False, None),
        ("train.lr", "leaf", 'float | "auto"', False, 0.1),
        ("train.betas", "list", "tuple[float, float]", False, [0.9, 0.999]),
        ("train.schedule", "section", "section | null", False, None),
        ("train.schedule.type", "leaf", '"cosine" | "step"', True, MISSING),
        ("train.schedule.floor", "leaf", "float", False, MISSING),
        ("train.phases", "list", "list[section]", False, []),
        ("train.phases.*", "section", "section", False, MISSING),
        ("train.phases.*.name", "leaf", "str", True, MISSING),
        ("train.limit", "leaf", "float", False, float("inf")),
        ("extra", "map", "dict[str, any]", False, {}),
        ("extra.*", "open", "any", False, MISSING),
        ("weights.*", "leaf", "float", False, MISSING),
        ("heads.*.epochs", "leaf", "int", False, 1),
    ],
)
def test_entries(
    path: str, kind: str, type_: str, required: bool, default: object, demo: Family
) -> None:
    field = table(demo)[path]
    assert (field.kind, field.type, field.required) == (kind, type_, required)
    assert field.default == default


def test_more_about_a_field(demo: Family) -> None:
    fields = table(demo)
    assert fields["model.width"].description == "units of a layer"
    assert fields["model.activation"].choices == ("relu", "silu")
    assert fields["train.schedule.sizes"].variants == ("Step",)
    assert fields["train.schedule.floor"].variants == ()
    assert "train.betas.*" not in fields


def test_cached_table_is_the_built_one(demo: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfgmig.schema.compile._loaded", {})
    built = compiled(demo, "2.0").fields
    monkeypatch.setattr("cfgmig.schema.compile._loaded", {})
    monkeypatch.setattr("cfgmig.schema.fields.build_fields", None)
    read = compiled(demo, "2.0").fields
    assert read == built
    assert list(read) == list(built)


def test_rows_are_json(demo: Family) -> None:
    for field in table(demo).values():
        assert Field.from_json(json.loads(json.dumps(field.to_json()))) == field


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("model", "model"),
        ("model.width", "model.width"),
        ("model.widht", None),
        ("model.width.x", None),
        ("train.phases[3].name", "train.phases.*.name"),
        ("train.phases[3].nam", None),
        ("train.betas[0]", None),
        ("extra.a.b[1].c", "extra.*"),
        ("extra", "extra"),
        ("heads.left.name", "heads.*.name"),
        ('heads."a.b".name', "heads.*.name"),
        ("zz", None),
    ],
)
def test_known_path(path: str, entry: str | None, demo: Family) -> None:
    assert known_path(table(demo), parse_path(path)) == entry


def test_order_of_keys(demo: Family) -> None:
    fields = table(demo)
    assert children(fields, ()) == ("model", "train", "extra", "weights", "heads", "seed")
    assert children(fields, ("train", "phases", 0)) == ("name", "epochs")
    assert children(fields, ("heads", "left")) == ("name", "epochs")
    assert children(fields, ("extra",)) == children(fields, ("zz", "y")) == ()
    assert children(fields, ("train", "schedule")) == ("type", "t_max", "floor", "sizes")
    version = compiled(demo, "2.0")
    assert version.order(())[:2] == ("schema_version", "model")
    assert version.order(("model",))[0] == "width"


def test_lookup_through_the_version(demo: Family) -> None:
    version = compiled(demo, "2.0")
    field = version.field(("train", "phases", 2, "epochs"))
    assert field is not None
    assert field.default == 1
    assert version.field(("train", "zz")) is None
    assert version.entry(("extra", "deep", "er")) == "extra.*"
