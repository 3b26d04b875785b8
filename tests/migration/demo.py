"""A small family of revisions for tests, and short ways to run it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cfgmig.document import Document
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.operations import Operation
from cfgmig.migration.plan import make_plan
from cfgmig.migration.revision import Revision
from cfgmig.migration.run import Outcome, run


def chain(*configs: Sequence[Operation]) -> RevisionGraph:
    """Versions 1, 2, 3 ... with these operations between them."""
    return RevisionGraph(
        "demo",
        [
            Revision(str(n + 1), str(n), f"To {n + 1}.", tuple(config), [], Path(f"{n:04}_x.py"))
            for n, config in enumerate(configs, 1)
        ],
    )


def migrate(
    text: str | Document,
    graph: RevisionGraph,
    way: str = "",
    *,
    stash: bool = True,
    stamp: str | None = None,
    order: dict[str, tuple[str, ...]] | None = None,
    name: str = "config.yaml",
) -> Outcome:
    """Run the plan from one end of the chain to the other, or `"3>1"`."""
    origin, goal = way.split(">") if way else ("1", graph.heads[0])
    document = Document.parse(text, name) if isinstance(text, str) else text
    table = order or {}
    return run(
        document,
        make_plan(graph, origin, goal),
        stamp=stamp,
        stash=stash,
        order=lambda version: lambda parent: table.get(".".join(map(str, parent)), ()),
    )


def up_and_down(text: str, graph: RevisionGraph, **options: object) -> tuple[str, str]:
    """The upgraded text, and what a downgrade makes of that; upgrading again is checked."""
    up = migrate(text, graph, **options)  # type: ignore[arg-type]
    back = f"{graph.heads[0]}>1"
    down = migrate(up.document, graph, back, **options)  # type: ignore[arg-type]
    again = migrate(down.document, graph, **options)  # type: ignore[arg-type]
    assert again.document.text == up.document.text
    return up.document.text, down.document.text
