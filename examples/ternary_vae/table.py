"""Mean and spread over seeds: `python -m examples.ternary_vae.table CHAIN...`.

Each argument is the folder of a chain. A row is a stage, with the last evaluation of each run;
the stage `v5_5` has a row for its best and one for its latest file.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .chain import STAGES, result

SHOWN = ("coverage", "hierarchy_A", "hierarchy_B", "richness_B", "Q")


def stored(path: Path) -> dict[str, float]:
    """The metrics inside a checkpoint."""
    from cfgmig.states import beside
    from checkpoint_tools import open_checkpoint

    with open_checkpoint(path) as checkpoint:
        known = beside(checkpoint)
    metrics = known["metrics"]
    return {"epoch": known["epoch"], **{key: metrics[key] for key in SHOWN if key in metrics}}


def rows(chains: Sequence[Path]) -> dict[str, list[dict[str, float]]]:
    """The runs of each stage, by its name."""
    found: dict[str, list[dict[str, float]]] = {}
    for chain in chains:
        for kind in ("best", "latest"):
            path = chain / f"v5_5/{kind}.safetensors"
            if path.exists():
                found.setdefault(f"v5_5, {kind}", []).append(stored(path))
        for name in STAGES:
            if (chain / name / "metrics.jsonl").exists():
                found.setdefault(name, []).append(result(chain / name))
    return found


def spread(values: Sequence[float]) -> str:
    """Mean, and the lowest and highest value."""
    mean = statistics.fmean(values)
    if len(set(values)) == 1:
        return f"{mean:.4g}"
    return f"{mean:.4g} ({min(values):.4g} to {max(values):.4g})"


def table(chains: Sequence[Path]) -> Iterable[str]:
    """Lines of Markdown."""
    yield f"| stage | runs | epoch | {' | '.join(SHOWN)} |"
    yield "|---" * (len(SHOWN) + 3) + "|"
    for name, runs in rows(chains).items():
        cells = [
            spread([one[key] for one in runs])
            if all(one.get(key) is not None for one in runs)
            else "-"
            for key in ("epoch", *SHOWN)
        ]
        yield f"| {name} | {len(runs)} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    p = argparse.ArgumentParser(prog="python -m examples.ternary_vae.table")
    p.add_argument("chains", type=Path, nargs="+")
    print("\n".join(table(p.parse_args(arguments).chains)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
