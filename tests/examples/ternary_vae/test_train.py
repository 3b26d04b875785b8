from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from cfgmig.project import find_project
from cfgmig.recognising import recognise
from cfgmig.states import beside, model_state
from checkpoint_tools import open_checkpoint
from examples.ternary_vae import chain, scratch, train
from examples.ternary_vae.controllers import EarlyStop
from examples.ternary_vae.metrics import Metrics, measure
from examples.ternary_vae.models import load
from examples.ternary_vae.run import Options
from examples.ternary_vae.saving import FAMILY, VERSION
from examples.ternary_vae.scores import score, scored
from tests.conftest import ROOT

from . import probes
from .trained import config_file


@pytest.fixture(scope="module")
def run(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of four short epochs."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copy(weights, folder / "v5_5.safetensors")
    config = config_file(
        folder,
        checkpoints={"save_dir": "x", "checkpoint_name": "trial"},
        logging={"tensorboard": True},
        targets={"coverage": 0.9, "hierarchy_B": -0.99},
    )
    arguments = ["--out", str(folder / "out"), "--steps", "2", "--no-live"]
    assert train.main([str(config), *arguments]) == 0
    return folder / "out"


def test_all_files_of_a_run(run: Path) -> None:
    names = sorted(one.name for one in run.iterdir())
    kinds = ("best", "epoch_2", "epoch_4", "latest")
    checkpoints = [f"trial.{kind}.safetensors" for kind in kinds]
    rest = ["events", "metrics.jsonl", "report.html", "trial.latest.resume"]
    assert names == sorted([*checkpoints, *rest])
    assert len(list((run / "events").iterdir())) == 1


def test_checkpoints_say_what_they_are(run: Path) -> None:
    with open_checkpoint(run / "trial.latest.safetensors") as checkpoint:
        known = beside(checkpoint)
        found = recognise(model_state(checkpoint), known, find_project(ROOT))
    assert found.certain
    assert (found.family, found.versions) == (FAMILY, (VERSION,))
    assert not found.doubts
    assert known["epoch"] == 3
    assert known["trains"] == ["encoder_B", "projection"]
    assert known["provenance"]["weights"]["is"] == "ternary_vae 5.5.2"
    assert known["provenance"]["weights"]["loaded"] == {
        "encoder_A": 10,
        "encoder_B": 10,
        "decoder_A": 6,
    }
    assert found.inside is not None
    assert found.inside.name == "ternary_vae/5.12.5"


def test_stored_metrics_are_those_of_the_stored_weights(run: Path) -> None:
    path = run / "trial.latest.safetensors"
    with open_checkpoint(path) as checkpoint:
        stored = Metrics.of(beside(checkpoint)["metrics"])
    settings = {"partial_freeze": True, "decoder_input": "tangent"}
    model = load(path, settings).model
    measured = measure(model, seed=42)
    for name, value in measured.values.items():
        assert stored.value(name, measured.definitions[name]) == pytest.approx(value, abs=1e-6)


def test_the_journal_and_the_report(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    start, *epochs, end = lines
    assert start["event"] == "start"
    assert start["inert"]["model.manifold_aware"]
    assert [one["epoch"] for one in epochs] == [0, 1, 2, 3]
    assert ["metrics" in one for one in epochs] == [False, True, False, True]
    assert set(epochs[0]["rates"]) == {"projection.proj_A", "projection.proj_B", "encoder_B"}
    assert end["targets"]["coverage"]["reached"] is True
    assert end["targets"]["hierarchy_B"]["reached"] is False
    page = (run / "report.html").read_text()
    for word in ("<svg", "hierarchy_B", "cov_mu", "data:image/png", "model.manifold_aware"):
        assert word in page


def test_only_what_trains_moves() -> None:
    """Encoder A and decoder A keep the coverage, so they stay as they are."""
    before = {k: v.clone() for k, v in probes.assembled({}).model.state_dict().items()}
    run = probes.assembled({})
    from examples.ternary_vae.stepping import train_epoch

    train_epoch(run, 0)
    moved = {
        name.partition(".")[0]
        for name, value in run.model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"encoder_B", "projection"}


def test_homeostasis_switches_parts_of_the_model() -> None:
    flat = tuple(probes.course(hierarchy_B=[-0.6] * 16, Q=[1.0]))
    seen = probes.judged({"homeostasis.enabled": True}, flat)["seen"]
    states = [(one[-1]["encoder_A"], one[-1]["encoder_B"]) for one in seen]
    assert states[0] == (False, True)
    assert (True, False) in states, "A is let go, B is flat"


def test_a_best_file_needs_coverage() -> None:
    falling = tuple(probes.course(coverage=[0.5, 0.96, 0.96], hierarchy_B=[-0.8, -0.6, -0.7]))
    changes = {"checkpoints.best_metric": "hierarchy_B"}
    assert [one[2] for one in probes.judged(changes, falling)["seen"]] == [False, True, True]


def test_radii_that_have_collapsed_are_no_best_file() -> None:
    """Their correlation does not exist; neither is it a gain for the end of the run."""
    lost = tuple(probes.course(hierarchy_B=[math.nan, -0.6, math.nan, -0.7], Q=[math.nan]))
    changes = {"checkpoints.best_metric": "hierarchy_B"}
    assert [one[2] for one in probes.judged(changes, lost)["seen"]] == [False, True, False, True]
    early = EarlyStop(2, modes=("max",))
    assert [early.update(0, value) for value in (math.nan, 1.0, math.nan, 0.5)] == [
        *(False, False, False, True)
    ]


def test_scores_by_their_names() -> None:
    assert score("radial_corr_A") == ("hierarchy_A", "min")
    assert score("hierarchy_B", deep_inside=False) == ("hierarchy_B", "max")
    assert score("Q") == ("Q", "max")
    with pytest.raises(ValueError, match="beauty"):
        score("beauty")
    values = {"hierarchy_A": -0.5, "hierarchy_B": -0.8, "richness_B": 0.1}
    found = scored(values, 0.2)
    assert found["composite_score"] == pytest.approx(0.5 - 0.1)
    assert found["hierarchy_correlation"] == found["radial_corr_B"] * -1 == 0.8
    assert scored(values, 0.2, deep_inside=False)["hierarchy_correlation"] == -0.8


def test_gradients_of_a_learnable_curvature() -> None:
    run = probes.assembled({"model.learnable_curvature": True})
    from examples.ternary_vae.stepping import train_epoch

    name = "projection.proj_B.manifold.isp_c"
    before = run.model.state_dict()[name].clone()
    train_epoch(run, 0)
    assert run.model.state_dict()[name] != before


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    from examples.common.flow import Stop
    from examples.ternary_vae.stepping import train_epoch

    run = probes.assembled({})
    with torch.no_grad():
        run.model.projection.proj_A.radius_net[0].bias.fill_(torch.nan)
    with pytest.raises(Stop, match="diverged"):
        train_epoch(run, 0)


def test_a_compiled_step_is_the_same_step() -> None:
    """With torch's reference backend, as one graph: names of tensors and numbers stay."""
    changes = {
        "torch_compile.enabled": True,
        "torch_compile.backend": "eager",
        "torch_compile.fullgraph": True,
    }
    from examples.ternary_vae.stepping import train_epoch

    results = []
    for how in ({}, changes):
        run = probes.assembled(how)
        losses = train_epoch(run, 0).loss
        results.append((losses, probes.digest(run)))
    assert results[0] == results[1]


def test_unfreezing_is_an_option() -> None:
    args = train.parser().parse_args(["x.yaml", "--unfreeze", "3:2", "--stop-on-drop", "0.01"])
    options = train.options_of(args)
    assert options == Options(unfreeze=(3, 2), drop=0.01)
    assert train.parser().parse_args(["x.yaml", "--unfreeze", "3"]).unfreeze == (3, 5)


def test_the_chain_in_one_command(weights: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "v5_5").mkdir()
    shutil.copy(weights, tmp_path / "v5_5/latest.safetensors")
    arguments = ["--out", str(tmp_path), "--seed", "1", "--epochs", "1", "--steps", "1"]
    assert chain.main(arguments) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert set(results) == {"v5_11", "partial_freeze", "v5_12_4"}
    assert all(one["coverage"] > 0.95 for one in results.values())
    copied = (tmp_path / "v5_11/config.yaml").read_text()
    original = (chain.HOME / "configs/stage_v5_11.yaml").read_text()
    path = "checkpoints/v5_5/latest.safetensors"
    assert copied == original.replace(path, "../v5_5/latest.safetensors")
    assert "partial_freeze   epoch   0  coverage" in capsys.readouterr().out
    weights = tmp_path / "v5_12_4/latest.safetensors"
    before = weights.read_bytes()
    assert chain.main([*arguments, "--stages", "v5_12_4"]) == 0
    assert "resumed after epoch 0" in capsys.readouterr().out
    assert weights.read_bytes() == before


def test_the_first_stage_reconstructs(tmp_path: Path, capsys: Any) -> None:
    """Its file has all tensors of 5.5, and says so."""
    path = tmp_path / "v5_5.safetensors"
    assert scratch.main(["--out", str(path), "--epochs", "1"]) == 1, "one epoch is too few"
    with open_checkpoint(path) as checkpoint:
        found = recognise(model_state(checkpoint), beside(checkpoint), find_project(ROOT))
        assert len(checkpoint.tensors) == 50
    assert (found.family, found.versions) == ("ternary_vae", ("5.5.2",))
    assert "VAE A: " in capsys.readouterr().out


def test_stage_configs_have_no_findings_but_the_missing_file() -> None:
    from cfgmig.checking import CheckOptions, check

    for stage, name in chain.STAGES.items():
        path = chain.HOME / "configs" / name
        found = check(path.read_bytes(), str(path), find_project(path.parent), CheckOptions())
        codes = {one.code for one in found.findings if one.severity != "info"}
        assert codes == {"TV101"} if stage == chain.WITHOUT else codes <= {"TV105", "CM009"}, name


def test_the_table_has_mean_and_spread(run: Path, tmp_path: Path, capsys: Any) -> None:
    from examples.ternary_vae import table

    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-2])
    for quality in (1.0, 2.0):
        last["metrics"]["Q"] = quality
        folder = tmp_path / f"{quality:.0f}/v5_11"
        folder.mkdir(parents=True)
        (folder / "metrics.jsonl").write_text(json.dumps(last))
    assert table.main([str(tmp_path / "1"), str(tmp_path / "2")]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.startswith("| stage | runs | epoch | coverage |")
    assert row.startswith("| v5_11 | 2 | 3 | ")
    assert row.endswith("| 1.5 (1 to 2) |")
    assert table.spread([1.0, 2.0]) == "1.5 (1 to 2)"
    assert table.spread([0.25, 0.25]) == "0.25"
