"""A checkpoint in several files, told by an index: `weight_map` names the shard of each tensor.

The index and the headers of the shards must say the same, tensor for tensor and byte for byte.
"""

from __future__ import annotations

from typing import Any

from checkpoint_tools import limits
from checkpoint_tools.errors import CheckpointError, Malformed, Unreadable, Unsafe
from checkpoint_tools.folders import Folder, check_name, open_neighbour
from checkpoint_tools.formats import safetensors, torch_legacy, torch_zip
from checkpoint_tools.formats.protocol import Checkpoint, Note, Storage, TensorRef
from checkpoint_tools.sources import Source
from checkpoint_tools.strict_json import read_json
from checkpoint_tools.text import quote

NAME = "sharded"


def open(source: Source, folder: Folder | None = None, /) -> Checkpoint:
    """Read an index.json and the headers of every shard that it names."""
    if folder is None:
        raise Unreadable("the shards of an index lie beside it", file=source.name)
    places, facts = _index(source)
    opened: list[Checkpoint] = []
    try:
        for shard in dict.fromkeys(places.values()):
            opened.append(_open_shard(folder, shard, source.name))
            if len(opened) > 100:
                opened[-1].sources[0].park()
        merged = _merge(source, folder, places, facts, opened)
    except BaseException:
        for checkpoint in opened:
            checkpoint.close()
        raise
    source.close()
    return merged


def _index(source: Source) -> tuple[dict[str, str], dict[str, Any]]:
    """The shard of each tensor, and the metadata of the index."""
    if source.size > limits.MAX_JSON:
        raise Unsafe(
            f"the index has {source.size} bytes; {limits.MAX_JSON} are allowed", file=source.name
        )
    index = read_json(source.read_at(0, source.size), source.name)
    places = index.get("weight_map") if type(index) is dict else None
    if type(places) is not dict or not places:
        raise Malformed("the index has no weight_map", file=source.name, offset=0)
    for name, shard in places.items():
        if type(shard) is not str:
            raise Malformed(f"the shard of {quote(name)} is no file name", file=source.name)
    shards = set(places.values())
    for shard in sorted(shards):
        check_name(shard, source.name)
    if len(shards) > limits.MAX_SHARDS or len(places) > limits.MAX_TENSORS:
        raise Unsafe(f"names {len(shards)} shards for {len(places)} tensors", file=source.name)
    folded: dict[str, str] = {}
    for shard in sorted(shards):
        twin = folded.setdefault(shard.casefold(), shard)
        if twin != shard:
            raise Unsafe(
                f"the shards {quote(twin)} and {quote(shard)} are one file on some systems",
                file=source.name,
            )
    facts = index.get("metadata")
    if facts is not None and type(facts) is not dict:
        raise Malformed("the metadata of the index are no mapping", file=source.name)
    return places, facts or {}


def _open_shard(folder: Folder, shard: str, index: str) -> Checkpoint:
    source = open_neighbour(folder, shard, index, "a part of the tensors")
    try:
        head = source.read_at(0, min(source.size, 16))
        if head[:4] == b"PK\x03\x04":
            return torch_zip.open(source)
        if head[:1] == b"\x80":
            return torch_legacy.open(source)
        return safetensors.open(source)
    except CheckpointError:
        source.close()
        raise


def _merge(
    source: Source,
    folder: Folder,
    places: dict[str, str],
    facts: dict[str, Any],
    opened: list[Checkpoint],
) -> Checkpoint:
    refs: dict[str, TensorRef] = {}
    storages: list[Storage] = []
    notes: list[Note] = []
    shards = list(dict.fromkeys(places.values()))
    for number, (shard, part) in enumerate(zip(shards, opened, strict=True)):
        base = len(storages)
        for ref in part.tensors.values():
            _check_place(source.name, places, shard, ref.name)
            moved = ref if ref.storage < 0 else ref._replace(storage=ref.storage + base)
            refs[ref.name] = moved
        storages += [storage._replace(file=number) for storage in part.storages]
        notes += [Note(note.kind, f"{shard}: {note.message}") for note in part.notes]
    missing = next((name for name in places if name not in refs), None)
    if missing is not None:
        raise Malformed(
            f"the index puts {quote(missing)} into {quote(places[missing])}, which lacks it",
            file=source.name,
        )
    _check_total(source.name, facts, list(refs.values()), storages)
    merged = Checkpoint(
        f"sharded {opened[0].format}",
        [part.sources[0] for part in opened],
        [refs[name] for name in places],
        storages,
        metadata=_metadata(facts, opened),
        container={"index": facts, "shards": shards},
        notes=notes,
        name=source.name,
    )
    merged.locate = _locator(opened)
    merged.on_close.append(folder.close)
    return merged


def _metadata(facts: dict[str, Any], opened: list[Checkpoint]) -> dict[str, Any]:
    found: dict[str, Any] = {key: value for key, value in facts.items() if key != "total_size"}
    for part in opened:
        for key, value in part.metadata.items():
            if key != "$tensors":
                found.setdefault(key, value)
    return found


def _check_place(file: str, places: dict[str, str], shard: str, name: str) -> None:
    said = places.get(name)
    if said is None:
        raise Malformed(f"{quote(shard)} holds {quote(name)}, which the index lacks", file=file)
    if said != shard:
        raise Malformed(
            f"{quote(name)} is in {quote(shard)}, and the index puts it into {quote(said)}",
            file=file,
        )


def _check_total(
    file: str, facts: dict[str, Any], refs: list[TensorRef], storages: list[Storage]
) -> None:
    """`total_size` counts tensors, tied ones once or each time, depending on the writer."""
    said = facts.get("total_size")
    if said is None:
        return
    each = sum(ref.nbytes for ref in refs)
    once = sum(ref.nbytes for ref in refs if ref.alias_of is None)
    stored = sum(storage.nbytes for storage in storages)
    if said not in (each, once, stored):
        raise Malformed(
            f"the index says that the tensors have {quote(str(said))} bytes, and the shards hold"
            f" {each}",
            file=file,
        )


def _locator(opened: list[Checkpoint]) -> Any:
    """Find the shard of a storage, and its place there."""
    starts: list[int] = []
    total = 0
    for part in opened:
        starts.append(total)
        total += len(part.storages)

    def locate(index: int) -> Storage:
        from bisect import bisect_right

        number = bisect_right(starts, index) - 1
        return opened[number].storage(index - starts[number])._replace(file=number)

    return locate
