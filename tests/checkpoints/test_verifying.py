"""A result held against its source: what is fine, and what is not and by which name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cfgmig.converting import Request, convert, opened, route, sidecar_of
from cfgmig.errors import UsageError
from cfgmig.project import Project
from cfgmig.routing import Goal
from cfgmig.verifying import Verified, remembered, verify
from tests.checkpoints.demo_weights import arrays, build, save, upgraded

pytest.importorskip("torch", reason="torch writes the checkpoints")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(tmp_path_factory.mktemp("net"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save(tmp_path / "a.pt", arrays(), epoch=3)


def made(source: Path, target: Path, project: Project, **goal: Any) -> Path:
    format = "torch" if target.suffix == ".pt" else "safetensors"
    with opened(str(source)) as checkpoint:
        model_only = format != "torch"
        wanted = Request(Goal(**goal), format, model_only=model_only)
        convert(route(checkpoint, project, wanted), target)
    return target


def verified(source: Path, target: Path, project: Project, **how: Any) -> Verified:
    with opened(str(source)) as one, opened(str(target)) as other:
        return verify(one, other, project, **how)


def wrong(found: Verified) -> list[str]:
    return [pair.right for pair in found.matched.found.changed]


def flip(path: Path, data: bytes, at: int, bit: int = 0) -> None:
    """Change one bit of those bytes, which the file holds once."""
    whole = bytearray(path.read_bytes())
    begin = whole.index(data)
    assert whole.find(data, begin + 1) == -1
    whole[begin + at] ^= 1 << bit
    path.write_bytes(bytes(whole))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_good_result_is_fine(suffix: str, net: Project, source: Path, tmp_path: Path) -> None:
    target = made(source, tmp_path / f"b{suffix}", net)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    found = verified(source, target, net, round_trip=True)
    assert found.fine
    assert found.is_source is True
    assert found.stash is not None
    assert found.stash.same
    assert found.back is not None
    assert found.back.matched is not None
    assert found.back.fine
    assert len(found.matched.found.pairs) == len(upgraded(arrays()))
    assert {pair.right for pair in found.back.matched.found.pairs} == {
        f"model.{name}" for name in arrays()
    }
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_way_down_is_verified_too(net: Project, source: Path, tmp_path: Path) -> None:
    up = made(source, tmp_path / "b.pt", net)
    down = made(up, tmp_path / "c.pt", net, to="1.0")
    found = verified(up, down, net, round_trip=True)
    assert found.fine
    assert found.back is not None
    assert found.back.matched is not None
    assert len(found.back.matched.found.pairs) == len(upgraded(arrays()))


def test_the_target_is_left_as_it_was(net: Project, source: Path, tmp_path: Path) -> None:
    target = made(source, tmp_path / "b.pt", net)
    with opened(str(source)) as one, opened(str(target)) as other:
        names = list(other.tensors)
        assert verify(one, other, net).fine
        assert list(other.tensors) == names
        assert "stash:1.0..2.0/aux.bias" in names


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("lm_head.weight", (4, 5)),
        ("proj.weight", (5, 3)),
        ("layers.1.attn.k.weight", (2, 1)),
        ("norm.running_var", (0,)),
    ],
)
def test_one_bit_is_named(
    name: str, index: tuple[int, ...], net: Project, source: Path, tmp_path: Path
) -> None:
    target = made(source, tmp_path / "b.safetensors", net)
    array = np.ascontiguousarray(upgraded(arrays())[name])
    flip(target, array.tobytes(), 4 * int(np.ravel_multi_index(index, array.shape)))
    found = verified(source, target, net)
    assert not found.fine
    assert wrong(found) == [name]
    pair = found.matched.found.changed[0]
    assert (pair.differing, pair.where) == (1, index)
    assert found.is_source is True
    assert found.stash is not None
    assert found.stash.same


def test_one_bit_of_what_was_kept(net: Project, source: Path, tmp_path: Path) -> None:
    target = made(source, tmp_path / "b.safetensors", net)
    flip(sidecar_of(target), arrays()["aux.bias"].tobytes(), 8)
    found = verified(source, target, net)
    assert not found.fine
    assert not wrong(found)
    assert found.stash is not None
    assert [pair.right for pair in found.stash.found.changed] == ["1.0..2.0/aux.bias"]


def test_a_sidecar_that_is_another_ones(net: Project, source: Path, tmp_path: Path) -> None:
    target = made(source, tmp_path / "b.pt", net)
    other = made(save(tmp_path / "c.pt", arrays(seed=2), epoch=1), tmp_path / "d.pt", net)
    shutil.copy(sidecar_of(other), sidecar_of(target))
    found = verified(source, target, net)
    assert not found.fine
    assert found.stash is not None
    assert len(found.stash.found.changed) == 2
    sidecar_of(target).unlink()
    gone = verified(source, target, net)
    assert not gone.fine
    assert gone.stash_missing.endswith(".stash.safetensors")


def test_another_source_is_told_by_its_hash(net: Project, source: Path, tmp_path: Path) -> None:
    target = made(source, tmp_path / "b.pt", net)
    # The same numbers in another file: only the hash tells.
    again = save(tmp_path / "c.pt", arrays(), epoch=4)
    found = verified(again, target, net)
    assert found.is_source is False
    assert found.matched.found.same
    assert not found.fine
    other = save(tmp_path / "d.pt", arrays(seed=2), epoch=3)
    assert len(wrong(verified(other, target, net))) == 15  # all but the counter


def test_a_missing_and_a_further_tensor(net: Project, source: Path, tmp_path: Path) -> None:
    import torch

    target = made(source, tmp_path / "b.pt", net)
    whole = torch.load(target, weights_only=True)
    model = whole["model_state_dict"]
    model["lm_head.bias"] = torch.zeros(5)
    del model["norm.bias"]
    torch.save(whole, target)
    found = verified(source, target, net)
    assert found.matched.found.only_left == ["model_state_dict.norm.bias"]
    assert found.matched.found.only_right == ["model_state_dict.lm_head.bias"]
    assert not found.fine


WRONG = '''\
"""The output of attention is kept transposed."""

from checkpoint_tools.plan import Init, Take, Transpose

from cfgmig.migration import Add, Custom, Move, Remove

revision = "2.1"
revises = "2.0"
config = [Move("width", "size")]
NAMES = [f"layers.{n}.attn.out.weight" for n in (0, 1)]


def up(state):
    return [
        step
        for name in NAMES
        for step in (
            Move(name, "spare"),
            Add(name, Transpose(Take("spare"))),
            Remove("spare", Transpose(Take(name))),
        )
    ]


weights = [Custom("The output is turned.", up, lambda _: [])]
'''


def test_a_planted_wrong_inverse_is_noticed(tmp_path: Path) -> None:
    """The plan fits, since the matrices are square; only the numbers tell."""
    project = build(tmp_path / "p")
    (project.root / "migrations/net/0002_turn.py").write_text(WRONG)
    source = save(tmp_path / "a.pt", arrays(), epoch=3)
    target = made(source, tmp_path / "b.pt", project)
    found = verified(source, target, project, round_trip=True)
    assert found.matched.found.same
    assert found.back is not None
    assert found.back.matched is not None
    assert [pair.right for pair in found.back.matched.found.changed] == [
        f"model.layers.{number}.attn.out.weight" for number in (0, 1)
    ]
    assert not found.fine


def test_what_a_wrong_inverse_loses_is_noticed(tmp_path: Path) -> None:
    change = {"0003_head.py": ('Move("head", "lm_head")', "CUSTOM")}
    project = build(tmp_path / "p", change)
    path = project.root / "migrations/net/0003_head.py"
    text = path.read_text().replace("import Convert,", "import Convert, Custom,")
    text = text.replace(
        "revision =",
        'CUSTOM = Custom("New.", lambda _: [Move("head", "lm_head")], lambda _: [])\nrevision =',
    )
    path.write_text(text)
    source = save(tmp_path / "a.pt", arrays(), epoch=3)
    target = made(source, tmp_path / "b.pt", project)
    found = verified(source, target, project, round_trip=True)
    assert found.back is not None
    assert found.back.matched is not None
    assert found.back.matched.found.only_right == ["model.head.weight"]


def test_no_way_back_is_said(tmp_path: Path) -> None:
    change = {"0001_split.py": ('"aux", STASH, optional=True', '"aux", IRREVERSIBLE')}
    project = build(tmp_path / "p", change)
    path = project.root / "migrations/net/0001_split.py"
    path.write_text(path.read_text().replace("import STASH,", "import IRREVERSIBLE,"))
    source = save(tmp_path / "a.pt", arrays(), epoch=3)
    target = made(source, tmp_path / "b.pt", project)
    assert verified(source, target, project).fine
    found = verified(source, target, project, round_trip=True)
    assert not found.fine
    assert found.back is not None
    assert "no way back" in found.back.reason


def test_what_a_result_remembers(net: Project, source: Path, tmp_path: Path) -> None:
    config = {"model": {"size": 4, "layers": 3}}
    target = made(source, tmp_path / "b.safetensors", net, config=config)
    with opened(str(source)) as one, opened(str(target)) as other:
        found = remembered(one, other)
    assert found == Request(Goal("3.0", "1.0", "net", config), "safetensors", model_only=True)
    assert verified(source, target, net, round_trip=True).fine
    chosen = Request(
        Goal("2.1", stash=False),
        "torch",
        rename={"proj.weight": "mid.weight"},
        drop=("norm.running_mean",),
        cast="float16",
    )
    with opened(str(source)) as one:
        convert(route(one, net, chosen), tmp_path / "e.pt")
    assert not sidecar_of(tmp_path / "e.pt").exists()
    assert verified(source, tmp_path / "e.pt", net).fine
    bare = save(tmp_path / "c.pt", arrays())
    with opened(str(bare)) as one, opened(str(bare)) as other:
        assert remembered(one, other).goal is None
    odd = save(tmp_path / "d.pt", arrays(), cfgmig={"family": "net", "version": "1.0"})
    with opened(str(odd)) as other, pytest.raises(UsageError, match="cannot be read"):
        remembered(other, other)


def test_a_request_goes_before_what_the_result_says(
    net: Project, source: Path, tmp_path: Path
) -> None:
    target = made(source, tmp_path / "b.pt", net)
    found = verified(source, target, net, request=Request(Goal("2.1"), "torch"))
    assert not found.fine
    assert "model_state_dict.lm_head.weight" in found.matched.found.only_right


def test_the_probe_of_the_family(net: Project, source: Path, tmp_path: Path) -> None:
    target = made(source, tmp_path / "b.safetensors", net)
    found = verified(source, target, net, probe=True)
    total = float(arrays()["embed.weight"].sum())
    assert [(one.what, one.deviation) for one in found.readings] == [("the sum", 0.0)]
    assert found.readings[0].before == found.readings[0].after == pytest.approx(total)
    flip(target, arrays()["embed.weight"].tobytes(), 3, 6)
    changed = verified(source, target, net, probe=True).readings[0]
    assert changed.deviation is not None
    assert changed.deviation > 0.1
