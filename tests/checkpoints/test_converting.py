"""Conversions of whole files: numbers, what lies around them, provenance, and the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cfgmig.converting import Request, convert, opened, route, sidecar_of, stamp_of
from cfgmig.errors import UsageError
from cfgmig.project import Project
from cfgmig.recognising import recognise
from cfgmig.routing import Goal
from cfgmig.states import beside, model_state
from checkpoint_tools import open_checkpoint
from checkpoint_tools.writing import Unwritable
from tests.checkpoints.demo_weights import CONFIG, arrays, build, save, upgraded
from tests.conftest import ROOT

torch = pytest.importorskip("torch", reason="torch writes the checkpoints")

UP = Request(Goal(), "torch")
DOWN = Request(Goal(to="1.0"), "torch")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(tmp_path_factory.mktemp("net"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save(tmp_path / "a.pt", arrays(), epoch=3, best_loss=0.5, config=CONFIG)


def brought(path: Path, target: Path, project: Project, request: Request, **how: Any) -> Any:
    with opened(str(path)) as checkpoint:
        made = route(checkpoint, project, request)
        convert(made, target, **how)
    return made


def loaded(path: Path) -> Any:
    return torch.load(path, weights_only=True)


def is_same(state: Any, expected: dict[str, Any]) -> bool:
    return list(state) == list(expected) and all(
        one.dtype == torch.from_numpy(np.asarray(other)).dtype
        and tuple(one.shape) == other.shape
        and one.contiguous().numpy().tobytes() == np.ascontiguousarray(other).tobytes()
        for one, other in zip(state.values(), expected.values(), strict=True)
    )


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_torch_to_torch_and_back(net: Project, source: Path, tmp_path: Path) -> None:
    brought(source, tmp_path / "b.pt", net, UP)
    up = loaded(tmp_path / "b.pt")
    assert is_same(up["model_state_dict"], upgraded(arrays()))
    assert up["metrics"] == {"loss": 0.5}
    assert up["epoch"] == 3
    assert not {"model", "best_loss"} & up.keys()
    config = {key: value for key, value in up["config"].items() if not key.startswith("$")}
    assert config == {"schema_version": "net/3.0", "model": {"size": 4, "layers": 2}}
    brought(tmp_path / "b.pt", tmp_path / "c.pt", net, DOWN)
    down = loaded(tmp_path / "c.pt")
    assert is_same(down["model"], arrays())
    assert (down["best_loss"], down["epoch"]) == (0.5, 3)
    assert not {"model_state_dict", "metrics"} & down.keys()
    assert {key: down["config"][key] for key in CONFIG} == CONFIG
    assert not sidecar_of(tmp_path / "c.pt").exists()


def test_step_by_step_is_the_same_way(net: Project, source: Path, tmp_path: Path) -> None:
    for name, before, to in (("b", "a", "2.0"), ("c", "b", "2.1"), ("d", "c", "3.0")):
        brought(tmp_path / f"{before}.pt", tmp_path / f"{name}.pt", net, Request(Goal(to), "torch"))
    assert is_same(loaded(tmp_path / "d.pt")["model_state_dict"], upgraded(arrays()))
    # What the first step kept went along with every further one.
    for name, before, to in (("e", "d", "2.0"), ("f", "e", "1.0")):
        brought(tmp_path / f"{before}.pt", tmp_path / f"{name}.pt", net, Request(Goal(to), "torch"))
    assert is_same(loaded(tmp_path / "f.pt")["model"], arrays())
    history = stamp_of(open_checkpoint(str(tmp_path / "f.pt")))["history"]
    assert [one["to"] for one in history] == ["net/2.0", "net/2.1", "net/3.0", "net/2.0", "net/1.0"]


@pytest.mark.parametrize("around", [{}, {"epoch": 3}])
def test_bare_and_nested_to_safetensors_and_back(
    around: dict[str, Any], net: Project, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    source = save(tmp_path / "a.pt", arrays(), **around)
    target = tmp_path / "b.safetensors"
    brought(source, target, net, Request(Goal(), model_only=True))
    expected = upgraded(arrays())
    found = load_file(target)
    assert found.keys() == expected.keys()
    assert all(found[name].tobytes() == one.tobytes() for name, one in expected.items())
    kept = load_file(sidecar_of(target))
    assert {name.partition("/")[2]: one.tobytes() for name, one in kept.items()} == {
        name: arrays()[name].tobytes() for name in ("aux.weight", "aux.bias")
    }
    brought(target, tmp_path / "c.pt", net, DOWN)
    down = loaded(tmp_path / "c.pt")
    assert {name: one.numpy().tobytes() for name, one in down.items()} == {
        name: one.tobytes() for name, one in arrays().items()
    }


def test_a_bare_state_dict_loads_and_tells_its_making(net: Project, tmp_path: Path) -> None:
    brought(save(tmp_path / "a.pt", arrays()), tmp_path / "b.pt", net, UP)
    state = loaded(tmp_path / "b.pt")
    assert is_same(state, upgraded(arrays()))
    assert stamp_of(open_checkpoint(str(tmp_path / "b.pt")))["version"] == "3.0"
    norm = torch.nn.ModuleDict({"norm": torch.nn.BatchNorm1d(4)})
    own = {name: one for name, one in state.items() if name.startswith("norm.")}
    for name in set(state) - set(own):
        del state[name]
    norm.load_state_dict(state, strict=True)
    assert torch.equal(norm.norm.running_var, own["norm.running_var"])
    brought(tmp_path / "b.pt", tmp_path / "c.pt", net, DOWN)
    assert is_same(loaded(tmp_path / "c.pt"), arrays())


def test_everything_around_survives_safetensors(net: Project, source: Path, tmp_path: Path) -> None:
    brought(source, tmp_path / "b.safetensors", net, Request(Goal()))
    brought(tmp_path / "b.safetensors", tmp_path / "c.pt", net, DOWN)
    down = loaded(tmp_path / "c.pt")
    assert is_same(down["model"], arrays())
    assert (down["best_loss"], down["epoch"]) == (0.5, 3)


def test_shards(net: Project, source: Path, tmp_path: Path) -> None:
    with opened(str(source)) as checkpoint:
        made = route(checkpoint, net, Request(Goal(), "sharded", model_only=True))
        convert(made, tmp_path / "out")
    assert (tmp_path / "out.stash.safetensors").is_file()
    assert stamp_of(open_checkpoint(str(tmp_path / "out")))["version"] == "3.0"
    brought(tmp_path / "out", tmp_path / "c.pt", net, DOWN)
    down = loaded(tmp_path / "c.pt")
    assert {name: one.numpy().tobytes() for name, one in down.items()} == {
        name: one.tobytes() for name, one in arrays().items()
    }


def test_only_the_model(net: Project, tmp_path: Path) -> None:
    moments = {"state": {0: {"exp_avg": torch.ones(5, 4)}}, "param_groups": [{"params": [0]}]}
    source = save(tmp_path / "a.pt", arrays(), optimizer=moments, epoch=1)
    made = brought(source, tmp_path / "b.pt", net, UP._replace(model_only=True))
    assert set(loaded(tmp_path / "b.pt")) == {"model_state_dict", "epoch", "cfgmig"}
    assert "optimizer.state.0.exp_avg" in made.dropped
    without = brought(source, tmp_path / "c.pt", net, Request(None, "torch", model_only=True))
    assert without.journey is None
    assert is_same(loaded(tmp_path / "c.pt")["model"], arrays())


def test_the_stamp(net: Project, source: Path, tmp_path: Path) -> None:
    from cfgmig import __version__

    brought(source, tmp_path / "b.pt", net, UP)
    stamp = loaded(tmp_path / "b.pt")["cfgmig"]
    assert stamp == {
        "family": "net",
        "version": "3.0",
        "source": {"name": "a.pt", "bytes": source.stat().st_size, "sha256": sha(source)},
        "tool": f"cfgmig {__version__}",
        "history": [
            {
                "from": "net/1.0",
                "to": "net/3.0",
                "steps": ["1.0 -> 2.0", "2.0 -> 2.1", "2.1 -> 3.0"],
                "config": None,
            }
        ],
    }


def seen(path: Path, project: Project) -> Any:
    with open_checkpoint(str(path)) as checkpoint:
        return recognise(model_state(checkpoint), beside(checkpoint), project)


def test_a_result_is_known_by_its_stamp(net: Project, tmp_path: Path) -> None:
    source = save(tmp_path / "a.pt", arrays(), epoch=1)
    brought(source, tmp_path / "b.pt", net, Request(Goal("2.1"), "torch"))
    found = seen(tmp_path / "b.pt", net)
    assert found.versions == ("2.1",)
    assert found.certain
    assert "its stamp says net/2.1" in found.evidence
    # The same tensors without a stamp could be of two versions.
    bare = loaded(tmp_path / "b.pt")
    del bare["cfgmig"]
    torch.save(bare, tmp_path / "c.pt")
    assert seen(tmp_path / "c.pt", net).versions == ("2.0", "2.1")


def test_a_stamp_that_the_tensors_contradict_is_doubted(net: Project, tmp_path: Path) -> None:
    source = save(tmp_path / "a.pt", arrays(), cfgmig={"family": "net", "version": "3.0"})
    found = seen(source, net)
    assert found.versions == ("1.0",)
    assert "its stamp says net/3.0, which has other tensors" in found.doubts
    other = save(tmp_path / "b.pt", arrays(), cfgmig={"family": "else", "version": "1.0"})
    assert "its stamp says else/1.0, which has other tensors" in seen(other, net).doubts
    fine = save(tmp_path / "c.pt", arrays(), cfgmig={"family": "net", "version": "1.0"})
    assert seen(fine, net).doubts == ()


SCRIPT = """\
import os, sys
from pathlib import Path
os.umask(int(sys.argv[4], 8))
from cfgmig.converting import Request, convert, opened, route
from cfgmig.project import find_project
from cfgmig.routing import Goal
made = route(opened(sys.argv[2]), find_project(Path(sys.argv[1])), Request(Goal(), sys.argv[5]))
convert(made, Path(sys.argv[3]))
"""


@pytest.mark.parametrize(("format", "suffix"), [("torch", ".pt"), ("safetensors", ".safetensors")])
def test_the_same_bytes_wherever_it_runs(
    format: str, suffix: str, source: Path, tmp_path: Path
) -> None:
    project = build(tmp_path / "project")
    made: set[tuple[str, str]] = set()
    for number, (umask, seed) in enumerate((("022", "0"), ("077", "1"), ("002", "4242"))):
        # Another folder, another working directory, and a time that is not the first one's.
        folder = tmp_path / f"run {number}"
        folder.mkdir()
        shutil.copy(source, folder / "a.pt")
        target = folder / f"b{suffix}"
        subprocess.run(
            [
                sys.executable,
                "-c",
                SCRIPT,
                *map(str, (project.root, folder / "a.pt", target)),
                umask,
                format,
            ],
            check=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "TZ": f"X{number}"},
        )
        assert target.stat().st_mode & 0o777 == 0o666 & ~int(umask, 8)
        made.add((sha(target), sha(sidecar_of(target))))
    assert len(made) == 1


def test_a_failure_leaves_nothing(net: Project, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.pt"
    target.write_bytes(b"someone's")
    with pytest.raises(Unwritable):
        brought(source, target, net, UP)
    assert target.read_bytes() == b"someone's"
    assert not sidecar_of(target).exists()
    brought(source, target, net, UP, overwrite=True)
    assert is_same(loaded(target)["model_state_dict"], upgraded(arrays()))


def test_a_failure_keeps_an_older_stash(net: Project, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.pt"
    brought(source, target, net, UP)
    before = sha(sidecar_of(target)), sha(target)
    other = save(tmp_path / "other.pt", arrays(seed=2), epoch=1)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        brought(other, target, net, UP, overwrite=True, progress=interrupt)
    assert (sha(sidecar_of(target)), sha(target)) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "a.pt", "b.pt", "b.pt.stash.safetensors", "other.pt",
    ]  # fmt: skip


def test_a_config_inside_that_stays_is_noted(net: Project, tmp_path: Path) -> None:
    odd = save(tmp_path / "a.pt", arrays(), config={"dim": 4})
    made = brought(odd, tmp_path / "b.pt", net, UP)
    assert loaded(tmp_path / "b.pt")["config"] == {"dim": 4}
    assert [note for note in made.notes if note.startswith("`config` stays as it is")]
    other = save(tmp_path / "c.pt", arrays(), config={**CONFIG, "kind": torch.float32})
    made = brought(other, tmp_path / "d.pt", net, UP)
    assert loaded(tmp_path / "d.pt")["config"]["kind"] == torch.float32
    assert [note for note in made.notes if note.startswith("`config` stays as it is")]


def test_other_values_keep_their_types(net: Project, tmp_path: Path) -> None:
    from collections import OrderedDict

    extra = OrderedDict(a=torch.ones(2), b=(torch.zeros(1), "x"))
    source = save(tmp_path / "a.pt", arrays(), ema=extra, shape=torch.Size([1, 2]))
    brought(source, tmp_path / "b.pt", net, UP)
    found = loaded(tmp_path / "b.pt")
    assert type(found["ema"]) is OrderedDict
    assert torch.equal(found["ema"]["a"], torch.ones(2))
    assert torch.equal(found["ema"]["b"][0], torch.zeros(1))
    assert found["ema"]["b"][1] == "x"
    assert found["shape"] == torch.Size([1, 2])


def test_names_patterns_and_casts_on_the_way(net: Project, source: Path, tmp_path: Path) -> None:
    wanted = UP._replace(
        rename={"proj.weight": "mid.weight"}, drop=("norm.running_*",), cast="float16"
    )
    with pytest.raises(UsageError, match="no tensor fits"):
        brought(source, tmp_path / "b.pt", net, wanted)
    wanted = wanted._replace(drop=("norm.running_mean", "layers.*.attn.v"))
    made = brought(source, tmp_path / "b.pt", net, wanted)
    found = loaded(tmp_path / "b.pt")["model_state_dict"]
    expected = {
        name.replace("proj.", "mid."): one.astype(np.float16) if one.dtype == np.float32 else one
        for name, one in upgraded(arrays()).items()
        if name != "norm.running_mean" and ".v." not in name
    }
    assert is_same(found, expected)
    assert "model.norm.running_mean" in made.plan.drop


def test_adapted_and_said(net: Project, source: Path, tmp_path: Path) -> None:
    config = {"model": {"size": 4, "layers": 3}}
    brought(source, tmp_path / "b.pt", net, Request(Goal(config=config), "torch"))
    found = loaded(tmp_path / "b.pt")
    state = found["model_state_dict"]
    assert not state["layers.2.attn.out.weight"].any()
    assert 0.001 < state["layers.2.attn.q.weight"].std() < 0.1
    old = {name: one for name, one in state.items() if not name.startswith("layers.2.")}
    assert is_same(old, upgraded(arrays()))
    done = found["cfgmig"]["history"][0]
    assert done["steps"][-1] == "0001_deepen"
    assert json.loads(json.dumps(done["config"])) == config
