"""What no rule can see in a config: every mismatch ends a run before its first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from examples.common.flow import Stop
from examples.hsmn.flow import Asked, Ready, prepare
from examples.hsmn.flow_data import Part
from examples.hsmn.flow_facts import hold_material, hold_vocabulary
from examples.hsmn.tokenizer import AdaptiveQWT, Codebook
from schemas.hsmn.v5 import Config

from .train_helpers import config_file, merged

TOKENS = {
    "data": {"hd": {"enabled": False}},
    "model": {"adapter": None, "embedding": {"kind": "plain"}, "context_window": 8},
}


def _ready(folder: Path, change: dict[str, Any] | None = None) -> Ready:
    return prepare(config_file(folder, change), lambda _: None, Asked())


def _hold(ready: Ready, *, model: nn.Module | None = None, **part: Tensor) -> None:
    """The check, with inputs or labels of the training part replaced."""
    given = ready.material
    changed = given._replace(train=Part(**{**given.train._asdict(), **part}))
    hold_material(ready.config, model or ready.model, changed, Path("c.yaml"))  # type: ignore[arg-type]


def test_what_fits_is_let_through_and_draws_nothing(tmp_path: Path) -> None:
    for change in ({}, TOKENS):
        ready = _ready(tmp_path, change)
        before = torch.get_rng_state()
        _hold(ready)
        assert torch.equal(torch.get_rng_state(), before)
        assert ready.model.training


@pytest.mark.parametrize(
    ("inputs", "got"),
    [
        (torch.zeros(48, 8, dtype=torch.int32), r"int32 \(48, 8\)"),
        (torch.zeros(48, 64), r"float32 \(48, 64\)"),
        (torch.zeros(48, 128, dtype=torch.float64), r"float64 \(48, 128\)"),
        (torch.zeros(48, 1, 128), r"float32 \(48, 1, 128\)"),
    ],
)
def test_no_bundles_for_a_model_of_bundles(tmp_path: Path, inputs: Tensor, got: str) -> None:
    ready = _ready(tmp_path)
    with pytest.raises(Stop, match=rf"float32 \(batch, 128\); the data are {got}\n  help: "):
        _hold(ready, inputs=inputs)


@pytest.mark.parametrize("inputs", [torch.zeros(9, 8), torch.zeros(9, dtype=torch.long)])
def test_no_ids_for_a_model_of_ids(tmp_path: Path, inputs: Tensor) -> None:
    ready = _ready(tmp_path, TOKENS)
    with pytest.raises(Stop, match=r"integers \(batch, length\); the data are"):
        _hold(ready, inputs=inputs)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (torch.zeros(48, dtype=torch.long), r"among \(8,\) int64; they need integers \(8, 8\)"),
        (torch.zeros(48, 7, dtype=torch.long), r"among \(8, 7\) int64"),
        (torch.zeros(48, 8), r"among \(8, 8\) float32"),
        (torch.full((48, 8), 380), "labels go from 380 to 380, and the head has 380 ids"),
        (torch.full((48, 8), -1), "labels go from -1"),
        (torch.full((48, 8), 2), "no label counts: all 384 are 2"),
    ],
)
def test_labels_that_are_none(tmp_path: Path, labels: Tensor, said: str) -> None:
    ready = _ready(tmp_path)
    with pytest.raises(Stop, match=rf"c.yaml: train: .*{said}"):
        _hold(ready, labels=labels)


def test_padding_is_no_label_out_of_range(tmp_path: Path) -> None:
    ready = _ready(tmp_path, {"training": {"loss": {"ignore_index": 999}}})
    labels = ready.material.train.labels.clone()
    labels[:, -1] = 999
    _hold(ready, labels=labels)


class _Squeezing(nn.Module):
    """The head of the second version: it dropped an axis of length 1, and hid the mismatch."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), 380)


def test_logits_without_a_position(tmp_path: Path) -> None:
    ready = _ready(tmp_path)
    labels = torch.zeros(48, dtype=torch.long)
    with pytest.raises(Stop, match=r"logits \(8, 380\) have no label each"):
        _hold(ready, model=_Squeezing(), labels=labels)


def test_one_position_takes_one_label(tmp_path: Path) -> None:
    change = {
        "model": {"adapter": {"expand": "none"}},
        "data": {"hd": {"label_mode": "last_token"}},
    }
    path = config_file(tmp_path, change)
    assert prepare(path, lambda _: None, Asked(anyway=True)).material.train.labels.dim() == 1


# Vocabularies.


def _tokenizer(words: int, limit: int, offset: int = 32) -> AdaptiveQWT:
    book = Codebook(
        words=tuple(bytes((65 + at // 26, 65 + at % 26)) for at in range(words)),
        frequencies=(9,) * words,
        byte_offset=offset,
    )
    tokenizer = AdaptiveQWT.from_codebook(book, max(limit, book.vocab_size))
    tokenizer.limit = limit
    return tokenizer


def _vocabulary(trained: AdaptiveQWT, **change: Any) -> list[str]:
    data = {"tokenizer": {"active_vocab_size": trained.limit}}
    said: list[str] = []
    config = Config.model_validate(merged(data, change))
    hold_vocabulary(config, trained, Path("c.yaml"), said.append)
    return said


def test_a_vocabulary_that_fits_needs_no_word() -> None:
    assert _vocabulary(_tokenizer(18, 380)) == []
    assert _vocabulary(_tokenizer(18, 380), model={"vocab_source": "config"}) == []
    assert _vocabulary(_tokenizer(0, 724)) == []


def test_more_words_than_the_limit_has_room_for() -> None:
    with pytest.raises(Stop, match=r"19 words; its limit of 380 ids leaves room for 18\n  help"):
        _vocabulary(_tokenizer(19, 380))


def test_ids_beyond_the_rows_of_the_model() -> None:
    change = {"model": {"vocab_source": "config"}, "tokenizer": {"active_vocab_size": 379}}
    with pytest.raises(Stop, match=r"has 380 ids, the model rows for 379\n  help: set `tokenizer"):
        _vocabulary(_tokenizer(18, 380), **change)


@pytest.mark.parametrize(("rows", "warned"), [(760, False), (761, True)])
def test_rows_that_no_id_reaches(rows: int, *, warned: bool) -> None:
    change = {"model": {"vocab_source": "config"}, "tokenizer": {"active_vocab_size": rows}}
    said = _vocabulary(_tokenizer(18, 380), **change)
    assert [f"rows for {rows} ids, and only 380" in one for one in said] == [True] * warned


@pytest.mark.parametrize(("limit", "warned"), [(760, False), (761, True)])
def test_a_text_that_is_too_small_for_its_goal(limit: int, *, warned: bool) -> None:
    said = _vocabulary(_tokenizer(18, limit))
    assert [f"380 of the {limit} ids asked for" in one for one in said] == [True] * warned


def test_a_codebook_whose_bytes_begin_elsewhere() -> None:
    with pytest.raises(Stop, match=r"begins with 384 ids \(byte_offset 64\); .* is 32\n  help"):
        _vocabulary(_tokenizer(1, 385, 64))


# Texts.


@pytest.mark.parametrize("change", [{}, merged(TOKENS, {"model": {"context_window": 11}})])
def test_short_sequences_are_skipped_and_counted(tmp_path: Path, change: dict[str, Any]) -> None:
    """24 bytes and two signs: rows of 8 leave 2 over, and so do rows of 12."""
    path = config_file(tmp_path, merged(change, {"tokenizer": {"min_freq": 1000}}))
    (tmp_path / "text.txt").write_text("\n\n".join(chr(97 + at) * 24 for at in range(20)))
    counts = prepare(path, lambda _: None, Asked()).material.counts
    assert counts["train_sequences"]["skipped_short"] == 18
    assert counts["held_out_sequences"]["skipped_short"] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training": {"batch_size": 64}}, r"gives 48 .* 64 are needed\n.*reservoir_size: 48"),
        (
            {"training": {"batch_size": 1000}, "data": {"hd": {"reservoir_size": 2000}}},
            r"gives 672 .* 1000 are needed\n.*longer text.*data.hd.sample_length",
        ),
        (
            merged(TOKENS, {"training": {"batch_size": 1000}}),
            r"1000 are needed\n.*longer text.*model.context_window",
        ),
        ({"data": {"text": "gone.txt"}}, r"gone.txt: cannot be read: No such file[^\n]*\n  help: "),
    ],
)
def test_too_little_to_train_on(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(Stop, match=said):
        _ready(tmp_path, change)


def test_too_few_paragraphs(tmp_path: Path) -> None:
    path = config_file(tmp_path)
    (tmp_path / "text.txt").write_text("\n\n".join(["a paragraph of some length"] * 9))
    with pytest.raises(Stop, match=r"text.txt: 9 paragraphs; 10 are needed[^\n]*\n  help: "):
        prepare(path, lambda _: None, Asked())


# Searches.


def test_a_trial_keeps_what_its_sweep_says() -> None:
    """The old search's own list: optimizer, dataset, curriculum and the search's name."""
    trials = pytest.importorskip("examples.hsmn.search.trials")
    said = {
        "training": {"optimizer": "lion"},
        "data": {"hf_dataset_name": "tales", "curriculum_id": "short"},
        "qahpo": {"search_space": {"batch_size": [4, 8]}},
    }
    base = trials.base_of(Config.model_validate(said), "a-sweep")
    assert base["training"]["optimizer"] == "lion"
    assert base["data"] == said["data"]
    assert base["provenance"]["sweep_id"] == "a-sweep"
    space = pytest.importorskip("examples.hsmn.search.space")
    for name in ("hf_dataset_name", "curriculum_id", "sweep_id", "param_budget"):
        config = Config.model_validate({"qahpo": {"search_space": {name: ["a", "b"]}}})
        with pytest.raises(ValueError, match="must stay"):
            space.dimensions(config)
