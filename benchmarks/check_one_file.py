"""A cold `cfgmig check` of one config, beside bare pydantic and beside check-jsonschema.

pip install check-jsonschema
python benchmarks/check_one_file.py [CONFIG] [--rounds 20]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import compare, table

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
BARE = "python -c 'import pydantic'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    example = ROOT / "schemas/ternary_vae/templates/development.yaml"
    parser.add_argument("config", nargs="?", default=str(example))
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    cfgmig = str(SCRIPTS / "cfgmig")
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "schema.json"
        printed = subprocess.run(
            [cfgmig, "schema", "--family", "ternary_vae"], cwd=ROOT, check=True, capture_output=True
        )
        schema.write_bytes(printed.stdout)
        commands = {
            BARE: [sys.executable, "-c", "import pydantic"],
            "cfgmig check": [cfgmig, "check", options.config],
        }
        peer = SCRIPTS / "check-jsonschema"
        if peer.exists():
            commands["check-jsonschema"] = [
                str(peer), "--schemafile", str(schema), options.config
            ]  # fmt: skip
        print(table(compare(commands, options.rounds), BARE))


if __name__ == "__main__":
    main()
