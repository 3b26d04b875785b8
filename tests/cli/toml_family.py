"""A small project whose configs are TOML: one family, two versions, one rule with a fix."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "pyproject.toml": '[tool.cfgmig]\nschemas = "schemas"\nmigrations = "migrations"\n',
    "schemas/net/__init__.py": """\
from cfgmig.schema import Family, Has, Version

family = Family(
    name="net",
    title="net",
    versions=(
        Version("1", model=".v1:Config", summary="First.", evidence=(Has("model.width"),)),
        Version("2", model=".v2:Config", summary="Second.", evidence=(Has("model.hidden"),)),
    ),
)
""",
    "schemas/net/v1.py": """\
from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Model(Section):
    width: int
    dropout: float = 0.1


class Opt(Section):
    name: str = "adam"
    lr_milli: float = 1.0


class Train(Section):
    opt: Opt = Field(default_factory=Opt)
    epochs: int = 10
    seed: int | None = None


class Config(Section):
    run: str = "x"
    model: Model
    train: Train = Field(default_factory=Train)
""",
    "schemas/net/v2.py": """\
from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Model(Section):
    hidden: int
    heads: int = 4
    dropout: float = 0.0


class Optim(Section):
    name: str = "adam"
    lr: float = 0.001


class Train(Section):
    epochs: int = 10


class Config(Section):
    run: str = "x"
    model: Model
    train: Train = Field(default_factory=Train)
    optim: Optim = Field(default_factory=Optim)
""",
    "schemas/net/rules.py": """\
from cfgmig.document import SetValue
from cfgmig.schema import Example, Fix, Problem, rule


@rule(
    code="NE001",
    name="too-long",
    severity="warning",
    summary="more than 1000 epochs",
    explanation="They are not needed.",
    valid=(Example("train: {epochs: 10}"),),
    invalid=(Example("train: {epochs: 5000}", fixed="train: {epochs: 1000}"),),
)
def too_long(config):
    epochs = config.get("train.epochs")
    if isinstance(epochs, int) and epochs > 1000:
        fix = Fix((SetValue(("train", "epochs"), 1000),), safe=True)
        yield Problem("train.epochs", f"{epochs} epochs", "train less", fix)


rules = (too_long,)
""",
    "migrations/net/0001_first.py": (
        '"""The first version."""\n\nrevision = "1"\nrevises = None\nconfig = []\nweights = []\n'
    ),
    "migrations/net/0002_second.py": '''\
"""The optimizer gets a table of its own."""

from cfgmig.migration import STASH, Add, Convert, Default, Move, Remove, Scale

revision = "2"
revises = "1"
config = [
    Move("model.width", "model.hidden"),
    Add("model.heads", 4),
    Default("model.dropout", 0.1, new=0.0),
    Move("train.opt", "optim", optional=True),
    Move("optim.lr_milli", "optim.lr", optional=True),
    Convert("optim.lr", Scale(0.001), optional=True),
    Remove("train.seed", STASH, optional=True),
]
weights = []
''',
}

OLD = """\
# The run of the paper.
run = 'final'

[model]
width = 1_024  # of a hidden layer

# What the optimizer gets.
[train.opt]
name = "adam"
lr_milli = 0.3

[train]
epochs = 100
seed = 42  # the answer
"""

NEW = """\
# The run of the paper.
schema_version = "net/2"
run = 'final'

[model]
hidden = 1_024  # of a hidden layer
heads = 4
dropout = 0.1  # pinned: the default changed in 2

# What the optimizer gets.
[optim]
name = "adam"
lr = 0.0003

[train]
epochs = 100

# >>> cfgmig stash: keys that left the schema; `cfgmig downgrade` puts them back
# [1 -> 2] train.seed after epochs
#   seed = 42  # the answer
# <<< cfgmig stash
"""


def build(folder: Path) -> None:
    """Write the project, without a config."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / ".git").mkdir()
