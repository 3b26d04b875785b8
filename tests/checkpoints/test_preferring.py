"""Adaptations that a user names: they go first, and may do what they would refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.converting import Request, convert, opened, route
from cfgmig.errors import Refused, UsageError
from cfgmig.project import Project
from cfgmig.routing import Goal
from cfgmig.verifying import verify
from tests.checkpoints.demo_weights import ADAPTATIONS, SIZE, arrays, build, save

pytest.importorskip("torch", reason="torch writes the checkpoints")

DEEPER = {"model": {"size": SIZE, "layers": 3}}
REFUSING = (
    ADAPTATIONS["0001_deepen.py"]
    .replace(
        "    size = state",
        '    if not state.preferred:\n        raise Refused("too deep", kind="migration")\n'
        "    size = state",
    )
    .replace("from cfgmig", "from cfgmig.errors import Refused\nfrom cfgmig", 1)
)
ONES = ADAPTATIONS["0001_deepen.py"].replace("scale=0.02, seed=7", "scale=0.5, seed=8")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Project:
    every = {**ADAPTATIONS, "0002_deepen_more.py": ONES, "0003_deepen_less.py": REFUSING}
    return build(tmp_path_factory.mktemp("net"), adaptations=every)


def stages(project: Project, source: Path, target: Path, *prefer: str) -> list[str]:
    with opened(str(source)) as checkpoint:
        made = route(checkpoint, project, Request(Goal(config=DEEPER, prefer=prefer), "torch"))
        convert(made, target)
    assert made.journey is not None
    return [stage.name for stage in made.journey.stages if stage.kind == "adaptation"]


@pytest.mark.parametrize(
    ("prefer", "done"),
    [
        ((), "0001_deepen"),
        (("0002_deepen_more",), "0002_deepen_more"),
        (("deepen_more", "deepen"), "0002_deepen_more"),
        (("deepen_less",), "0003_deepen_less"),
    ],
)
def test_what_is_preferred_is_done(
    prefer: tuple[str, ...], done: str, net: Project, tmp_path: Path
) -> None:
    source, target = save(tmp_path / "a.pt", arrays()), tmp_path / "b.pt"
    assert stages(net, source, target, *prefer) == [done]
    with opened(str(source)) as one, opened(str(target)) as other:
        assert verify(one, other, net).fine  # it is told by the result itself


def test_what_nobody_prefers_refuses(tmp_path: Path) -> None:
    project = build(tmp_path, adaptations={"0001_deepen.py": REFUSING})
    source = save(tmp_path / "a.pt", arrays())
    with pytest.raises(Refused, match="too deep"):
        stages(project, source, tmp_path / "b.pt")
    assert stages(project, source, tmp_path / "b.pt", "deepen") == ["0001_deepen"]


def test_an_unknown_one(net: Project, tmp_path: Path) -> None:
    source = save(tmp_path / "a.pt", arrays())
    with pytest.raises(UsageError, match="no adaptation 'widen'") as caught:
        stages(net, source, tmp_path / "b.pt", "widen")
    assert "0002_deepen_more" in str(caught.value.help)
