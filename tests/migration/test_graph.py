from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.errors import UsageError
from cfgmig.migration import IRREVERSIBLE, STASH, Add, Custom, Grade, Move, Operation, Remove
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.loader import load_revision, load_revisions
from cfgmig.migration.plan import make_plan
from cfgmig.migration.revision import Revision
from cfgmig.migration.trace import Fate, destination, fate


def revision(edge: str, *config: Operation) -> Revision:
    origin, goal = edge.split(">")
    path = Path(f"0001_{goal.replace('.', '_')}.py")
    return Revision(goal, origin or None, f"To {goal}.", config, [], path)


def graph(*edges: str) -> RevisionGraph:
    return RevisionGraph("demo", [revision(edge) for edge in edges])


def steps(found: RevisionGraph, origin: str, goal: str) -> str:
    plan = make_plan(found, origin, goal)
    return " ".join([plan.origin, *(("+" if s.up else "-") + s.goal for s in plan.steps)])


LINE = graph(">1", "1>2", "2>3", "cli>3", "3>4")
FORK = graph("1>2", "2>3a", "3a>4a", "2>3b", "3b>4b")
DIAMOND = graph("1>2a", "1>2b", "2a>3", "2b>3", "3>4")


@pytest.mark.parametrize(
    ("found", "origin", "goal", "expected"),
    [
        (LINE, "1", "4", "1 +2 +3 +4"),
        (LINE, "4", "1", "4 -3 -2 -1"),
        (LINE, "2", "2", "2"),
        (LINE, "cli", "4", "cli +3 +4"),
        (LINE, "cli", "1", "cli +3 -2 -1"),
        (LINE, "4", "cli", "4 -3 -cli"),
        (FORK, "4a", "4b", "4a -3a -2 +3b +4b"),
        (DIAMOND, "2a", "2b", "2a -1 +2b"),
        (DIAMOND, "2a", "4", "2a +3 +4"),
        (DIAMOND, "4", "2b", "4 -3 -2b"),
    ],
)
def test_paths(found: RevisionGraph, origin: str, goal: str, expected: str) -> None:
    assert steps(found, origin, goal) == expected


def test_shape() -> None:
    assert LINE.heads == ("4",)
    assert LINE.roots == ("1", "cli")
    assert FORK.heads == ("4a", "4b")
    assert FORK.branches == ("2",)
    assert LINE.ancestors("3") == {"1", "2", "3", "cli"}
    assert LINE.descendants("3") == {"3", "4"}
    assert LINE.versions.index("cli") < LINE.versions.index("3")
    assert RevisionGraph("none", []).heads == ()


@pytest.mark.parametrize(
    ("found", "origin", "goal", "says"),
    [
        (DIAMOND, "1", "4", "two ways lead from demo/1 to demo/4: by 2"),
        (graph("1>2", "8>9"), "1", "9", "no revision leads from demo/1 to demo/9"),
        (LINE, "1", "7", "no revision of family demo leads to or from '7'"),
        (graph("1>2", "2>a", "2>b", "a>d", "b>d", "d>e"), "1", "e", "by b or by a"),
    ],
)
def test_no_single_way(found: RevisionGraph, origin: str, goal: str, says: str) -> None:
    with pytest.raises(UsageError) as refusal:
        make_plan(found, origin, goal)
    assert says in refusal.value.message
    assert refusal.value.help


def test_circles_and_doubles_are_refused() -> None:
    with pytest.raises(UsageError, match="come from one another"):
        graph("1>2", "2>3", "3>2")
    with pytest.raises(UsageError, match="both lead from 1 to 2"):
        graph("1>2", "1>2")


def test_plan_grade_is_the_worst() -> None:
    up = RevisionGraph(
        "demo",
        [
            revision("1>2", Move("a", "b")),
            revision("2>3", Add("c", 1)),
            revision("3>4", Remove("b", IRREVERSIBLE)),
        ],
    )
    assert make_plan(up, "1", "2").grade is Grade.EXACT
    assert make_plan(up, "3", "1").grade is Grade.GUARDED
    assert make_plan(up, "4", "3").grade is Grade.IRREVERSIBLE
    assert not make_plan(up, "2", "2")
    assert "takes back" in make_plan(up, "2", "1").describe()[0]
    assert make_plan(up, "1", "2").steps[0].describe() == ["a moves to b."]


def test_fate_of_a_path() -> None:
    up = RevisionGraph(
        "demo",
        [
            revision("1>2", Move("lr", "optim.lr"), Remove("seed", STASH)),
            revision("2>3", Move("optim", "training.optim"), Move("p.*.n", "p.*.t")),
            revision("3>4", Custom("x", lambda data: [], lambda data: [])),
        ],
    )
    plan = make_plan(up, "1", "4")
    assert destination(plan, ("lr",)) == (("training", "optim", "lr"), "3")
    assert destination(plan, ("optim", "lr", "x")) == (("training", "optim", "lr", "x"), "3")
    assert destination(plan, ("p", 3, "n")) == (("p", 3, "t"), "3")
    assert destination(plan, ("width",)) is None
    assert fate(plan, ("seed",)) == Fate(None, "2")
    assert destination(plan, ("seed",)) is None


GOOD = '''"""The width moves into the model section.

Why: it belongs there.
"""

from cfgmig.migration import Move

revision = "1.1"
revises = "1.0"
config = [Move("width", "model.width")]
'''


def test_load(tmp_path: Path) -> None:
    (tmp_path / "0002_width.py").write_text(GOOD)
    (tmp_path / "0001_first.py").write_text(
        '"""The first version."""\nrevision = "1.0"\nrevises = None\nconfig = []\n'
    )
    (tmp_path / "_helper.py").write_text("x = 1\n")
    first, second = load_revisions(tmp_path)
    assert (first.number, first.revision, first.revises) == ("0001", "1.0", None)
    assert second.summary == "The width moves into the model section."
    assert second.explanation == "Why: it belongs there."
    assert second.config == (Move("width", "model.width"),)
    assert second.reversed_config() == (Move("model.width", "width"),)
    assert second.grade is second.down_grade is Grade.EXACT
    assert RevisionGraph("demo", [first, second]).heads == ("1.1",)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('revises = "1.0"\n', "", 1, "it has no `revises`"),
        ('"1.1"', '"1 1"', 8, "`revision` is '1 1'"),
        ('"1.1"', "1.1", 8, "`revision` is 1.1"),
        ('revises = "1.0"', 'revises = "1.1"', 9, "its own result"),
        ("config = [", "configs = [", 1, "it has no `config`"),
        ("[Move(", "[None, Move(", 10, "config[0] is no operation"),
        ('config = [Move("width", "model.width")]', "config = 3", 10, "no list of operations"),
        ('"model.width"', '"model..width"', 10, "Move: not a path"),
        ('"model.width"', "nothing", 10, "NameError"),
        ("import Move", "import Rename", 6, "ImportError"),
        ("config = [", "config = [[", 10, "SyntaxError"),
    ],
)
def test_bad_revision_files(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    path = tmp_path / "0001_bad.py"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError) as refusal:
        load_revision(path)
    assert says in refusal.value.message
    assert (refusal.value.file, refusal.value.line) == (str(path), line)


def test_bad_names(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(GOOD)
    with pytest.raises(UsageError, match="no name for a revision"):
        load_revisions(tmp_path)
    (tmp_path / "first.py").rename(tmp_path / "0001_a.py")
    (tmp_path / "0001_b.py").write_text(GOOD)
    with pytest.raises(UsageError, match="is taken by 0001_a"):
        load_revisions(tmp_path)
    (tmp_path / "0001_b.py").write_text(GOOD.split('"""')[2])
    with pytest.raises(UsageError, match="no docstring"):
        load_revision(tmp_path / "0001_b.py")
