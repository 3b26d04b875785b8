"""`cfgmig upgrade --with-checkpoints`: a config and its weights in one transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cfgmig.schema.layout import choose, expected
from schemas.ternary_vae.layouts import LAYOUTS
from tests.conftest import ROOT

CONFIG = ROOT / "examples/ternary_vae/configs/v5_11_projection.yaml"
OLD, NEW = "checkpoints/v5_5/latest", "checkpoints/v5_5/latest.5.12.5"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project with an old config and random weights of 5.5, as that config names them."""
    home = tmp_path / "home"
    (home / "checkpoints/v5_5").mkdir(parents=True)
    (home / ".git").mkdir()
    old = "sandbox-training/checkpoints/v5_5/latest.pt"
    (home / "run.yaml").write_text(CONFIG.read_text().replace(old, f"{OLD}.safetensors"))
    numbers = np.random.default_rng(7)
    layout = next(one for one in LAYOUTS if one.name == "v5.5")
    shapes = {
        name: shape
        for component in layout.components
        for name, shape in expected(choose(component, {"state_net": "v1"}), {"latent": 16}).items()
    }
    tensors = {name: numbers.normal(size=shape).astype("f4") for name, shape in shapes.items()}
    save_file(tensors, home / f"{OLD}.safetensors")
    return home


def cfgmig(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cfgmig", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )


def files(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and ".cfgmig" not in path.parts
    }


def test_config_and_weights_go_together(home: Path) -> None:
    before = load_file(home / f"{OLD}.safetensors")
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert f"  path: {NEW}.safetensors\n" in (home / "run.yaml").read_text()
    assert "24 tensors kept beside it" in done.stderr
    after = load_file(home / f"{NEW}.safetensors")
    kept = [n for n in before if n.startswith(("encoder_", "decoder_A."))]
    assert set(after) == set(kept)
    assert all(after[name].tobytes() == before[name].tobytes() for name in kept)
    beside = load_file(home / f"{NEW}.safetensors.stash.safetensors")
    left = {name.rpartition("/")[2]: array for name, array in beside.items()}
    assert set(left) == set(before) - set(kept)
    # On the way StateNet saw three numbers more, which it had no weights for.
    wider = "state_net.encoder.0.weight"
    before[wider] = np.pad(before[wider], ((0, 0), (0, 3)))
    assert all(left[name].tobytes() == before[name].tobytes() for name in left)
    assert load_file(home / f"{OLD}.safetensors").keys() == before.keys()


def test_a_second_run_changes_nothing(home: Path) -> None:
    cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    before = files(home)
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert files(home) == before


def test_a_dry_run_writes_nothing(home: Path) -> None:
    before = files(home)
    done = cfgmig(home, "upgrade", "--with-checkpoints", "--diff", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert f"+  path: {NEW}.safetensors" in done.stdout
    assert files(home) == before
    assert not (home / ".cfgmig").exists()


def test_undo_and_again(home: Path) -> None:
    before = files(home)
    cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    upgraded = files(home)
    done = cfgmig(home, "undo")
    assert done.returncode == 0, done.stderr
    assert f"{NEW}.safetensors stays" in done.stderr
    assert files(home)["run.yaml"] == before["run.yaml"]
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert "it is there already" in done.stderr
    assert files(home) == upgraded


def test_two_configs_share_one_conversion(home: Path) -> None:
    shutil.copy(home / "run.yaml", home / "other.yaml")
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml", "other.yaml")
    assert done.returncode == 0, done.stderr
    for name in ("run.yaml", "other.yaml"):
        assert f"  path: {NEW}.safetensors\n" in (home / name).read_text()
    made = [path.name for path in (home / "checkpoints/v5_5").iterdir()]
    assert len(made) == 3


def test_a_file_of_that_name_is_never_replaced(home: Path) -> None:
    (home / f"{NEW}.safetensors").write_bytes(b"mine")
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert (home / f"{NEW}.safetensors").read_bytes() == b"mine"
    assert f"  path: {NEW}-2.safetensors\n" in (home / "run.yaml").read_text()


def test_a_broken_checkpoint_stops_the_run(home: Path) -> None:
    whole = (home / f"{OLD}.safetensors").read_bytes()
    (home / f"{OLD}.safetensors").write_bytes(whole[:-100])
    before = files(home)
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 3
    assert "latest.safetensors" in done.stderr
    assert "run.yaml" in done.stderr
    assert files(home) == before


def test_a_missing_checkpoint_is_told_of(home: Path) -> None:
    (home / f"{OLD}.safetensors").unlink()
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert "is not there, so it stays" in done.stderr
    assert f"  path: {OLD}.safetensors\n" in (home / "run.yaml").read_text()


def test_without_the_option_weights_are_left_alone(home: Path) -> None:
    done = cfgmig(home, "upgrade", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert not (home / f"{NEW}.safetensors").exists()


def test_the_flag_and_an_older_version_contradict_each_other(home: Path) -> None:
    done = cfgmig(home, "upgrade", "--with-checkpoints", "--to", "5.12.0", "run.yaml")
    assert done.returncode == 2
    assert "checkpoint convert" in done.stderr


def test_the_real_checkpoint(corpus: Path, home: Path) -> None:
    source = corpus / "ternary_vae/checkpoints/v5_5_latest.pt"
    shutil.copy(source, home / f"{OLD}.pt")
    text = (home / "run.yaml").read_text().replace("latest.safetensors", "latest.pt")
    (home / "run.yaml").write_text(text)
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 0, done.stderr
    checked = cfgmig(home, "check", "--select", "CM009", "run.yaml")
    assert checked.returncode == 0, checked.stdout
    seen = cfgmig(home, "checkpoint", "inspect", f"{NEW}.pt")
    assert "ternary_vae 5.12.5" in seen.stdout


def test_check_explains_another_role_of_the_same_name(corpus: Path, home: Path) -> None:
    """The old audit took an output layer for a hidden one that had to be widened."""
    source = corpus / "ternary_vae/checkpoints/v5_11_partial_freeze_best.pt"
    shutil.copy(source, home / "checkpoints/v5_11.pt")
    shipped = ROOT / "examples/ternary_vae/configs/v5_12_4_from_scratch.yaml"
    text = shipped.read_text().replace("path: null", "path: checkpoints/v5_11.pt", 1)
    text = text.replace("encoder_to_load: none", "encoder_to_load: both")
    (home / "deep.yaml").write_text(
        text.replace("decoder_to_load: none", "decoder_to_load: decoder_A")
    )
    cfgmig(home, "upgrade", "deep.yaml")
    done = cfgmig(home, "check", "-v", "--select", "CM010,CM009", "deep.yaml")
    assert done.returncode == 0, done.stdout
    assert "projection_layers: 1 in the file, 2 in the config" in done.stdout
    clash = "projection.proj_A.direction_net.4.weight is [16, 64], not [64, 64]"
    assert clash in done.stdout
    assert "another role, not another width" in done.stdout


def test_a_file_below_the_home_folder_is_found_as_check_finds_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    text = (home / "run.yaml").read_text()
    (home / "run.yaml").write_text(text.replace(f"{OLD}.safetensors", f"~/{OLD}.safetensors"))
    done = cfgmig(home, "upgrade", "--with-checkpoints", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert f"  path: ~/{NEW}.safetensors\n" in (home / "run.yaml").read_text()
    assert (home / f"{NEW}.safetensors").is_file()
