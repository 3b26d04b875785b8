"""Numpy's files: one array as .npy, byte for byte as numpy writes it, several as .npz."""

from __future__ import annotations

from collections.abc import Sequence

from checkpoint_tools.dtypes import DTYPES
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.proof import Output
from checkpoint_tools.text import quote
from checkpoint_tools.writing import zip_layout
from checkpoint_tools.writing.layout import FileLayout

_ALIGN = 64


def header(output: Output) -> bytes:
    """What stands before the elements (numpy.lib.format, version 1.0).

    Raises:
        PlanError: numpy has no such type.
    """
    code = DTYPES[output.type.dtype].npy
    if not code:
        raise PlanError(
            f"numpy has no {output.type.dtype}, which {quote(output.name)} is; cast it first"
        )
    order = "|" if code[1:] == "1" else "<"
    text = f"{{'descr': '{order}{code}', 'fortran_order': False, 'shape': {output.type.shape}, }}"
    # Room for the first length to grow, as numpy leaves it.
    grown = 21 - len(repr(output.type.shape[0])) if output.type.shape else 0
    text += " " * grown
    text += " " * (-(10 + len(text) + 1) % _ALIGN) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1")


def layout(outputs: Sequence[Output]) -> FileLayout:
    """The layout of a .npy file.

    Raises:
        PlanError: there is not exactly one tensor.
    """
    if len(outputs) != 1:
        raise PlanError(f"a .npy file holds one tensor, and these are {len(outputs)}")
    (output,) = outputs
    head = header(output)
    return FileLayout(len(head) + output.nbytes, {output.name: len(head)}, lambda _: [(0, head)])


def archive(outputs: Sequence[Output]) -> FileLayout:
    """The layout of a .npz file."""
    members: list[zip_layout.Member] = []
    for output in outputs:
        name = output.name
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise PlanError(f"{quote(name)} would lead out of a .npz file")
        members.append(
            zip_layout.Member(f"{name}.npy", header(output), name, output.nbytes, _ALIGN)
        )
    return zip_layout.layout(members)
