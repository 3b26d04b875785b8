"""Runs that are killed, for the tests of every trainer."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from examples.common.checkpoints import load_state


def killed_in_the_middle(process: subprocess.Popen[str], out: Path) -> dict[str, Any]:
    """SIGKILL as soon as the second epoch's state is on disk; the state that is left.

    Raises:
        AssertionError: the run was over before.
    """
    state = out / "latest.resume"
    limit = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < limit:
        if state.exists() and load_state(state)["epoch"] >= 2:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return load_state(state)
