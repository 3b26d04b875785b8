"""From texts or records of a dataset to a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

from ..tokenizer import AdaptiveQWT
from .corpus import SHORTEST, HdCorpus, Settings

COLUMNS = ("context", "instruction", "text", "input", "response", "content")
"""Where the old stream looked for the text of a record, in this order."""

Long = Literal["windows", "truncate"]


def text_of(record: Mapping[str, Any]) -> str:
    """The text of a record: of the first known column that holds one, else of any column.

    Raises:
        ValueError: no column holds a text.
    """
    for name in (*COLUMNS, *record):
        if isinstance(record.get(name), str):
            return str(record[name])
    raise ValueError(f"no column of {sorted(record)} holds a text")


def sequences(
    texts: Iterable[str], tokenizer: AdaptiveQWT, length: int, long: Long = "windows"
) -> Iterator[list[int]]:
    """Ids of each text, with specials, in rows of at most `length`.

    `windows` cuts a longer text into rows that follow each other; `truncate` keeps `length`
    bytes of it, as the old stream did.
    """
    for text in texts:
        if long == "truncate":
            yield tokenizer.encode(text, max_length=length)
            continue
        ids = tokenizer.encode(text)
        yield from (ids[start : start + length] for start in range(0, len(ids), length))


def fill(
    corpus: HdCorpus,
    texts: Iterable[str],
    tokenizer: AdaptiveQWT,
    *,
    max_samples: int | None = None,
    long: Long = "windows",
) -> None:
    """Offer texts to a corpus, `max_samples` sequences at most; None for all."""
    rows = sequences(texts, tokenizer, corpus.settings.sample_length, long)
    enough = (row for row in rows if len(row) >= SHORTEST)
    for row in islice(enough, max_samples):
        corpus.add(row)


def prepare(
    texts: Callable[[], Iterable[str]],
    tokenizer: AdaptiveQWT,
    settings: Settings,
    *,
    learn_samples: int = 5000,
    min_freq: int = 10,
    max_samples: int | None = None,
    long: Long = "windows",
) -> HdCorpus:
    """The corpus of a stream, and the tokenizer trained on its beginning.

    Args:
        texts: begins the stream anew at each call.
        tokenizer: learns here unless it is trained.
        settings: its `vocab_size` is replaced by what the tokenizer has after learning.
        learn_samples: texts to learn from.
        min_freq: see `AdaptiveQWT.learn`.
        max_samples: sequences that are offered at most.
        long: see `sequences`.
    """
    if not tokenizer.is_trained:
        tokenizer.learn(islice(texts(), learn_samples), min_freq=min_freq)
    corpus = HdCorpus(replace(settings, vocab_size=tokenizer.vocab_size))
    fill(corpus, texts(), tokenizer, max_samples=max_samples, long=long)
    return corpus
