"""`cfgmig checkpoint find`: ranked by what is known, not by names."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cfgmig import searching
from cfgmig.searching import Index, candidates, metrics
from tests.checkpoints.conftest import Run, zeros
from tests.conftest import ROOT

CONFIG = """\
schema_version: ternary_vae/5.12.5
model:
  name: TernaryVAEV5_11_PartialFreeze
  projection_layers: 2
  use_dual_projection: true
  use_controller: true
  encoder_type: {encoder}
frozen_checkpoint: {{path: null}}
homeostasis: {{}}
loss:
  rich_hierarchy: {{}}
  radial: {{}}
training: {{epochs: 1, batch_size: 8}}
checkpoints: {{save_dir: x}}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


def found(cli: Run, *arguments: object) -> list[dict[str, Any]]:
    code, out, _ = cli("find", *arguments, "--output-format", "json")
    listed: list[dict[str, Any]] = json.loads(out)
    assert code == (0 if listed else 1)
    return listed


def names(listed: list[dict[str, Any]]) -> list[str]:
    return [Path(one["file"]).name for one in listed]


def config(tmp_path: Path, encoder: str = "frozen") -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(encoder=encoder))
    return path


def test_best_first(cli: Run, files: Path) -> None:
    listed = found(cli, files)
    order = names(listed)
    assert len(order) == 11
    assert order[-2:] == ["v5_12_4_improved_grokking_best_Q.pt", "v5_12_4_null_path_best_Q.pt"]
    assert order.index("v5_5_latest.pt") < order.index("v5_5_best.pt")
    assert order.index("v5_12_4_best_Q.pt") < order.index("v5_12_4_latest.pt")
    assert order.index("v5_5_best.pt") < order.index("v5_10_init.pt")
    best = listed[order.index("v5_12_4_best_Q.pt")]
    assert best["metrics"]["coverage"] == 1.0
    assert best["metrics"]["best_Q"] > 1.9
    assert best["reason"] == "coverage 1 stored, hierarchy_B -0.8087"


def test_names_decide_nothing(cli: Run, files: Path, tmp_path: Path) -> None:
    shutil.copy(files / "v5_5_best.pt", tmp_path / "a_latest.pt")
    shutil.copy(files / "v5_5_latest.pt", tmp_path / "b_best.pt")
    shutil.copy(files / "v5_12_4_null_path_best_Q.pt", tmp_path / "a_best_Q.pt")
    listed = found(cli, tmp_path)
    assert names(listed) == ["b_best.pt", "a_latest.pt", "a_best_Q.pt"]
    assert "KL warm-up" in listed[1]["reason"]
    assert "reconstructs nothing" in listed[2]["reason"]


def test_what_a_config_can_load(cli: Run, files: Path, tmp_path: Path) -> None:
    listed = found(cli, files, "--compatible-with", config(tmp_path))
    order = names(listed)
    assert order[0] == "v5_12_4_best_Q.pt"
    assert listed[0]["compatible"]["components"]["projection"] == {
        "expected": 32,
        "loaded": 32,
        "needed": False,
    }
    assert "v5_12_4_improved_grokking_best_Q.pt" not in order
    simplified = listed[order.index("v5_5_simplified_latest.pt")]
    assert simplified["compatible"]["verdict"] == "convert"
    assert order.index("v5_5_latest.pt") < order.index("v5_5_simplified_latest.pt")
    code, _, err = cli("find", files, "--compatible-with", config(tmp_path))
    assert code == 0
    assert "11 checkpoints, 10 of them for" in err


def test_improved_components_come_from_their_own_kind(
    cli: Run, files: Path, tmp_path: Path
) -> None:
    listed = found(cli, files, "--compatible-with", config(tmp_path, "improved"))
    verdicts = {Path(one["file"]).name: one["compatible"]["verdict"] for one in listed}
    assert set(verdicts.values()) == {"convert"}
    assert "v5_12_4_improved_grokking_best_Q.pt" not in verdicts  # its decoder is improved too


def test_an_older_config_is_upgraded_first(cli: Run, files: Path) -> None:
    example = ROOT / "examples/ternary_vae/configs/v5_11_projection.yaml"
    assert found(cli, files, "--compatible-with", example)


def test_nothing_found(cli: Run, tmp_path: Path) -> None:
    assert found(cli, tmp_path) == []
    assert cli("find", tmp_path / "none")[0] == 2
    zeros(tmp_path / "other.safetensors", {"w": (2,)})
    code, out, err = cli("find", tmp_path, "--compatible-with", config(tmp_path))
    assert (code, out) == (1, "")
    assert "1 checkpoint, 0 of them for" in err
    assert "none of 26 needed" in cli(
        "find", tmp_path, "--verbose", "--compatible-with", config(tmp_path)
    )[1].replace("\n", " ")


def test_refused_files_are_told_and_passed_over(cli: Run, tmp_path: Path) -> None:
    good = zeros(tmp_path / "good.safetensors", {"w": (2,)})
    (tmp_path / "bad.safetensors").write_bytes(good.read_bytes()[:-1])
    os.mkfifo(tmp_path / "pipe.pt")
    code, out, err = cli("find", tmp_path)
    assert code == 0
    assert "1. " in out
    assert "bad.safetensors: byte" in err
    assert "pipe.pt" in err


def test_what_is_searched(tmp_path: Path) -> None:
    for name in ("b/x.pt", "a.safetensors", "c/y.txt", ".hidden/z.pt", "venv/z.pt", "d/.metadata"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "d" / "__0_0.pt").touch()
    found = [os.path.relpath(path, tmp_path) for path in candidates(str(tmp_path))]
    assert found == ["a.safetensors", "b/x.pt", "d"]


def test_headers_are_read_once(files: Path, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.pt"
    shutil.copy(files / "v5_12_4_best_Q.pt", path)
    index = Index(tmp_path / "cache")
    first = index.entry(str(path))
    opened: list[str] = []
    from checkpoint_tools import opening

    real = opening.open_checkpoint

    def counted(name: str, **named: Any) -> Any:
        opened.append(name)
        return real(name, **named)

    monkeypatch.setattr(opening, "open_checkpoint", counted)
    again = index.entry(str(path))
    assert opened == []
    assert again.state is not None
    assert first.state is not None
    assert dict(again.state.shapes) == dict(first.state.shapes)
    assert again.metadata == first.metadata
    os.utime(path, ns=(1, 1))
    index.entry(str(path))
    assert opened == [str(path)]
    for kept in (tmp_path / "cache/checkpoints").iterdir():
        kept.write_text('{"shapes": 3}')
    index.entry(str(path))
    assert len(opened) == 2


def test_without_a_cache(files: Path) -> None:
    assert Index(None).entry(str(files / "v5_5_best.pt")).state is not None


def test_metrics() -> None:
    said = {"epoch": 3, "flag": True, "metrics": {"loss": 0.5, "name": "x"}, "history": [1]}
    assert metrics(said) == {"epoch": 3, "loss": 0.5}
    assert metrics({"metrics": [1]}) == {}


def test_histories_are_not_kept() -> None:
    assert searching._short({"a": [1] * 100, "b": [[2]]}) == {"a": [], "b": [[2]]}


def test_what_a_conversion_kept_is_no_checkpoint_to_be_found(tmp_path: Path) -> None:
    for name in ("a.pt", "a.pt.stash.safetensors", "b.safetensors"):
        (tmp_path / name).write_bytes(b"")
    assert [Path(one).name for one in candidates(str(tmp_path))] == ["a.pt", "b.safetensors"]
