"""What each run wrote: entries that `undo` and the recovery of a killed run read.

`<project>/.cfgmig/journal/<time>-<id>/` holds `manifest.json`, the bytes from before
as `0000.before` and so on in the manifest's order, and an empty file that is named for
the state of the run. The manifest is on the disk before any other trace of the run is,
so the place of every temporary file that a killed run can leave behind is known.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cfgmig.errors import Unreadable, UsageError
from cfgmig.migration import disk, lock

State = Literal["pending", "committed", "rolled-back"]
STATES: tuple[State, ...] = ("pending", "committed", "rolled-back")
KEPT = 20
_FORMAT = 1
_MANIFEST = "manifest.json"
_NAME_BYTES = 255


@dataclass(frozen=True)
class FileRecord:
    """One file of a run.

    `path` is absolute with links followed; `relative` is the same below the project,
    None outside of it. `before` and `after` are SHA-256 in hex. `backup` is a name in
    the entry's folder.
    """

    path: str
    relative: str | None
    mode: int
    mtime_ns: int
    before: str
    after: str
    backup: str


@dataclass(frozen=True)
class MadeRecord:
    """A file that a run makes where none was; the paths are those of a `FileRecord`."""

    path: str
    relative: str | None


@dataclass(frozen=True)
class JournalEntry:
    """One run: what was asked, by which version, what it did to which files."""

    folder: Path
    state: State
    command: str
    tool: str
    created: str
    files: tuple[FileRecord, ...]
    made: tuple[MadeRecord, ...] = ()

    @property
    def name(self) -> str:
        """The entry's name, as `undo` takes it."""
        return self.folder.name

    def target(self, record: FileRecord | MadeRecord) -> Path:
        """Where the file is now: a project that was moved takes its journal along."""
        if record.relative is None:
            return Path(record.path)
        return self.folder.parents[2] / record.relative

    def temporary(self, record: FileRecord | MadeRecord) -> Path:
        """The new bytes beside the target, until they replace it."""
        target = self.target(record)
        return target.with_name(temporary_name(target.name, self.name))

    def backup(self, record: FileRecord) -> Path:
        """The old bytes, in the journal."""
        return self.folder / Path(record.backup).name

    def mark(self, record: MadeRecord) -> Path:
        """An empty file in the journal: the made file is in its place, and is this run's."""
        return self.folder / f"{self.made.index(record):04d}.made"

    def bytes_before(self, record: FileRecord) -> bytes | None:
        """The old bytes; None when the journal no longer holds them unharmed."""
        data = disk.read(self.backup(record))
        return data if data is not None and digest(data) == record.before else None


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    from hashlib import sha256

    return sha256(data).hexdigest()


def history(home: Path) -> list[JournalEntry]:
    """The runs that wrote in the project `home`, newest first.

    Raises:
        Unreadable: a manifest is damaged.
    """
    return [_load(folder) for folder in reversed(_folders(home))]


def pending(home: Path) -> JournalEntry | None:
    """The run that was interrupted, if one was; a run in progress is not. Writes nothing."""
    return None if lock.held(home) else interrupted(home)


def interrupted(home: Path) -> JournalEntry | None:
    """`pending` for a caller that holds the lock itself."""
    for folder in reversed(_folders(home)):
        if (folder / "pending").exists():
            return _load(folder)
    return None


def find(home: Path, name: str | None) -> JournalEntry:
    """The committed entry of that name or unique part of a name; the newest for None.

    Raises:
        UsageError: there is none, or more than one.
    """
    names = [folder.name for folder in reversed(_folders(home)) if _state(folder) == "committed"]
    wanted = names[:1] if name is None else [each for each in names if name in each]
    if name in names:
        wanted = [name]
    if len(wanted) == 1:
        return _load(_journal(home) / wanted[0])
    if not names:
        message, help = "the journal is empty: no run has written here", None
    elif wanted:
        message, help = f"{name} fits {len(wanted)} runs", f"name one: {', '.join(wanted)}"
    else:
        message, help = f"no run is named {name}", f"name one of: {', '.join(names)}"
    raise UsageError(message, file=disk.shown(home), help=help)


def begin(
    home: Path,
    command: str,
    records: Sequence[FileRecord],
    name: str,
    made: Sequence[MadeRecord] = (),
) -> JournalEntry:
    """Put a pending entry on the disk, with its manifest, still without backups."""
    journal = _journal(home)
    ignore = journal.parent / ".gitignore"
    if disk.read(ignore) in (None, b""):
        disk.replace(ignore, b"*\n")
    journal.mkdir(exist_ok=True)
    folder = journal / name
    folder.mkdir(0o700)  # configs may hold secrets that their own mode protects
    created = name.partition("-")[0]
    entry = JournalEntry(
        folder, "pending", command, _version(), created, tuple(records), tuple(made)
    )
    try:
        disk.create(folder / "pending", b"")
        disk.replace(folder / _MANIFEST, _manifest(entry))
        disk.flush_folders([folder, journal])
    except BaseException:
        with suppress(OSError):
            discard(folder)
        raise
    return entry


def mark(entry: JournalEntry, state: State) -> None:
    """Give a pending entry its final state, by a rename: it needs no space on the disk."""
    (entry.folder / "pending").replace(entry.folder / state)
    # The files are safe already; a state that is lost costs one recovery.
    with suppress(OSError):
        disk.flush_folders([entry.folder])


def discard(folder: Path) -> None:
    """Remove an entry; the manifest goes first, so no moment shows half an entry."""
    (folder / _MANIFEST).unlink(missing_ok=True)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def prune(home: Path, keep: int = KEPT) -> None:
    """Remove all but the newest entries, and what killed runs left without a manifest."""
    journal = _journal(home)
    whole = _folders(home)
    finished = [folder for folder in whole if not (folder / "pending").exists()]
    debris = set(journal.iterdir()).difference(whole)
    for folder in (*finished[:-keep], *debris):
        if folder.is_dir():
            discard(folder)


def new_name(home: Path) -> str:
    """`<UTC time>-<id>`, in sorting order after every other entry, whatever the clock says."""
    from datetime import UTC, datetime, timedelta

    now = datetime.fromtimestamp(time.time(), UTC)
    for folder in _folders(home)[-1:]:
        with suppress(ValueError):
            last = datetime.fromisoformat(folder.name.partition("-")[0])
            now = max(now, last + timedelta(microseconds=1))
    return f"{now:%Y%m%dT%H%M%S.%fZ}-{os.urandom(4).hex()}"


def temporary_name(file_name: str, entry: str) -> str:
    """`.<name>.cfgmig-<id>.tmp`, with long names cut to what a file name may hold."""
    tail = f".cfgmig-{entry.rpartition('-')[2]}.tmp"
    head = os.fsencode(f".{file_name}")
    if len(head) + len(tail) > _NAME_BYTES:
        # Cut names may collide; their digest keeps them apart.
        head = head[: _NAME_BYTES - len(tail) - 9] + f"-{digest(head)[:8]}".encode()
        head = head.decode("utf-8", "ignore").encode()
    return os.fsdecode(head) + tail


def _journal(home: Path) -> Path:
    return home.resolve() / lock.FOLDER / "journal"


def _folders(home: Path) -> list[Path]:
    """The entries of the project, oldest first."""
    try:
        found = sorted(_journal(home).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder for folder in found if (folder / _MANIFEST).exists()]


def _state(folder: Path) -> State:
    return next((state for state in STATES if (folder / state).exists()), "rolled-back")


def _manifest(entry: JournalEntry) -> bytes:
    value = {
        "format": _FORMAT,
        "command": entry.command,
        "tool": entry.tool,
        "created": entry.created,
        "files": [vars(record) for record in entry.files],
        "made": [vars(record) for record in entry.made],
    }
    # ASCII with escapes keeps file names that are not UTF-8.
    return (json.dumps(value, indent=1) + "\n").encode("ascii")


def _load(folder: Path) -> JournalEntry:
    path = folder / _MANIFEST
    with disk.explained(path):
        data = path.read_bytes()
    try:
        value: dict[str, Any] = json.loads(data)
        if value["format"] != _FORMAT:
            raise Unreadable(
                "this journal entry was written by a newer version",
                file=disk.shown(path),
                help="install a newer cfgmig",
            )
        files = tuple(FileRecord(**record) for record in value["files"])
        made = tuple(MadeRecord(**record) for record in value.get("made", ()))
        head = {key: str(value[key]) for key in ("command", "tool", "created")}
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(
            f"this journal entry is damaged ({error})",
            file=disk.shown(path),
            help=f"the old bytes are in {disk.shown(folder)}; then remove that folder",
        ) from error
    return JournalEntry(folder=folder, state=_state(folder), files=files, made=made, **head)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("cfgmig")
    except metadata.PackageNotFoundError:
        return "unknown"
