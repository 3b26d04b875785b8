"""Real checkpoints to safetensors and back: torch reads the same values at the same places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import Refused, open_checkpoint
from checkpoint_tools.compare import compare, round_trip
from checkpoint_tools.plan import identity_plan, rename_plan
from checkpoint_tools.writing import convert
from tests.conftest import ROOT

CORPUS = ROOT.parent / "shared" / "corpus"
FILES = sorted(CORPUS.glob("*/checkpoints/*.pt"))

torch = pytest.importorskip("torch", reason="torch is the reference here")
reference = pytest.importorskip("safetensors.torch", reason="safetensors is the reference here")
pytestmark = pytest.mark.skipif(not FILES, reason="the corpus of real checkpoints is not at hand")


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return (
            isinstance(other, torch.Tensor)
            and one.dtype == other.dtype
            and bool(torch.equal(one, other))
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    one = one.item() if hasattr(one, "item") else one  # numpy's numbers become plain ones
    return repr(one) == repr(other)


def original(path: Path) -> Any:
    np = pytest.importorskip("numpy", reason="the real checkpoints hold numpy's numbers")
    kinds = [type(np.dtype(code)) for code in ("f4", "f8", "i8", "?")]
    with torch.serialization.safe_globals([np._core.multiarray.scalar, np.dtype, *kinds]):
        return torch.load(path, weights_only=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_there_and_back(path: Path, tmp_path: Path) -> None:
    with open_checkpoint(path) as checkpoint:
        plan = identity_plan(checkpoint)
        report = convert(checkpoint, plan, tmp_path / "a.safetensors", durable=False)
        assert report.ledger.source_dropped == 0
        assert round_trip(checkpoint, plan).same
        with open_checkpoint(tmp_path / "a.safetensors") as middle:
            assert compare(checkpoint, middle).same
            convert(middle, identity_plan(middle), tmp_path / "b.pt", durable=False)
            again = convert(middle, identity_plan(middle), tmp_path / "c.safetensors")
            assert again.files["c.safetensors"] == report.files["a.safetensors"]
        bare = convert(checkpoint, plan, tmp_path / "bare.safetensors", tree=None)
        assert bare.ledger == report.ledger
    first, last = (tmp_path / name for name in ("a.safetensors", "c.safetensors"))
    assert first.read_bytes() == last.read_bytes()
    one = original(path)
    other = torch.load(tmp_path / "b.pt", weights_only=True)
    assert same(one, other)
    loaded = reference.load_file(tmp_path / "bare.safetensors")
    reference.save_file(loaded, tmp_path / "reference.safetensors")
    expected = (tmp_path / "reference.safetensors").read_bytes()
    assert (tmp_path / "bare.safetensors").read_bytes() == expected


OTHERS = sorted(
    path
    for pattern in ("*/artifacts/*.npy", "*/real/**/*.cllm", "*/generated/**/*.cllm")
    for path in CORPUS.glob(pattern)
)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_other_formats(path: Path, tmp_path: Path) -> None:
    try:
        checkpoint = open_checkpoint(path)
    except Refused:
        return
    with checkpoint:
        plan = identity_plan(checkpoint)
        convert(checkpoint, plan, tmp_path / "a.safetensors", durable=False)
        with open_checkpoint(tmp_path / "a.safetensors") as middle:
            assert compare(checkpoint, middle).same
            assert ("checkpoint_tools.metadata" in middle.metadata) == bool(checkpoint.metadata)
        convert(checkpoint, plan, tmp_path / "b.pt", durable=False)
    loaded = torch.load(tmp_path / "b.pt", weights_only=True)
    assert loaded.keys() == reference.load_file(tmp_path / "a.safetensors").keys()


@pytest.mark.parametrize("path", FILES[:3], ids=lambda path: path.stem)
def test_renamed(path: Path, tmp_path: Path) -> None:
    """Every tensor one level deeper; the epochs and metrics around them stay where they are."""
    with open_checkpoint(path) as checkpoint:
        names = {}
        for name, ref in checkpoint.tensors.items():
            head, rest = str(ref.path[0]), name.partition(".")[2]
            names[name] = f"{head}._orig_mod.{rest}" if rest else name
        convert(checkpoint, rename_plan(checkpoint, names), tmp_path / "a.pt", durable=False)
        plain = {key: v for key, v in checkpoint.metadata.items() if not isinstance(v, dict)}
    with open_checkpoint(tmp_path / "a.pt") as renamed:
        assert set(renamed.tensors) == set(names.values())
        assert {key: renamed.metadata[key] for key in plain} == plain
    torch.load(tmp_path / "a.pt", weights_only=True)
