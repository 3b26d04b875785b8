"""Two files as one checkpoint: names, bytes, aliases, and who closes what."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_tools import open_checkpoint
from checkpoint_tools.joining import beside
from checkpoint_tools.plan import Concat, Take, plan_of
from checkpoint_tools.writing import convert
from tests.checkpoint_tools.building import (
    Distributed,
    entry,
    good_safetensors,
    good_torch_zip,
    safetensors,
)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "a.pt").write_bytes(good_torch_zip())
    (tmp_path / "b.safetensors").write_bytes(good_safetensors())
    return tmp_path / "a.pt", tmp_path / "b.safetensors"


def test_the_tensors_of_both(pair: tuple[Path, Path]) -> None:
    first, second = map(open_checkpoint, pair)
    both = beside(first, second, "kept:")
    assert list(both.tensors) == ["weight", "kept:a", "kept:b"]
    assert both.read("weight") == bytes(range(24))
    assert both.read("kept:a") == bytes(range(8))
    assert both.read("kept:b") == bytes(range(8, 12))
    assert both.tensors["kept:b"].path == ("kept:", "b")
    assert both.read_slice("kept:a", (1,), (2,)) == bytes(range(4, 8))
    assert [run.file for run in both.runs("kept:b")] == [1]
    assert (both.name, both.format, both.files) == (
        first.name, first.format, (*first.files, *second.files),
    )  # fmt: skip
    assert both.metadata == first.metadata
    assert both.skeleton is first.skeleton
    assert list(first.tensors) == ["weight"]
    both.close()


def test_either_may_come_first(pair: tuple[Path, Path]) -> None:
    second, first = map(open_checkpoint, pair)
    with beside(first, second, "x/") as both:
        assert both.read("a") == bytes(range(8))
        assert both.read("x/weight") == bytes(range(24))
        both.verify(both.tensors["x/weight"].storage)


def test_one_plan_over_both(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with beside(*map(open_checkpoint, pair), "kept:") as both:
        plan = plan_of([("w", Take("weight")), ("c", Concat((Take("kept:a"), Take("kept:b"))))])
        convert(both, plan, tmp_path / "c.safetensors", tree=None)
    with open_checkpoint(str(tmp_path / "c.safetensors")) as made:
        assert made.read("w") == bytes(range(24))
        assert made.read("c") == bytes(range(12))


def test_aliases_stay_aliases(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch ties tensors")
    tied = torch.ones(3)
    torch.save({"x": tied, "y": tied}, tmp_path / "a.pt")
    (tmp_path / "b.safetensors").write_bytes(good_safetensors())
    first = open_checkpoint(str(tmp_path / "b.safetensors"))
    with beside(first, open_checkpoint(str(tmp_path / "a.pt")), "kept:") as both:
        assert both.tensors["kept:y"].alias_of == "kept:x"
        assert both.tensors["kept:x"].alias_of is None


def test_two_tensors_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(
        safetensors({"k:b": entry([1], 0, 4)}, bytes(4)),
    )
    (tmp_path / "b.safetensors").write_bytes(good_safetensors())
    first, second = (open_checkpoint(str(tmp_path / f"{n}.safetensors")) for n in "ab")
    with first, second, pytest.raises(ValueError, match="k:b is there already"):
        beside(first, second, "k:")


def test_what_lies_in_pieces_cannot_be_beside(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    Distributed().write(tmp_path / "d")
    (tmp_path / "b.safetensors").write_bytes(good_safetensors())
    first, second = (
        open_checkpoint(str(tmp_path / "b.safetensors")),
        open_checkpoint(tmp_path / "d"),
    )
    with first, second:
        with pytest.raises(ValueError, match="w lies in pieces"):
            beside(first, second, "k:")
        with beside(second, first, "k:") as both:
            assert both.read("w") == bytes(48)
            assert both.read("k:b") == bytes(range(8, 12))


def test_closing_closes_both(pair: tuple[Path, Path]) -> None:
    closed: list[str] = []
    first, second = map(open_checkpoint, pair)
    first.on_close.append(lambda: closed.append("first"))
    second.on_close.append(lambda: closed.append("second"))
    both = beside(first, second, "k:")
    assert not closed
    both.close()
    assert closed == ["first", "second"]
