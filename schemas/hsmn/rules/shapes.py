"""Shapes and element types of what goes into the model, comes out and is compared.

Sizes that a file does not fix are letters: B sequences in a batch, S tokens in one, V ids,
HD dimensions of a bundle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import read

if TYPE_CHECKING:
    from cfgmig.schema.rules import Config

Shape = tuple[int | str, ...]
FLOAT, IDS = "float32", "int32"


class Shapes(NamedTuple):
    """What a step of training handles.

    Args:
        kind: `hd_bundle` or `token_ids`, as the data side makes it.
        inputs: shape of a batch.
        dtype: its element type.
        logits: shape of what the model makes of it.
        labels: shape of what a batch is compared with.
        label_dtype: the labels' element type; a bundle for a label is float32.
    """

    kind: str
    inputs: Shape
    dtype: str
    logits: Shape
    labels: Shape
    label_dtype: str

    @property
    def agree(self) -> bool:
        """Whether each position of the logits has one id as its label."""
        return self.logits[:-1] == self.labels and self.label_dtype == IDS


def label_mode(config: Config) -> str:
    """What a bundle's label is in this file; the flat files knew the last token only."""
    said = read.text(config, "data.hd.label_mode")
    old = config.version == "1" or read.is_flat(config)
    return said or ("last_token" if old else "full_sequence")


def shapes(config: Config) -> Shapes:
    """The shapes of this file's training step, as the code of its version makes them.

    Up to version 1 the model reads a bundle of shape (B, HD) as B sequences of HD ids.
    From version 2 on an adapter makes S vectors of it, or one with `expand: none`.
    """
    batch = read.whole(config, "batch_size") or "B"
    ids = read.vocabulary(config)[1] or "V"
    length = read.sequence(config) or "S"
    if not read.streams_bundles(config):
        return Shapes("token_ids", (batch, length), IDS, (batch, length, ids), (batch, length), IDS)
    hd = read.bundle_dim(config) or "HD"
    mode = label_mode(config)
    labels = {"last_token": (batch,), "bundle": (batch, hd)}.get(mode, (batch, length))
    if config.version in ("1", "flat-v1"):
        seen: int | str = hd
    else:
        flat = read.is_flat(config)
        seen = 1 if flat or read.text(config, "model.adapter.expand") == "none" else length
    dtype = FLOAT if mode == "bundle" else IDS
    return Shapes("hd_bundle", (batch, hd), FLOAT, (batch, seen, ids), labels, dtype)


def written(shape: Shape) -> str:
    """A shape as the frameworks print it: `(64, 128, 128000)`, `(64,)`."""
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
