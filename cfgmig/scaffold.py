"""The files that `cfgmig init` writes: a family of one version that passes `cfgmig test`."""

from __future__ import annotations

PYPROJECT = """
[tool.cfgmig]
schemas = "schemas"
migrations = "migrations"
examples = ["examples/**/*.yaml"]
"""

FILES = {
    "schemas/{family}/__init__.py": '''\
"""The {family} family: what its configs have looked like, oldest version first."""

from cfgmig.schema import Family, Has, Version

family = Family(
    name="{family}",
    title="{family}",
    versions=(
        Version(
            "1.0",
            model=".v1_0:Config",
            summary="The first version.",
            evidence=(Has("model.width"), Has("training.epochs")),
        ),
    ),
)
''',
    "schemas/{family}/v1_0.py": '''\
"""Version 1.0. Replace these fields by those of your config."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Model(Section):
    width: int = Field(gt=0, description="units of a hidden layer")
    activation: Literal["relu", "silu"] = "relu"


class Training(Section):
    epochs: int = Field(gt=0)
    lr: float = Field(default=1e-3, gt=0)


class Config(Section):
    model: Model
    training: Training
''',
    "schemas/{family}/rules.py": '''\
"""What a valid {family} config must also obey: rules with codes, examples and fixes."""

from collections.abc import Iterator

from cfgmig.schema import Config, Example, Problem, rule


@rule(
    code="{prefix}001",
    name="learning-rate-diverges",
    severity="warning",
    summary="a learning rate of 1 or more diverges",
    explanation="Above 1 the first step already overshoots.",
    valid=(Example("training: {{epochs: 1, lr: 0.1}}"),),
    invalid=(Example("training: {{epochs: 1, lr: 10.0}}"),),
)
def learning_rate_diverges(config: Config) -> Iterator[Problem]:
    lr = config.get("training.lr")
    if isinstance(lr, int | float) and lr >= 1:
        yield Problem("training.lr", f"a learning rate of {{lr}} diverges", help="try 0.001")


rules = (learning_rate_diverges,)
''',
    "migrations/{family}/0001_initial.py": '''\
"""The first version."""

revision = "1.0"
revises = None
config = []
weights = []
''',
    "examples/{family}/first.yaml": """\
# A {family} config of version 1.0.
schema_version: {family}/1.0

model:
  width: 64
training:
  epochs: 10
""",
    "examples/{family}/diverges.yaml": """\
# An example for the rules: every rule should fire on some example.
schema_version: {family}/1.0

model:
  width: 64
training:
  epochs: 10
  lr: 10.0
""",
    "tests/test_cfgmig.py": '''\
"""The standard tests of this project's schemas and migrations."""

from cfgmig.testing import project_tests

test_content = project_tests(__file__)
''',
}


def files(family: str) -> dict[str, str]:
    """Relative path -> text of every file, for a family of that name."""
    letters = "".join(letter for letter in family.upper() if letter.isalpha())
    prefix = (letters + "XX")[:2]
    return {
        path.format(family=family): text.format(family=family, prefix=prefix)
        for path, text in FILES.items()
    }
