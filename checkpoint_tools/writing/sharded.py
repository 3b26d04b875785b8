"""Several safetensors files and the index that names the file of each tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from checkpoint_tools.plan.proof import Output
from checkpoint_tools.writing import safetensors
from checkpoint_tools.writing.layout import FileLayout

INDEX = "model.safetensors.index.json"


def shards(outputs: Sequence[Output], most: int) -> list[list[Output]]:
    """Tensors in the given order, a new file where the next would exceed `most` bytes."""
    files: list[list[Output]] = []
    room = -1
    for output in outputs:
        if output.nbytes > room or not files:
            files.append([])
            room = most
        files[-1].append(output)
        room -= output.nbytes
    return files


def layouts(
    outputs: Sequence[Output], metadata: Mapping[str, str], about: Mapping[str, str], most: int
) -> dict[str, FileLayout]:
    """The files of a sharded checkpoint, the index last.

    Args:
        metadata: texts for every file.
        about: texts for the index, since they concern tensors of several files.
        most: bytes of tensors in one file; a larger tensor has a file of its own.
    """
    files = shards(outputs, most)
    made: dict[str, FileLayout] = {}
    places: dict[str, str] = {}
    for number, part in enumerate(files, 1):
        name = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        made[name] = safetensors.layout(part, metadata)
        places |= {output.name: name for output in part}
    index = {
        "metadata": {**about, "total_size": sum(output.nbytes for output in outputs)},
        "weight_map": places,
    }
    text = (json.dumps(index, indent=2, sort_keys=True) + "\n").encode()
    made[INDEX] = FileLayout(len(text), {}, lambda _: [(0, text)])
    return made
