"""metrics.jsonl: one line of JSON per event of a run, whole after each of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from .checkpoints import write_bytes


class Journal:
    """Appends records; a resumed run drops what its state does not know of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def restart(self) -> None:
        """Begin anew."""
        write_bytes(self.path, b"")

    def rewind(self, epoch: int) -> None:
        """Keep the start and what was written up to and including an epoch."""
        kept = [one for one in read(self.path) if one.get("epoch", -1) <= epoch]
        text = "".join(f"{json.dumps(one)}\n" for one in kept if one.get("event") != "end")
        write_bytes(self.path, text.encode())

    def write(self, record: dict[str, Any]) -> None:
        """Append a record; what is no finite number is null, as JSON has no word for it."""
        line = json.dumps(_finite(record), allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read(path: Path) -> list[dict[str, Any]]:
    """All whole records; a line that a killed process left half-written is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found
