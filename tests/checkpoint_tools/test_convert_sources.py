"""Sources that are not one plain file: distributed folders, shards, URLs, very large files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoint_tools import open_checkpoint
from checkpoint_tools.compare import compare
from checkpoint_tools.plan import Cast, PlanError, Slice, Take, identity_plan, plan_of, rename_plan
from checkpoint_tools.sources import Source, Window
from checkpoint_tools.writing import convert
from tests.checkpoint_tools.building import Distributed, entry, good_torch_zip, safetensors, sharded
from tests.checkpoint_tools.test_writing_faults import MEASURED
from tests.conftest import ROOT


def test_a_distributed_folder_is_joined_without_computing(tmp_path: Path) -> None:
    folder = tmp_path / "dcp"
    folder.mkdir()
    Distributed().write(folder)
    with open_checkpoint(folder) as checkpoint:
        report = convert(checkpoint, identity_plan(checkpoint), tmp_path / "a.safetensors")
        assert report.kinds == {"w": "COPY"}
        with open_checkpoint(tmp_path / "a.safetensors") as made:
            assert compare(checkpoint, made).same


@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
def test_chunks_along_any_dimension(dims: tuple[int, ...], tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch writes the chunks")
    chunks = [((0, 0), (4, 6))]
    for dim in dims:
        halves = []
        for start, shape in chunks:
            for part in range(2):
                begin, size = list(start), list(shape)
                size[dim] //= 2
                begin[dim] += part * size[dim]
                halves.append(((begin[0], begin[1]), (size[0], size[1])))
        chunks = halves
    whole = torch.arange(24.0).reshape(4, 6)
    state = {
        str(i): whole[a : a + m, b : b + n].clone() for i, ((a, b), (m, n)) in enumerate(chunks)
    }
    torch.save(state, tmp_path / "parts.pt")
    with open_checkpoint(tmp_path / "parts.pt") as checkpoint:
        from checkpoint_tools.formats.protocol import Piece

        # What a distributed checkpoint is to the planner: one tensor in rectangles.
        refs = list(checkpoint.tensors.values())
        pieces = tuple(
            Piece(start, shape, ref.strides, ref.storage, ref.offset)
            for (start, shape), ref in zip(chunks, refs, strict=True)
        )
        checkpoint.tensors = {"w": refs[0]._replace(name="w", shape=(4, 6), storage=-1)}
        checkpoint.find_pieces = lambda name: pieces
        checkpoint.skeleton = None
        checkpoint.metadata = {}
        plan = plan_of([("w", Take("w")), ("half", Slice(Take("w"), 1, 1, 4))])
        convert(checkpoint, plan, tmp_path / "a.pt")
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)
    assert torch.equal(loaded["w"], whole)
    assert torch.equal(loaded["half"], whole[:, 1:4])


def test_shards_of_shards(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    with open_checkpoint(index) as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "one.safetensors")
        convert(
            checkpoint, identity_plan(checkpoint), tmp_path / "b", format="sharded", max_shard=1
        )
    first = open_checkpoint(tmp_path / "one.safetensors")
    with first as one, open_checkpoint(tmp_path / "b") as again:
        assert compare(one, again).same
        assert len(again.files) == 2


class Far:
    """A source that the kernel cannot reach."""

    remote = True

    def __init__(self, data: bytes) -> None:
        self.name, self.size, self._data = "far", len(data), data
        self.fetched = 0

    def read_at(self, offset: int, nbytes: int) -> bytes:
        self.fetched += nbytes
        return self._data[offset : offset + nbytes]

    def park(self) -> None:
        pass

    close = park


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_remote_source_is_streamed(wrapped: bool, tmp_path: Path) -> None:
    from checkpoint_tools.formats import safetensors as reader

    size = 3_000_000
    data = os.urandom(size)
    raw = safetensors({"a": entry([size // 4], 0, size)}, data)
    source: Source = Far(b"xyz" + raw if wrapped else raw)
    checkpoint = reader.open(Window(source, 3, len(raw)) if wrapped else source)
    convert(checkpoint, identity_plan(checkpoint), tmp_path / "a.safetensors")
    convert(checkpoint, identity_plan(checkpoint), tmp_path / "a.pt")
    assert (tmp_path / "a.safetensors").read_bytes()[-size:] == data
    with open_checkpoint(tmp_path / "a.pt") as made:
        assert made.read("a") == data
        made.verify(0)


def test_a_dry_run_reads_no_tensor(tmp_path: Path) -> None:
    from checkpoint_tools.formats import safetensors as reader
    from checkpoint_tools.writing import forecast

    far = Far(safetensors({"a": entry([250_000], 0, 1_000_000)}, bytes(1_000_000)))
    checkpoint = reader.open(far)
    before = far.fetched
    plan = plan_of([("b", Cast(Take("a"), "float16"))])
    said = forecast(checkpoint, plan, tmp_path / "a.safetensors")
    assert said.bytes["COMPUTE"] == 500_000
    assert far.fetched == before
    assert not list(tmp_path.iterdir())


def test_collisions_and_strangers_in_renames(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(good_torch_zip())
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        with pytest.raises(PlanError, match="there is no tensor 'x'"):
            rename_plan(checkpoint, {"x": "y"})
        with pytest.raises(PlanError, match="two outputs are called 'x'"):
            plan_of([("x", Take("weight")), ("x", Take("weight"))])
    (tmp_path / "b.safetensors").write_bytes(
        safetensors({f"layer.{i}": entry([1], 4 * i, 4 * i + 4) for i in range(5)}, bytes(20))
    )
    with open_checkpoint(tmp_path / "b.safetensors") as checkpoint:
        with pytest.raises(PlanError, match=r"would both be called 'layer'.*\(and 3 more\)"):
            rename_plan(checkpoint, dict.fromkeys(checkpoint.tensors, "layer"))
        swap = rename_plan(checkpoint, {"layer.0": "layer.1", "layer.1": "layer.0"})
        convert(checkpoint, swap, tmp_path / "c.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("gigabytes", [1, 20])
def test_memory_does_not_grow_with_the_file(gigabytes: int, tmp_path: Path) -> None:
    size = gigabytes * 10**9
    path, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    head = safetensors({"t0": entry([size // 4], 0, size)})
    path.write_bytes(head)
    os.truncate(path, len(head) + size)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path), str(target), "rename"],
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < 40_000
    assert target.stat().st_size >= size
