"""Folders, links and indexes that are in order."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from checkpoint_tools import Unreadable, Unsafe, open_checkpoint, sniff
from checkpoint_tools.coverage import Coverage
from checkpoint_tools.folders import LocalFolder
from tests.checkpoint_tools import building as b

DESCRIPTORS = Path("/proc/self/fd")


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.exists() else 0


def test_a_folder_is_opened_by_its_index(tmp_path: Path) -> None:
    b.sharded(tmp_path)
    assert sniff(tmp_path).format == "sharded"
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.format == "sharded safetensors"
        assert list(checkpoint.tensors) == ["a", "b"]
        assert [Path(name).name for name in checkpoint.files] == [
            "m-1.safetensors", "m-2.safetensors",
        ]  # fmt: skip
        assert checkpoint.tensors["b"].storage == 1
        assert checkpoint.storages[1].file == 1


def test_a_folder_with_one_file_or_with_several(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b.good_torch_zip())
    assert sniff(tmp_path)[::2] == ("torch_zip", "a.pt")
    with open_checkpoint(tmp_path) as checkpoint:
        assert "weight" in checkpoint.tensors
    (tmp_path / "b.pt").write_bytes(b.good_torch_zip())
    with pytest.raises(Unreadable, match="2 checkpoints"):
        open_checkpoint(tmp_path)


def test_links_of_the_hugging_face_cache_are_followed(tmp_path: Path) -> None:
    repo = tmp_path / "models--x--y"
    snapshot, blobs = repo / "snapshots" / ("f" * 40), repo / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    b.sharded(snapshot)
    for number, path in enumerate(sorted(snapshot.iterdir())):
        digest = f"{number:064x}"
        path.rename(blobs / digest)
        path.symlink_to(f"../../blobs/{digest}")
    for path in (snapshot, snapshot / "model.safetensors.index.json"):
        with open_checkpoint(path) as checkpoint:
            assert list(checkpoint.tensors) == ["a", "b"]


def test_other_links_only_on_request(tmp_path: Path) -> None:
    folder, other = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    other.mkdir()
    b.sharded(folder)
    (folder / "m-2.safetensors").rename(other / "x.safetensors")
    (folder / "m-2.safetensors").symlink_to("../b/x.safetensors")
    with pytest.raises(Unsafe, match="symbolic link"):
        open_checkpoint(folder)
    with open_checkpoint(folder, follow_links=True) as checkpoint:
        assert checkpoint.read("b") == bytes(4)
    (tmp_path / "linked").symlink_to(folder / "m-1.safetensors")
    with open_checkpoint(tmp_path / "linked") as checkpoint:
        assert list(checkpoint.tensors) == ["a"]


def test_a_folder_that_is_exchanged_is_not_noticed_because_it_is_held(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    b.sharded(folder)
    held = LocalFolder(folder)
    folder.rename(tmp_path / "b")
    source = held.open("m-1.safetensors")
    assert source.size > 8
    source.close()
    held.close()


def test_many_shards_need_few_descriptors(tmp_path: Path) -> None:
    places = {}
    for n in range(300):
        name = f"m-{n}.safetensors"
        header = {f"t{n}": b.entry([1], 0, 4)}
        (tmp_path / name).write_bytes(b.safetensors(header, n.to_bytes(4, "little")))
        places[f"t{n}"] = name
    import json

    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    before = descriptors()
    with open_checkpoint(tmp_path) as checkpoint:
        for _ in range(2):
            for n in range(300):
                assert checkpoint.read(f"t{n}") == n.to_bytes(4, "little")
        assert descriptors() <= before + 220
    assert descriptors() == before


def test_distributed_pieces(tmp_path: Path) -> None:
    b.Distributed().write(tmp_path)
    with open_checkpoint(tmp_path) as checkpoint:
        pieces = checkpoint.pieces("w")
        assert [piece.start for piece in pieces] == [(0, 0), (2, 0)]
        assert all(checkpoint.storage(piece.storage).offset > 0 for piece in pieces)
        assert checkpoint.read("w") == bytes(48)
        assert checkpoint.read_slice("w", (1, 1), (3, 3)) == bytes(16)
        assert checkpoint.referenced_bytes == checkpoint.stored_bytes == 48
        with pytest.raises(ValueError, match="pieces"):
            list(checkpoint.runs("w"))


def _cells(shape: tuple[int, ...], parts: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> bool:
    """Whether every cell is covered exactly once, by counting."""
    counts = dict.fromkeys(itertools.product(*map(range, shape)), 0)
    for start, size in parts:
        for cell in itertools.product(*(range(a, a + n) for a, n in zip(start, size, strict=True))):
            if cell not in counts:
                return False
            counts[cell] += 1
    return all(count == 1 for count in counts.values())


def test_coverage_agrees_with_counting() -> None:
    rng = random.Random(5)
    outcomes = set()
    for _ in range(3000):
        shape = tuple(rng.randrange(1, 5) for _ in range(rng.randrange(3)))
        parts = [((0,) * len(shape), shape)]
        for _ in range(rng.randrange(4)):
            start, size = parts.pop(rng.randrange(len(parts)))
            axis = rng.randrange(len(shape)) if shape else -1
            if axis < 0 or size[axis] < 2:
                parts.append((start, size))
                continue
            cut = rng.randrange(1, size[axis])
            low = list(size)
            low[axis] = cut
            high, moved = list(size), list(start)
            high[axis], moved[axis] = size[axis] - cut, start[axis] + cut
            parts += [(start, tuple(low)), (tuple(moved), tuple(high))]
        if rng.random() < 0.4 and shape:
            start, size = parts[rng.randrange(len(parts))]
            changed = tuple(max(0, n + rng.choice((-1, 0, 1))) for n in start)
            parts[rng.randrange(len(parts))] = (changed, size)
        exact = Coverage().fault(shape, parts) == ""
        assert exact == _cells(shape, parts), (shape, parts)
        outcomes.add(exact)
    assert outcomes == {True, False}
