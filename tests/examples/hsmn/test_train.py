"""The trainer from a config to a checkpoint, and what stops it."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from rich.console import Console
from safetensors import safe_open
from torch.nn import functional

from examples.common.flow import Stop
from examples.common.live import View
from examples.common.ranks import Ranks
from examples.hsmn import run_loop, stepping, train
from examples.hsmn.data import grammar
from examples.hsmn.flow import Asked, Ready, prepare
from examples.hsmn.flow_data import unigram_entropy
from examples.hsmn.inert import inert
from examples.hsmn.model import build
from examples.hsmn.run import Options, Run
from examples.hsmn.run_optimisers import Lion, choose, rate_at
from examples.hsmn.showing import Teller
from examples.hsmn.stepping import Averages, held_out_loss
from examples.hsmn.tokenizer import PAD, AdaptiveQWT, Codebook
from schemas.hsmn.v5 import Config
from tests.conftest import ROOT

from .train_helpers import SMALL, config_file, entries, merged


def _train(config: Path, out: Path, *more: str) -> int:
    return train.main([str(config), "--out", str(out), "--no-live", *more])


def _ready(config: Path, asked: Asked = Asked()) -> Ready:  # noqa: B008
    return prepare(config, lambda _: None, asked)


def _metadata(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


def test_the_text_is_what_the_grammar_writes() -> None:
    assert grammar.FILE.read_text(encoding="utf-8") == grammar.text()


def test_a_run_leaves_checkpoints_journal_and_report(tmp_path: Path, capsys: Any) -> None:
    config = config_file(tmp_path)
    assert _train(config, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "vocabulary 380 (at its cap)" in said
    assert "parameters of a budget of 100,000" in said
    start, *epochs, end = entries(tmp_path / "out")
    # 48 sequences in batches of 8 are 6 steps: 9 steps are one epoch and a half.
    assert [one["step"] for one in epochs] == [6, 9]
    assert (start["steps_per_epoch"], start["vocabulary"], start["vocabulary_cap"]) == (6, 380, 380)
    assert end["best"] == min(one["held_out_loss"] for one in epochs)
    assert epochs[0]["perplexity"] == pytest.approx(math.exp(epochs[0]["loss"]))
    assert "<svg" in (tmp_path / "out/report.html").read_text()
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "best.safetensors",
        "latest.resume",
        "latest.safetensors",
        "metrics.jsonl",
        "report.html",
    ]


def test_logits_of_a_few_positions_at_a_time_train_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_file(tmp_path)
    assert _train(config, tmp_path / "whole") == 0
    monkeypatch.setattr(stepping, "HELD", 10 * 380)
    assert _train(config, tmp_path / "parts") == 0
    _, *whole, _ = entries(tmp_path / "whole")
    _, *parts, _ = entries(tmp_path / "parts")
    for first, second in zip(whole, parts, strict=True):
        for name in ("loss", "held_out_loss", "gradient_norm"):
            assert second[name] == pytest.approx(first[name], rel=1e-4), name


def test_a_checkpoint_says_what_it_is_and_gives_the_loss_it_names(tmp_path: Path) -> None:
    """Config, codebook and tensors of the file alone reproduce the held-out loss."""
    config = config_file(tmp_path)
    assert _train(config, tmp_path / "out") == 0
    path = tmp_path / "out/latest.safetensors"
    about = _metadata(path)
    assert about["cfgmig"] == {"family": "hsmn", "version": "5"}
    assert about["config"].pop("schema_version") == "hsmn/5"
    model = build(Config.model_validate(about["config"]))
    with safe_open(path, "pt") as file:
        model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    tokenizer = AdaptiveQWT.from_codebook(Codebook.from_json(about["codebook"]))
    ready = _ready(config)
    assert tokenizer.codebook == ready.material.tokenizer.codebook
    part = ready.material.held_out
    with torch.no_grad():
        logits = model.eval()(part.inputs)
    loss = functional.cross_entropy(logits.transpose(1, 2), part.labels, ignore_index=PAD)
    assert float(loss) == pytest.approx(about["metrics"]["held_out_loss"], rel=1e-5)


def test_a_checkpoint_is_recognised_and_begins_another_run(tmp_path: Path, capsys: Any) -> None:
    config = config_file(tmp_path)
    assert _train(config, tmp_path / "one") == 0
    capsys.readouterr()
    weights = tmp_path / "one/latest.safetensors"
    ready = prepare(config, print, Asked(weights=weights))
    said = capsys.readouterr().out
    assert "latest.safetensors: hsmn 5" in said
    assert ready.source is not None
    assert ready.source.weighed.fits
    with safe_open(weights, "pt") as file:
        for name, value in ready.model.state_dict().items():
            assert torch.equal(value, file.get_tensor(name)), name


def test_weights_of_another_width_do_not_start(tmp_path: Path, capsys: Any) -> None:
    assert _train(config_file(tmp_path), tmp_path / "one") == 0
    wide = config_file(tmp_path, {"model": {"hidden_dim": 64}, "budget": {"param_budget": 10**6}})
    code = _train(wide, tmp_path / "two", "--from", str(tmp_path / "one/latest.safetensors"))
    assert code == 1
    assert "does not load" in capsys.readouterr().err


def test_held_out_paragraphs_are_every_tenth_and_nothing_learns_from_them(tmp_path: Path) -> None:
    config = config_file(tmp_path, {"tokenizer": {"min_freq": 1}})
    marked = (tmp_path / "text.txt").read_text().split("\n\n")
    marked[9] = "\u2603" * 40  # 120 bytes that occur nowhere else
    (tmp_path / "text.txt").write_text("\n\n".join(marked))
    ready = _ready(config)
    snow = "\u2603".encode()
    assert not any(snow[:2] in word for word in ready.material.tokenizer.codebook.words)
    assert ready.material.counts["held_out"] == 2
    byte = 32 + snow[0]
    assert int((ready.material.held_out.labels == byte).sum()) > 0
    assert int((ready.material.train.labels == byte).sum()) == 0


def test_token_mode_predicts_the_next_id(tmp_path: Path) -> None:
    change = {
        "data": {"hd": {"enabled": False}},
        "model": {"adapter": None, "embedding": {"kind": "plain"}, "context_window": 12},
    }
    ready = _ready(config_file(tmp_path, change))
    part = ready.material.train
    assert part.inputs.shape[1] == 12
    assert torch.equal(part.inputs[:, 1:], part.labels[:, :-1])
    assert _train(tmp_path / "config.json", tmp_path / "out") == 0


def test_unigram_entropy_is_that_of_the_counts() -> None:
    labels = torch.tensor([[5, 5, 7, PAD], [9, 5, 7, 7]])
    counts = Counter({5: 3, 7: 3, 9: 1})
    expected = -sum(n / 7 * math.log(n / 7) for n in counts.values())
    assert unigram_entropy(labels, PAD) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"training": {"optimizer": "adamW"}}, 1, "HS505"),
        ({"training": {"learning_rate": None}}, 1, "learning_rate"),
        ({"data": {"text": None}}, 1, "HS112"),
        ({"data": {"text": None, "curriculum_id": "short"}}, 2, "data.text is missing"),
        ({"data": {"text": "nowhere.txt"}}, 2, "cannot be read"),
        ({"budget": {"param_budget": 20_000}}, 1, "HS401"),
        ({"training": {"batch_size": 64}}, 1, "64 are needed"),
        ({"tokenizer": {"max_vocab_size": 300, "active_vocab_size": 300}}, 1, "362"),
    ],
)
def test_what_does_not_start(
    tmp_path: Path, capsys: Any, change: dict[str, Any], code: int, said: str
) -> None:
    config = config_file(tmp_path, change)
    assert _train(config, tmp_path / "out") == code
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert not (tmp_path / "out").exists()


def test_a_run_is_not_written_over_unasked(tmp_path: Path, capsys: Any) -> None:
    config = config_file(tmp_path)
    assert _train(config, tmp_path / "out") == 0
    before = (tmp_path / "out/latest.resume").read_bytes()
    assert _train(config, tmp_path / "out", "--seed", "7") == 3
    assert "holds a run already" in capsys.readouterr().err
    assert (tmp_path / "out/latest.resume").read_bytes() == before
    assert _train(config, tmp_path / "out", "--seed", "7", "--overwrite") == 0
    assert (tmp_path / "out/latest.resume").read_bytes() != before


def test_ctrl_c_leaves_a_report_and_a_run_to_resume(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_the_end_of_the_first(run: Run) -> float:
        if run.epoch == 1:
            raise KeyboardInterrupt
        return held_out_loss(run)

    config = config_file(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(run_loop, "held_out_loss", stop_at_the_end_of_the_first)
        assert _train(config, tmp_path / "out") == 130
    assert "`--resume` continues" in capsys.readouterr().err
    assert "stopped before its end" in (tmp_path / "out/report.html").read_text()
    assert _train(config, tmp_path / "out", "--resume") == 0
    assert "stopped before its end" not in (tmp_path / "out/report.html").read_text()


def test_the_live_view_shows_losses_and_what_trains(tmp_path: Path) -> None:
    ready = _ready(config_file(tmp_path))
    options = Options(tmp_path / "out", live=False)
    run = run_loop.start(ready, options, Ranks(0, 1, torch.device("cpu")), lambda _: None)
    teller = Teller(run, tmp_path / "out", lambda _: None)
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    teller.view = View(live=True, say=lambda _: None, console=console)
    teller.begin()
    run.step = 6
    teller.epoch(Averages(6, 1.25, 0.5, 0.003), 2.5, 60.0)
    teller.view.close()
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("1.25", "held-out loss", "2.5", "below the unigram", "AdamW 0.003", "adapter"):
        assert words in shown, words
    # Six of nine steps took 60 seconds.
    assert "30 s left" in shown


def test_validation_writes_nothing_and_a_run_needs_a_folder(tmp_path: Path, capsys: Any) -> None:
    config = config_file(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert train.main([str(config), "--validate-only"]) == 0
    assert "67,140 parameters" in capsys.readouterr().out
    assert train.main([str(config)]) == 2
    assert "--out is missing" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("steps", ["0", "-1", "many"])
def test_steps_are_whole_numbers_from_1(steps: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        train.parser().parse_args(["config.yaml", f"--steps={steps}"])
    assert "no whole number" in capsys.readouterr().err


def test_labels_that_fit_no_logits_stop_the_first_step(tmp_path: Path, capsys: Any) -> None:
    """One label for a whole sequence: what version 1 did."""
    config = config_file(tmp_path, {"data": {"hd": {"label_mode": "last_token"}}})
    assert _train(config, tmp_path / "out", "--anyway") == 1
    assert "logits (8, 8, 380) have no label each among (8,)" in capsys.readouterr().err


def test_an_old_config_is_upgraded_in_memory(tmp_path: Path) -> None:
    """Version 3 names its vocabulary otherwise; the file stays as it is."""
    data = merged(SMALL, {"schema_version": "hsmn/3"})
    data["tokenizer"]["target_vocab_size"] = data["tokenizer"].pop("active_vocab_size")
    del data["model"]["blocks"]["spatial"]
    config = config_file(tmp_path).with_suffix(".yaml")
    config.write_text(yaml.safe_dump(data))
    before = config.read_bytes()
    ready = _ready(config)
    assert ready.validated.version == "3"
    assert ready.config.tokenizer.active_vocab_size == 380
    assert config.read_bytes() == before


def test_keys_that_change_nothing_are_named(tmp_path: Path) -> None:
    change = {"training": {"epochs": 3, "galore": {"rank": 8}}, "qsg": {"top_k": 5}}
    ready = _ready(config_file(tmp_path, change))
    found = inert(ready.config)
    assert found["training.epochs"] == "training.steps is what counts"
    assert {"training.galore.rank", "qsg.top_k"} <= found.keys()
    assert "model.adapter.hd_dim" not in found


def test_lion_takes_the_sign_of_its_momentum() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = Lion([weight], lr=0.1, betas=(0.9, 0.99), weight_decay=0.5)
    weight.grad = torch.tensor([0.3, -4.0])
    optimizer.step()
    # 1 - 0.1 * 0.5 of the weight, then 0.1 against the sign of 0.1 times the gradient.
    torch.testing.assert_close(weight.detach(), torch.tensor([0.85, -1.8]))
    weight.grad = torch.tensor([-0.01, 4.0])
    optimizer.step()
    # Momentum 0.01 g1; 0.9 m + 0.1 g2 is 0.0017 and 0.364: positive both.
    expected = torch.tensor([0.85 * 0.95 - 0.1, -1.8 * 0.95 - 0.1])
    torch.testing.assert_close(weight.detach(), expected)


@pytest.mark.parametrize(
    ("name", "rate", "decay", "betas"),
    [
        ("adamw", 0.003, 0.01, (0.9, 0.999)),
        ("grover", 0.0045, 0.008, (0.9, 0.98)),
        ("sympflow", 0.003, 0.001, (0.95, 0.999)),
        ("sophiag", 0.003, 0.01, (0.9, 0.999)),
    ],
)
def test_optimizers_by_name(
    name: str, rate: float, decay: float, betas: tuple[float, float]
) -> None:
    data = merged(SMALL, {"training": {"optimizer": name}})
    del data["schema_version"]
    config = Config.model_validate(data)
    chosen = choose(config.training, [torch.nn.Parameter(torch.zeros(1))])
    group = chosen.optimizer.param_groups[0]
    assert chosen.rate == pytest.approx(rate)
    assert group["weight_decay"] == pytest.approx(decay)
    assert group["betas"] == betas


def test_the_rate_falls_to_a_tenth() -> None:
    assert rate_at(0.5, 0, 11) == pytest.approx(0.5)
    assert rate_at(0.5, 5, 11) == pytest.approx(0.275)
    assert rate_at(0.5, 10, 11) == pytest.approx(0.05)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    config = config_file(tmp_path, {"training": {"learning_rate": 1e30}})
    with pytest.raises(Stop, match="diverged"):
        _run_to_the_end(config, tmp_path / "out")


def _run_to_the_end(config: Path, out: Path) -> None:
    args = train.parser().parse_args([str(config), "--out", str(out), "--no-live"])
    train.run(args, lambda _: None)


def test_the_shipped_configs_start() -> None:
    for name in ("small_bundles", "small_tokens"):
        config = ROOT / f"examples/hsmn/configs/{name}.yaml"
        ready = _ready(config)
        assert ready.material.tokenizer.vocab_size == 512, name
