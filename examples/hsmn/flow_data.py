"""From a text to what a model is fed: paragraphs, a tokenizer, bundles or ids, and their labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from examples.common.flow import Stop, find

from .hd import HdCorpus, Settings
from .hd.corpus import SHORTEST
from .hd.encoder import Encoder
from .hd.stream import sequences
from .tokenizer import PAD, AdaptiveQWT
from .tokenizer.ids import BYTES

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

    from .tokenizer.codebook import Codebook

HELD_OUT = 10
"""Every tenth paragraph is never trained on, nor does the tokenizer learn from it."""
SHORTEST_PARAGRAPH = 20
"""Characters below which a paragraph is a heading or a number."""


class Texts(NamedTuple):
    """Paragraphs to train on, those held out, the digest of the file they are from, and where."""

    train: list[str]
    held_out: list[str]
    digest: str
    path: Path


class Part(NamedTuple):
    """Bundles float32 [n, hd] or ids int64 [n, S], and the labels of each."""

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.inputs)


class Material(NamedTuple):
    """Everything that a run reads.

    Attributes:
        tokenizer: trained.
        train: what steps are made of.
        held_out: what the held-out loss is measured on.
        entropy: of the held-out labels as single ids, in nats: what a model reaches that knows
            their frequencies and nothing else.
        bytes_per_label: of the held-out labels. A larger vocabulary has longer ids, so losses of
            different ones compare per byte only.
        digest: of the text.
        counts: of the stream, for the journal.
    """

    tokenizer: AdaptiveQWT
    train: Part
    held_out: Part
    entropy: float
    bytes_per_label: float
    digest: str
    counts: dict[str, Any]


def read_texts(config: Config, path: Path, root: Path) -> Texts:
    """The paragraphs of `data.text`, which is found below the root or beside the config.

    Raises:
        Stop: the config names no text, it cannot be read, or it has too few paragraphs.
    """
    if config.data.text is None:
        raise Stop(
            f"{path}: data.text is missing; datasets and curricula are not fetched here\n"
            "  help: set `data.text` to a file with paragraphs between blank lines",
            2,
        )
    file = find(config.data.text, path, root)
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Stop(
            f"{file}: cannot be read: {reason}\n"
            f"  help: `data.text` of {path} is looked for below {root} and beside the config",
            2,
        ) from error
    paragraphs = [" ".join(one.split()) for one in text.split("\n\n")]
    paragraphs = [one for one in paragraphs if len(one) > SHORTEST_PARAGRAPH]
    held_out = paragraphs[HELD_OUT - 1 :: HELD_OUT]
    if not held_out:
        raise Stop(
            f"{file}: {len(paragraphs)} paragraphs; {HELD_OUT} are needed to hold one out\n"
            f"  help: blank lines part them; one has more than {SHORTEST_PARAGRAPH} characters"
        )
    train = [one for at, one in enumerate(paragraphs) if at % HELD_OUT != HELD_OUT - 1]
    return Texts(train, held_out, sha256(content).hexdigest(), file)


def tokenizer_of(config: Config, texts: Texts, codebook: Codebook | None) -> AdaptiveQWT:
    """A trained tokenizer: of a codebook, cut to the vocabulary, or of the paragraphs.

    Raises:
        ValueError: the vocabulary is left to the search, or is below the base.
    """
    section = config.tokenizer
    tokenizer = AdaptiveQWT.from_config(section)
    if codebook is not None:
        limit = min(tokenizer.limit, codebook.vocab_size)
        return AdaptiveQWT.from_codebook(codebook, limit, truncate=True)
    tokenizer.learn(texts.train[: section.learn_samples], min_freq=section.min_freq, workers=1)
    return tokenizer


def material(
    config: Config, texts: Texts, tokenizer: AdaptiveQWT, drawn: int | None = None
) -> Material:
    """Training and held-out parts of a text.

    Args:
        config: as it is built.
        texts: paragraphs.
        tokenizer: trained.
        drawn: dimensions that bundles are drawn with before they are resized to `hd_dim`, as those
            were that the weights know; None: `hd_dim` itself.

    Raises:
        ValueError: bundles come in, and there is no adapter that says how wide they are.
        Stop: a part is empty, or smaller than a batch.
    """
    parts = []
    counts: dict[str, Any] = {"paragraphs": len(texts.train), "held_out": len(texts.held_out)}
    for name, paragraphs in (("train", texts.train), ("held_out", texts.held_out)):
        part, counted = _part(config, paragraphs, tokenizer, drawn)
        counts[f"{name}_sequences"] = counted
        parts.append(part)
    batch = config.training.batch_size or 1
    for part, least, name in ((parts[0], batch, "train on"), (parts[1], 1, "measure")):
        if len(part) < least:
            raise Stop(
                f"{texts.path}: gives {len(part)} sequences to {name}; {least} are needed\n"
                f"  help: {_more_sequences(config, len(part))}"
            )
    ignore = config.training.loss.ignore_index
    entropy = unigram_entropy(parts[1].labels, ignore)
    width = bytes_per_label(parts[1].labels, ignore, tokenizer)
    return Material(tokenizer, parts[0], parts[1], entropy, width, texts.digest, counts)


def _more_sequences(config: Config, given: int) -> str:
    """What makes the sequences of a text more, or those that are needed fewer."""
    hd, size = config.data.hd, config.training.batch_size
    if takes_bundles(config) and given == hd.reservoir_size:
        return f"`data.hd.reservoir_size: {given}` keeps no more; a batch takes {size}"
    length = "data.hd.sample_length" if takes_bundles(config) else "model.context_window"
    return f"a longer text, a smaller `training.batch_size` or a shorter `{length}`"


def _part(
    config: Config, paragraphs: Sequence[str], tokenizer: AdaptiveQWT, drawn: int | None
) -> tuple[Part, dict[str, Any]]:
    if takes_bundles(config):
        corpus = _corpus(config, tokenizer.vocab_size, drawn)
        for row in sequences(paragraphs, tokenizer, config.data.hd.sample_length):
            corpus.add(row)  # skips and counts what is too short
        return Part(corpus.bundles, corpus.labels()), corpus.statistics()
    length = config.model.context_window
    if length is None:
        raise ValueError("model.context_window is null: the search has to decide it")
    # A row has one id more than the model reads: each id's label is the next one.
    cut = list(sequences(paragraphs, tokenizer, length + 1))
    rows = [row for row in cut if len(row) >= SHORTEST]
    ids = torch.full((len(rows), length + 1), PAD)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    return Part(ids[:, :-1], ids[:, 1:]), {
        "samples": len(rows),
        "skipped_short": len(cut) - len(rows),
    }


def _corpus(config: Config, ids: int, drawn: int | None) -> HdCorpus:
    settings = Settings.from_config(config, ids)
    corpus = HdCorpus(settings)
    if drawn not in (None, settings.hd_dim):
        corpus.encoder = Encoder(
            ids,
            settings.hd_dim,
            settings.sample_length,
            seed=settings.seed,
            keys=settings.keys,
            ctqw_steps=settings.ctqw_steps,
            base_table=settings.base_table,
            drawn_dim=drawn,
        )
    return corpus


def takes_bundles(config: Config) -> bool:
    """Whether the model of a config is fed bundles rather than ids."""
    given = config.model.input
    return config.data.hd.enabled if given is None else given.kind == "hd_bundle"


def unigram_entropy(labels: Tensor, ignore: int | None) -> float:
    """Shannon's entropy of labels as single ids, in nats; 0 where labels are no ids."""
    if labels.is_floating_point():
        return 0.0
    counts = torch.bincount(_counting(labels, ignore))
    shares = counts[counts > 0].double() / counts.sum()
    return -math.fsum((shares * shares.log()).tolist())


def bytes_per_label(labels: Tensor, ignore: int | None, tokenizer: AdaptiveQWT) -> float:
    """Bytes of text that a label stands for, on average; 1 where labels are no ids."""
    if labels.is_floating_point():
        return 1.0
    lengths = torch.zeros(tokenizer.vocab_size)
    lengths[tokenizer.byte_offset : tokenizer.byte_offset + BYTES] = 1.0
    words = tokenizer.codebook.words
    lengths[tokenizer.base :] = torch.tensor([float(len(word)) for word in words])
    return float(lengths[_counting(labels, ignore)].mean())


def _counting(labels: Tensor, ignore: int | None) -> Tensor:
    return labels[labels != (-1 if ignore is None else ignore)].flatten()
