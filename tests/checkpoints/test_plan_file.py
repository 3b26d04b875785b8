"""`cfgmig checkpoint convert --plan FILE`: the words for weights without a revision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cfgmig.errors import UsageError
from cfgmig.migration import Convert, Move, Split
from cfgmig.migration.plan_file import read_plan
from tests.cli.running import Done, run

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
library = pytest.importorskip("safetensors.torch")

PLAN = """\
# what became of the names
- move: {from: enc, to: backbone.encoder}
- split:
    path: layers.*.qkv
    into: [layers.*.q, layers.*.k, layers.*.v]
    sizes: [2, 2, 4]
- transpose: {path: tail}
- copy: {from: bias, to: twin}
- add: {path: scale, dtype: F32, shape: [3], fill: 0.5}
- resize: {path: vocabulary, dim: 0, from: 5, to: 7}
- remove: {path: old, keep: true}
- move: {from: nowhere, to: somewhere, optional: true}
"""


def tensors() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(3)
    shapes = {
        "enc.w": (3, 4),
        "layers.0.qkv": (8, 2),
        "layers.1.qkv": (8, 2),
        "tail": (2, 5),
        "bias": (3,),
        "vocabulary": (5, 2),
        "old.w": (2,),
    }
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    library.save_file(tensors(), tmp_path / "a.safetensors")
    (tmp_path / "plan.yaml").write_text(PLAN)
    return tmp_path / "a.safetensors"


def convert(source: Path, *more: object) -> Done:
    folder = source.parent
    target = folder / "b.safetensors"
    return run("checkpoint", "convert", source, target, "--plan", folder / "plan.yaml", *more)


def test_every_word_does_what_it_says(source: Path) -> None:
    done = convert(source)
    assert done.returncode == 0, done.stderr
    old, new = tensors(), library.load_file(source.parent / "b.safetensors")
    wanted = {
        "backbone.encoder.w": old["enc.w"],
        "tail": old["tail"].T,
        "bias": old["bias"],
        "twin": old["bias"],
        "scale": torch.full((3,), 0.5),
        "vocabulary": torch.cat([old["vocabulary"], torch.zeros(2, 2)]),
    }
    for layer in (0, 1):
        for name, part in zip("qkv", old[f"layers.{layer}.qkv"].split([2, 2, 4]), strict=True):
            wanted[f"layers.{layer}.{name}"] = part
    assert new.keys() == wanted.keys()
    assert all(torch.equal(new[name], wanted[name]) for name in wanted)
    kept = library.load_file(source.parent / "b.safetensors.stash.safetensors")
    assert list(kept) == ["plan/old.w"]


def test_a_dry_run_lists_the_words(source: Path) -> None:
    done = convert(source, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "enc moves to backbone.encoder" in done.stdout
    assert not (source.parent / "b.safetensors").exists()


def test_the_result_is_verified_by_the_same_file(source: Path) -> None:
    convert(source)
    words = ["verify", source, source.parent / "b.safetensors"]
    assert run("checkpoint", *words, "--plan", source.parent / "plan.yaml").returncode == 0
    alone = run("checkpoint", *words)
    assert alone.returncode == 2
    assert "--plan FILE" in alone.stderr


def test_a_version_beside_a_plan_is_refused(source: Path) -> None:
    done = convert(source, "--to", "1.0")
    assert done.returncode == 2
    assert "--plan says what to do itself" in done.stderr


def test_words_become_operations() -> None:
    found = read_plan(PLAN.encode(), "plan.yaml")
    assert found[0] == Move("enc", "backbone.encoder")
    parts = ("layers.*.q", "layers.*.k", "layers.*.v")
    assert found[1] == Convert("layers.*.qkv", Split(parts, (2, 2, 4)))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("move: {}\n", 1, "a list of words"),
        ("- move: {from: a, to: b}\n- jump: {path: a}\n", 2, "no word of a plan"),
        ("- move: {from: a}\n", 1, "lacks `to`"),
        ("- move: {from: a, to: b, when: now}\n", 1, "has no `when`"),
        ("- add: {path: a, dtype: F99, shape: [1]}\n", 1, "F99 is no element type"),
        ("- add: {path: a, dtype: F32, shape: 3}\n", 1, "`shape` must be a list of whole numbers"),
        ("- split: {path: a, into: [b, b], sizes: [1, 1]}\n", 1, "different names"),
        ("- resize: {path: a, dim: x, from: 1, to: 2}\n", 1, "`dim` must be a whole number"),
        ("- move: {from: a, to: 'a.b'}\n", 1, "hold one another"),
        ("- remove: {path: a, keep: perhaps}\n", 1, "`keep` must be true or false"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", r"\[")) as caught:
        read_plan(text.encode(), "plan.yaml")
    assert (caught.value.file, caught.value.line) == ("plan.yaml", line)


def test_what_does_not_fit_the_tensors_names_the_word(source: Path) -> None:
    (source.parent / "plan.yaml").write_text("- move: {from: nowhere, to: somewhere}\n")
    done = convert(source)
    assert done.returncode == 3
    assert "plan.yaml" in done.stderr
    assert "nothing at `nowhere`" in done.stderr
