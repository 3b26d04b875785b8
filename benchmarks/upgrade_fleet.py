"""`cfgmig upgrade` of 1,000 generated configs, beside a ruamel.yaml round trip of the same.

    python benchmarks/upgrade_fleet.py [--files 1000] [--rounds 3] [--jobs 1]

The files are variations of the shipped examples (values, comments and names differ).
The round trip only loads and dumps; it upgrades nothing and verifies nothing.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

from measure import compare, table

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples/ternary_vae/configs"
DUMP = """
import sys
from pathlib import Path
from ruamel.yaml import YAML
for file in sorted(Path(sys.argv[1]).glob("*.yaml")):
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    data = yaml.load(file)
    with file.open("wb") as stream:
        yaml.dump(data, stream)
"""


def generate(folder: Path, count: int) -> None:
    """Write `count` different configs: other numbers, other comments, other names."""
    texts = [file.read_text() for file in sorted(EXAMPLES.glob("v5_*.yaml"))]
    for number in range(count):
        rng = random.Random(number)
        lines = []
        for line in texts[number % len(texts)].splitlines():
            found = re.fullmatch(
                r"(\s*(?:epochs|patience|save_every|eval_every|n_pairs): )\d+(.*)", line
            )
            if found:
                line = f"{found[1]}{rng.randint(1, 400)}{found[2]}"
            if line and "#" not in line and rng.random() < 0.1:
                line += f"  # trial {rng.randint(0, 999)}"
            lines.append(line)
        (folder / f"run_{number:04}.yaml").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        pristine, work = home / "pristine", home / "work"
        pristine.mkdir()
        generate(pristine, options.files)

        def prepare(_name: str) -> None:
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(pristine, work)
            (work / ".git").mkdir()

        cfgmig = str(Path(sys.executable).parent / "cfgmig")
        jobs = str(options.jobs)
        commands = {
            "ruamel.yaml load and dump": [sys.executable, "-c", DUMP, str(work)],
            f"cfgmig upgrade --jobs {jobs}": [
                cfgmig, "upgrade", "--quiet", "--jobs", jobs, str(work)
            ],
            f"cfgmig upgrade --check --jobs {jobs}": [
                cfgmig, "upgrade", "--quiet", "--check", "--jobs", jobs, str(work)
            ],
        }  # fmt: skip
        samples = compare(commands, options.rounds, prepare)
        print(table(samples, "ruamel.yaml load and dump"))


if __name__ == "__main__":
    main()
