"""AdaptiveQWT: bytes, and the n-grams that a corpus holds most often, up to a hard cap."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence, Sized
from typing import TYPE_CHECKING

from .codebook import Codebook
from .ids import BYTES, CLS, EOS, PAD, base_vocab
from .learning import CHUNK, learn
from .progress import progress

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.hsmn.v5 import Tokenizer as Section

log = logging.getLogger(__name__)


class AdaptiveQWT:
    """Text to ids and back: byte b is id `byte_offset` + b, learnt words follow the base.

    Words are n-grams of bytes, not merges of merges. Encoding takes at each place the longest
    word that fits. No id ever reaches `limit`.

    Args:
        vocab_size: ids to learn up to.
        max_vocab_size: hard cap of the ids, for instance what a budget allows; None: the target.
        byte_offset: id of byte 0.
        min_ngram: shortest word, bytes.
        max_ngram: longest word, bytes.
        model_max_length: bytes of a text that learning reads; None for all.

    Raises:
        ValueError: the target or the cap is below the base, which nothing can cut.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        max_vocab_size: int | None = None,
        byte_offset: int = 32,
        min_ngram: int = 2,
        max_ngram: int = 5,
        model_max_length: int | None = None,
    ) -> None:
        self.base = base_vocab(byte_offset)
        for name, value in (("vocab_size", vocab_size), ("max_vocab_size", max_vocab_size)):
            if value is not None and value < self.base:
                raise ValueError(
                    f"{name} {value} is below the {self.base} ids that bytes and specials take"
                )
        self.target, self.max_vocab_size = vocab_size, max_vocab_size
        self.limit = vocab_size if max_vocab_size is None else min(vocab_size, max_vocab_size)
        self.byte_offset, self.model_max_length = byte_offset, model_max_length
        self.min_ngram, self.max_ngram = min_ngram, max_ngram
        self.is_trained = False
        self._take(Codebook((), (), byte_offset, min_ngram, max_ngram))
        log.info(
            "Initialized: base_vocab=%d, target=%d, codebook_capacity=%d (capped at %s)",
            self.base, vocab_size, self.capacity, max_vocab_size,
        )  # fmt: skip

    @property
    def capacity(self) -> int:
        """Words that can be learnt."""
        return self.limit - self.base

    @property
    def vocab_size(self) -> int:
        """Ids that there are: the base before learning, and the words with it afterwards."""
        return self.codebook.vocab_size

    @classmethod
    def from_config(cls, section: Section, *, model_max_length: int | None = None) -> AdaptiveQWT:
        """The tokenizer that the section `tokenizer` of a config of the head version describes.

        Raises:
            ValueError: the vocabulary is left to the search, or is below the base.
        """
        if section.active_vocab_size is None:
            raise ValueError("tokenizer.active_vocab_size is null: the search has to decide it")
        return cls(
            section.active_vocab_size,
            max_vocab_size=section.max_vocab_size,
            byte_offset=section.byte_offset,
            min_ngram=section.min_ngram,
            max_ngram=section.max_ngram,
            model_max_length=model_max_length,
        )

    @classmethod
    def from_codebook(
        cls, codebook: Codebook, vocab_size: int | None = None, *, truncate: bool = False
    ) -> AdaptiveQWT:
        """A trained tokenizer.

        Args:
            codebook: its words.
            vocab_size: hard cap; None for the size of the codebook.
            truncate: keep the most frequent words of a codebook that is larger than the cap.

        Raises:
            ValueError: the codebook is larger and must not be cut, or the cap is below the base.
        """
        limit = codebook.vocab_size if vocab_size is None else vocab_size
        if codebook.vocab_size > limit and not truncate:
            raise ValueError(
                f"a codebook of {codebook.vocab_size} ids exceeds the cap of {limit}; truncate it"
            )
        one = cls(
            limit,
            byte_offset=codebook.byte_offset,
            min_ngram=codebook.min_ngram,
            max_ngram=codebook.max_ngram,
        )
        one._take(codebook.truncated(limit) if codebook.vocab_size > limit else codebook)
        one.is_trained = True
        return one

    def learn(
        self,
        texts: Iterable[str],
        *,
        min_freq: int = 10,
        workers: int | None = None,
        chunk: int = CHUNK,
        console: Console | None = None,
    ) -> int:
        """Learn the most frequent n-grams of a stream of texts; the number of words.

        Args:
            texts: read once; what is held of them does not grow with their number.
            min_freq: occurrences below which an n-gram is no word.
            workers: processes; None for one per core. The result does not depend on it.
            chunk: bytes that one process counts at a time.
            console: where the progress bar goes if it is a terminal; None for standard error.

        Raises:
            ValueError: it has learnt already; ids that a model knows would change.
        """
        if self.is_trained:
            raise ValueError("this tokenizer has learnt its words; new ones would move their ids")
        total = len(texts) if isinstance(texts, Sized) else None
        with progress("learning n-grams", total, console) as advance:
            found = learn(
                texts,
                capacity=self.capacity,
                min_freq=min_freq,
                smallest=self.min_ngram,
                largest=self.max_ngram,
                max_length=self.model_max_length,
                workers=workers,
                chunk=chunk,
                advance=advance,
            )
        self._take(self._book(found, min_freq))
        self.is_trained = True
        if self.max_vocab_size is not None and self.vocab_size >= self.max_vocab_size:
            log.info("vocab_size capped at %d (budget limit)", self.max_vocab_size)
        log.info("Learned %d n-gram tokens, vocab_size now %d", len(found), self.vocab_size)
        return len(found)

    def _book(self, found: Sequence[tuple[bytes, int]], min_freq: int) -> Codebook:
        return Codebook(
            words=tuple(word for word, _ in found),
            frequencies=tuple(count for _, count in found),
            byte_offset=self.byte_offset,
            min_ngram=self.min_ngram,
            max_ngram=self.max_ngram,
            min_freq=min_freq,
            max_vocab_size=self.limit,
        )

    def encode(
        self,
        text: str,
        *,
        max_length: int | None = None,
        specials: bool = True,
        pad: bool = False,
    ) -> list[int]:
        """Ids of a text.

        Args:
            text: any; a lone surrogate is read as a question mark.
            max_length: bytes and specials at most. They are counted before words replace
                bytes, as the old code did, so the result is mostly shorter.
            specials: `<cls>` before the text and `<eos>` after it.
            pad: fill up to `max_length` with `<pad>`.
        """
        data = text.encode("utf-8", "replace")
        room = None if max_length is None else max(max_length - specials, 0)
        ids = [CLS] * specials + self._segment(data[:room])
        if specials and (room is None or len(data) < room):
            ids.append(EOS)
        if max_length is not None:
            ids = ids[:max_length]
            if pad:
                ids += [PAD] * (max_length - len(ids))
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; specials and ids that are nothing are left out, as is broken UTF-8."""
        parts = []
        for one in ids:
            if one >= self.base:
                parts.append(self.codebook.words[one - self.base : one - self.base + 1])
            elif self.byte_offset <= one < self.byte_offset + BYTES:
                parts.append((bytes((one - self.byte_offset,)),))
        return b"".join(word for part in parts for word in part).decode("utf-8", "ignore")

    def _take(self, codebook: Codebook) -> None:
        self.codebook = codebook
        self._ids = {word: self.base + rank for rank, word in enumerate(codebook.words)}
        lengths: dict[bytes, set[int]] = {}
        for word in codebook.words:
            lengths.setdefault(word[:2], set()).add(len(word))
        # Most places have no word, or words of one length; trying all is four times slower.
        self._lengths: dict[bytes, Sequence[int]] = {
            start: sorted(sizes, reverse=True) for start, sizes in lengths.items()
        }

    def _segment(self, data: bytes) -> list[int]:
        """Greedy, from left to right, the longest word first."""
        ids, at, known, lengths = [], 0, self._ids, self._lengths
        while at < len(data):
            for length in lengths.get(data[at : at + 2], ()):
                piece = data[at : at + length]
                found = known.get(piece)
                if found is not None:
                    ids.append(found)
                    at += len(piece)
                    break
            else:
                ids.append(data[at] + self.byte_offset)
                at += 1
        return ids
