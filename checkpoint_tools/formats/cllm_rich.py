"""The rich generation of .cllm: counted sections one after the other."""

from __future__ import annotations

import struct
from typing import Any

from checkpoint_tools.errors import Malformed
from checkpoint_tools.formats.cllm import HEADER_BYTES, Header, Plan, make_checkpoint, text
from checkpoint_tools.formats.protocol import Checkpoint, Note
from checkpoint_tools.sources import Source
from checkpoint_tools.strided import numel

_TOKEN = struct.Struct("<I4xQ3fff64sfIff20x")
_POINT_SIZES = {"2256": 2256, "216": 216}
_META = struct.Struct("<QffQ64s128x")
_MARK = 0xDEADBEEF
_TOKENS_SHOWN = 100_000


class _Cut(Exception):
    """The file ends inside a section."""

    def __init__(self, section: str, begin: int, end: int) -> None:
        super().__init__(section)
        self.section, self.begin, self.end = section, begin, end


class _Reader:
    """Walks over the sections; each step knows how far it may go."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.position = HEADER_BYTES
        self.plans: list[Plan] = []

    def take(self, section: str, nbytes: int) -> bytes:
        """The next bytes."""
        begin = self._advance(section, nbytes)
        return self.source.read_at(begin, nbytes)

    def numbers(self, section: str, *expected: int | None) -> tuple[int, ...]:
        """The next u32 values; those that are known beforehand must be as expected."""
        data = self.take(section, 4 * len(expected))
        values = struct.unpack(f"<{len(expected)}I", data)
        for index, (value, wanted) in enumerate(zip(values, expected, strict=True)):
            if wanted is not None and value != wanted:
                raise Malformed(
                    f"{section} says {value} where {wanted} is expected",
                    file=self.source.name,
                    offset=self.position - 4 * (len(expected) - index),
                )
        return values

    def tensor(self, name: str, *shape: int) -> None:
        """Lay a tensor out over the next bytes."""
        begin = self._advance(name, 4 * numel(shape))
        self.plans.append(Plan(name, shape, begin))

    def skip(self, section: str, nbytes: int) -> int:
        """Step over the next bytes and tell where they begin."""
        return self._advance(section, nbytes)

    def _advance(self, section: str, nbytes: int) -> int:
        begin = self.position
        if begin + nbytes > self.source.size:
            raise _Cut(section, begin, begin + nbytes)
        self.position += nbytes
        return begin


def read_rich(source: Source, header: Header, container: dict[str, Any]) -> Checkpoint:
    """Lay out the sections of a rich file."""
    reader = _Reader(source)
    metadata: dict[str, Any] = {}
    notes: list[Note] = []
    try:
        _sections(reader, header, container, metadata, notes)
    except _Cut as cut:
        error = Malformed(
            f"truncated in {cut.section}: needs bytes {cut.begin}..{cut.end}, file has"
            f" {source.size}",
            file=source.name,
            offset=source.size,
        )
        here = f"{source.size - cut.begin} of {cut.end - cut.begin} bytes of {cut.section}"
        notes.append(Note("truncated", f"{here} are in the file"))
        error.partial = make_checkpoint(source, reader.plans, container, metadata, notes)
        raise error from None
    if reader.position != source.size:
        raise Malformed(
            f"{source.size - reader.position} bytes follow the last section",
            file=source.name,
            offset=reader.position,
        )
    return make_checkpoint(source, reader.plans, container, metadata, notes)


def _sections(
    reader: _Reader,
    header: Header,
    container: dict[str, Any],
    metadata: dict[str, Any],
    notes: list[Note],
) -> None:
    vocab, width = header.vocab, header.width
    reader.numbers("tokens", vocab)
    tokens = reader.skip("tokens", vocab * _TOKEN.size)
    if vocab <= _TOKENS_SHOWN and not reader.source.remote:
        metadata["tokens"] = _tokens(reader.source.read_at(tokens, vocab * _TOKEN.size))
    points = header.fields["num_lattice_points"]
    reader.numbers("lattice points", points)
    if points:
        size = _point_size(reader, points, header)
        reader.skip("lattice points", points * size)
        container["lattice_point_bytes"] = size
    reader.numbers("embeddings", vocab, width)
    reader.tensor("embeddings", vocab, width)
    reader.tensor("lattice_transform", width, width)
    reader.tensor("inverse_transform", width, width)
    reader.numbers("layers", header.layers)
    for layer in range(header.layers):
        _layer(reader, layer, header, container)
    longest, _ = reader.numbers("positions", None, width)
    for name in ("spiral", "clock", "prime", "learned"):
        reader.tensor(f"pos.{name}", longest, width)
    steps, rate, loss, when, optimizer = _META.unpack(reader.take("training facts", _META.size))
    metadata["training"] = {
        "training_steps": steps,
        "learning_rate": rate,
        "loss": loss,
        "timestamp": when,
        "optimizer": text(optimizer),
    }
    (mark,) = reader.numbers("the closing mark", None)
    if mark != _MARK:
        notes.append(Note("mark", f"the closing mark is {mark:#010x} instead of {_MARK:#010x}"))


def _layer(reader: _Reader, layer: int, header: Header, container: dict[str, Any]) -> None:
    width = header.width
    section = f"layers.{layer}"
    _, heads, size = reader.numbers(f"{section}.attn", layer, None, None)
    if not heads or heads * size != width:
        raise Malformed(
            f"{section} has {heads} heads of {size} for a width of {width}",
            file=reader.source.name,
            offset=reader.position - 8,
        )
    for part in ("query", "key", "value"):
        reader.tensor(f"{section}.attn.{part}", heads, size, size)
    _, _, hidden, _ = reader.numbers(f"{section}.ff", layer, width, None, width)
    reader.tensor(f"{section}.ff.w1", width, hidden)
    reader.tensor(f"{section}.ff.w2", hidden, width)
    reader.tensor(f"{section}.ff.b1", hidden)
    reader.tensor(f"{section}.ff.b2", width)
    reader.numbers(f"norms.{layer}", layer, width)
    (epsilon,) = struct.unpack("<f", reader.take(f"norms.{layer}", 4))
    reader.tensor(f"norms.{layer}.gamma", width)
    reader.tensor(f"norms.{layer}.beta", width)
    facts = {"heads": heads, "head_dim": size, "ff_dim": hidden, "norm_eps": epsilon}
    container.setdefault("layers", {})[str(layer)] = facts


def _point_size(reader: _Reader, points: int, header: Header) -> int:
    """Two layouts of a lattice point exist; the counts that follow tell which one this is."""
    for size in _POINT_SIZES.values():
        at = reader.position + points * size
        if at + 8 <= reader.source.size:
            found = struct.unpack("<II", reader.source.read_at(at, 8))
            if found == (header.vocab, header.width):
                return size
    return _POINT_SIZES["2256"]


def _tokens(data: bytes) -> dict[str, list[Any]]:
    """The vocabulary, column by column."""
    columns: dict[str, list[Any]] = {"id": [], "text": [], "prime": [], "symmetry_group": []}
    for row in _TOKEN.iter_unpack(data):
        columns["id"].append(row[0])
        columns["prime"].append(row[1])
        columns["text"].append(text(row[7]))
        columns["symmetry_group"].append(row[9])
    return columns
