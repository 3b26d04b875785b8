"""`cfgmig revision`: a draft says what changed, and what its author has to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cfgmig.migration.loader import load_revision
from cfgmig.migration.on_fields import unexplained
from cfgmig.project import find_project
from cfgmig.revising import Draft, draft, file_text
from cfgmig.schema.compile import compiled
from cfgmig.schema.fields import Field
from tests.cli.conftest import Run
from tests.conftest import ROOT

NEWER = '''\
"""Version 1.1."""

from typing import Literal

from pydantic import Field

from .v1_0 import Section


class Model(Section):
    hidden_dim: int = Field(gt=0, description="units of a hidden layer")
    activation: Literal["relu", "swish"] = "relu"


class Optimizer(Section):
    lr: float = Field(default=1e-3, gt=0)
    betas: list[float] = [0.9, 0.999]


class Config(Section):
    model: Model
    optimizer: Optimizer = Optimizer()
    steps: int = Field(gt=0)
    seed: int = 0
'''

DRAFTED = '''\
"""The width is called hidden_dim."""

from cfgmig.migration import STASH, Add, Move, Remove

revision = "1.1"
revises = "1.0"
config = [
    # likely: the same key under another name?
    Move("model.width", "model.hidden_dim"),
    # likely: the same name, type and meaning elsewhere?
    Move("training.lr", "optimizer.lr", optional=True),
    Remove("training.epochs", STASH, optional=True),
    Add("optimizer.betas", [0.9, 0.999], implicit=True),
    Add("seed", 0, implicit=True),
    # to do by hand: what did older files mean without it? Add("steps", VALUE)
    # to do by hand: model.activation was "relu" | "silu" and is "relu" | "swish": add
    #   Convert("model.activation", Values({"relu": "relu", "silu": ...}), optional=True)
]
weights = []
'''


@pytest.fixture
def project(cfgmig: Run, tmp_path: Path) -> Path:
    """A project of one family whose schema is a version ahead of its revisions."""
    assert cfgmig("init", "--family", "my_net", cwd=tmp_path).returncode == 0
    schemas = tmp_path / "schemas/my_net"
    (schemas / "v1_1.py").write_text(NEWER)
    declared = (schemas / "__init__.py").read_text()
    newer = (
        '        Version("1.1", model=".v1_1:Config", summary="Second.", evidence=()),\n    ),\n)'
    )
    (schemas / "__init__.py").write_text(re.sub(r"    \),\n\)$", newer, declared.rstrip()) + "\n")
    return tmp_path


def test_a_draft_says_what_it_knows_and_asks_the_rest(cfgmig: Run, project: Path) -> None:
    done = cfgmig("revision", "the width is called hidden_dim", "--autogenerate", cwd=project)
    assert done.returncode == 0, done.stderr
    file = project / "migrations/my_net/0002_the_width_is_called_hidden_dim.py"
    assert Path(done.stdout.strip()).resolve() == file.resolve()
    assert file.read_text() == DRAFTED
    assert "5 operations drafted, 2 of them guessed; 2 differences left to you" in done.stderr
    tested = cfgmig("test", cwd=project)
    assert tested.returncode == 1
    assert "steps is in the newer schema only" in tested.stdout


def test_a_finished_draft_explains_the_schemas(cfgmig: Run, project: Path) -> None:
    assert cfgmig("revision", "Second", "--autogenerate", cwd=project).returncode == 0
    file = project / "migrations/my_net/0002_second.py"
    text = file.read_text().replace("STASH, Add,", "STASH, Add, Convert, Values,")
    body, _, rest = text.partition("    # to do by hand")
    words = (
        '    Add("steps", 1000),\n'
        '    Convert("model.activation", Values({"relu": "relu", "silu": "swish"}),\n'
        "            optional=True),\n"
    )
    file.write_text(body + words + rest[rest.index("]\nweights") :])
    done = cfgmig("upgrade", "examples/my_net/first.yaml", "--diff", cwd=project)
    assert "+  hidden_dim: 64\n" in done.stdout
    assert "+steps: 1000" in done.stdout
    tested = cfgmig("test", "-v", cwd=project)
    assert "explains the schemas" in tested.stdout + tested.stderr
    assert "not explained" not in tested.stdout


def test_without_autogenerate_the_lists_are_empty(cfgmig: Run, project: Path) -> None:
    assert cfgmig("revision", "By hand.", cwd=project).returncode == 0
    text = (project / "migrations/my_net/0002_by_hand.py").read_text()
    assert text == (
        '"""By hand."""\n\nrevision = "1.1"\nrevises = "1.0"\nconfig = []\nweights = []\n'
    )


def test_refusals_name_what_to_do(cfgmig: Run, project: Path) -> None:
    nameless = cfgmig("revision", "!!!", cwd=project)
    assert nameless.returncode == 2
    assert "has no word for a file name" in nameless.stderr
    unknown = cfgmig("revision", "x", "--revises", "0.9", cwd=project)
    assert unknown.returncode == 2
    assert "has no revision '0.9'" in unknown.stderr
    assert cfgmig("revision", "x", cwd=project).returncode == 0
    again = cfgmig("revision", "y", cwd=project)
    assert again.returncode == 2
    assert "every version of my_net has its revision: 1.1 is the newest" in again.stderr
    assert not (project / "migrations/my_net/0003_y.py").exists()


REVISIONS = [
    pytest.param(source, revision, id=f"{name}-{revision.path.stem}")
    for name, source in find_project(ROOT).own.items()
    for revision in source.graph.revisions
    if revision.revises is not None
]


@pytest.mark.parametrize(("source", "revision"), REVISIONS)
def test_a_draft_of_real_schemas_is_sound(source, revision, tmp_path: Path) -> None:
    """It loads, says what it was drafted to say, and all that it leaves open is remarked."""
    before, after = (compiled(source.family, name).fields for name in _ends(revision))
    drafted = draft(before, after)
    file = tmp_path / "0001_draft.py"
    file.write_text(file_text("Drafted.", revision.revision, revision.revises, drafted))
    loaded = load_revision(file)
    assert list(loaded.config) == [one.operation for one in drafted.words]
    for one in unexplained(loaded.config, before, after):
        parts = one.path.split(".")
        heads = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        assert heads & set(drafted.left), one


def _ends(revision) -> tuple[str, str]:
    return revision.revises, revision.revision


def test_a_name_that_many_fields_share_is_no_evidence() -> None:
    flag = Field("bool", False, default=False)
    section = Field("section", False, kind="section")
    before = {"early": section, "early.enabled": flag, "late.enabled": flag}
    after = {"late.enabled": flag, "mixed.enabled": flag}
    assert [repr(one.operation) for one in draft(before, after).words] == [
        "Remove(path='early', restore=STASH, optional=True, implicit=False)",
        "Add(path='mixed.enabled', value=False, implicit=True, optional=False)",
    ]


def test_nothing_changed_is_an_empty_draft() -> None:
    table = {"model": Field("section", True, kind="section"), "model.width": Field("int", True)}
    assert draft(table, table) == Draft()


def test_a_section_that_moved_is_one_move() -> None:
    leaf = Field("float", True)
    before = {"train.optim.lr": leaf, "train.optim.decay": leaf, "train.epochs": Field("int", True)}
    after = {"optim.lr": leaf, "optim.decay": leaf, "train.epochs": Field("int", True)}
    moves = [one.operation for one in draft(before, after).words]
    assert [(move.source, move.target) for move in moves] == [("train.optim", "optim")]
