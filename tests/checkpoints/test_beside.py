"""What adaptations do beside the tensors: to a vocabulary's words, say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.converting import Request, convert, opened, route
from cfgmig.project import Project
from cfgmig.routing import Goal
from cfgmig.verifying import verify
from checkpoint_tools import open_checkpoint
from tests.checkpoints.demo_weights import ADAPTATIONS, SIZE, arrays, build, save

torch = pytest.importorskip("torch", reason="torch writes the checkpoints")

DEEPER = {"model": {"size": SIZE, "layers": 3}}
NAMES = {"first": [1, 2], "second": {"three": 3}}
SAID = "names moves to names_before."


def adapting(old: str, new: str) -> dict[str, str]:
    """The adaptation of the small family, changed in one place."""
    text = ADAPTATIONS["0001_deepen.py"].replace("import Add,", "import Add, Move,")
    assert old in text
    beside = "from cfgmig.migration import Beside\nfrom checkpoint_tools"
    return {"0001_deepen.py": text.replace(old, new).replace("from checkpoint_tools", beside)}


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Project:
    word = 'Beside(Move("names", "names_before", optional=True))'
    changed = adapting("    return [Add", f"    return [{word}] + [Add")
    return build(tmp_path_factory.mktemp("net"), adaptations=changed)


def brought(source: Path, target: Path, project: Project, format: str, config: Any = DEEPER) -> Any:
    with opened(str(source)) as checkpoint:
        made = route(checkpoint, project, Request(Goal(config=config), format))
        convert(made, target)
    return made


def test_in_a_tree(net: Project, tmp_path: Path) -> None:
    source = save(tmp_path / "a.pt", arrays(), names=NAMES, epoch=3)
    made = brought(source, tmp_path / "b.pt", net, "torch")
    assert SAID in made.notes
    tree = torch.load(tmp_path / "b.pt", weights_only=True)
    assert tree["names_before"] == NAMES
    assert "names" not in tree
    assert tree["epoch"] == 3
    assert "layers.2.attn.q.weight" in tree["model_state_dict"]
    with opened(str(source)) as one, opened(str(tmp_path / "b.pt")) as other:
        assert verify(one, other, net, round_trip=True).fine


def test_in_texts(net: Project, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    tensors = {name: torch.from_numpy(array) for name, array in arrays().items()}
    save_file(tensors, tmp_path / "a.safetensors", {"names": json.dumps(NAMES), "other": "text"})
    target = tmp_path / "b.safetensors"
    made = brought(tmp_path / "a.safetensors", target, net, "safetensors")
    assert SAID in made.notes
    with open_checkpoint(str(target)) as checkpoint:
        texts = checkpoint.metadata
        assert json.loads(texts["names_before"]) == NAMES
        assert texts["other"] == "text"


def test_nothing_to_change_is_no_note(net: Project, tmp_path: Path) -> None:
    bare, epoch = save(tmp_path / "a.pt", arrays()), save(tmp_path / "b.pt", arrays(), epoch=3)
    for path in (bare, epoch):
        assert SAID not in brought(path, path.with_suffix(".new.pt"), net, "torch").notes
    same = save(tmp_path / "c.pt", arrays(), names=NAMES)
    config = {"model": {"size": SIZE, "layers": 2}}
    assert SAID not in brought(same, tmp_path / "d.pt", net, "torch", config).notes
    assert torch.load(tmp_path / "d.pt", weights_only=True)["names"] == NAMES


def test_alone_it_is_no_adaptation(tmp_path: Path) -> None:
    from cfgmig.errors import Refused

    only = "    return [Beside(Move('a', 'b', optional=True))]\n    if want"
    project = build(tmp_path, adaptations=adapting("    if want", only))
    source = save(tmp_path / "a.pt", arrays())
    with pytest.raises(Refused, match="layers: 2 -> 3"):
        brought(source, tmp_path / "b.pt", project, "torch")
