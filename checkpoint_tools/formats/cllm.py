"""The .cllm binary format in its four generations, and what is read of each.

| generation | body after the 1576-byte header |
|---|---|
| rich | counted sections: tokens, lattice points, embeddings, layers, positions, training facts |
| flat | all parameters in a row, layer norms last |
| sectioned | the same without layer norms; with transforms where the model had them |

The third and the fourth generation are both sectioned and differ by the fifth byte of the magic
number. The version field is 1 in all of them. Everything is little-endian float32 without padding.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.errors import Malformed
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.protocol import Checkpoint, Note, Storage, TensorRef
from checkpoint_tools.sources import Source
from checkpoint_tools.strided import c_strides, numel

NAME = "cllm"
MAGIC = b"CLLM"
HEADER_BYTES = 1576
_TAIL = struct.Struct("<6Q4IdQQ")
_FIELDS = (
    "vocab_size",
    "num_lattice_points",
    "embedding_dim",
    "num_layers",
    "created_timestamp",
    "modified_timestamp",
    "symmetry_order",
    "architecture",
    "num_heads",
    "context_length",
    "golden_ratio",
    "timestamp",
    "total_params",
)
_LARGEST = 1 << 40


class Header(NamedTuple):
    """The header: its fields as they stand, and the feed-forward width solved from the count."""

    fields: dict[str, Any]
    vocab: int
    width: int
    layers: int
    total: int
    hidden: int | None
    magic: bytes


class Plan(NamedTuple):
    """One tensor: name, shape, and where it begins in the file."""

    name: str
    shape: tuple[int, ...]
    offset: int


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the header of a .cllm file and lay its tensors out.

    A file that was cut short raises Malformed, whose `partial` is what lies before the cut.
    """
    header = read_header(source)
    container: dict[str, Any] = {"header": header.fields, "ff_dim": header.hidden}
    body = source.size - HEADER_BYTES
    generation, notes = _generation(source, header, body)
    container["generation"] = generation
    if generation == "rich":
        from checkpoint_tools.formats.cllm_rich import read_rich

        return read_rich(source, header, container)
    plans = [] if generation == "header only" else _flat_plans(header, generation)
    return make_checkpoint(source, plans, container, {}, notes)


def make_checkpoint(
    source: Source,
    plans: list[Plan],
    container: dict[str, Any],
    metadata: dict[str, Any],
    notes: list[Note],
) -> Checkpoint:
    """A checkpoint of float32 tensors, each a storage of its own."""
    tensors = [
        TensorRef(plan.name, "float32", plan.shape, c_strides(plan.shape), index, 0, None,
                  tuple(plan.name.split(".")))
        for index, plan in enumerate(plans)
    ]  # fmt: skip
    storages = [Storage(p.name, 0, p.offset, 4 * numel(p.shape)) for p in plans]
    fields = container.get("header", {})
    facts = {key: fields[key] for key in ("model_name", "description") if fields.get(key)}
    return Checkpoint(
        NAME, [source], tensors, storages,
        metadata=facts | metadata, container=container, notes=notes,
    )  # fmt: skip


def read_header(source: Source) -> Header:
    """The 1576 bytes at the start of every generation."""
    if source.size < HEADER_BYTES:
        raise Malformed(
            f"the header has {HEADER_BYTES} bytes, and the file {source.size}",
            file=source.name,
            offset=source.size,
        )
    data = source.read_at(0, HEADER_BYTES)
    if data[:4] != MAGIC or data[5:8] != b"\0\0\0" or data[4] > 1:
        raise Malformed("does not begin as a .cllm file", file=source.name, offset=0)
    (version,) = struct.unpack_from("<I", data, 8)
    fields: dict[str, Any] = {"magic": data[:8].hex(), "version": version}
    for key, begin, length in (("model_name", 12, 256), ("description", 268, 1024)):
        fields[key] = text(data[begin : begin + length])
    fields |= zip(_FIELDS, _TAIL.unpack_from(data, 1296), strict=True)
    vocab, width = fields["vocab_size"], fields["embedding_dim"]
    layers, total = fields["num_layers"], fields["total_params"]
    for key, value in (("vocab_size", vocab), ("embedding_dim", width), ("num_layers", layers)):
        if not 1 <= value <= _LARGEST // max(vocab if key == "embedding_dim" else 1, 1):
            at = 1296 + 8 * _FIELDS.index(key)
            raise Malformed(f"{key} is {value}", file=source.name, offset=at)
    if layers > limits.MAX_TENSORS // 10 or layers * width > _LARGEST or total > _LARGEST:
        raise Malformed(
            f"total_params is {total} for {layers} layers", file=source.name, offset=1376
        )
    return Header(fields, vocab, width, layers, total, _hidden(fields), data[:8])


def text(data: bytes) -> str:
    """A C string; what follows its end is ignored."""
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _hidden(fields: dict[str, Any]) -> int | None:
    """The feed-forward width F in P = V·D + L·(3D² + 2DF + F + 5D), if it is a whole number."""
    vocab, width = fields["vocab_size"], fields["embedding_dim"]
    layers, total = fields["num_layers"], fields["total_params"]
    rest = total - vocab * width - layers * (3 * width * width + 5 * width)
    per_unit = layers * (2 * width + 1)
    return rest // per_unit if per_unit and rest > 0 and rest % per_unit == 0 else None


def _generation(source: Source, header: Header, body: int) -> tuple[str, list[Note]]:
    """Which generation the size of the body speaks for."""
    if body == 0:
        return "header only", [Note("empty", "the file has a header and no tensors")]
    notes: list[Note] = []
    if header.hidden is not None:
        norms = 4 * header.layers * header.width
        bare = 4 * header.total - 4 * norms
        sectioned = "sectioned, second magic" if header.magic[4] else "sectioned"
        transforms = bare + 8 * header.width**2
        if body == bare + 4 * norms:
            if body == transforms:
                text = "layer norms and transforms have the same size here; norms are assumed"
                notes.append(Note("ambiguous", text))
            return "flat", notes
        if body == bare:
            return sectioned, notes
        if body == transforms:
            return f"{sectioned}, transforms", notes
    if body >= 4 and int.from_bytes(source.read_at(HEADER_BYTES, 4), "little") == header.vocab:
        return "rich", notes
    if header.hidden is None:
        raise Malformed(
            f"total_params {header.total} leads to no whole feed-forward width",
            file=source.name,
            offset=1376,
        )
    expected = 4 * header.total
    raise Malformed(
        f"the body has {body} bytes; {expected} or {expected - 16 * header.layers * header.width}"
        " are expected for the sizes in the header",
        file=source.name,
        offset=min(source.size, HEADER_BYTES + expected),
    )


def _flat_plans(header: Header, generation: str) -> list[Plan]:
    vocab, width, hidden = header.vocab, header.width, header.hidden or 0
    square = (width, width)
    shapes: list[tuple[str, tuple[int, ...]]] = [("embeddings", (vocab, width))]
    if generation.endswith("transforms"):
        shapes += [("lattice_transform", square), ("inverse_transform", square)]
    for layer in range(header.layers):
        shapes += [(f"layers.{layer}.attn.{part}", square) for part in ("query", "key", "value")]
    for layer in range(header.layers):
        name = f"layers.{layer}.ff"
        shapes += [(f"{name}.w1", (width, hidden)), (f"{name}.b1", (hidden,))]
        shapes += [(f"{name}.w2", (hidden, width)), (f"{name}.b2", (width,))]
    if generation == "flat":
        for norm in range(2 * header.layers):
            shapes += [(f"norms.{norm}.{part}", (width,)) for part in ("gamma", "beta")]
    plans: list[Plan] = []
    offset = HEADER_BYTES
    for name, shape in shapes:
        plans.append(Plan(name, shape, offset))
        offset += 4 * numel(shape)
    return plans
