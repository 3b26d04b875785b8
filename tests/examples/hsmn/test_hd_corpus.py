"""The corpus: labels, the sample it keeps, its memory, its files, streams of texts."""

from __future__ import annotations

import math
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.hsmn.hd import Encoder, HdCorpus, Settings, fill, prepare, text_of
from examples.hsmn.hd.reservoir import Reservoir, amplitude
from examples.hsmn.hd.stream import sequences
from examples.hsmn.tokenizer import AdaptiveQWT
from schemas.hsmn.v5 import Config

SMALL = Settings(vocab_size=50, hd_dim=32, sample_length=6, reservoir_size=4)


def small(**fields: Any) -> Settings:
    return Settings(
        **{"vocab_size": 50, "hd_dim": 32, "sample_length": 6, "reservoir_size": 4, **fields}
    )


# Labels.


def test_labels_are_whole_sequences_by_default() -> None:
    corpus = HdCorpus(SMALL)
    assert corpus.add([1, 10, 11, 12, 3])
    assert corpus.add([20, 21, 22, 23, 24, 25])
    assert corpus.labels().tolist() == [[1, 10, 11, 12, 3, 2], [20, 21, 22, 23, 24, 25]]
    assert corpus.labels().dtype == torch.int64
    encoder = Encoder(50, 32, 6, keys="unitary", ctqw_steps=0, seed=42)
    assert torch.equal(corpus.bundles[1], encoder([20, 21, 22, 23, 24, 25]))


def test_the_labels_of_the_old_code_are_values_too() -> None:
    for mode in ("last_token", "bundle"):
        corpus = HdCorpus(small(label_mode=mode, keys="gaussian", ctqw_steps=3))
        corpus.add([1, 10, 11, 12, 3])
        corpus.add([20, 21, 22, 23, 24, 25])
        if mode == "last_token":
            assert corpus.labels().tolist() == [3, 25]
        else:
            assert torch.equal(corpus.labels(), corpus.bundles)
        assert corpus.labels("full_sequence")[0].tolist() == [1, 10, 11, 12, 3, 2]


def test_settings_are_those_of_a_config(config: dict[str, Any]) -> None:
    checked = Config.model_validate(config)
    assert Settings.from_config(checked, 400) == Settings(
        vocab_size=400, hd_dim=256, sample_length=16, reservoir_size=2000
    )
    config["data"]["hd"] |= {"label_mode": "last_token", "keys": "gaussian", "base_table": "lazy"}
    imported = Settings.from_config(Config.model_validate(config), 400)
    assert (imported.label_mode, imported.keys) == ("last_token", "gaussian")
    assert imported.encoder().base.kind == "lazy"
    config["model"]["adapter"] = None
    with pytest.raises(ValueError, match=r"model\.adapter is missing"):
        Settings.from_config(Config.model_validate(config), 400)


def test_sequences_are_skipped_counted_or_refused() -> None:
    corpus = HdCorpus(SMALL)
    assert not corpus.add([1, 5, 3])
    assert corpus.add([1, 50, 99, -7, 49])
    assert corpus.ids.tolist() == [[1, 0, 0, 0, 49, 2]]
    with pytest.raises(ValueError, match="7 ids exceed sample_length 6"):
        corpus.add([5] * 7)
    found = corpus.statistics()
    assert (found["skipped_short"], found["unknown_ids"], found["total_samples_seen"]) == (1, 3, 1)


def test_batches_are_shuffled_and_whole() -> None:
    corpus = HdCorpus(small(reservoir_size=10))
    for number in range(10):
        corpus.add([number, 30, 31, 32])
    first = list(corpus.batches(4, seed=0))
    assert [tuple(x.shape) for x, _ in first] == [(4, 32), (4, 32)]
    rows = [row for _, labels in first for row in labels[:, 0].tolist()]
    assert len(set(rows)) == 8
    assert rows != sorted(rows)
    for x, labels in first:
        for bundle, row in zip(x, labels, strict=True):
            assert torch.equal(bundle, corpus.bundles[row[0]])
    again = torch.cat([labels for _, labels in corpus.batches(4, seed=0)])
    assert again[:, 0].tolist() == rows
    other = torch.cat([labels for _, labels in corpus.batches(4, seed=1)])
    assert other[:, 0].tolist() != rows


def test_too_few_sequences_are_an_error_and_no_endless_loop() -> None:
    corpus = HdCorpus(SMALL)
    with pytest.raises(ValueError, match="holds 0 sequences"):
        next(corpus.batches(1, seed=0))
    corpus.add([1, 2, 4, 5])
    with pytest.raises(ValueError, match="holds 1 sequences, less than one batch of 2"):
        next(corpus.batches(2, seed=0))


# The sample.


def test_the_amplitude_weighs_variety() -> None:
    assert amplitude([]) == 0.0
    assert amplitude([7]) == 0.0
    assert amplitude([7, 7, 7, 7]) == 0.0
    assert amplitude([1, 2, 3, 4]) == pytest.approx(1.0)
    # Half of the distinct ids, one bit of two: sqrt(1/2 * 1/2).
    assert amplitude([1, 1, 2, 2]) == pytest.approx(0.5)
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert amplitude([1, 1, 1, 2]) == pytest.approx(math.sqrt(entropy / 2 * 2 / 4))


def test_a_reservoir_of_one_keeps_in_proportion_to_weights() -> None:
    weights, kept = [1.0, 2.0, 5.0], Counter[int]()
    for seed in range(4000):
        reservoir, held = Reservoir(1, seed), -1
        for number, weight in enumerate(weights):
            if reservoir.place(weight) is not None:
                held = number
        kept[held] += 1
    # Efraimidis and Spirakis 2006: w / sum w; three standard deviations are 0.024 at most.
    assert [kept[number] / 4000 for number in range(3)] == pytest.approx(
        [1 / 8, 2 / 8, 5 / 8], abs=0.024
    )


def test_a_reservoir_fills_first_and_then_replaces_single_places() -> None:
    reservoir = Reservoir(3, 0)
    assert [reservoir.place(1.0) for _ in range(3)] == [0, 1, 2]
    later = [reservoir.place(1.0) for _ in range(500)]
    assert {place for place in later if place is not None} == {0, 1, 2}
    assert sum(place is not None for place in later) < 60
    assert reservoir.place(0.0) is None
    with pytest.raises(ValueError, match="keeps nothing"):
        Reservoir(0, 0)


def stream(count: int) -> Iterator[list[int]]:
    return ([number % 50, number % 7, number % 31, number % 13] for number in range(count))


def test_memory_is_that_of_the_reservoir_whatever_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = 0
    encode = Encoder.__call__

    def counted(self: Encoder, ids: list[int]) -> torch.Tensor:
        nonlocal made
        made += 1
        return encode(self, ids)

    monkeypatch.setattr(Encoder, "__call__", counted)
    corpus = HdCorpus(small(reservoir_size=16))
    for ids in stream(1000):
        corpus.add(ids)
    tracemalloc.start()
    for ids in stream(30_000):
        corpus.add(ids)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    found = corpus.statistics()
    assert found["total_samples_seen"] == 31_000
    assert len(corpus) == found["samples_in_reservoir"] == 16
    assert corpus._bundles.shape == (16, 32)
    assert corpus._ids.shape == (16, 6)
    assert found["memory_bytes"] == 16 * (32 + 6) * 4
    assert grown < 20_000
    # What is not kept is never encoded.
    assert made == found["samples_accepted"] < 400
    assert found["samples_replaced"] == found["samples_accepted"] - 16
    assert found["acceptance_rate"] == found["samples_accepted"] / 31_000


def test_a_table_grows_only_as_it_fills() -> None:
    corpus = HdCorpus(small(reservoir_size=100_000))
    for ids in stream(70):
        corpus.add(ids)
    assert len(corpus._bundles) == 128
    assert corpus.labels()[69].tolist() == [19, 6, 7, 4, 2, 2]


def test_a_stream_gives_the_same_corpus_again() -> None:
    one, two, other = HdCorpus(SMALL), HdCorpus(SMALL), HdCorpus(small(seed=1))
    for corpus in (one, two, other):
        for ids in stream(200):
            corpus.add(ids)
    assert torch.equal(one.bundles, two.bundles)
    assert not torch.equal(one.ids, other.ids)


# Files.


@pytest.mark.parametrize("kind", ["dense", "lazy"])
def test_a_corpus_is_stored_with_its_labels(tmp_path: Path, kind: str) -> None:
    corpus = HdCorpus(small(base_table=kind))
    for ids in stream(30):
        corpus.add(ids)
    corpus.save(tmp_path / "corpus.safetensors")
    loaded = HdCorpus.load(tmp_path / "corpus.safetensors")
    assert torch.equal(loaded.bundles, corpus.bundles)
    assert torch.equal(loaded.labels(), corpus.labels())
    assert loaded.statistics() == corpus.statistics()
    assert loaded.settings == corpus.settings
    assert torch.equal(loaded.encoder([1, 2, 3]), corpus.encoder([1, 2, 3]))
    for ids in stream(200):
        assert loaded.add(ids[::-1]) == corpus.add(ids[::-1])
    assert loaded.statistics()["samples_replaced"] > 4
    assert torch.equal(loaded.bundles, corpus.bundles)
    assert torch.equal(loaded.labels(), corpus.labels())


def test_a_file_that_is_no_corpus_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="holds no corpus"):
        HdCorpus.load(tmp_path / "other.safetensors")
    corpus = HdCorpus(SMALL)
    corpus.add([1, 2, 3, 4])
    file = tmp_path / "corpus.safetensors"
    corpus.save(file)
    tensors = load_file(file)
    tensors["position_keys"] += 1
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        about = opened.metadata()
    save_file(tensors, file, about)
    with pytest.raises(ValueError, match="not those of its seed"):
        HdCorpus.load(file)


# Streams of texts.


def test_the_text_of_a_record_is_found_in_the_old_order() -> None:
    assert text_of({"content": "c", "text": "t", "instruction": "i"}) == "i"
    assert text_of({"text": None, "number": 3, "body": "b"}) == "b"
    with pytest.raises(ValueError, match="no column of"):
        text_of({"number": 3})


def test_long_texts_are_cut_into_windows_or_truncated() -> None:
    plain = AdaptiveQWT(400)
    whole = plain.encode("abcdefgh")
    assert list(sequences(["abcdefgh", "x"], plain, 6)) == [whole[:6], whole[6:], [1, 152, 3]]
    assert list(sequences(["abcdefgh"], plain, 6, "truncate")) == [whole[:6]]


def test_a_stream_is_offered_up_to_a_number_of_sequences() -> None:
    plain, corpus = AdaptiveQWT(400), HdCorpus(small(vocab_size=362, reservoir_size=50))
    fill(corpus, ["abcdef", "x", "ghijkl", "mnopqr"], plain, max_samples=2)
    assert corpus.ids.tolist() == [plain.encode("abcdef")[:6], plain.encode("ghijkl")[:6]]


def test_a_corpus_is_prepared_with_a_tokenizer_that_learns_first() -> None:
    texts = ["the quick brown fox", "the slow brown bear"] * 8
    asked = 0

    def anew() -> Iterator[str]:
        nonlocal asked
        asked += 1
        return iter(texts)

    tokenizer = AdaptiveQWT(380)
    corpus = prepare(anew, tokenizer, small(reservoir_size=99), learn_samples=2, min_freq=2)
    expected = AdaptiveQWT(380)
    expected.learn(texts[:2], min_freq=2)
    assert asked == 2
    assert tokenizer.codebook == expected.codebook
    assert corpus.settings.vocab_size == tokenizer.vocab_size == 380
    rows = [row for row in sequences(texts, expected, 6) if len(row) >= 4]
    assert [row[: len(ids)] for row, ids in zip(corpus.ids.tolist(), rows, strict=True)] == rows
    prepare(anew, tokenizer, small(reservoir_size=99))
    assert asked == 3
