"""Runs one transaction over a project that the parent has generated, and is killed in it.

Usage: kill_driver.py HOME COUNT forward|backward [STEP NUMBER]

Says "ready" right before the run, then what came of it. With STEP and NUMBER it kills
itself when that many files are done in that step.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from cfgmig.errors import CfgmigError
from cfgmig.migration.transaction import FileChange, Transaction
from tests.faults.conftest import project


def main(home: str, count: str, direction: str, step: str = "", number: str = "0") -> int:
    changes = project(Path(home), int(count)).changes
    if direction == "backward":
        changes = [FileChange(each.path, each.after, each.before) for each in changes]

    def die(at: str, done: int, _: int) -> None:
        if (at, done) == (step, int(number)):
            os.kill(os.getpid(), signal.SIGKILL)

    print("ready", flush=True)
    try:
        receipt = Transaction(Path(home)).run(changes, command="driver", on_progress=die)
    except CfgmigError as error:
        print(f"refused {error}", flush=True)
        return error.exit_code
    print(f"done {len(receipt.written)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
