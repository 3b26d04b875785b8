"""The commands on TOML configs, each in a fresh process."""

from __future__ import annotations

import functools
import json
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import run
from tests.cli.toml_family import NEW, OLD, build

CONFIG = "configs/a.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    build(folder)
    (folder / "configs").mkdir()
    (folder / CONFIG).write_text(OLD)
    return folder


@pytest.fixture
def cfgmig(home: Path) -> Run:
    return functools.partial(run, cwd=home)


def test_upgrade_downgrade_and_undo(cfgmig: Run, home: Path) -> None:
    file = home / CONFIG
    assert cfgmig("current", "configs").stdout.startswith(f"{CONFIG}: net/1")
    assert cfgmig("upgrade", "configs", "--check").returncode == 1
    diff = cfgmig("upgrade", "configs", "--diff").stdout
    assert "+[optim]" in diff
    assert file.read_text() == OLD
    done = cfgmig("upgrade", "configs")
    assert done.returncode == 0, done.stderr
    assert file.read_text() == NEW
    assert "0 of 1 files changed" in cfgmig("upgrade", "configs").stderr
    assert cfgmig("check", "configs").returncode == 0
    assert cfgmig("downgrade", "--to", "1", CONFIG).returncode == 0
    assert file.read_text() == OLD.replace("run =", 'schema_version = "net/1"\nrun =')
    assert cfgmig("undo").returncode == 0
    assert file.read_text() == NEW


def test_undo(cfgmig: Run, home: Path) -> None:
    assert cfgmig("upgrade", "configs").returncode == 0
    assert cfgmig("undo").returncode == 0
    assert (home / CONFIG).read_text() == OLD


def test_stamp_and_compare(cfgmig: Run, home: Path) -> None:
    other = home / "configs/b.toml"
    other.write_text(OLD.replace("1_024", "2_048"))
    assert cfgmig("stamp", "detected", "configs").returncode == 0
    stamped = (home / CONFIG).read_text()
    assert stamped == OLD.replace("run =", 'schema_version = "net/1"\nrun =')
    done = cfgmig("diff", CONFIG, "configs/b.toml")
    assert done.returncode == 1
    assert "model.hidden" in done.stdout
    assert "2048" in done.stdout


def test_check_and_its_fixes(cfgmig: Run, home: Path) -> None:
    file = home / CONFIG
    text = NEW.replace("epochs = 100", "epochs = 5_000  # long").replace("1_024", "1e-4")
    file.write_text(text.replace("heads = 4", "haeds = 4"))
    done = cfgmig("check", CONFIG)
    assert done.returncode == 1
    found = [line.split(" ")[:2] for line in done.stdout.splitlines() if line.startswith(CONFIG)]
    assert [where for where, _ in found] == [
        f"{CONFIG}:6:10:",
        f"{CONFIG}:7:1:",
        f"{CONFIG}:16:10:",
    ]
    assert "CM005" not in done.stdout
    assert cfgmig("check", "--fix", CONFIG).returncode == 1
    assert "epochs = 1000  # long\n" in file.read_text()
    assert cfgmig("check", "--unsafe-fixes", CONFIG).returncode == 1
    assert "heads = 4\n" in file.read_text()


def test_a_broken_file_stops_the_run(cfgmig: Run, home: Path) -> None:
    (home / "configs/bad.toml").write_text("[model]\nwidth = 1\n[model]\n")
    done = cfgmig("upgrade", "configs")
    assert done.returncode == 3
    assert "bad.toml:3:2: the key model is given twice in one table" in done.stderr
    assert "nothing was written" in done.stderr
    assert (home / CONFIG).read_text() == OLD
    report = json.loads(cfgmig("check", "configs", "--output-format", "json").stdout)
    assert "configs/bad.toml" in json.dumps(report)


def test_files_of_other_tools_are_passed_by(cfgmig: Run, home: Path) -> None:
    before = (home / "pyproject.toml").read_text()
    assert cfgmig("upgrade", ".").returncode == 0
    assert (home / "pyproject.toml").read_text() == before
    assert (home / CONFIG).read_text() == NEW


def test_examples_of_a_project_may_be_toml(cfgmig: Run, home: Path) -> None:
    folder = home / "examples/net"
    folder.mkdir(parents=True)
    (folder / "old.toml").write_text(OLD.replace("epochs = 100", "epochs = 5000"))
    done = cfgmig("test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_loading(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cfgmig

    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    for name in [name for name in sys.modules if name.partition(".")[0] == "schemas"]:
        monkeypatch.delitem(sys.modules, name)
    from schemas.net.v2 import Config  # type: ignore[import-not-found]

    with pytest.warns(cfgmig.StaleConfigWarning, match="net/1"):
        loaded = cfgmig.load(home / CONFIG, Config)
    assert (loaded.model.hidden, loaded.model.dropout, loaded.optim.lr) == (1024, 0.1, 0.0003)
    upgraded = cfgmig.upgrade_text(OLD, name="a.toml")
    assert tomllib.loads(upgraded.text)["optim"] == {"name": "adam", "lr": 0.0003}
    for name in [name for name in sys.modules if name.partition(".")[0] == "schemas"]:
        monkeypatch.delitem(sys.modules, name)


def test_no_toml_no_reader(home: Path) -> None:
    (home / "a.yaml").write_text("model:\n  hidden: 4\n")
    code = (
        "import sys; from cfgmig.document import Document\n"
        "Document.parse(open('a.yaml').read(), 'a.yaml').data\n"
        "print([n for n in sys.modules if 'toml' in n])"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
