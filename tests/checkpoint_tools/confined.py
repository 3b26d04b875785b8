"""Opens each path named on standard input in a child of its own, under limits, and reports.

`python -m tests.checkpoint_tools.confined` reads lines of paths and writes one JSON line each.
The interpreter is warm: what is measured is what the file makes it do.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

_MEMORY = 400 << 20
_SECONDS = 10


def _watermark() -> int:
    """Peak resident bytes of this process; reset by `_reset`."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _reset() -> None:
    with open("/proc/self/clear_refs", "w") as refs:  # noqa: PTH123
        refs.write("5")


def _measure(path: str) -> dict[str, Any]:
    from checkpoint_tools import CheckpointError, open_checkpoint

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    _reset()
    begin = time.process_time()
    outcome: dict[str, Any] = {"code": 0, "message": "opened"}
    try:
        with open_checkpoint(path) as checkpoint:
            for name in checkpoint.tensors:
                checkpoint.read(name)
    except CheckpointError as error:
        outcome = {"code": error.exit_code, "message": str(error), "offset": error.offset}
    except BaseException as error:
        outcome = {"code": -1, "message": f"{type(error).__name__}: {error}"}
    outcome["seconds"] = time.process_time() - begin
    outcome["bytes"] = _watermark()
    return outcome


def main() -> None:
    """Fork for each line; a child that dies is reported with its signal."""
    import gc
    from importlib import import_module

    for name in ("torch_zip", "torch_legacy", "safetensors", "sharded", "torch_distributed", "npz"):
        import_module(f"checkpoint_tools.formats.{name}")
    import_module("checkpoint_tools.opening")
    gc.freeze()
    for line in sys.stdin:
        receiver, sender = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(receiver)
            os.write(sender, json.dumps(_measure(line.rstrip("\n"))).encode())
            os._exit(0)
        os.close(sender)
        with os.fdopen(receiver, "rb") as answer:
            data = answer.read()
        _, status = os.waitpid(child, 0)
        print(data.decode() or json.dumps({"code": -1, "message": f"died: {status}"}), flush=True)


if __name__ == "__main__":
    main()
