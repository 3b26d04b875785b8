"""How the commands end when something outside of the config is missing or in the way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.common import ranks
from examples.common.commands import ended
from examples.hsmn import train
from examples.hsmn.search.__main__ import main as search

from .test_search import sweep_file
from .train_helpers import config_file


def _train(config: Path, out: Path, *more: str) -> int:
    return train.main([str(config), "--out", str(out), "--no-live", *more])


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    out.write_text("a file where the folder should be")
    assert _train(config_file(tmp_path), out) == 2
    assert f"{out}: " in capsys.readouterr().err
    assert search([str(sweep_file(tmp_path)), "--out", str(out)]) == 2
    assert f"{out}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "start"),
    [
        ("safetensors", lambda folder, out: _train(config_file(folder), out, "--resume")),
        ("optuna", lambda folder, out: search([str(sweep_file(folder)), "--out", str(out)])),
    ],
)
def test_a_library_that_is_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    module: str,
    start: Callable[[Path, Path], int],
) -> None:
    loaded = [name for name in sys.modules if name == module or name.startswith(f"{module}.")]
    for name in (*loaded, module):
        monkeypatch.setitem(sys.modules, name, None)
    for name in [one for one in sys.modules if one.startswith("examples.hsmn.search.")]:
        monkeypatch.delitem(sys.modules, name)
    assert start(tmp_path, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert f"{module} is not installed" in told
    assert "pip install 'cfgmig[search]'" in told


def test_a_module_that_no_extra_has_is_a_defect() -> None:
    def work() -> int:
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    with pytest.raises(ModuleNotFoundError):
        ended(work, extra="search", libraries=("torch",), out=None)


def test_a_config_that_does_not_say_how_long_to_train(tmp_path: Path, capsys: Any) -> None:
    config = config_file(tmp_path, {"training": {"steps": None, "epochs": None}})
    assert _train(config, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{config}: neither training.steps nor training.epochs")
    assert "`--steps`" in told
    assert _train(config, tmp_path / "out", "--steps", "2") == 0


def test_more_processes_than_devices(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks.torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert _train(config_file(tmp_path), tmp_path / "out") == 2
    assert "GPU 1 is asked for, and there are 1" in capsys.readouterr().err
