"""`cfgmig.load` and `cfgmig.upgrade_text`, as a trainer uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cfgmig
from schemas.ternary_vae.v5_12_5 import Config
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples/ternary_vae/configs"
HEAD = "5.12.5"


def test_an_old_file_is_loaded_as_the_current_model_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    text = (EXAMPLES / "v5_11_projection.yaml").read_text()
    file.write_text(text)
    with pytest.warns(cfgmig.StaleConfigWarning, match=rf"cfgmig upgrade {file}`"):
        config = cfgmig.load(file, Config)
    assert isinstance(config, Config)
    assert config.training.epochs == 100
    assert config.loss.radius_metric == "euclidean"
    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["old.yaml"]


def test_a_current_file_is_loaded_without_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text((ROOT / "schemas/ternary_vae/templates/production.yaml").read_text())
    assert cfgmig.load(file, Config).model.latent_dim == 16


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    text = (ROOT / "schemas/ternary_vae/templates/production.yaml").read_text()
    file.write_text(text.replace("latent_dim: 16", "latent_dim: many", 1))
    with pytest.raises(cfgmig.Refused, match=r"model.latent_dim") as caught:
        cfgmig.load(file, Config)
    assert "cfgmig check" in str(caught.value)
    with pytest.raises(cfgmig.Unreadable):
        cfgmig.load(tmp_path / "missing.yaml", Config)


def test_a_model_of_no_family_is_refused(tmp_path: Path) -> None:
    from pydantic import BaseModel

    class Other(BaseModel):
        width: int

    file = tmp_path / "new.yaml"
    file.write_text("width: 1\n")
    with pytest.raises(cfgmig.UsageError, match="no version of any family declares"):
        cfgmig.load(file, Other)


def test_upgrade_text_gives_text_edits_and_report(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES / "v5_12_4_from_scratch.yaml").read_text()
    done = cfgmig.upgrade_text(text)
    assert done.changed
    assert done.report.from_version == "5.12.4"
    assert done.report.to_version == HEAD
    assert done.report.changes
    rebuilt = text
    for edit in sorted(done.edits, reverse=True):
        rebuilt = rebuilt[: edit.start] + edit.text + rebuilt[edit.end :]
    assert rebuilt == done.text
    again = cfgmig.upgrade_text(done.text)
    assert not again.changed
    assert again.edits == ()


def test_upgrade_text_opens_no_file_for_writing(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+'):\n"
        "        raise SystemExit(f'opened {args}')\n"
        "import cfgmig\n"
        f"text = open({str(EXAMPLES / 'v5_11_projection.yaml')!r}).read()\n"
        "cfgmig.upgrade_text(text)\n"
        "sys.addaudithook(hook)\n"
        "assert cfgmig.upgrade_text(text).changed\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_a_text_of_a_named_version_needs_no_evidence() -> None:
    done = cfgmig.upgrade_text(
        (EXAMPLES / "v5_11_projection.yaml").read_text(),
        family="ternary_vae",
        version="5.11.0",
        to="5.12.0",
    )
    assert done.report.to_version == "5.12.0"


def test_the_stash_of_a_json_file_is_no_part_of_the_config(tmp_path: Path) -> None:
    """JSON has no comments, so what left the schema stands under a key of its own."""
    import json

    from ruamel.yaml import YAML

    data = YAML(typ="safe").load((EXAMPLES / "v5_11_projection.yaml").read_text())
    file = tmp_path / "old.json"
    file.write_text(json.dumps(data))
    with pytest.warns(cfgmig.StaleConfigWarning):
        config = cfgmig.load(file, Config)
    assert config.training.epochs == 100
    upgraded = cfgmig.upgrade_text(file.read_text(), name="old.json").text
    assert "$cfgmig_stash" in json.loads(upgraded)
    file.write_text(upgraded)
    command = [sys.executable, "-m", "cfgmig", "check", "--select", "CM001", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
