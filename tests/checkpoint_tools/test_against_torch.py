"""Every value as the reference libraries read it, for every dtype and kind of view."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import Checkpoint, open_checkpoint
from tests.checkpoint_tools.samples import everything, tensors

torch = pytest.importorskip("torch", reason="torch is the reference here")


def raw(tensor: Any) -> bytes:
    """The elements in C order."""
    flat = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach()).reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""


def assert_same(checkpoint: Checkpoint, expected: dict[str, Any]) -> None:
    assert sorted(checkpoint.tensors) == sorted(expected)
    for name, tensor in expected.items():
        ref = checkpoint.tensors[name]
        assert ref.dtype == str(tensor.dtype).removeprefix("torch."), name
        assert ref.shape == tuple(tensor.shape), name
        assert checkpoint.read(name) == raw(tensor), name
        assert b"".join(checkpoint.stream(name, 32)) == raw(tensor), name


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """The tensors of nested containers under dotted names."""
    if isinstance(value, torch.Tensor):
        return {path: value}
    found: dict[str, Any] = {}
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    for key, item in pairs:
        found |= flat(item, f"{path}.{key}" if path else str(key))
    return found


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "legacy"])
def test_a_whole_checkpoint_of_torch(modern: bool, tmp_path: Path) -> None:
    whole = everything()
    path = tmp_path / "a.pt"
    if not modern:
        for name in ("uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"):
            # torch itself cannot read back what it writes of these in the legacy format
            del whole["state"][name]
    torch.save(whole, path, _use_new_zipfile_serialization=modern)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.format == ("torch zip" if modern else "torch legacy")
        assert_same(checkpoint, flat(whole))
        tree = checkpoint.metadata
    json.dumps(tree)
    assert tree["epoch"] == 3
    assert tree["best"] == float("inf")
    assert tree["optimizer"]["param_groups"][0]["lr"] == 1e-3
    assert tree["args"] == {
        "$type": "argparse.Namespace", "lr": 0.1, "out": {"$path": "/a/b"}, "layers": [1, 2],
    }  # fmt: skip
    assert tree["nested"]["list"][1] == {"$tensor": "nested.list.1"}
    assert tree["nested"]["7"] == "seven"
    assert tree["kinds"] == [
        {"$dtype": "float32"}, [1, 2], {"$device": "cuda:1"}, {"$set": [1, 2]},
        {"$complex": [1.0, 2.0]},
    ]  # fmt: skip
    assert tree["more"][0] == {"$bytes": "6162ff"}
    assert tree["more"][4:] == [2**80, -5, None, True]
    if "numpy" in whole:
        assert tree["numpy"] == {"f": 2.5, "i": -3, "b": True, "s": "x"}


def test_ties_views_and_bloat_are_reported(tmp_path: Path) -> None:
    torch.save(tensors(), tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        refs = checkpoint.tensors
        assert refs["tied_two"].alias_of == "tied_one"
        assert refs["tied_one"].storage == refs["view_of_tied"].storage
        assert refs["view_of_tied"].alias_of is None
        kinds = {note.kind for note in checkpoint.notes}
        assert {"alias", "overlap", "bloat"} <= kinds
        bloat = next(note.message for note in checkpoint.notes if note.kind == "bloat")
        assert "80 of the 8000 bytes" in bloat
        assert checkpoint.stored_bytes - checkpoint.referenced_bytes >= 7900
        assert not refs["transposed"].contiguous
        assert next(checkpoint.runs("rows")).nbytes == 48


def test_rectangles(tmp_path: Path) -> None:
    made = tensors()
    torch.save(made, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        for name in ("float32", "transposed", "columns", "bf16_transposed", "complex_transposed"):
            tensor = made[name]
            stop = tuple(tensor.shape)
            start = tuple(size // 2 for size in stop)
            part = tensor[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
            assert checkpoint.read_slice(name, start, stop) == raw(part)
        with pytest.raises(IndexError):
            checkpoint.read_slice("float32", (0, 0, 0), (9, 9, 9))


def test_a_lone_tensor(tmp_path: Path) -> None:
    torch.save(torch.ones(3), tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        assert checkpoint.read("tensor") == raw(torch.ones(3))


def test_big_endian_archives_are_swapped(tmp_path: Path) -> None:
    from torch.utils.serialization import config

    made = {name: tensors()[name] for name in ("float32", "int64", "complex64", "bool")}
    torch.save(made, tmp_path / "little.pt")
    assert config is not None
    data = (tmp_path / "little.pt").read_bytes()
    import zipfile

    swap = {"float32": 4, "int64": 8, "complex64": 4, "bool": 1}
    with zipfile.ZipFile(tmp_path / "little.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for index, unit in enumerate(swap.values()):
        name = f"little/data/{index}"
        body = members[name]
        members[name] = b"".join(body[i : i + unit][::-1] for i in range(0, len(body), unit))
    members["little/byteorder"] = b"big"
    from tests.checkpoint_tools.building import zip_bytes

    (tmp_path / "big.pt").write_bytes(zip_bytes(members))
    assert data
    with open_checkpoint(tmp_path / "big.pt") as checkpoint:
        assert_same(checkpoint, made)
        with pytest.raises(ValueError, match="big-endian"):
            list(checkpoint.runs("float32"))


def test_safetensors(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch", reason="safetensors is the reference here")
    made = {
        name: tensor.detach().contiguous().clone()
        for name, tensor in tensors().items()
        if tensor.dtype != torch.complex128
    }
    library.save_file(made, tmp_path / "a.safetensors", metadata={"format": "pt", "é": "ü"})
    with open_checkpoint(tmp_path / "a.safetensors") as checkpoint:
        assert checkpoint.metadata == {"format": "pt", "é": "ü"}
        assert_same(checkpoint, made)
        assert checkpoint.stored_bytes == checkpoint.referenced_bytes
        assert not checkpoint.notes


def test_sharded_bin_with_ties_inside_a_shard(tmp_path: Path) -> None:
    tied = torch.ones(2, 2)
    torch.save({"a": tied, "b": tied}, tmp_path / "m-1.bin")
    torch.save({"c": torch.zeros(3)}, tmp_path / "m-2.bin")
    places = {"c": "m-2.bin", "a": "m-1.bin", "b": "m-1.bin"}
    index = {"metadata": {"total_size": 28}, "weight_map": places}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    with open_checkpoint(tmp_path) as checkpoint:
        assert list(checkpoint.tensors) == ["c", "a", "b"]
        assert checkpoint.tensors["b"].alias_of == "a"
        assert checkpoint.read("b") == raw(tied)
        assert checkpoint.read("c") == bytes(12)
        assert checkpoint.format == "sharded torch zip"


def test_distributed(tmp_path: Path) -> None:
    dcp = pytest.importorskip("torch.distributed.checkpoint")
    made = {
        "model": {name: t.detach().clone() for name, t in tensors().items() if t.numel()},
        "epoch": 4, "list": [1, {"a": torch.ones(2)}],
    }  # fmt: skip
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.save(made, checkpoint_id=tmp_path / "c", no_dist=True)
    with open_checkpoint(tmp_path / "c") as checkpoint:
        assert checkpoint.format == "torch distributed"
        assert_same(checkpoint, flat(made))
        assert checkpoint.metadata["epoch"] == 4
        assert checkpoint.tensors["list.1.a"].path == ("list", 1, "a")
    next((tmp_path / "c").glob("*.distcp")).unlink()
    from checkpoint_tools import Malformed

    with pytest.raises(Malformed, match=r"(value|tensor) '.*should lie in '__0_0.distcp'"):
        open_checkpoint(tmp_path / "c")
