"""The .cllm.state file beside a .cllm: epoch, step, losses, and a buffer of 2·P floats.

Of the buffer only the first 2·V·D floats were ever written on purpose (two moments of the
embeddings); the rest is whatever lay behind them in memory. V and D stand in the .cllm beside it.
"""

from __future__ import annotations

import struct
from typing import Any

from checkpoint_tools.errors import CheckpointError, Malformed
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.cllm import Header, Plan, make_checkpoint, read_header
from checkpoint_tools.formats.protocol import Checkpoint, Note
from checkpoint_tools.sources import Source

NAME = "cllm state"
SUFFIX = ".state"
_HEAD = struct.Struct("<2i2f")


def open(source: Source, folder: Folder | None = None, /) -> Checkpoint:
    """Read a state file, with the sizes from its .cllm where that is at hand."""
    count, rest = divmod(source.size - _HEAD.size, 8)
    if count < 0 or rest:
        raise Malformed(
            f"has {source.size} bytes; 16 and a multiple of 8 are expected",
            file=source.name,
            offset=source.size,
        )
    epoch, step, loss, best = _HEAD.unpack(source.read_at(0, _HEAD.size))
    if epoch < 0 or step < 0:
        raise Malformed(f"epoch {epoch}, step {step}", file=source.name, offset=0)
    metadata: dict[str, Any] = {"epoch": epoch, "step": step}
    metadata |= {"current_loss": loss, "best_loss": best}
    header, notes = _model(source, folder)
    container: dict[str, Any] = {"parameters": count}
    begin = _HEAD.size
    if header is None or header.total != count or header.vocab * header.width > count:
        if header is not None:
            text = f"the .cllm beside it has {header.total} parameters, this has room for {count}"
            notes.append(Note("mismatch", text))
        plans = [Plan("buffer", (2 * count,), begin)]
    else:
        size = header.vocab * header.width
        shape = (header.vocab, header.width)
        plans = [Plan("embeddings.exp_avg", shape, begin)]
        plans.append(Plan("embeddings.exp_avg_sq", shape, begin + 4 * size))
        text = (
            f"the last {8 * (count - size)} bytes were never written on purpose; they are left out"
        )
        notes.append(Note("unused", text))
    checkpoint = make_checkpoint(source, plans, container, metadata, notes)
    checkpoint.format = NAME
    return checkpoint


def _model(source: Source, folder: Folder | None) -> tuple[Header | None, list[Note]]:
    name = source.name.replace("\\", "/").rpartition("/")[2]
    if folder is None or not name.endswith(SUFFIX):
        return None, []
    try:
        model = folder.open(name.removesuffix(SUFFIX))
        try:
            return read_header(model), []
        finally:
            model.close()
    except CheckpointError as error:
        return None, [Note("unread", f"the sizes are unknown without the .cllm: {error}")]
