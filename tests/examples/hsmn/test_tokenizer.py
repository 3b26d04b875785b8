"""The tokenizer: ids, its hard cap, codebooks of the old format, their truncation."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.hsmn.tokenizer import CLS, EOS, PAD, AdaptiveQWT, Codebook, base_vocab
from schemas.hsmn.v5 import Tokenizer as Section

OLD: dict[str, Any] = {
    "base_vocab_size": 362,
    "config": {
        "min_frequency": 100,
        "max_vocab_size": 10000,
        "min_ngram_size": 2,
        "max_ngram_size": 5,
        "byte_offset": 32,
    },
    # Bytes of "th", "the" and "he ", shifted by 32.
    "superwords": [
        {"token_ids": [148, 136], "superword_id": 362, "frequency": 900, "text_repr": "th"},
        {"token_ids": [148, 136, 133], "superword_id": 363, "frequency": 700, "text_repr": "the"},
        {"token_ids": [136, 133, 64], "superword_id": 364, "frequency": 700, "text_repr": "he "},
    ],
    "next_id": 365,
}


def changed(**fields: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(OLD)), **fields}


def old() -> AdaptiveQWT:
    return AdaptiveQWT.from_codebook(Codebook.from_json(OLD))


@pytest.mark.parametrize(
    ("offset", "base"), [(10, 362), (32, 362), (42, 362), (43, 363), (64, 384)]
)
def test_the_base_is_that_of_the_old_code(offset: int, base: int) -> None:
    assert base_vocab(offset) == base
    assert AdaptiveQWT(1000, byte_offset=offset).vocab_size == base


def test_bytes_cannot_begin_among_the_specials() -> None:
    with pytest.raises(ValueError, match="byte_offset 9 is below 10"):
        AdaptiveQWT(1000, byte_offset=9)


def test_bytes_are_shifted_and_framed() -> None:
    plain = AdaptiveQWT(400)
    assert plain.encode("aé") == [1, 97 + 32, 0xC3 + 32, 0xA9 + 32, 3]
    assert plain.encode("ab", specials=False) == [129, 130]
    assert plain.encode("abc", max_length=3) == [CLS, 129, 130]
    assert plain.encode("abc", max_length=4) == [CLS, 129, 130, 131]
    assert plain.encode("abc", max_length=5) == [CLS, 129, 130, 131, EOS]
    assert plain.encode("ab", max_length=6, pad=True) == [CLS, 129, 130, EOS, PAD, PAD]
    assert plain.encode("", max_length=0) == []
    assert plain.encode("\ud800", specials=False) == [ord("?") + 32]


def test_the_longest_word_wins_from_the_left() -> None:
    one = old()
    assert one.encode("the the", specials=False) == [363, 64, 363]
    assert one.encode("he th", specials=False) == [364, 362]
    assert one.encode("xthx", specials=False) == [152, 362, 152]
    assert one.encode("he", specials=False) == [136, 133]


def test_words_are_found_after_truncation() -> None:
    assert old().encode("the", max_length=3) == [CLS, 362]
    assert old().encode("the", max_length=4) == [CLS, 363]
    assert old().encode("the the", max_length=9, pad=True)[5:] == [PAD] * 4


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=40))
def test_texts_come_back(text: str) -> None:
    one = old()
    ids = one.encode(text)
    assert one.decode(ids) == text
    assert max(ids) < one.vocab_size


def test_ids_that_are_nothing_decode_to_nothing() -> None:
    assert old().decode([0, 9, 31, 288, 361, 365, 10**9, -1, 363, 0xC3 + 32]) == "the"


# The cap.


@pytest.mark.parametrize(
    "sizes", [{"vocab_size": 361}, {"vocab_size": 500, "max_vocab_size": 361}, {"vocab_size": 0}]
)
def test_a_cap_below_the_base_is_an_error(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="is below the 362 ids that bytes and specials take"):
        AdaptiveQWT(**sizes)
    with pytest.raises(ValueError, match="below the 384"):
        AdaptiveQWT(383, byte_offset=64)


@pytest.mark.parametrize(
    ("target", "cap", "capacity"),
    [(128_000, None, 127_638), (128_000, 512, 150), (512, 128_000, 150), (362, 362, 0)],
)
def test_the_capacity_is_what_target_and_cap_leave(
    target: int, cap: int | None, capacity: int
) -> None:
    assert AdaptiveQWT(target, max_vocab_size=cap).capacity == capacity


@pytest.mark.parametrize("cap", [362, 363, 370])
def test_learning_never_exceeds_the_cap(cap: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = AdaptiveQWT(128_000, max_vocab_size=cap)
    assert one.learn(["abcdefgh"] * 20, workers=1) == cap - 362
    assert one.vocab_size == cap
    assert max(one.encode("abcdefgh")) < cap
    assert [record.getMessage() for record in caplog.records] == [
        f"Initialized: base_vocab=362, target=128000, codebook_capacity={cap - 362} "
        f"(capped at {cap})",
        f"vocab_size capped at {cap} (budget limit)",
        f"Learned {cap - 362} n-gram tokens, vocab_size now {cap}",
    ]


def test_a_config_makes_its_tokenizer() -> None:
    section = Section(active_vocab_size=600, max_vocab_size=512, byte_offset=64, max_ngram=3)
    one = AdaptiveQWT.from_config(section)
    assert (one.base, one.target, one.limit, one.max_ngram) == (384, 600, 512, 3)
    with pytest.raises(ValueError, match="active_vocab_size is null"):
        AdaptiveQWT.from_config(Section())


# Codebooks.


def test_an_old_codebook_is_read_and_written_the_same(tmp_path: Path) -> None:
    book = Codebook.from_json(OLD)
    assert book.words == (b"th", b"the", b"he ")
    assert book.vocab_size == 365
    book.save(tmp_path / "codebook.json")
    assert json.loads((tmp_path / "codebook.json").read_text()) == OLD
    assert Codebook.read(tmp_path / "codebook.json") == book


def test_what_was_learnt_is_read_again(tmp_path: Path) -> None:
    one = AdaptiveQWT(400, byte_offset=48)
    one.learn(["größe größe"] * 10, workers=1)
    one.codebook.save(tmp_path / "codebook.json")
    again = AdaptiveQWT.from_codebook(Codebook.read(tmp_path / "codebook.json"))
    assert again.encode("eine größe") == one.encode("eine größe")
    assert again.vocab_size == one.vocab_size == 400


def test_truncation_keeps_the_first_ranks() -> None:
    book = Codebook.from_json(OLD)
    assert book.truncated(364).words == (b"th", b"the")
    assert book.truncated(362).words == ()
    assert book.truncated(9999).words == book.words
    with pytest.raises(ValueError, match="below the 362"):
        book.truncated(361)


def test_a_truncated_tokenizer_falls_back_to_shorter_words() -> None:
    small = AdaptiveQWT.from_codebook(Codebook.from_json(OLD), 363, truncate=True)
    assert small.encode("the", specials=False) == [362, 133]
    with pytest.raises(ValueError, match="365 ids exceeds the cap of 363; truncate it"):
        AdaptiveQWT.from_codebook(Codebook.from_json(OLD), 363)
    with pytest.raises(ValueError, match="below the 362"):
        AdaptiveQWT.from_codebook(Codebook.from_json(OLD), 300, truncate=True)


def test_a_cut_of_what_was_learnt_is_what_a_smaller_cap_learns() -> None:
    texts = ["some words and some more words", "and no more"] * 12
    large, small = AdaptiveQWT(128_000), AdaptiveQWT(128_000, max_vocab_size=380)
    large.learn(texts, workers=1)
    small.learn(texts, workers=1)
    assert large.vocab_size > 400
    assert large.codebook.truncated(380) == small.codebook


def words(*entries: tuple[list[int], int, int]) -> list[dict[str, Any]]:
    keys = ("token_ids", "superword_id", "frequency")
    return [dict(zip(keys, entry, strict=True)) for entry in entries]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_vocab_size": 384}, "makes it 362"),
        ({"next_id": 366}, "says next_id 366"),
        ({"superwords": words(([148, 136], 363, 9)), "next_id": 363}, "not consecutive from 362"),
        ({"superwords": words(([148, 7], 362, 9)), "next_id": 363}, "no sequence of two bytes"),
        ({"superwords": words(([148], 362, 9)), "next_id": 363}, "no sequence of two bytes"),
        ({"superwords": words(([148, 288], 362, 9)), "next_id": 363}, "no sequence of two bytes"),
        (
            {"superwords": words(([40, 41], 362, 8), ([40, 42], 363, 9)), "next_id": 364},
            "frequencies rise",
        ),
        (
            {"superwords": words(([40, 41], 362, 9), ([40, 41], 363, 9)), "next_id": 364},
            "same word twice",
        ),
    ],
)
def test_a_codebook_that_contradicts_itself_is_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Codebook.from_json(changed(**fields))
