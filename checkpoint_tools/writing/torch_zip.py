"""The zip archive of torch.save, with fixed fields; `torch.load(weights_only=True)` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checkpoint_tools.plan.proof import Output
from checkpoint_tools.writing import zip_layout
from checkpoint_tools.writing.copying import BLOCK
from checkpoint_tools.writing.layout import FileLayout
from checkpoint_tools.writing.pickle_writer import PickleWriter, Stored, torch_type

_ROOT = "archive"
_ALIGN = 64  # what torch itself aligns storages to, so that they can be mapped


def layout(
    outputs: Sequence[Output], tree: object, anchors: Mapping[str, int] | None = None
) -> tuple[FileLayout, list[str]]:
    """The layout of an archive, and what of `tree` becomes plain data.

    Args:
        outputs: all tensors; tied ones share a storage.
        tree: the object that is saved, with `TensorAt` where tensors are.
        anchors: where outputs lie in their source file, to keep their place within a block.
    """
    stored: dict[str, Stored] = {}
    members: list[zip_layout.Member] = []
    for output in outputs:
        if output.tie is None:
            key = str(len(members))
            dtype, shape = torch_type(*output.type, output.name)
            stored[output.name] = Stored(key, dtype, shape)
            anchor = (anchors or {}).get(output.name)
            align, residue = (_ALIGN, 0) if anchor is None else (BLOCK, anchor % BLOCK)
            members.append(
                zip_layout.Member(
                    f"{_ROOT}/data/{key}", b"", output.name, output.nbytes, align, residue
                )
            )
    for output in outputs:
        if output.tie is not None:
            stored[output.name] = stored[output.tie]
    writer = PickleWriter(stored)
    pickle = writer.dump(tree)
    head = [
        zip_layout.Member(f"{_ROOT}/data.pkl", pickle),
        zip_layout.Member(f"{_ROOT}/.format_version", b"1"),
        zip_layout.Member(f"{_ROOT}/.storage_alignment", str(_ALIGN).encode()),
        zip_layout.Member(f"{_ROOT}/byteorder", b"little"),
    ]
    members = [*head, *members, zip_layout.Member(f"{_ROOT}/version", b"3\n")]
    return zip_layout.layout(members), writer.notes
