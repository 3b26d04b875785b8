"""The learnt words, in the order of their ids, and the JSON file that holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from .ids import BYTES, base_vocab


@dataclass(frozen=True, slots=True)
class Codebook:
    """Words of bytes with consecutive ids from the base on, most frequent first.

    Because ids are ranks, a smaller vocabulary is a prefix of a larger one.
    """

    words: tuple[bytes, ...] = ()
    frequencies: tuple[int, ...] = ()
    byte_offset: int = 32
    min_ngram: int = 2
    max_ngram: int = 5
    min_freq: int = 10
    max_vocab_size: int | None = None
    """The cap that was in force when it was learnt; None: none beside the target."""

    def __post_init__(self) -> None:
        if len(self.words) != len(self.frequencies):
            raise ValueError(f"{len(self.words)} words have {len(self.frequencies)} frequencies")
        if len(set(self.words)) != len(self.words):
            raise ValueError("a codebook holds the same word twice")
        if any(later > earlier for earlier, later in pairwise(self.frequencies)):
            raise ValueError("frequencies rise: ids are no ranks, and no prefix could be kept")

    @property
    def base(self) -> int:
        """The id of the first word."""
        return base_vocab(self.byte_offset)

    @property
    def vocab_size(self) -> int:
        """All ids: the base and the words."""
        return self.base + len(self.words)

    def truncated(self, vocab_size: int) -> Codebook:
        """The codebook of the most frequent words only.

        Raises:
            ValueError: `vocab_size` is below the base, which cannot be cut.
        """
        if vocab_size < self.base:
            raise ValueError(
                f"a vocabulary of {vocab_size} is below the {self.base} ids that bytes and "
                "specials take"
            )
        keep = vocab_size - self.base
        return replace(
            self,
            words=self.words[:keep],
            frequencies=self.frequencies[:keep],
            max_vocab_size=vocab_size,
        )

    def to_json(self) -> dict[str, Any]:
        """The layout of the old merger's file; ids of bytes are shifted by `byte_offset`."""
        return {
            "base_vocab_size": self.base,
            "config": {
                "min_frequency": self.min_freq,
                "max_vocab_size": self.max_vocab_size,
                "min_ngram_size": self.min_ngram,
                "max_ngram_size": self.max_ngram,
                "byte_offset": self.byte_offset,
            },
            "superwords": [
                {
                    "token_ids": [byte + self.byte_offset for byte in word],
                    "superword_id": self.base + rank,
                    "frequency": frequency,
                    "text_repr": word.decode("utf-8", "replace"),
                }
                for rank, (word, frequency) in enumerate(
                    zip(self.words, self.frequencies, strict=True)
                )
            ],
            "next_id": self.vocab_size,
        }

    def save(self, path: Path) -> None:
        """Write the file that `read` and the old merger read."""
        path.write_text(json.dumps(self.to_json(), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Codebook:
        """The codebook that a file holds, old or new.

        Raises:
            ValueError: its ids are not consecutive from the base, its words are no bytes, its
                frequencies rise, or a number that it states about itself is another.
        """
        config = data.get("config", {})
        offset = int(config.get("byte_offset", 32))
        base = base_vocab(offset)
        if data.get("base_vocab_size", base) != base:
            raise ValueError(
                f"the file says base_vocab_size {data['base_vocab_size']}; byte_offset {offset} "
                f"makes it {base}"
            )
        entries = sorted(data["superwords"], key=lambda entry: entry["superword_id"])
        ids = [entry["superword_id"] for entry in entries]
        if ids != list(range(base, base + len(ids))):
            raise ValueError(f"ids of words are not consecutive from {base}")
        if data.get("next_id", base + len(ids)) != base + len(ids):
            raise ValueError(
                f"the file says next_id {data['next_id']}; its words end before {base + len(ids)}"
            )
        return cls(
            words=tuple(_word(entry["token_ids"], offset) for entry in entries),
            frequencies=tuple(int(entry["frequency"]) for entry in entries),
            byte_offset=offset,
            min_ngram=int(config.get("min_ngram_size", 2)),
            max_ngram=int(config.get("max_ngram_size", 5)),
            min_freq=int(config.get("min_frequency", 10)),
            max_vocab_size=config.get("max_vocab_size"),
        )

    @classmethod
    def read(cls, path: Path) -> Codebook:
        """What `from_json` makes of a file; the same errors."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))


def _word(ids: list[int], offset: int) -> bytes:
    if len(ids) < 2 or not all(offset <= one < offset + BYTES for one in ids):
        raise ValueError(f"the word {ids} is no sequence of two bytes or more")
    return bytes(one - offset for one in ids)
