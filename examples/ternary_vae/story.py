"""The whole story: weights and a config from the past, checked, upgraded, verified, trained on.

`python -m examples.ternary_vae.story --out DIR` makes a checkpoint of 5.5 as its trainer wrote it
and takes a config of 5.11 that names it under a folder that is gone. Then it runs the commands
that anybody would type, and stops where one does not end as it should.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from . import scratch

HOME = Path(__file__).parent
OLD = HOME / "configs/v5_11_projection.yaml"
WEIGHTS = "checkpoints/v5_5/latest.pt"
CONVERTED = "checkpoints/v5_5/latest.5.12.5.pt"


def old_checkpoint(path: Path, seed: int, epochs: int) -> None:
    """A checkpoint in the layout of 5.5: pickled, the model under `model`, counts of coverage."""
    model, about = scratch.train(seed, scratch.Recipe(epochs=epochs))
    course = about["course"]
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "epoch": epochs - 1,
            "model": model.state_dict(),
            "optimizer": torch.optim.AdamW(model.parameters(), weight_decay=1e-4).state_dict(),
            "best_val_loss": min(loss for _, _, loss in course["A"]),
            "coverage_A_history": [round(share * 19683) for _, share, _ in course["A"]],
            "coverage_B_history": [round(share * 19683) for _, share, _ in course["B"]],
            "lambda1": 0.7,
            "lambda2": 0.7,
            "rho": 0.1,
            "phase": 1,
            "statenet_enabled": True,
        },
        path,
    )


class Shell:
    """Runs commands in a folder and shows them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, module: str, *arguments: str, expect: int = 0) -> str:
        """Run `python -m module`; its output.

        Raises:
            SystemExit: it did not end with the exit code that is expected.
        """
        words = ["cfgmig"] if module == "cfgmig" else ["python", "-m", module]
        print(f"\n$ {shlex.join([*words, *arguments])}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(HOME.parents[1])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode != expect:
            sys.exit(f"story: exit code {done.returncode}, expected {expect}")
        return done.stdout


def tell(folder: Path, seed: int, epochs: int, steps: int | None) -> None:
    """Run the story in a folder.

    Raises:
        SystemExit: a command did not end as it should.
    """
    print("# Weights of 5.5, as its trainer wrote them, and a config of 5.11 that names them.")
    old_checkpoint(folder / WEIGHTS, seed, epochs)
    shutil.copy(OLD, folder / "v5_11.yaml")
    shell = Shell(folder)
    print("\n# What is wrong: the file is old, and its path begins with a folder that is gone.")
    shell("cfgmig", "check", "v5_11.yaml", expect=1)
    print("\n# Config and weights come to the head together.")
    shell("cfgmig", "upgrade", "--with-checkpoints", "v5_11.yaml")
    print("\n# Nothing is wrong any more, and every tensor of the new file has its origin.")
    shell("cfgmig", "check", "v5_11.yaml")
    shell("cfgmig", "checkpoint", "verify", WEIGHTS, CONVERTED)
    print("\n# Train on.")
    more = [] if steps is None else ["--steps", str(steps)]
    arguments = ["v5_11.yaml", "--out", "run", "--epochs", "5", "--seed", str(seed), "--no-live"]
    shell("examples.ternary_vae.train", *arguments, *more)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    p = argparse.ArgumentParser(prog="python -m examples.ternary_vae.story")
    p.add_argument("--out", type=Path, required=True, help="an empty folder")
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--epochs", type=int, default=10, help="of the first stage")
    p.add_argument("--steps", type=int, help="batches per epoch of the last stage, for trials")
    args = p.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    tell(args.out.resolve(), args.seed, args.epochs, args.steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
