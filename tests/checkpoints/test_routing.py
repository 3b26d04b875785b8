"""The way of a model's tensors: which version it is of, which steps, what is left over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cfgmig.converting import Request, Route, convert, opened, route
from cfgmig.errors import LossyError, Refused, UsageError
from cfgmig.project import Project
from cfgmig.routing import Goal
from checkpoint_tools import open_checkpoint
from checkpoint_tools.plan import Plan, PlanError, prepare
from tests.checkpoints.demo_weights import (
    CONFIG,
    HEAD_CONFIG,
    SIZE,
    arrays,
    build,
    save,
    upgraded,
)

pytest.importorskip("torch", reason="torch writes the checkpoints")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(tmp_path_factory.mktemp("net"))


def routed(path: Path, project: Project, **goal: Any) -> Route:
    return route(opened(str(path)), project, Request(Goal(**goal), "torch"))


def stages(made: Route) -> list[str]:
    assert made.journey is not None
    return [stage.name for stage in made.journey.stages]


def test_a_way_up_and_its_stages(net: Project, tmp_path: Path) -> None:
    made = routed(save(tmp_path / "a.pt", arrays()), net)
    journey = made.journey
    assert journey is not None
    assert (journey.family, journey.origin, journey.goal) == ("net", "1.0", "3.0")
    assert stages(made) == ["1.0 -> 2.0", "2.0 -> 2.1", "2.1 -> 3.0"]
    assert [stage.grade for stage in journey.stages] == ["guarded", "exact", "exact"]
    assert journey.stages[1].lines == (
        "layers.*.attn.out.weight: dimensions -2 and -1 are exchanged.",
    )
    assert journey.stages[0].summary == "Queries, keys and values are kept apart."
    assert list(made.plan.outputs) == list(upgraded(arrays()))
    assert journey.state.dropped == ["aux.weight", "aux.bias"]
    assert journey.after is not None
    assert (journey.after.layout.name, journey.after.exact) == ("fourth", True)
    assert journey.after.dimensions["layers"] == 2


@pytest.mark.parametrize(
    ("to", "expected"),
    [("2.0", ["1.0 -> 2.0"]), ("2.1", ["1.0 -> 2.0", "2.0 -> 2.1"]), ("1.0", [])],
)
def test_not_the_whole_way(to: str, expected: list[str], net: Project, tmp_path: Path) -> None:
    made = routed(save(tmp_path / "a.pt", arrays()), net, to=to)
    assert stages(made) == expected
    if not expected:
        assert {name: expr.name for name, expr in made.plan.outputs.items()} == {
            name: name for name in arrays()
        }


def test_wrappers_are_taken_off(net: Project, tmp_path: Path) -> None:
    wrapped = {f"module.{name}": array for name, array in arrays().items()}
    made = routed(save(tmp_path / "a.pt", wrapped), net)
    assert list(made.plan.outputs) == list(upgraded(arrays()))


def test_a_version_that_no_shape_tells(net: Project, tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", upgraded(arrays(), "2.0"))
    with pytest.raises(UsageError, match=r"may be of 2\.0 or of 2\.1, and the results") as refusal:
        routed(path, net)
    assert "--from 2.0" in str(refusal.value.help)
    assert "--from 2.1" in str(refusal.value.help)
    assert stages(routed(path, net, origin="2.0")) == ["2.0 -> 2.1", "2.1 -> 3.0"]
    assert stages(routed(path, net, origin="2.1")) == ["2.1 -> 3.0"]
    inside = save(tmp_path / "b.pt", upgraded(arrays(), "2.0"), config={"width": 4, "layers": 2})
    assert stages(routed(inside, net)) == ["2.0 -> 2.1", "2.1 -> 3.0"]
    with pytest.raises(UsageError, match="no version '7'"):
        routed(path, net, origin="7")


def test_two_origins_with_one_result_are_not_ambiguous(tmp_path: Path) -> None:
    same = {"0002_turn.py": ("weights = [Convert", "weights = []\nunused = [Convert")}
    project = build(tmp_path, same)
    made = routed(save(tmp_path / "a.pt", upgraded(arrays(), "2.0")), project)
    assert made.journey is not None
    assert made.journey.origin == "2.1"
    assert stages(made) == ["2.1 -> 3.0"]


def test_of_no_known_kind(net: Project, tmp_path: Path) -> None:
    import numpy as np

    path = save(tmp_path / "a.pt", {"strange": np.zeros(3, np.float32)})
    with pytest.raises(UsageError, match="of no known layout"):
        routed(path, net)
    path = save(tmp_path / "b.pt", arrays())
    with pytest.raises(UsageError, match="of no known other"):
        routed(path, net, family="other")


def test_the_settings_of_a_config(net: Project, tmp_path: Path) -> None:
    config = {"model": {"size": SIZE, "layers": 4}}
    made = routed(save(tmp_path / "a.pt", arrays()), net, config=config)
    assert stages(made)[-1] == "0001_deepen"
    assert made.journey is not None
    assert made.journey.after is not None
    assert made.journey.after.dimensions["layers"] == 4
    names = list(made.plan.outputs)
    assert names[5:17] == [
        *(f"layers.1.attn.{part}.weight" for part in ("q", "k", "v", "out")),
        *(f"layers.2.attn.{part}.weight" for part in ("q", "k", "v", "out")),
        *(f"layers.3.attn.{part}.weight" for part in ("q", "k", "v", "out")),
    ]
    assert "0001_deepen" not in stages(routed(tmp_path / "a.pt", net, config=HEAD_CONFIG))


def test_settings_that_nothing_leads_to(net: Project, tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", arrays())
    with pytest.raises(Refused, match="from one setting to another: layers: 2 -> 1"):
        routed(path, net, config={"model": {"size": SIZE, "layers": 1}})
    with pytest.raises(Refused, match="size: 4 -> 8"):
        routed(path, net, config={"model": {"size": 8, "layers": 2}})
    with pytest.raises(UsageError, match=r"the settings of 3\.0 only, not of 2\.0"):
        routed(path, net, to="2.0", config=HEAD_CONFIG)


def test_an_adaptation_that_does_nothing_ends(tmp_path: Path) -> None:
    idle = '"""Idles."""\nsettings = ("layers",)\n\n\ndef weights(state):\n'
    idle += "    from cfgmig.migration import Move\n"
    idle += "    return [Move('nowhere', 'else', optional=True)]\n"
    project = build(tmp_path, adaptations={"0001_idle.py": idle})
    path = save(tmp_path / "a.pt", arrays())
    with pytest.raises(Refused, match="after 64 adaptations"):
        routed(path, project, config={"model": {"size": SIZE, "layers": 3}})


WORDS = {
    "the split": (
        "0001_split.py",
        ('Convert("layers.*.attn.qkv.weight", Split(parts, (size,) * 3)),', ""),
    ),
    "the stash": ("0001_split.py", ('        Remove("aux", STASH, optional=True),\n', "")),
    "the name": ("0001_split.py", ('        Move("embed", "tok_embed"),\n', "")),
    "the turn": ("0003_head.py", ('Convert("proj.weight", Transposed()), ', "")),
    "the head": ("0003_head.py", (', Move("head", "lm_head")', "")),
}


@pytest.mark.parametrize("word", WORDS)
def test_without_any_one_word_the_result_fits_nothing(word: str, tmp_path: Path) -> None:
    """The transposition of square matrices is the one that no proof can miss: it is measured."""
    file, change = WORDS[word]
    project = build(tmp_path, {file: change})
    with pytest.raises(Refused, match=r"would not be what 3\.0|has the layout|nothing is known"):
        routed(save(tmp_path / "a.pt", arrays()), project)


def test_every_tensor_is_accounted_for(net: Project, tmp_path: Path) -> None:
    made = routed(save(tmp_path / "a.pt", arrays()), net)
    prepare(made.checkpoint, made.plan)
    for name in made.plan.outputs:
        less = {other: expr for other, expr in made.plan.outputs.items() if other != name}
        with pytest.raises(PlanError, match="neither used nor dropped"):
            prepare(made.checkpoint, Plan(less, made.plan.drop))
    assert set(made.plan.drop) == {"aux.weight", "aux.bias"}
    with pytest.raises(PlanError, match=r"'aux\.bias' is neither used nor dropped"):
        prepare(made.checkpoint, Plan(made.plan.outputs, frozenset({"aux.weight"})))
    assert made.sidecar is not None
    assert list(made.sidecar.outputs) == ["1.0..2.0/aux.weight", "1.0..2.0/aux.bias"]


def test_without_a_stash_it_is_said(net: Project, tmp_path: Path) -> None:
    made = routed(save(tmp_path / "a.pt", arrays()), net, stash=False)
    assert made.sidecar is None
    assert "2 tensors that left the model are not kept" in made.notes
    assert set(made.dropped) == {"aux.weight", "aux.bias"}


def test_what_is_irreversible_is_refused_on_the_way_down(tmp_path: Path) -> None:
    change = {"0001_split.py": ('"aux", STASH, optional=True', '"aux", IRREVERSIBLE')}
    project = build(tmp_path, change)
    text = (tmp_path / "migrations/net/0001_split.py").read_text()
    (tmp_path / "migrations/net/0001_split.py").write_text(
        text.replace("import STASH,", "import IRREVERSIBLE,")
    )
    up = routed(save(tmp_path / "a.pt", arrays()), project)
    assert up.sidecar is None
    assert up.journey is not None
    assert up.journey.stages[0].grade == "irreversible"
    with pytest.raises(LossyError, match="no way back from: aux is dropped for good"):
        routed(save(tmp_path / "b.pt", upgraded(arrays())), project, to="1.0")


def test_a_missing_stash_is_refused(tmp_path: Path) -> None:
    project = build(tmp_path, {"0001_split.py": ("STASH, optional=True", "STASH")})
    source = save(tmp_path / "a.pt", arrays())
    convert(routed(source, project), tmp_path / "b.pt")
    assert routed(tmp_path / "b.pt", project, to="1.0").sidecar is None
    (tmp_path / "b.pt.stash.safetensors").unlink()
    with pytest.raises(Refused, match="kept beside the converted file, and that is not there"):
        routed(tmp_path / "b.pt", project, to="1.0")


def test_a_sidecar_of_another_file_is_not_taken(net: Project, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        source = save(tmp_path / f"{name}.pt", arrays(seed=seed))
        convert(routed(source, net), tmp_path / f"{name}3.pt")
    (tmp_path / "a3.pt.stash.safetensors").write_bytes(
        (tmp_path / "b3.pt.stash.safetensors").read_bytes()
    )
    joined = opened(str(tmp_path / "a3.pt"))
    assert not [name for name in joined.tensors if name.startswith("stash:")]
    assert [name for name in opened(str(tmp_path / "b3.pt")).tensors if name[:6] == "stash:"] == [
        "stash:1.0..2.0/aux.weight", "stash:1.0..2.0/aux.bias",
    ]  # fmt: skip
    assert len(open_checkpoint(str(tmp_path / "b3.pt")).tensors) == len(upgraded(arrays()))


def test_a_route_reads_no_tensor(net: Project, tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", arrays(), config=CONFIG)
    checkpoint = opened(str(path))

    def forbidden(*_: Any) -> bytes:
        raise AssertionError("a tensor was read")

    checkpoint.read_view = forbidden  # type: ignore[method-assign]
    assert len(route(checkpoint, net, Request(Goal(), "torch")).plan.outputs) == 16


def calls(layers: int, project: Project, folder: Path) -> int:
    """Function calls of planning for so many layers, a count that no busy machine changes."""
    checkpoint = opened(str(save(folder / f"{layers}.pt", arrays(layers))))
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        made = route(checkpoint, project, Request(Goal(), "torch"))
    finally:
        sys.setprofile(before)
    assert len(made.plan.outputs) == 4 * layers + 8
    return count


def test_planning_grows_with_the_number_of_tensors_and_no_faster(
    net: Project, tmp_path: Path
) -> None:
    assert calls(200, net, tmp_path) < 4.4 * calls(50, net, tmp_path)
