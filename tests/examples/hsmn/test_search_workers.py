"""Several processes on one storage, and a search that goes on after it was killed."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from examples.common.checkpoints import load_state
from examples.hsmn import run_loop, train
from examples.hsmn.run import Run
from examples.hsmn.search.__main__ import main
from examples.hsmn.search.trials import STARTED
from examples.hsmn.stepping import held_out_loss

from .test_search import sweep_file
from .train_helpers import entries, start

LONG: dict[str, Any] = {
    "qahpo": {
        "epochs_per_trial": 12,
        "search_space": {"hidden_dim": [32], "hd_dim": [128], "active_vocab_size": [380]},
    }
}


def _study(url: str) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=url)


def _started(url: str) -> list[optuna.trial.FrozenTrial]:
    return [one for one in _study(url).get_trials() if one.user_attrs.get(STARTED)]


@pytest.mark.slow
def test_two_processes_share_the_trials(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(
        "examples.hsmn.search", sweep_file(tmp_path), "--out", out, "--workers", 2, "--trials", 4
    )
    said, told = process.communicate(timeout=300)
    assert process.returncode == 0, told[-3000:]
    assert "4 trials trained to the end" in said
    done = _started(f"sqlite:///{out / 'study.db'}")
    assert [one.state for one in done] == [TrialState.COMPLETE] * 4
    assert len({one.number for one in done}) == 4


def test_a_killed_search_goes_on_where_its_trial_was(tmp_path: Path, capsys: Any) -> None:
    """The trial is tried again from its last whole epoch, and ends as if nothing had happened."""
    config, out = sweep_file(tmp_path, LONG), tmp_path / "out"
    url = f"sqlite:///{out / 'study.db'}"
    arguments = (config, "--out", out, "--trials", 1, "--heartbeat", 1)
    process = start("examples.hsmn.search", *arguments)
    limit = time.monotonic() + 120
    state = None
    while state is None and process.poll() is None and time.monotonic() < limit:
        found = list(out.glob("trials/*/latest.resume"))
        state = next((one for one in found if load_state(one)["epoch"] >= 2), None)
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert state is not None
    stopped_at = load_state(state)["step"]
    assert _started(url)[0].state is TrialState.RUNNING
    assert main([str(one) for one in (*arguments, "--resume")]) == 0
    dead, again = _started(url)
    said = capsys.readouterr().out
    assert "1 trials trained to the end, 0 pruned, 0 not started, 0 failed" in said
    assert f"killed and tried again: {dead.number} as {again.number}" in said
    assert f"killed; goes on as {again.number}" in (out / "report.html").read_text()
    assert (dead.state, again.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert again.params == dead.params
    assert again.user_attrs["resumed_at_step"] >= stopped_at
    # The same config trained without a kill gives the same file.
    alone = tmp_path / "alone"
    file = state.parent / "config.yaml"
    assert train.main([str(file), "--out", str(alone), "--no-live"]) == 0
    name = "latest.safetensors"
    assert (alone / name).read_bytes() == (state.parent / name).read_bytes()
    assert entries(alone) == entries(state.parent)


def test_ctrl_c_leaves_the_trial_to_be_tried_again(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped_in_the_second(run: Run) -> float:
        if run.epoch == 1:
            raise KeyboardInterrupt
        return held_out_loss(run)

    change = {"qahpo": {**LONG["qahpo"], "epochs_per_trial": 3}}
    out = tmp_path / "out"
    arguments = [str(sweep_file(tmp_path, change)), "--out", str(out)]
    arguments += ["--trials", "1", "--heartbeat", "1"]
    with monkeypatch.context() as patched:
        patched.setattr(run_loop, "held_out_loss", stopped_in_the_second)
        assert main(arguments) == 130
    assert "`--resume` goes on" in capsys.readouterr().err
    url = f"sqlite:///{out / 'study.db'}"
    assert [one.state for one in _started(url)] == [TrialState.RUNNING]
    assert main([*arguments, "--resume"]) == 0
    again = _started(url)[-1]
    assert (again.state, again.user_attrs["resumed_at_step"]) == (TrialState.COMPLETE, 6)


def test_a_search_is_begun_once_and_resumed_with_its_own_config(
    tmp_path: Path, capsys: Any
) -> None:
    config, out = sweep_file(tmp_path), tmp_path / "out"
    arguments = [str(config), "--out", str(out), "--trials", "1"]
    assert main([*arguments, "--resume"]) == 2
    assert "no search s to resume" in capsys.readouterr().err
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert "`--resume` goes on" in capsys.readouterr().err
    assert main([str(config), "--out", str(out), "--trials", "2", "--resume"]) == 0
    assert len(_started(f"sqlite:///{out / 'study.db'}")) == 2
    sweep_file(tmp_path, {"training": {"weight_decay": 0.5}})
    assert main([*arguments, "--resume"]) == 3
    assert "another config" in capsys.readouterr().err
