from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.common.checkpoints import write
from examples.common.flow import Stop
from examples.ternary_vae import train
from examples.ternary_vae.flow import prepare
from examples.ternary_vae.models import DualVAE, read_state

from . import probes
from .trained import config_file


@pytest.fixture
def folder(weights: Path, tmp_path: Path) -> Path:
    shutil.copy(weights, tmp_path / "v5_5.safetensors")
    return tmp_path


def _prepared(path: Path, **more: Any) -> tuple[Any, list[str]]:
    lines: list[str] = []
    return prepare(path, lines.append, seed=0, **more), lines


def test_weights_are_counted_loaded_and_measured(folder: Path) -> None:
    ready, lines = _prepared(config_file(folder))
    said = "\n".join(lines)
    assert "v5_5.safetensors: ternary_vae 5.5.2" in said
    assert "encoder_A     10 of 10  needed" in said
    assert "projection     0 of 20  not asked for" in said
    assert ready.coverage > 0.95
    kept, _ = read_state(folder / "v5_5.safetensors")
    for name, value in ready.model.state_dict().items():
        if name in kept:
            assert torch.equal(value, kept[name]), name


def test_which_parts_are_loaded(folder: Path) -> None:
    """The keys encoder_to_load and decoder_to_load, which old trainers never read."""
    kept, _ = read_state(folder / "v5_5.safetensors")
    for encoder, decoder in (
        ("encoder_A", "decoder_A"),
        ("encoder_B", "decoder_A"),
        ("both", None),
    ):
        path = config_file(
            folder, frozen_checkpoint={"encoder_to_load": encoder, "decoder_to_load": decoder}
        )
        ready, _ = _prepared(path, anyway=True)
        loaded = {
            name.partition(".")[0]
            for name, value in ready.model.state_dict().items()
            if name in kept and torch.equal(value, kept[name])
        }
        encoders = {"encoder_A", "encoder_B"} if encoder == "both" else {encoder}
        assert loaded == encoders | ({decoder} if decoder else set())


def test_weights_that_reconstruct_nothing_stop_the_run_before_its_first_step(
    tmp_path: Path, capsys: Any
) -> None:
    torch.manual_seed(0)
    write(tmp_path / "v5_5.safetensors", DualVAE().state_dict(), {})
    config = config_file(tmp_path)
    code = train.main([str(config), "--out", str(tmp_path / "out"), "--no-live"])
    told = capsys.readouterr()
    assert code == 1
    assert "initial coverage 0.0051% (critical)" in told.out
    assert f"cfgmig checkpoint find checkpoints --compatible-with {config}" in told.err
    assert not (tmp_path / "out").exists()


def test_a_null_path_is_an_error_of_the_config(tmp_path: Path, capsys: Any) -> None:
    frozen = {"path": None, "encoder_to_load": None, "decoder_to_load": None}
    config = config_file(tmp_path, frozen_checkpoint=frozen)
    assert train.main([str(config), "--validate-only"]) == 1
    told = capsys.readouterr()
    assert "TV101" in told.out
    assert "nothing was trained" in told.err


def test_a_checkpoint_of_another_type_does_not_load(folder: Path) -> None:
    config = config_file(folder, model={"encoder_type": "improved"})
    with pytest.raises(Stop, match="error"):
        _prepared(config)
    with pytest.raises(Stop, match="does not load") as stopped:
        _prepared(config, anyway=True)
    assert "LayerNorm" in str(stopped.value)


def test_validate_only_takes_no_step(folder: Path) -> None:
    config = config_file(folder)
    out = folder / "out"
    assert train.main([str(config), "--validate-only", "--out", str(out)]) == 0
    assert not out.exists()


def test_an_old_config_is_upgraded_in_memory_with_a_warning(folder: Path, capsys: Any) -> None:
    old = folder / "v5_11.yaml"
    old.write_text(
        """\
model: {name: TernaryVAEV5_11, latent_dim: 16, hidden_dim: 8, max_radius: 0.95, curvature: 1.0}
frozen_checkpoint: {path: v5_5.safetensors, encoder_to_load: both, decoder_to_load: decoder_A}
loss:
  geodesic: {enabled: true, n_pairs: 50}
  radial: {enabled: true, inner_radius: 0.1, outer_radius: 0.85}
  curriculum: {initial_tau: 0.0, final_tau: 1.0}
training: {epochs: 1, batch_size: 512, lr: 0.001}
checkpoints: {save_dir: checkpoints/v5_11}
"""
    )
    before = old.read_bytes()
    code = train.main([str(old), "--out", str(folder / "out"), "--steps", "1", "--no-live"])
    told = capsys.readouterr().out
    assert code == 0
    assert "warning: " in told
    assert "is ternary_vae/5.11.0, this code needs 5.12.5; run `cfgmig upgrade" in told
    assert old.read_bytes() == before
    assert (folder / "out/latest.safetensors").exists()


def test_auto_fix_repairs_through_cfgmig_check(folder: Path, capsys: Any) -> None:
    """device.use_amp against mixed_precision: a warning with a safe fix."""
    config = config_file(folder, device={"use_amp": True})
    assert train.main([str(config), "--validate-only", "--auto-fix"]) == 0
    assert "use_amp" not in config.read_text()
    told = capsys.readouterr().out
    assert f"{config} was repaired; `cfgmig undo` takes that back" in told
    assert "TV406" not in told


def test_flat_configs_of_5_6_to_5_10_have_no_trainer(tmp_path: Path, capsys: Any) -> None:
    config = tmp_path / "old.yaml"
    config.write_text("schema_version: ternary_vae/5.9.0\n")
    assert train.main([str(config)]) == 2
    assert "only 5.5 has a trainer" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: Any) -> None:
    assert train.main([str(tmp_path / "none.yaml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_metric_that_nobody_measures_is_refused(folder: Path, capsys: Any) -> None:
    config = config_file(folder, checkpoints={"save_dir": "x", "best_metric": "beauty"})
    assert train.main([str(config), "--out", str(folder / "out"), "--no-live"]) == 2
    assert "nothing called beauty is measured" in capsys.readouterr().err


def test_a_drop_of_coverage_alerts_and_stops_if_asked() -> None:
    falling = tuple(
        probes.course(coverage=[1.0, 0.9999, 0.97, 0.97], hierarchy_B=[-0.5, -0.6, -0.7])
    )
    seen = probes.judged({}, falling)["seen"]
    assert [bool(one[1]) for one in seen] == [False, False, True, False]
    assert seen[2][1] == ["coverage fell from 99.9900% to 97.0000%"]
    assert not any(one[3] for one in seen)
    stopped = probes.judged({}, falling, drop=0.01)["seen"]
    assert [one[3] for one in stopped] == [False, False, True]


def test_exit_code_of_a_run_that_lost_its_coverage(folder: Path, monkeypatch: Any) -> None:
    from examples.ternary_vae import evaluating, loop

    monkeypatch.setattr(loop, "evaluate", lambda _: probes.metrics({"coverage": 1.0}))
    monkeypatch.setattr(evaluating, "evaluate", lambda _: probes.metrics({"coverage": 0.5}))
    config = config_file(folder)
    arguments = ["--out", str(folder / "out"), "--steps", "1", "--no-live"]
    assert train.main([str(config), *arguments, "--stop-on-drop", "0.1"]) == 1
    assert train.main([str(config), *arguments, "--overwrite"]) == 0


def test_auto_fix_names_a_checkpoint_where_none_was(weights: Path, tmp_path: Path) -> None:
    """Other weights are another run, so only `unsafe` does that."""
    place = tmp_path / "checkpoints/v5_5/latest.safetensors"
    place.parent.mkdir(parents=True)
    shutil.copy(weights, place)
    frozen = {"path": None, "encoder_to_load": None, "decoder_to_load": None}
    config = config_file(tmp_path, frozen_checkpoint=frozen)
    assert train.main([str(config), "--validate-only", "--auto-fix"]) == 1
    assert train.main([str(config), "--validate-only", "--auto-fix", "unsafe"]) == 0
    assert '"path": "checkpoints/v5_5/latest.safetensors"' in config.read_text()


@pytest.mark.usefixtures("made_up")
def test_a_run_is_not_written_over_unasked(folder: Path, capsys: Any) -> None:
    config, out = config_file(folder, training={"epochs": 1}), folder / "out"
    arguments = [str(config), "--out", str(out), "--steps", "1", "--no-live"]
    assert train.main(arguments) == 0
    before = (out / "latest.safetensors").read_bytes()
    assert train.main([*arguments, "--seed", "7"]) == 3
    said = capsys.readouterr().err
    assert f"{out} holds a run already" in said
    assert "--resume" in said
    assert (out / "latest.safetensors").read_bytes() == before
    assert train.main([*arguments, "--seed", "7", "--overwrite"]) == 0
    assert (out / "latest.safetensors").read_bytes() != before


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(("epoch", "said"), [(0, "nothing to resume"), (1, "`--resume` continues")])
def test_ctrl_c_leaves_a_report_and_says_how_to_go_on(
    folder: Path, epoch: int, said: str, monkeypatch: Any, capsys: Any
) -> None:
    from examples.ternary_vae import stepping

    whole = stepping.step

    def step(run: Any, index: Any, at: int) -> Any:
        if at == epoch:
            raise KeyboardInterrupt
        return whole(run, index, at)

    monkeypatch.setattr(stepping, "step", step)
    config = config_file(folder, training={"epochs": 3})
    arguments = ["--out", str(folder / "out"), "--steps", "1", "--no-live"]
    assert train.main([str(config), *arguments]) == 130
    assert said in capsys.readouterr().err
    page = (folder / "out/report.html").read_text()
    assert "The run was stopped before its end." in page
    assert f"{epoch} epochs in" in page


@pytest.mark.usefixtures("made_up")
def test_a_diverged_run_leaves_a_report(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    from examples.ternary_vae import loop

    assembled = loop.assemble

    def broken(*arguments: Any) -> Any:
        run = assembled(*arguments)
        with torch.no_grad():
            run.model.projection.proj_A.radius_net[0].bias.fill_(torch.nan)
        return run

    monkeypatch.setattr(loop, "assemble", broken)
    config = config_file(folder)
    assert train.main([str(config), "--out", str(folder / "out"), "--no-live"]) == 1
    assert "epoch 0, step 1: the loss is nan, the run has diverged" in capsys.readouterr().err
    assert (folder / "out/report.html").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--epochs", "0"], ["--steps", "-1"], ["--unfreeze", "x"], ["--resume", "--overwrite"]],
)
def test_arguments_that_mean_nothing(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        train.main(["config.yaml", *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_auto_fix_is_for_one_process(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    config = config_file(folder, device={"use_amp": True})
    before = config.read_bytes()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert train.main([str(config), "--validate-only", "--auto-fix"]) == 2
    assert f"`cfgmig check --fix {config}`" in capsys.readouterr().err
    assert config.read_bytes() == before


def test_a_library_that_is_missing(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    config = config_file(folder)
    assert train.main([str(config), "--out", str(folder / "out"), "--no-live"]) == 2
    told = capsys.readouterr().err
    assert "scipy is not installed" in told
    assert "pip install 'cfgmig[trainer]'" in told


@pytest.mark.usefixtures("made_up")
def test_a_folder_that_cannot_be_written(folder: Path, capsys: Any) -> None:
    config = config_file(folder)
    (folder / "out").write_text("a file where the folder should be")
    assert train.main([str(config), "--out", str(folder / "out"), "--no-live"]) == 2
    assert f"{folder / 'out'}: " in capsys.readouterr().err
