"""A compiled version says exactly what pydantic says, and is kept until a source changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cfgmig.errors import UsageError
from cfgmig.schema import Family
from cfgmig.schema.compile import compiled
from cfgmig.schema.core import Uncompilable, build_validator, plain_core
from cfgmig.schema.family import load_family
from tests.schema.demo import v2

ROOT = Path(__file__).resolve().parents[2]
GOOD: dict[str, Any] = {"model": {"width": 3}}


def pydantic_errors(model: type[BaseModel], data: Any) -> list[Any]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [(e["loc"], e["type"], e["msg"]) for e in error.errors()]
    return []


def compiled_errors(model: type[BaseModel], data: Any) -> list[Any]:
    validator = build_validator(json.loads(json.dumps(plain_core(model))))
    try:
        validator.validate_python(data)
    except ValidationError as error:
        return [(e["loc"], e["type"], e["msg"]) for e in error.errors()]
    return []


KEYS = [
    "model", "train", "extra", "heads", "weights", "seed", "width", "activation", "note", "bias",
    "dropout", "epochs", "lr", "betas", "schedule", "tagged", "phases", "name", "type", "sizes",
    "t_max", "floor", "zz",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 70),
    st.floats(allow_nan=False),
    st.sampled_from(["relu", "cosine", "step", "auto", "1", ""]),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.integers(0, 2), inner, max_size=5)
    ),
    max_leaves=12,
)
SCHEDULE = st.fixed_dictionaries(
    {"type": st.sampled_from(["cosine", "step", "zz"])},
    optional={"t_max": SCALARS, "sizes": st.lists(SCALARS, max_size=2), "floor": SCALARS},
)
NEARLY = st.fixed_dictionaries(
    {"model": st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=4)},
    optional={
        "train": st.dictionaries(
            st.sampled_from(["schedule", "tagged", "lr", "phases"]),
            SCHEDULE | SCALARS | st.lists(DATA, max_size=2),
            max_size=3,
        ),
        "heads": st.dictionaries(st.sampled_from("ab"), DATA, max_size=2),
        "extra": DATA,
        "weights": DATA,
    },
)


@settings(max_examples=300, deadline=None)
@given(DATA | NEARLY)
def test_same_errors_as_pydantic(data: Any) -> None:
    assert compiled_errors(v2.Config, data) == pydantic_errors(v2.Config, data)


def test_every_version_of_the_demo(demo: Family) -> None:
    for name in demo.names:
        version = compiled(demo, name)
        assert version.why == ""
        cases: list[Any] = [{}, GOOD, {"width": "3"}, {"width": 1, "learning_rate": 2}, [], None]
        for data in cases:
            found = [(e.loc, e.type, e.message) for e in version.validate(data)]
            assert found == pydantic_errors(demo.model(name), data)


def test_stamp_is_left_out(demo: Family) -> None:
    version = compiled(demo, "2.0")
    assert version.validate({"schema_version": "demo/2.0", **GOOD}) == []
    assert [e.loc for e in version.validate({"version": 2, **GOOD})] == [("version",)]


class Recursive(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    child: Recursive | None = None


def test_recursive_model() -> None:
    for data in ({"name": "a", "child": {"name": 1}}, {"name": "a", "child": {"child": {}}}):
        assert compiled_errors(Recursive, data) == pydantic_errors(Recursive, data) != []


class Aliased(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    lambda_: float = Field(alias="lambda", ge=0)
    word: str = Field(default="a", pattern="^[a-z]$")


def test_aliases_and_patterns() -> None:
    for data in ({"lambda": -1}, {"lambda_": 1}, {"lambda": 1, "word": "AA"}):
        assert compiled_errors(Aliased, data) == pydantic_errors(Aliased, data) != []


class Checked(BaseModel):
    width: int

    @field_validator("width")
    @classmethod
    def even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value


class Outer(BaseModel):
    inner: Checked


class Hooked(BaseModel):
    width: int

    def model_post_init(self, context: Any) -> None:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Checked, "test_compile:Checked holds a validator at width"),
        (Outer, "test_compile:Outer holds a validator at inner.width"),
        (Hooked, "model_post_init"),
    ],
)
def test_python_code_is_refused(model: type[BaseModel], words: str) -> None:
    with pytest.raises(Uncompilable, match=words):
        plain_core(model)


FAMILY = """
from cfgmig.schema import Family, Version
family = Family(name="{name}", title="T", versions=(Version("1", model=".models:Config"),
                                                    Version("2", model=".broken:Config")))
"""
MODELS = """
from pydantic import BaseModel, ConfigDict{more}
class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    width: int = {default}
{body}
"""


def write_family(folder: Path, name: str, default: int = 1, more: str = "", body: str = "") -> None:
    package = folder / name
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(FAMILY.format(name=name))
    (package / "broken.py").write_text("raise RuntimeError('never imported')\n")
    (package / "models.py").write_text(MODELS.format(default=default, more=more, body=body))


def load(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Family:
    monkeypatch.syspath_prepend(str(folder))
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr("cfgmig.schema.compile._loaded", {})
    return load_family(name)


def test_validators_fall_back_to_pydantic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        "    @field_validator('width')\n    @classmethod\n    def even(cls, v):\n"
        "        assert v % 2 == 0\n        return v\n"
    )
    write_family(tmp_path, "fam_code", 2, ", field_validator", body)
    version = compiled(load(tmp_path, "fam_code", monkeypatch), "1")
    assert "holds a validator at width" in version.why
    assert [error.type for error in version.validate({"width": 3})] == ["assertion_error"]
    assert version.validate({"width": 4}) == []
    assert version.fields["width"].default == 2


def test_one_version_builds_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_family(tmp_path, "fam_lazy")
    family = load(tmp_path, "fam_lazy", monkeypatch)
    assert compiled(family, "1").validate({"width": 2}) == []
    with pytest.raises(RuntimeError, match="never imported"):
        compiled(family, "2")


def test_changed_source_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    write_family(tmp_path, "fam_change", 1)
    assert compiled(load(tmp_path, "fam_change", monkeypatch), "1").fields["width"].default == 1
    write_family(tmp_path, "fam_change", 22)
    assert compiled(load(tmp_path, "fam_change", monkeypatch), "1").fields["width"].default == 22
    assert len(list((own_cache / "schema").iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"core": 1}', b"\xff\xfe"])
def test_damaged_cache_is_built_again(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    write_family(tmp_path, "fam_torn")
    family = load(tmp_path, "fam_torn", monkeypatch)
    assert compiled(family, "1").fields["width"].type == "int"
    files = list(own_cache.rglob("*.json"))
    assert len(files) == 2
    for file in files:
        file.write_bytes(content)
    again = compiled(load(tmp_path, "fam_torn", monkeypatch), "1")
    assert again.fields["width"].type == "int"
    assert again.validate({"width": "x"})[0].type == "int_type"


def test_cache_that_cannot_be_written(
    demo: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    monkeypatch.setattr("cfgmig.schema.compile._loaded", {})
    assert compiled(demo, "2.0").validate(GOOD) == []
    assert compiled(demo, "2.0").fields["model.width"].type == "int"


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_strange_cache_settings(value: str, demo: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr("cfgmig.schema.compile._loaded", {})
    assert compiled(demo, "1.0").validate({"width": 1}) == []


def test_unknown_version(demo: Family) -> None:
    with pytest.raises(UsageError, match="no version '9'"):
        compiled(demo, "9")


PROBE = """
import sys
from cfgmig.schema.family import load_family
from cfgmig.schema.compile import compiled
from cfgmig.schema.structure import structure
family = load_family("tests.schema.demo")
version = compiled(family, "2.0")
errors = version.validate({"model": {"width": 0}})
version.fields, structure(family)
heavy = {"pydantic", "inspect", "difflib", "hashlib", "tempfile", "subprocess", "yaml"}
print(len(errors), sorted(heavy & set(sys.modules)))
"""


def test_use_from_the_cache_needs_no_pydantic() -> None:
    command = [sys.executable, "-c", PROBE]
    first, second = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first.startswith("1 ")
    assert "'pydantic'" in first
    # pydantic_core itself brings inspect
    assert second == "1 ['inspect']\n"
