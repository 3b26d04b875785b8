"""The corpus: a sample of a stream as bundles with labels, in memory that the sample bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from ..tokenizer import PAD, UNK
from .encoder import Encoder
from .reservoir import Reservoir, amplitude
from .tables import Keys, Kind

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

LabelMode = Literal["full_sequence", "last_token", "bundle"]

SHORTEST = 4
"""Ids below which a sequence is skipped."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a stream becomes bundles.

    The defaults are those that a model learns from. Configs of the old code are imported with
    gaussian keys, 3 steps and labels of the last token or the bundle itself.
    """

    vocab_size: int
    hd_dim: int = 1024
    sample_length: int = 256
    reservoir_size: int = 2000
    keys: Keys = "unitary"
    ctqw_steps: int = 0
    label_mode: LabelMode = "full_sequence"
    seed: int = 42
    base_table: Kind | None = None

    @classmethod
    def from_config(cls, config: Config, vocab_size: int) -> Settings:
        """Those of a config of the head version, for a vocabulary of `vocab_size` ids.

        Raises:
            ValueError: the config has no adapter, so nobody says how wide a bundle is.
        """
        if config.model.adapter is None:
            raise ValueError("model.adapter is missing; it says how many dimensions a bundle has")
        shared = config.data.hd.model_dump(exclude={"enabled"})
        return cls(vocab_size=vocab_size, hd_dim=config.model.adapter.hd_dim, **shared)

    def encoder(self) -> Encoder:
        """What makes the bundles."""
        return Encoder(
            self.vocab_size,
            self.hd_dim,
            self.sample_length,
            seed=self.seed,
            keys=self.keys,
            ctqw_steps=self.ctqw_steps,
            base_table=self.base_table,
        )


class HdCorpus:
    """Takes a stream of id sequences, and keeps a weighted sample of them as bundles.

    Memory is `reservoir_size` rows of hd float32 and S int32, and the tables, however long the
    stream is. A sequence that is not kept is never encoded.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.encoder = settings.encoder()
        self._reservoir = Reservoir(settings.reservoir_size, settings.seed)
        self._bundles = torch.empty(0, settings.hd_dim)
        self._ids = torch.empty(0, settings.sample_length, dtype=torch.int32)
        self._counts = {"total_samples_seen": 0, "samples_accepted": 0, "samples_replaced": 0}
        self._counts |= {"skipped_short": 0, "unknown_ids": 0}

    def __len__(self) -> int:
        return len(self._reservoir)

    def add(self, ids: Sequence[int]) -> bool:
        """Offer a sequence; whether it is kept for now.

        Ids beyond the vocabulary become `<unk>` and are counted. A sequence of fewer than 4 ids
        is skipped.

        Raises:
            ValueError: the sequence is longer than the positions that have keys.
        """
        settings, counts = self.settings, self._counts
        if len(ids) > settings.sample_length:
            raise ValueError(
                f"{len(ids)} ids exceed sample_length {settings.sample_length}, the positions "
                "that have keys"
            )
        if len(ids) < SHORTEST:
            counts["skipped_short"] += 1
            return False
        known = [one if 0 <= one < settings.vocab_size else UNK for one in ids]
        counts["unknown_ids"] += sum(a != b for a, b in zip(ids, known, strict=True))
        counts["total_samples_seen"] += 1
        full = len(self._reservoir) == settings.reservoir_size
        place = self._reservoir.place(amplitude(known))
        if place is None:
            return False
        counts["samples_accepted"] += 1
        counts["samples_replaced"] += full
        self._make_room(place)
        self._bundles[place] = self.encoder(known)
        self._ids[place] = PAD
        self._ids[place, : len(known)] = torch.tensor(known, dtype=torch.int32)
        return True

    def _make_room(self, place: int) -> None:
        """Double the tables up to the size of the reservoir."""
        have = len(self._bundles)
        if place < have:
            return
        more = min(max(2 * have, 64), self.settings.reservoir_size) - have
        self._bundles = torch.cat((self._bundles, self._bundles.new_empty(more, self._width)))
        rows = self._ids.new_empty(more, self.settings.sample_length)
        self._ids = torch.cat((self._ids, rows))

    @property
    def _width(self) -> int:
        return self.settings.hd_dim

    @property
    def bundles(self) -> Tensor:
        """Float32 [n, hd]."""
        return self._bundles[: len(self)]

    @property
    def ids(self) -> Tensor:
        """Int32 [n, S], filled up with `<pad>`."""
        return self._ids[: len(self)]

    def labels(self, mode: LabelMode | None = None) -> Tensor:
        """What a model is to find in each bundle; `mode` None is that of the settings.

        full_sequence: all ids, int64 [n, S], filled up with `<pad>`, which a loss ignores.
        last_token: the last id, int64 [n]; `<eos>` for every text that was not cut.
        bundle: the bundle itself, float32 [n, hd].
        """
        mode = mode or self.settings.label_mode
        if mode == "bundle":
            return self.bundles
        ids = self.ids.long()
        if mode == "full_sequence":
            return ids
        last = (ids != PAD).sum(1, keepdim=True) - 1
        return ids.gather(1, last).squeeze(1)

    def batches(self, batch_size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of bundles [b, hd] and labels, shuffled; a last part batch is left out.

        Raises:
            ValueError: nothing is kept, or less than one batch.
        """
        if len(self) < max(batch_size, 1):
            raise ValueError(
                f"the corpus holds {len(self)} sequences, less than one batch of {batch_size}"
            )
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        labels = self.labels()
        for start in range(0, len(self) - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            yield self.bundles[rows], labels[rows]

    def statistics(self) -> dict[str, Any]:
        """Counts of the stream, under the names of the old corpus."""
        seen, settings = self._counts["total_samples_seen"], self.settings
        return {
            **self._counts,
            "samples_in_reservoir": len(self),
            "acceptance_rate": self._counts["samples_accepted"] / seen if seen else 0.0,
            "config": {
                "hd_dim": settings.hd_dim,
                "reservoir_size": settings.reservoir_size,
                "vocab_size": settings.vocab_size,
                "use_ctqw": settings.ctqw_steps > 0,
            },
            "memory_bytes": len(self) * (settings.hd_dim + settings.sample_length) * 4,
        }

    def save(self, path: Path) -> None:
        """Write bundles, ids, keys and a dense base table as safetensors."""
        from safetensors.torch import save_file

        tensors = {"bundles": self.bundles.clone(), "ids": self.ids.clone()}
        tensors["position_keys"] = self.encoder.keys
        if self.encoder.base.table is not None:
            tensors["base_vectors"] = self.encoder.base.table
        about = {
            "settings": asdict(self.settings),
            "counts": self._counts,
            "reservoir": self._reservoir.state_dict(),
        }
        save_file(tensors, path, {"hd_corpus": json.dumps(about)})

    @classmethod
    def load(cls, path: Path) -> HdCorpus:
        """A corpus that `save` wrote; it goes on taking sequences as the saved one would.

        Raises:
            ValueError: the file is no corpus, or its tables are not those of its seed.
        """
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("hd_corpus", "null"))
            if about is None:
                raise ValueError(f"{path} holds no corpus")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        corpus = cls(Settings(**about["settings"]))
        if not torch.equal(corpus.encoder.keys, tensors["position_keys"]):
            raise ValueError(f"{path}: the position keys are not those of its seed")
        corpus._restore(tensors, about)
        return corpus

    def _restore(self, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
        self._bundles, self._ids = tensors["bundles"], tensors["ids"]
        self._counts = about["counts"]
        self._reservoir.load_state_dict(about["reservoir"])
        # The table of the file holds, whatever numpy would draw from the seed.
        self.encoder.base.table = tensors.get("base_vectors")
