"""The whole chain in one command: `python -m examples.ternary_vae.chain --out DIR --seed N`.

Stage 1 makes a v5.5 checkpoint from scratch; each later stage is a run of `train` with a config of
`configs/`, whose path to the frozen weights is set by cfgmig, so that comments stay. A chain that
was stopped continues where it was, if it is started again with the same arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfgmig import CfgmigError

HOME = Path(__file__).parent
STAGES = {
    "v5_11": "stage_v5_11.yaml",
    "partial_freeze": "stage_partial_freeze.yaml",
    "v5_12_4": "stage_v5_12_4.yaml",
    "no_zero": "stage_v5_12_4_no_zero.yaml",
    "rich": "stage_rich.yaml",
    "null": "stage_null.yaml",
}
"""Stages after the first, and their configs."""
USUAL = ("v5_11", "partial_freeze", "v5_12_4")
WITHOUT = "null"
"""The stage that shows what happens without weights; cfgmig refuses its config."""
SHOWN = ("coverage", "hierarchy_A", "hierarchy_B", "richness_B", "Q")


def with_weights(config: Path, target: Path, weights: str) -> None:
    """Copy a config with another path to the frozen weights; all else keeps its bytes.

    Raises:
        cfgmig.CfgmigError: the config is malformed.
    """
    from cfgmig.document import Document, SetValue
    from cfgmig.paths import parse_path

    document = Document.parse(config.read_bytes(), config.name)
    edited = document.edit([SetValue(parse_path("frozen_checkpoint.path"), weights)])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(edited.document.to_bytes())


def stage(name: str, out: Path, arguments: Sequence[str]) -> int:
    """Run one stage after the first, or the rest of it; returns its exit code."""
    from . import train

    config = out / name / "config.yaml"
    given = HOME / "configs" / STAGES[name]
    shared = ["--out", str(out / name), "--no-live", *arguments]
    if (out / name / "latest.resume").exists():
        shared.append("--resume")
    if name == WITHOUT:
        return train.main([str(given), "--anyway", *shared])
    with_weights(given, config, "../v5_5/latest.safetensors")
    return train.main([str(config), *shared])


def result(folder: Path) -> dict[str, Any]:
    """The last evaluation of a run."""
    from examples.common.journal import read

    measured = [one for one in read(folder / "metrics.jsonl") if "metrics" in one]
    return {"epoch": measured[-1]["epoch"], **measured[-1]["metrics"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    p = argparse.ArgumentParser(prog="python -m examples.ternary_vae.chain")
    p.add_argument("--out", type=Path, required=True, help="gets a folder per stage")
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--stages", default=",".join(USUAL), help=f"of {', '.join(STAGES)}")
    p.add_argument("--epochs", type=int, help="per stage after the first, for trials")
    p.add_argument("--steps", type=int, help="batches per epoch, for trials")
    args = p.parse_args(arguments)
    names = [name for name in args.stages.split(",") if name]
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        p.error(f"no stage is called {unknown[0]}; there are {', '.join(STAGES)}")
    from . import scratch

    weights = args.out / "v5_5/latest.safetensors"
    if not weights.exists() and names != [WITHOUT]:
        code = scratch.main(["--out", str(weights), "--seed", str(args.seed)])
        if code:
            return code
    shared = ["--seed", str(args.seed)]
    shared += [] if args.epochs is None else ["--epochs", str(args.epochs)]
    shared += [] if args.steps is None else ["--steps", str(args.steps)]
    for name in names:
        print(f"== {name}")
        try:
            code = stage(name, args.out, shared)
        except CfgmigError as error:
            print(error, file=sys.stderr)
            code = error.exit_code
        if code:
            return code
    return _sum_up(args.out, names)


def _sum_up(out: Path, names: Sequence[str]) -> int:
    from examples.common.live import number

    results = {name: result(out / name) for name in names}
    (out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    for name, found in results.items():
        numbers = "  ".join(f"{key} {number(found[key])}" for key in SHOWN)
        print(f"{name:<16} epoch {found['epoch']:>3}  {numbers}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
