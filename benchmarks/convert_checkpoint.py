"""Converting a checkpoint beside `cp` and beside what torch and safetensors do for it.

    python benchmarks/convert_checkpoint.py [--gigabytes 1] [--rounds 5] [--durable]

The source is in the page cache; every target is removed before the next run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.measure import compare, table

OURS = """
import sys
from checkpoint_tools import open_checkpoint
from checkpoint_tools.plan import Cast, Take, identity_plan, plan_of, rename_plan
from checkpoint_tools.writing import convert
how, source, target, durable = sys.argv[1:]
with open_checkpoint(source) as checkpoint:
    names = checkpoint.tensors
    if how == "rename":
        plan = rename_plan(checkpoint, {name: "model." + name for name in names})
    elif how == "cast":
        plan = plan_of((name, Cast(Take(name), "bfloat16")) for name in names)
    else:
        plan = identity_plan(checkpoint)
    convert(checkpoint, plan, target, overwrite=True, durable=durable == "1")
"""
TORCH = """
import sys, torch
from safetensors.torch import save_file
save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])
"""
TORCH_MAPPED = TORCH.replace("weights_only", "mmap=True, weights_only")
SAFETENSORS = """
import sys
from safetensors.torch import load_file, save_file
save_file({"model." + k: v for k, v in load_file(sys.argv[1]).items()}, sys.argv[2])
"""
TORCH_CAST = """
import sys, torch
from safetensors.torch import load_file, save_file
save_file({k: v.bfloat16() for k, v in load_file(sys.argv[1]).items()}, sys.argv[2])
"""
MAKE = """
import sys, torch
from safetensors.torch import save_file
torch.manual_seed(0)
count = 100
side = int((float(sys.argv[2]) * 1e9 / count / 4) ** 0.5)
state = {f"layers.{i:03}.weight": torch.randn(side, side) for i in range(count)}
torch.save(state, sys.argv[1] + "/source.pt")
save_file(state, sys.argv[1] + "/source.safetensors")
"""


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--gigabytes", type=float, default=1.0)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--durable", action="store_true", help="count the time until on disk")
    arguments.add_argument("--folder", help="where to put the files")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        python = [sys.executable, "-c"]
        assert (
            os.spawnv(os.P_WAIT, sys.executable, [*python, MAKE, folder, str(chosen.gigabytes)])
            == 0
        )
        pt, st = f"{folder}/source.pt", f"{folder}/source.safetensors"
        to, to_pt, durable = f"{folder}/out.safetensors", f"{folder}/out.pt", str(+chosen.durable)
        sync = f" && sync {to}" if chosen.durable else ""
        commands = {
            "cp": ["sh", "-c", f"cp {st} {to}{sync}"],
            "ours: .pt to safetensors": [*python, OURS, "convert", pt, to, durable],
            "ours: rename safetensors": [*python, OURS, "rename", st, to, durable],
            "ours: safetensors to .pt": [*python, OURS, "convert", st, to_pt, durable],
            "ours: cast to bfloat16": [*python, OURS, "cast", st, to, durable],
            "torch.load, save_file": [*python, TORCH, pt, to],
            "torch.load(mmap), save_file": [*python, TORCH_MAPPED, pt, to],
            "load_file, rename, save_file": [*python, SAFETENSORS, st, to],
            "load_file, cast, save_file": [*python, TORCH_CAST, st, to],
        }

        def prepare(_: str) -> None:
            for name in (to, to_pt):
                Path(name).unlink(missing_ok=True)
            os.sync()

        print(table(compare(commands, chosen.rounds, prepare, expected=(0,)), "cp"))


if __name__ == "__main__":
    main()
