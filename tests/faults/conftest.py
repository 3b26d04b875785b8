from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cfgmig.migration.transaction import FileChange


@dataclass(frozen=True)
class Project:
    """A project of generated files, and the change from one state of all to the other."""

    home: Path
    changes: Sequence[FileChange]

    def write_old(self) -> None:
        for change in self.changes:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.path.write_bytes(change.before)

    def state(self) -> str:
        """`old`, `new` or `mixed`; fails on a file that is neither one nor the other."""
        found = set()
        for change in self.changes:
            data = change.path.read_bytes()
            assert data in (change.before, change.after), f"torn: {change.path}"
            found.add("old" if data == change.before else "new")
        return found.pop() if len(found) == 1 else "mixed"

    def leftovers(self) -> list[Path]:
        return [*self.home.rglob(".*.cfgmig-*.tmp"), *self.home.rglob("*.new")]

    def pending_folders(self) -> list[Path]:
        return list(self.home.glob(".cfgmig/journal/*/pending"))


def project(home: Path, count: int, size: int = 600) -> Project:
    changes = []
    for number in range(count):
        path = home / f"part{number % 7}" / f"config{number}.yaml"
        head = f"# file {number}\n".encode()
        old = head + b"width: 1\n" * (size // 9)
        new = head + b"model_width: 2\n" * (size // 9 + number % 5)
        changes.append(FileChange(path, old, new))
    return Project(home, changes)


@pytest.fixture
def few(tmp_path: Path) -> Project:
    made = project(tmp_path / "home", 3)
    made.write_old()
    return made


@pytest.fixture
def many(tmp_path: Path) -> Project:
    """500 files on the disk that the tests run on."""
    made = project(tmp_path / "home", 500)
    made.write_old()
    return made


@pytest.fixture
def many_in_memory(tmp_path: Path) -> Iterator[Project]:
    """The same without a disk where possible: a kill, unlike a power cut, needs none."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        made = project(Path(folder) / "home", 500)
        made.write_old()
        yield made
