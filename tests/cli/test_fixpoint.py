"""`check --fix` goes on until nothing is left to fix, and never in a circle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import ROOT

FAMILY = """\
from cfgmig.schema import Family, Has, Version

family = Family(
    "demo", "Demo", (Version("1", model=".v1:Config", evidence=(Has("low"),)),), rules=".rules"
)
"""
MODEL = """\
from pydantic import BaseModel


class Config(BaseModel):
    low: int
    high: int = 0
    level: int = 0
    runs: list[int] = []
"""
RULES = '''\
from cfgmig.document.changes import Delete, SetValue
from cfgmig.schema import Example, Fix, Problem, rule


def sets(code, key, wrong, value, safe):
    """A rule that wants another number where `wrong` says so of the numbers."""

    @rule(
        code=code,
        name=f"{code.lower()}-sets-{key}",
        severity="warning",
        summary=f"{key} is off",
        explanation="It is made up.",
        valid=(Example("low: 0"),),
        invalid=(Example("low: 9"),),
    )
    def check(config):
        data = {name: config.get(name) or 0 for name in ("low", "high", "level")}
        if wrong(data):
            fix = Fix((SetValue((key,), value(data)),), safe)
            yield Problem(key, f"{key} is off", fix=fix)

    return check


@rule(
    code="DM031",
    name="negative-runs",
    severity="warning",
    summary="a run is negative",
    explanation="It is made up.",
    valid=(Example("low: 0"),),
    invalid=(Example("low: 0\\nruns: [-1]"),),
)
def negative_runs(config):
    for at, run in enumerate(config.get("runs") or ()):
        if run < 0:
            yield Problem(f"runs[{at}]", "negative", fix=Fix((Delete(("runs", at)),), True))


chain = [
    sets("DM001", "high", lambda d: d["low"] == 1 and d["high"] != 1, lambda d: 1, True),
    sets("DM002", "level", lambda d: d["high"] == 1 and d["level"] != 1, lambda d: 1, False),
    sets("DM003", "level", lambda d: d["level"] >= 100, lambda d: d["level"] + 1, True),
]
circle = [
    sets("DM011", "high", lambda d: d["low"] == 2 and d["high"] <= 1, lambda d: 5, True),
    sets("DM012", "high", lambda d: d["low"] == 2 and d["high"] > 1, lambda d: 1, True),
]
clash = [
    sets("DM021", "high", lambda d: d["low"] == 3 and d["high"] != 7, lambda d: 7, True),
    sets("DM022", "high", lambda d: d["low"] == 3 and d["high"] != 8, lambda d: 8, True),
]
rules = (*chain, *circle, *clash, negative_runs)
'''


@pytest.fixture
def project(home: Path) -> Path:
    package = home / "schemas/demo"
    package.mkdir(parents=True)
    (home / "pyproject.toml").write_text("[tool.cfgmig]\n")
    (package / "__init__.py").write_text(FAMILY)
    (package / "v1.py").write_text(MODEL)
    (package / "rules.py").write_text(RULES)
    return home


def config(project: Path, text: str) -> Path:
    file = project / "one.yaml"
    file.write_text(f"schema_version: demo/1\n{text}")
    return file


def test_one_run_fixes_what_a_fix_uncovers(cfgmig: Run, project: Path) -> None:
    file = config(project, "low: 1\nhigh: 0  # c\nlevel: 0\n")
    done = cfgmig("check", "--fix", "--unsafe-fixes", "one.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert file.read_text() == "schema_version: demo/1\nlow: 1\nhigh: 1  # c\nlevel: 1\n"


def test_what_is_unsafe_stays_in_every_round(cfgmig: Run, project: Path) -> None:
    file = config(project, "low: 1\nhigh: 0\nlevel: 0\n")
    done = cfgmig("check", "--fix", "one.yaml")
    assert done.returncode == 1
    assert "DM002" in done.stdout
    assert "level: 0" in file.read_text()


def test_a_clean_file_is_not_written(cfgmig: Run, project: Path) -> None:
    file = config(project, "low: 0\n")
    before = file.stat().st_mtime_ns
    assert cfgmig("check", "--fix", "--unsafe-fixes", "one.yaml").returncode == 0
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("low: 2\nhigh: 0\n", "DM011 and DM012 undo each other's fixes"),
        ("low: 3\nhigh: 7\n", "DM021 and DM022 undo each other's fixes"),
        ("low: 3\nhigh: 0\n", "DM021 and DM022 undo each other's fixes"),
        ("low: 0\nlevel: 100\n", "DM003: its fixes still find something to fix after 20 rounds"),
    ],
)
def test_rules_that_find_no_end_are_named(
    cfgmig: Run, project: Path, text: str, codes: str
) -> None:
    file = config(project, text)
    (project / "two.yaml").write_text("schema_version: demo/1\nlow: 1\nhigh: 0\n")
    done = cfgmig("check", "--fix", "--unsafe-fixes", "one.yaml", "two.yaml")
    assert done.returncode == 2
    assert f"one.yaml: {codes}" in done.stderr
    assert "--ignore DM0" in done.stderr
    assert file.read_text() == f"schema_version: demo/1\n{text}"
    # Another file of the run is mended all the same.
    assert "high: 1" in (project / "two.yaml").read_text()
    ignored = cfgmig("check", "--fix", "one.yaml", "--ignore", codes[:5])
    assert ignored.returncode in (0, 1)
    assert "undo each other" not in ignored.stderr


def test_an_upgraded_example_is_mended_in_one_run(cfgmig: Run, home: Path) -> None:
    shutil.copy(ROOT / "examples/hsmn/configs/before.yaml", home / "before.yaml")
    assert cfgmig("upgrade", "before.yaml").returncode == 0
    first = cfgmig("check", "--fix", "--unsafe-fixes", "before.yaml")
    text = (home / "before.yaml").read_text()
    again = cfgmig("check", "--fix", "--unsafe-fixes", "before.yaml")
    assert (home / "before.yaml").read_text() == text
    assert first.stdout == again.stdout


def test_items_that_move_up_are_not_taken_for_those_that_go(cfgmig: Run, project: Path) -> None:
    config = project / "list.yaml"
    config.write_text("low: 0\nruns:\n- -1\n- -2\n- 1  # one\n- -3\n- 2  # two\n")
    assert cfgmig("check", "--fix", "list.yaml").returncode == 0
    assert config.read_text() == "low: 0\nruns:\n- 1  # one\n- 2  # two\n"
