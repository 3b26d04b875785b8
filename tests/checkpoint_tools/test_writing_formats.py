"""What is written is what the reference libraries write, or at least read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import open_checkpoint
from checkpoint_tools.pickle_values import Collection, DType, Leaf, Ordered, Record
from checkpoint_tools.plan import (
    Cast,
    PlanError,
    Reshape,
    Take,
    identity_plan,
    plan_of,
    rename_plan,
)
from checkpoint_tools.writing import TensorAt, convert, forecast, tree_of
from checkpoint_tools.writing.tree_json import read_tree, write_tree

torch = pytest.importorskip("torch", reason="torch is the reference here")
np = pytest.importorskip("numpy", reason="numpy is the reference here")
reference = pytest.importorskip("safetensors.torch", reason="safetensors is the reference here")

from tests.checkpoint_tools.samples import everything, tensors  # noqa: E402
from tests.checkpoint_tools.test_against_torch import flat, raw  # noqa: E402


def no_complex128(state: dict[str, Any]) -> dict[str, Any]:
    """What safetensors can hold, each with a storage of its own."""
    made = {k: v.detach().clone().contiguous() for k, v in state.items()}
    return {k: v for k, v in made.items() if v.dtype != torch.complex128}


def assert_equal(one: Any, other: Any) -> None:
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert raw(one) == raw(other)


def test_safetensors_bytes_are_those_of_the_library(tmp_path: Path) -> None:
    state = no_complex128(tensors())
    state |= {
        'é\n\t"\\\x01\x7f': torch.ones(1),
        "Z": torch.ones(3).bool(),
        "e8": torch.zeros(3, dtype=torch.uint8).view(torch.float8_e8m0fnu),
        "f4": torch.zeros(2, 3, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
        "z5": torch.zeros(3).to(torch.float8_e5m2fnuz),
        "z4": torch.zeros(3).to(torch.float8_e4m3fnuz),
    }
    torch.save(state, tmp_path / "a.pt")
    reference.save_file(state, tmp_path / "b.safetensors")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        report = convert(checkpoint, identity_plan(checkpoint), tmp_path / "c.safetensors")
    expected = (tmp_path / "b.safetensors").read_bytes()
    assert (tmp_path / "c.safetensors").read_bytes() == expected
    assert report.files == {"c.safetensors": len(expected)}
    assert report.ledger.target == report.ledger.source
    with open_checkpoint(tmp_path / "c.safetensors") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "d.safetensors")
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "d.pt")
    assert (tmp_path / "d.safetensors").read_bytes() == expected
    loaded = torch.load(tmp_path / "d.pt", weights_only=True)
    for name, tensor in state.items():
        if name != "f4":  # safetensors does not tell pairs from halves
            assert_equal(loaded[name], tensor)


@pytest.mark.parametrize("metadata", [None, {"b": "1"}, {"a": 'x"é', "b": "", "c": "\n"}])
def test_metadata_are_sorted(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    state = {"w": torch.arange(6.0)}
    torch.save(state, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        plan = identity_plan(checkpoint)
        convert(checkpoint, plan, tmp_path / "a.safetensors", metadata=metadata)
    with reference.safe_open(tmp_path / "a.safetensors", "pt") as opened:
        assert opened.metadata() == metadata
    data = (tmp_path / "a.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header.get("__metadata__", {})) == sorted(metadata or {})
    if metadata is None or len(metadata) == 1:
        reference.save_file(state, tmp_path / "b.safetensors", metadata=metadata)
        assert (tmp_path / "b.safetensors").read_bytes() == data


def test_an_empty_checkpoint(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "a.pt")
    reference.save_file({}, tmp_path / "b.safetensors")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "a.safetensors")
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "c.pt")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert torch.load(tmp_path / "c.pt", weights_only=True) == {}


def test_a_whole_training_state_there_and_back(tmp_path: Path) -> None:
    """Dicts, lists, optimizer, scalars: by way of safetensors they come back as they were."""
    whole = everything()
    torch.save(whole, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        plan = identity_plan(checkpoint)
        direct = convert(checkpoint, plan, tmp_path / "direct.pt")
        castable = plan_of(
            (n, Cast(e, "complex64") if checkpoint.tensors[n].dtype == "complex128" else e)
            for n, e in plan.outputs.items()
        )
        convert(checkpoint, castable, tmp_path / "b.safetensors")
    assert any("becomes" in note for note in direct.notes)
    with open_checkpoint(tmp_path / "b.safetensors") as checkpoint:
        back = plan_of(
            (n, Cast(e, "complex128") if "complex128" in n or n.endswith("complex_transposed")
             else e)
            for n, e in identity_plan(checkpoint).outputs.items()
        )  # fmt: skip
        convert(checkpoint, back, tmp_path / "back.pt")
    expected = flat(whole)
    trees = []
    for name in ("direct.pt", "back.pt"):
        loaded = torch.load(tmp_path / name, weights_only=True)
        found = flat(loaded)
        assert list(found) == list(expected)
        for key, tensor in expected.items():
            assert_equal(found[key], tensor.detach())
        with open_checkpoint(tmp_path / name) as checkpoint:
            trees.append(checkpoint.metadata)
            for index in range(len(checkpoint.storages)):
                checkpoint.verify(index)
    assert trees[0] == trees[1]
    assert zipfile.ZipFile(tmp_path / "back.pt").testzip() is None


def test_tied_tensors_survive(tmp_path: Path) -> None:
    tied = torch.arange(6.0)
    torch.save({"embed": tied, "head": tied, "other": tied.clone()}, tmp_path / "a.pt")
    for aliases, held in (("duplicate", 3), ("once", 2)):
        there, back = tmp_path / f"{aliases}.safetensors", tmp_path / f"{aliases}.pt"
        with open_checkpoint(tmp_path / "a.pt") as checkpoint:
            plan = rename_plan(checkpoint, {"head": "lm.head"})
            report = convert(checkpoint, plan, there, aliases=aliases)
            assert report.ties == {"lm.head": "embed"}
        with open_checkpoint(there) as checkpoint:
            assert len(checkpoint.tensors) == held
            again = rename_plan(checkpoint, {"lm.head": "head"})
            convert(checkpoint, again, back)
        loaded = torch.load(back, weights_only=True)
        assert set(loaded) == {"embed", "head", "other"}
        assert loaded["embed"].data_ptr() == loaded["head"].data_ptr()
        assert loaded["embed"].data_ptr() != loaded["other"].data_ptr()
        assert torch.equal(loaded["head"], tied)


def test_a_tie_that_is_no_longer_true_is_not_believed(tmp_path: Path) -> None:
    state = {"embed": torch.ones(3), "head": torch.zeros(3)}
    reference.save_file(state, tmp_path / "a.safetensors", metadata={"head": "embed"})
    with open_checkpoint(tmp_path / "a.safetensors") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "a.pt")
    assert torch.equal(torch.load(tmp_path / "a.pt", weights_only=True)["head"], torch.zeros(3))


def test_one_tensor_taken_twice_is_two(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        convert(checkpoint, plan_of([("x", Take("a")), ("y", Take("a"))]), tmp_path / "b.pt")
    loaded = torch.load(tmp_path / "b.pt", weights_only=True)
    assert loaded["x"].data_ptr() != loaded["y"].data_ptr()


def test_a_view_takes_only_its_own_bytes_along(tmp_path: Path) -> None:
    torch.save({"small": torch.arange(1_000_000)[500:510]}, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "b.pt")
    assert (tmp_path / "b.pt").stat().st_size < 2000
    assert torch.load(tmp_path / "b.pt", weights_only=True)["small"].tolist() == list(
        range(500, 510)
    )


def test_the_tree_follows_names(tmp_path: Path) -> None:
    whole = {
        "epoch": 3,
        "model": {"a.w": torch.ones(2), "b.w": torch.zeros(3), "c": torch.ones(1)},
        "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(whole, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        names = {"model.a.w": "model.enc.a.w", "optimizer.state.0.exp_avg": "optimizer.state.0.m"}
        plan = rename_plan(checkpoint, names, drop=["model.c"])
        convert(checkpoint, plan, tmp_path / "b.pt")
        tree = tree_of(checkpoint)
        assert isinstance(tree, dict)
        model = {"enc.a.w": TensorAt("model.enc.a.w"), "b.w": TensorAt("model.b.w")}
        own = {"epoch": 4, "model": model, "m": TensorAt("optimizer.state.0.m")}
        convert(checkpoint, plan, tmp_path / "c.pt", tree=own)
        with pytest.raises(PlanError, match="has no place for 'model"):
            convert(checkpoint, plan, tmp_path / "d.pt", tree={"model": {}})
        with pytest.raises(PlanError, match="which the plan does not make"):
            convert(checkpoint, plan, tmp_path / "d.pt", tree=tree)
        convert(checkpoint, plan, tmp_path / "e.pt", tree=None)
        stranger = plan_of([("model.new", Take("model.c"))], drop=checkpoint.tensors.keys())
        convert(checkpoint, stranger, tmp_path / "f.pt")
    loaded = torch.load(tmp_path / "b.pt", weights_only=True)
    assert list(loaded) == ["epoch", "model", "optimizer"]
    assert list(loaded["model"]) == ["enc.a.w", "b.w"]
    assert list(loaded["optimizer"]["state"][0]) == ["m"]
    assert loaded["optimizer"]["param_groups"] == [{"lr": 0.1}]
    assert torch.load(tmp_path / "c.pt", weights_only=True)["epoch"] == 4
    assert set(torch.load(tmp_path / "e.pt", weights_only=True)) == set(plan.outputs)
    assert list(torch.load(tmp_path / "f.pt", weights_only=True)["model"]) == ["new"]


def test_a_state_dict_keeps_its_versions(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    torch.save(module.state_dict(), tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "a.safetensors")
    with open_checkpoint(tmp_path / "a.safetensors") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "b.pt")
    loaded = torch.load(tmp_path / "b.pt", weights_only=True)
    assert loaded._metadata == module.state_dict()._metadata
    assert list(loaded) == list(module.state_dict())
    torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).load_state_dict(loaded)


def test_shards(tmp_path: Path) -> None:
    state = {f"layer.{i}": torch.full((100,), float(i)) for i in range(7)}
    torch.save({"model": state, "epoch": 2}, tmp_path / "a.pt")
    target = tmp_path / "shards"
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        plan = identity_plan(checkpoint)
        report = convert(checkpoint, plan, target, format="sharded", max_shard=800)
    assert sorted(path.name for path in target.iterdir()) == sorted(report.files)
    assert len(report.files) == 5
    assert max(path.stat().st_size for path in target.glob("*.safetensors")) < 1100
    index = json.loads((target / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == 2800
    for name, shard in index["weight_map"].items():
        loaded = reference.load_file(target / shard)
        assert torch.equal(loaded[name], state[name.removeprefix("model.")])
    with open_checkpoint(target) as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "b.pt")
    loaded = torch.load(tmp_path / "b.pt", weights_only=True)
    assert loaded["epoch"] == 2
    assert_equal(loaded["model"]["layer.6"], state["layer.6"])


def test_npy_and_npz(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    torch.save({"a": torch.from_numpy(array), "b.c": torch.arange(5)}, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        plan = identity_plan(checkpoint)
        convert(checkpoint, plan, tmp_path / "a.npz")
        with pytest.raises(PlanError, match="holds one tensor, and these are 2"):
            convert(checkpoint, plan, tmp_path / "a.npy")
        only = plan_of([("a", Take("a"))], ["b.c"])
        convert(checkpoint, only, tmp_path / "a.npy")
        bf16 = plan_of([("a", Cast(Take("a"), "bfloat16"))], ["b.c"])
        with pytest.raises(PlanError, match="numpy has no bfloat16"):
            convert(checkpoint, bf16, tmp_path / "b.npy")
        with pytest.raises(PlanError, match="would lead out"):
            convert(checkpoint, rename_plan(checkpoint, {"a": "../a"}), tmp_path / "b.npz")
    np.save(tmp_path / "ref.npy", array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "ref.npy").read_bytes()
    with np.load(tmp_path / "a.npz") as loaded:
        assert (loaded["a"] == array).all()
        assert loaded["b.c"].tolist() == [0, 1, 2, 3, 4]
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None
    with open_checkpoint(tmp_path / "a.npz") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "back.npz")
    assert (tmp_path / "back.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()


@pytest.mark.parametrize("shape", [(), (1,), (123456,), (0, 7), (3, 1, 2)])
def test_npy_headers_are_those_of_numpy(shape: tuple[int, ...], tmp_path: Path) -> None:
    for dtype in (np.float32, np.bool_, np.int8, np.complex128):
        np.save(tmp_path / "a.npy", np.ones(shape, dtype))
        (tmp_path / "b.npy").unlink(missing_ok=True)
        with open_checkpoint(tmp_path / "a.npy") as checkpoint:
            convert(checkpoint, identity_plan(checkpoint), tmp_path / "b.npy")
        assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_odd_sources(tmp_path: Path) -> None:
    """Big-endian, Fortran order, deflated, legacy: what the kernel cannot copy is still right."""
    array = np.arange(50_000, dtype=">i4").reshape(100, 500)
    np.savez_compressed(tmp_path / "a.npz", x=array, y=np.asfortranarray(array.astype("<f8")))
    with open_checkpoint(tmp_path / "a.npz") as checkpoint:
        report = convert(checkpoint, identity_plan(checkpoint), tmp_path / "b.safetensors")
        assert set(report.kinds.values()) == {"GATHER"}
    loaded = reference.load_file(tmp_path / "b.safetensors")
    assert (loaded["x"].numpy() == array).all()
    assert (loaded["y"].numpy() == array).all()
    state = {"a": torch.arange(6.0), "t": torch.arange(6.0).reshape(2, 3).t()}
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with open_checkpoint(tmp_path / "old.pt") as checkpoint:
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "new.pt")
    loaded = torch.load(tmp_path / "new.pt", weights_only=True, mmap=True)
    assert torch.equal(loaded["t"], state["t"])


def test_what_a_tree_may_hold() -> None:
    record = Record("argparse.Namespace")
    record.fields = {"lr": 0.5, "name": "x"}
    ordered = Ordered({"a": 1})
    ordered.extra = {"version": 1}
    tree = {
        "plain": [1, 2.0, None, True, "é", -(2**70), float("inf")],
        "tuple": ((), (1, (2,))),
        3: {"x": TensorAt("w")},
        "$odd": b"\x00\xff",
        "dtype": DType("bfloat16"),
        "leaf": Leaf({"$device": "cuda:0"}),
        "set": Collection("set", [1, 2]),
        "record": record,
        "ordered": ordered,
        "nan": float("nan"),
    }
    text = write_tree(tree)
    again = read_tree(text, "x")
    assert write_tree(again) == text
    assert isinstance(again, dict)
    assert again["tuple"] == ((), (1, (2,)))
    assert again[3] == {"x": TensorAt("w")}
    assert type(again["plain"][1]) is float
    assert again["ordered"].extra == {"version": 1}


HOSTILE = (
    '{"$dtype":"float32\\nos\\nsystem"}',
    '{"$what":1}',
    '{"$dict":[[[1],2]]}',
    '{"$leaf":{}}',
    '{"$int":"x"}',
    "[" * 3000,
    '{"$bytes":"!"}',
    '{"$numpy":[]}',
    '{"$leaf":{"$complex":["x"]}}',
    '{"$leaf":{"$device":[1]}}',
    '{"$record":[1,2]}',
)


@pytest.mark.parametrize("text", HOSTILE)
def test_trees_that_were_tampered_with_are_refused(text: str, tmp_path: Path) -> None:
    state = {"w": torch.ones(2)}
    metadata = {"checkpoint_tools.tree": text}
    reference.save_file(state, tmp_path / "a.safetensors", metadata=metadata)
    from checkpoint_tools import Refused

    with open_checkpoint(tmp_path / "a.safetensors") as checkpoint, pytest.raises(Refused):
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "b.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_forecast_is_what_happens(tmp_path: Path) -> None:
    state = {"a": torch.randn(64, 64), "t": torch.randn(64, 32).t(), "c": torch.randn(10)}
    torch.save(state, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        plan = plan_of(
            [("a", Reshape(Take("a"), (-1,))), ("t", Take("t")), ("c", Cast(Take("c"), "float16"))]
        )
        said = forecast(checkpoint, plan, tmp_path / "b.safetensors")
        assert not (tmp_path / "b.safetensors").exists()
        report = convert(checkpoint, plan, tmp_path / "b.safetensors")
    ledger = report.ledger
    assert said.files == report.files
    assert said.disk_needed == (tmp_path / "b.safetensors").stat().st_size
    assert said.bytes == {"COPY": 16384, "GATHER": 8192, "COMPUTE": 20}
    assert (ledger.target_copied, ledger.target_gathered, ledger.target_computed) == (
        16384,
        8192,
        20,
    )
    assert report.losses["c"].elements == 10
