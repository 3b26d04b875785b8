"""A run that was killed and goes on equals one that was not, bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from examples.common.checkpoints import load_state
from examples.hsmn import train
from tests.examples.common.killing import killed_in_the_middle

from .train_helpers import config_file, entries, start

STEPS = 60
"""Ten epochs of six steps."""


def _killed_in_the_middle(config: Path, out: Path) -> None:
    process = start("examples.hsmn.train", config, "--out", out, "--no-live")
    assert killed_in_the_middle(process, out)["step"] < STEPS


def _run(config: Path, out: Path, *more: str) -> int:
    return train.main([str(config), "--out", str(out), "--no-live", *more])


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)


def test_a_killed_run_that_resumes_equals_one_that_was_not(tmp_path: Path) -> None:
    config = config_file(tmp_path, {"training": {"steps": STEPS}})
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert _run(config, whole) == 0
    _killed_in_the_middle(config, killed)
    assert _run(config, killed, "--resume") == 0
    for name in ("latest.safetensors", "best.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    first, second = (load_state(folder / "latest.resume") for folder in (whole, killed))
    for state in (first, second):
        for key in ("seconds", "peak_memory_mb"):
            del state["journal"][key]
    assert _same(first, second)
    assert entries(whole) == entries(killed)


def test_two_runs_of_one_seed_are_equal_and_of_two_seeds_are_not(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert _run(config, tmp_path / name, "--seed", seed) == 0
    a, b, c = ((tmp_path / name / "latest.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_nothing_to_resume(tmp_path: Path, capsys: Any) -> None:
    assert _run(config_file(tmp_path), tmp_path / "new", "--resume") == 2
    assert "nothing to resume" in capsys.readouterr().err


def test_a_state_of_another_config_seed_or_text_is_refused(tmp_path: Path, capsys: Any) -> None:
    config = config_file(tmp_path)
    out = tmp_path / "out"
    assert _run(config, out) == 0
    assert _run(config, out, "--resume", "--seed", "7") == 3
    assert "training.seed differs" in capsys.readouterr().err
    config_file(tmp_path, {"training": {"learning_rate": 0.001}})
    assert _run(config, out, "--resume") == 3
    assert "training.learning_rate differs" in capsys.readouterr().err
    config_file(tmp_path)
    with (tmp_path / "text.txt").open("a") as file:
        file.write("\n")
    assert _run(config, out, "--resume") == 3
    assert "another text" in capsys.readouterr().err


def test_a_finished_run_resumes_to_itself(tmp_path: Path) -> None:
    config, out = config_file(tmp_path), tmp_path / "out"
    assert _run(config, out) == 0
    before = (out / "latest.safetensors").read_bytes()
    journal = entries(out)
    assert _run(config, out, "--resume") == 0
    assert (out / "latest.safetensors").read_bytes() == before
    assert entries(out) == journal


def test_a_file_that_is_no_state_is_refused(tmp_path: Path, capsys: Any) -> None:
    config, out = config_file(tmp_path), tmp_path / "out"
    assert _run(config, out) == 0
    shutil.copy(out / "latest.safetensors", out / "latest.resume")
    assert _run(config, out, "--resume") == 3
    assert "no state of a run" in capsys.readouterr().err
