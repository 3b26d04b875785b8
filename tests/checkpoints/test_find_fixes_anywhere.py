"""What `check` offers for a family that this repository does not have."""

from __future__ import annotations

from pathlib import Path

from tests.checkpoints.conftest import zeros
from tests.checkpoints.test_find_fixes import home, own_cache, run

__all__ = ["home", "own_cache"]


def test_any_family_with_layouts_is_served(home: Path) -> None:
    package = home / "schemas/demo"
    package.mkdir(parents=True)
    (home / "pyproject.toml").write_text("[tool.cfgmig]\n")
    (package / "__init__.py").write_text(DEMO)
    (package / "content.py").write_text(CONTENT)
    file = home / "config.yaml"
    name = "checkpoints/small.safetensors"
    file.write_text(f"schema_version: demo/1\nmodel: {{width: 3, weights: {name}}}\n")
    zeros(home / name, {"body.weight": (2, 2)})
    zeros(home / "checkpoints/large.safetensors", {"body.weight": (3, 3)})
    done = run(home, "check", "config.yaml")
    assert "CM009" in done.stdout
    assert (
        "`model.weights: checkpoints/large.safetensors` (all 1 needed tensors load)" in done.stdout
    )
    assert run(home, "check", "--unsafe-fixes", "config.yaml").returncode == 0
    assert file.read_text() == (
        "schema_version: demo/1\nmodel: {width: 3, weights: checkpoints/large.safetensors}\n"
    )


DEMO = """\
from cfgmig.schema import Family, Version

versions = (Version("1", model=".content:Config"),)
family = Family("demo", "Demo", versions, rules=None, layouts=".content:layouts")
"""
CONTENT = """\
from pydantic import BaseModel, ConfigDict

from cfgmig.schema.layout import Component, Expectation, Layout, Layouts, Variant


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    width: int
    weights: str | None = None


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    model: Model


body = Component("body", (Variant({"body.weight": ("width", "width")}),))


def expect(data):
    model = data["model"]
    sizes = {"width": model["width"]}
    return Expectation("square", {}, sizes, ("body",), "model.weights", model.get("weights"))


layouts = Layouts((Layout("square", ("1",), (body,)),), expect)
"""
