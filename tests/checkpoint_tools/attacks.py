"""Every hostile file that the readers must survive, each built here from nothing.

An attack writes files into a folder and returns the path to open. Whatever it would run, were it
run, creates the file `marker`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.checkpoint_tools import attacks_headers, attacks_pickle, attacks_shards, attacks_zip

Build = Callable[[Path, Path], Path]


class Attack(NamedTuple):
    """A hostile file and a word that its refusal must contain."""

    name: str
    build: Build
    word: str


def _flat(
    table: dict[str, tuple[Callable[[Path], bytes], str]], suffixes: dict[str, str]
) -> list[Attack]:
    """Attacks that are one file; the prefix of the name tells the suffix."""

    def build(name: str, make: Callable[[Path], bytes]) -> Build:
        suffix = suffixes.get(name.rpartition(".")[2], "")
        stem = name if suffix else f"{name}{suffixes['']}"

        def write(folder: Path, marker: Path) -> Path:
            path = folder / stem
            path.write_bytes(make(marker))
            return path

        return write

    return [Attack(name, build(name, make), word) for name, (make, word) in table.items()]


_KNOWN = {"": ".pt", "bin": "x", "pth": "x", "npy": "x", "npz": "x", "safetensors": "x", "tar": "x"}

ATTACKS: list[Attack] = [
    *_flat(attacks_pickle.TABLE, _KNOWN),
    *_flat(attacks_zip.TABLE, _KNOWN),
    *_flat(attacks_headers.TABLE, _KNOWN),
    *(Attack(name, build, word) for name, (build, word) in attacks_shards.TABLE.items()),
]
