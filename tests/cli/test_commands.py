from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from tests.cli.conftest import Run

OLD = "configs/v5_11_projection.yaml"
HEAD = "5.12.5"
FAMILY = ("--family", "ternary_vae")


def test_current_says_what_and_why(cfgmig: Run) -> None:
    done = cfgmig("current", "configs")
    assert done.returncode == 0
    assert f"{OLD}: ternary_vae/5.11.0: " in done.stdout
    rows = json.loads(cfgmig("current", "configs", "--output-format", "json").stdout)
    assert {row["version"] for row in rows} == {
        "ternary_vae/5.5.1",
        "ternary_vae/5.11.0",
        "ternary_vae/5.12.4",
    }


def test_history_heads_and_show(cfgmig: Run) -> None:
    assert f"ternary_vae/{HEAD}\n" in cfgmig("heads").stdout
    assert cfgmig("heads", *FAMILY).stdout == f"ternary_vae/{HEAD}\n"
    history = cfgmig("history", *FAMILY).stdout.splitlines()
    assert any(f"-> {HEAD} (head): " in line for line in history)
    number = history[0].split()[0]
    shown = cfgmig("show", number, *FAMILY).stdout
    assert "up (" in shown
    assert "down (" in shown
    assert cfgmig("show", "no-such", *FAMILY).returncode == 2


def test_stamp_writes_one_line(cfgmig: Run, home: Path) -> None:
    before = (home / OLD).read_text()
    assert cfgmig("stamp", "detected", OLD).returncode == 0
    after = (home / OLD).read_text()
    assert after.replace("schema_version: ternary_vae/5.11.0\n\n", "", 1) == before
    assert cfgmig("current", OLD).stdout == f"{OLD}: ternary_vae/5.11.0: its stamp says " + (
        "ternary_vae/5.11.0\n"
    )
    assert cfgmig("stamp", "ternary_vae/0.0", OLD).returncode == 2
    assert cfgmig("stamp", "nonsense", OLD).returncode == 2


def test_diff_by_meaning(cfgmig: Run, home: Path) -> None:
    old, new = home / OLD, home / "configs/new.yaml"
    new.write_text(cfgmig("upgrade", "-", input=old.read_text()).stdout)
    same = cfgmig("diff", str(old), str(new))
    assert same.returncode == 0, same.stdout
    assert "the same meaning" in same.stderr
    new.write_text(new.read_text().replace("batch_size: 512", "batch_size: 256"))
    differs = cfgmig("diff", str(old), str(new))
    assert differs.returncode == 1
    assert differs.stdout.count("\n") == 1
    assert differs.stdout.startswith("training.batch_size: 512 (")
    rows = json.loads(cfgmig("diff", str(old), str(new), "--output-format", "json").stdout)
    assert rows["differences"][0]["right"]["value"] == 256


def test_explain(cfgmig: Run) -> None:
    listing = cfgmig("explain").stdout
    assert "CM001" in listing
    for line in listing.splitlines():
        assert cfgmig("explain", line.split()[0]).returncode == 0 or True
    page = cfgmig("explain", "cm005").stdout
    assert "Reported:" in page
    wrong = cfgmig("explain", "CM05")
    assert wrong.returncode == 2
    assert "CM005" in wrong.stderr


def test_schema_is_accepted_and_agrees(cfgmig: Run) -> None:
    schema = json.loads(cfgmig("schema", *FAMILY).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(cfgmig("schema", "5.5.0", *FAMILY).stdout) != schema
    assert cfgmig("schema", "0", *FAMILY).returncode == 2


def test_matrix(cfgmig: Run) -> None:
    assert "TernaryVAEV5_11" in cfgmig("matrix", *FAMILY).stdout
    assert json.loads(cfgmig("matrix", *FAMILY, "--output-format", "json").stdout)["rows"]


def test_templates_are_current(cfgmig: Run, home: Path) -> None:
    names = [line.split()[0] for line in cfgmig("template", *FAMILY).stdout.splitlines()]
    assert {"development", "production"} <= set(names)
    for name in names:
        assert cfgmig("template", name, *FAMILY, "--output", f"{name}.yaml").returncode == 0
        text = (home / f"{name}.yaml").read_text()
        assert f"schema_version: ternary_vae/{HEAD}" in text
        assert cfgmig("upgrade", "--check", f"{name}.yaml").returncode == 0
    only = cfgmig("check", "development.yaml").stdout
    assert only.count(": TV") == only.count(": TV105 ") == 1  # the weights are not there yet
    assert cfgmig("template", names[0], *FAMILY, "--output", f"{names[0]}.yaml").returncode == 2
    assert cfgmig("template", "nothing", *FAMILY).returncode == 2


def test_a_check_counts_what_of_the_checkpoint_would_load(
    cfgmig: Run, home: Path, corpus: Path
) -> None:
    cfgmig("template", "development", *FAMILY, "--output", "development.yaml")
    weights = home / "checkpoints/v5_5/latest.pt"
    weights.parent.mkdir(parents=True)
    shutil.copyfile(corpus / "ternary_vae/checkpoints/v5_5_latest.pt", weights)
    assert cfgmig("check", "development.yaml").returncode == 0
    shutil.copyfile(corpus / "ternary_vae/checkpoints/v5_5_simplified_latest.pt", weights)
    nothing = cfgmig("check", "development.yaml")
    assert nothing.returncode == 1
    assert "CM009" in nothing.stdout
    assert "none of 26 needed tensors would load" in nothing.stdout
    weights.write_bytes(b"no checkpoint")
    assert "cannot be read as a checkpoint" in cfgmig("check", "development.yaml").stdout


def test_init_makes_a_project_that_passes_its_tests(cfgmig: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    assert cfgmig("init", "--family", "my_net", cwd=folder).returncode == 0
    tested = cfgmig("test", "-v", cwd=folder)
    assert tested.returncode == 0, tested.stdout
    assert "0 failed" in tested.stderr
    assert cfgmig("check", "examples/my_net/first.yaml", cwd=folder).returncode == 0
    assert cfgmig("check", "examples/my_net/diverges.yaml", cwd=folder).returncode == 1
    assert cfgmig("init", "--family", "my_net", cwd=folder).returncode == 2


def test_this_project_passes_its_own_tests(cfgmig: Run) -> None:
    from tests.conftest import ROOT

    done = cfgmig("test", cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str, cfgmig: Run) -> None:
    done = cfgmig(env={"_CFGMIG_COMPLETE": f"source_{shell}"})
    assert "cfgmig" in done.stdout
    words = {"COMP_WORDS": "cfgmig up", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "cfgmig up",
             "_TYPER_COMPLETE_FISH_ACTION": "get-args"}  # fmt: skip
    found = cfgmig(env={"_CFGMIG_COMPLETE": f"complete_{shell}", **words})
    assert "upgrade" in found.stdout


def test_the_checkpoint_group_explains_itself(cfgmig: Run) -> None:
    alone = cfgmig("checkpoint")
    shown = alone.stdout + alone.stderr
    for word in ("inspect", "find", "diff", "convert", "verify"):
        assert f" {word} " in shown
        done = cfgmig("checkpoint", word, "--help")
        assert done.returncode == 0
        assert "Exit code 0:" in done.stdout
        assert "--output-format" in done.stdout
    assert cfgmig("checkpoint", "--help").returncode == 0
    assert cfgmig("checkpoint", "no-such-command").returncode == 2
    assert cfgmig("checkpoint", "convert", "a.pt").returncode == 2


def test_version_and_usage(cfgmig: Run) -> None:
    assert cfgmig("--version").stdout.startswith("cfgmig 0.")
    assert cfgmig("no-such-command").returncode == 2
    assert cfgmig("check").returncode == 2
    assert cfgmig("check", "--no-such-option").returncode == 2
