"""One numpy array in a .npy file."""

from __future__ import annotations

from checkpoint_tools.dtypes import nbytes
from checkpoint_tools.errors import Malformed
from checkpoint_tools.folders import Folder
from checkpoint_tools.formats.protocol import Checkpoint, Storage, TensorRef
from checkpoint_tools.npy_header import header_length, read_header
from checkpoint_tools.sources import Source
from checkpoint_tools.strided import numel

NAME = "npy"


def open(source: Source, _folder: Folder | None = None, /) -> Checkpoint:
    """Read the header of a .npy file; its tensor is called `array`."""
    length = header_length(source.read_at(0, min(12, source.size)), source.name)
    header = read_header(source.read_at(0, length), source.name)
    size = nbytes(header.dtype, numel(header.shape))
    if header.offset + size != source.size:
        raise Malformed(
            f"shape {header.shape} of {header.dtype} needs {size} bytes, and"
            f" {source.size - header.offset} follow the header",
            file=source.name,
            offset=header.offset,
        )
    storage = Storage("array", 0, header.offset, size, None, header.swapped)
    ref = TensorRef("array", header.dtype, header.shape, header.strides, 0, 0, None, ("array",))
    return Checkpoint(NAME, [source], [ref], [storage])
