"""A proven conversion, laid out: which file holds what at which byte."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from checkpoint_tools.formats.protocol import Checkpoint
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.nodes import View
from checkpoint_tools.plan.plan import Plan, recorded_ties
from checkpoint_tools.plan.proof import Output, Prepared, prepare
from checkpoint_tools.text import quote
from checkpoint_tools.writing import npy, safetensors, sharded, torch_zip
from checkpoint_tools.writing.layout import FileLayout
from checkpoint_tools.writing.tree import TREE_KEY, TensorAt, is_flat, names_in, placed, tree_of
from checkpoint_tools.writing.tree_json import write_tree

Format = Literal["safetensors", "sharded", "torch", "npy", "npz"]
Aliases = Literal["duplicate", "once"]
SUFFIXES: Mapping[str, Format] = {
    ".safetensors": "safetensors",
    ".pt": "torch",
    ".pth": "torch",
    ".ckpt": "torch",
    ".bin": "torch",
    ".npy": "npy",
    ".npz": "npz",
}
SHARD_BYTES = 5_000_000_000
METADATA_KEY = "checkpoint_tools.metadata"
AUTO: object = object()


@dataclass
class Job:
    """A proven conversion, laid out and ready to be written."""

    prepared: Prepared
    target: Path
    format: Format
    folder: bool
    layouts: dict[str, FileLayout]
    ties: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(layout.size for layout in self.layouts.values())

    @property
    def written(self) -> dict[str, Output]:
        """The outputs that have bytes of their own in the target."""
        places = {name for layout in self.layouts.values() for name in layout.places}
        return {name: one for name, one in self.prepared.outputs.items() if name in places}


def format_for(target: Path) -> Format:
    """The format that a file name means.

    Raises:
        PlanError: it means none.
    """
    found = SUFFIXES.get(target.suffix.lower())
    if found is None:
        known = ", ".join(SUFFIXES)
        raise PlanError(f"{target.name} names no format; known are {known}")
    return found


class Options(TypedDict, total=False):
    """How a target is laid out.

    format: None, the default, reads it from the target's suffix.
    metadata: further texts for `__metadata__` of safetensors.
    tree: the object around the tensors, with `TensorAt` in their places. By default that of the
        source; None leaves everything out that is no tensor.
    aliases: whether formats without shared storages get tied tensors each in full ("duplicate",
        the default) or "once". Both tell the ties in the metadata, as
        `safetensors.torch.save_model` does.
    max_shard: bytes of tensors in one file of "sharded"; 5 GB by default.
    reflink: spend up to a block per file, or per tensor of a .pt, so that file systems can share
        blocks.
    """

    format: Format | None
    metadata: Mapping[str, str] | None
    tree: object
    aliases: Aliases
    max_shard: int
    reflink: bool


def lay_out(source: Checkpoint, plan: Plan, target: Path, **how: Unpack[Options]) -> Job:
    """Prove a plan and decide where every byte goes; nothing is written.

    Raises:
        PlanError: the plan does not fit the checkpoint, or the result does not fit the format.
    """
    chosen = how.get("format") or format_for(target)
    prepared = prepare(source, plan)
    outputs = list(prepared.outputs.values())
    ties = {one.name: one.tie for one in outputs if one.tie is not None}
    job = Job(prepared, target, chosen, chosen == "sharded", {}, ties)
    anchors = _anchors(outputs) if how.get("reflink") else None
    tree = how.get("tree", AUTO)
    if tree is AUTO:
        tree = _tree(source, prepared, job.notes)
    elif tree is not None:
        _check_tree(tree, prepared)
    if chosen == "torch":
        bare = {name: TensorAt(name) for name in prepared.outputs}
        layout, notes = torch_zip.layout(outputs, bare if tree is None else tree, anchors)
        job.layouts[target.name] = layout
        job.notes += notes + _lost_metadata(source)
        return job
    own = [one for one in outputs if one.tie is None or how.get("aliases") != "once"]
    if chosen in ("npy", "npz"):
        job.layouts[target.name] = npy.layout(own) if chosen == "npy" else npy.archive(own)
        if source.metadata:
            job.notes.append(f"a .{chosen} file holds no metadata; they are left out")
        return job
    texts, about = _texts(source) | dict(how.get("metadata") or {}), _about(tree, ties)
    if chosen == "safetensors":
        job.layouts[target.name] = safetensors.layout(own, texts | about, anchors)
    else:
        job.layouts = sharded.layouts(own, texts, about, how.get("max_shard", SHARD_BYTES))
    return job


def _anchors(outputs: Sequence[Output]) -> dict[str, int]:
    """Where outputs that are one range of a source file lie in it."""
    found: dict[str, int] = {}
    for output in outputs:
        node = output.node
        if isinstance(node, View) and node.flat and node.numel and node.mapped():
            found[output.name] = node.checkpoint.storage(node.storage).offset + node.offset
    return found


def _tree(source: Checkpoint, prepared: Prepared, notes: list[str]) -> object:
    exprs = {name: output.expr for name, output in prepared.outputs.items()}
    tree = tree_of(source)
    if source.skeleton is None and TREE_KEY not in source.metadata:
        return {name: TensorAt(name) for name in exprs}
    made = placed(tree, exprs)
    gone = len(exprs) - len(set(names_in(made)))
    if gone:
        notes.append(f"{gone} tensors have no place among the values of the checkpoint")
    return made


def _check_tree(tree: object, prepared: Prepared) -> None:
    given = set(names_in(tree))
    problems = [
        f"the tree names {quote(name)}, which the plan does not make"
        for name in sorted(given - prepared.outputs.keys())
    ]
    left = sorted(prepared.outputs.keys() - given)
    problems += [f"the tree has no place for {quote(name)}" for name in left]
    if problems:
        raise PlanError.of(problems)


def _texts(source: Checkpoint) -> dict[str, str]:
    """What the source tells beside its tensors and their tree."""
    if "safetensors" in source.format:
        old = recorded_ties(source)
        return {
            key: value
            for key, value in source.metadata.items()
            if isinstance(value, str) and key not in old and key != TREE_KEY
        }
    if source.skeleton is None and source.metadata:
        return {METADATA_KEY: json.dumps(source.metadata, sort_keys=True)}
    return {}


def _about(tree: object, ties: Mapping[str, str]) -> dict[str, str]:
    """What safetensors cannot say: the tree around the tensors, and which are tied."""
    about = dict(ties)
    if tree is not None and not is_flat(tree):
        about[TREE_KEY] = write_tree(tree)
    return about


def _lost_metadata(source: Checkpoint) -> list[str]:
    if source.skeleton is not None or not source.metadata:
        return []
    lost = [key for key in source.metadata if key != TREE_KEY]
    if "safetensors" in source.format:
        lost = [key for key in lost if key not in recorded_ties(source)]
    return [f"metadata {quote(key)} are left out" for key in lost]
