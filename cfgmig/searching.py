"""The checkpoints below a folder: what each is, how good it is, whether a config can load it."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import UsageError
from cfgmig.recognising import Recognised, declarations, plain, recognise
from cfgmig.schema.layout import Expectation, Judgement, Layouts
from cfgmig.schema.solving import Identified, identify
from cfgmig.states import SIDECAR, State, beside, states
from cfgmig.weighing import Weighed, expectation, weigh_state

if TYPE_CHECKING:
    from cfgmig.project import Project
    from checkpoint_tools import Checkpoint

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".npz", ".cllm", ".index.json")
SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
DISTRIBUTED = ".metadata"
SKIPPED = {"node_modules", "__pycache__", "venv", "site-packages"}

HEADER = 64 << 10
"""Bytes at either end of a file that tell one file from another: all formats keep their
directory there, and those with checksums keep them in it."""
SCHEME = 2
"""Goes up when what is kept of a file changes."""
LONGEST = 16
"""Longer lists are histories, of which nothing is kept."""


class Entry(NamedTuple):
    """What is kept of a checkpoint: names and shapes of the model, and what lies beside it."""

    path: str
    format: str
    size: int
    state: State | None
    metadata: Mapping[str, Any]


class Found(NamedTuple):
    """A checkpoint, what is known of it, and what it is worth."""

    entry: Entry
    recognised: Recognised
    judgement: Judgement
    weighed: Weighed | None = None

    @property
    def useful(self) -> bool:
        """Whether the config that was asked for can load it, perhaps after a conversion."""
        return self.weighed is None or self.weighed.verdict in ("loads", "convert")

    @property
    def worthwhile(self) -> bool:
        """Whether it is useful, and nothing in it says that it is no good."""
        return self.useful and self.judgement.rank >= 0

    @property
    def merit(self) -> tuple[bool, bool, bool, float, int, float]:
        """Sorts checkpoints: useful ones that are any good first, then what is known of them.

        Of two that are about as good, the one wins of which more would load.
        """
        rank, weighed = self.judgement.rank, self.weighed
        loads = weighed is None or weighed.fits
        loaded = weighed.loaded if weighed is not None else 0
        is_known = self.recognised.match is not None
        return self.worthwhile, loads, is_known, round(rank, 1), loaded, rank

    @property
    def reason(self) -> str:
        """Why it stands where it stands."""
        said = [self.judgement.reason] if self.judgement.reason else []
        if self.weighed is not None:
            said.insert(0, self.weighed.sentence)
            if self.weighed.help:
                said.append(f"first {self.weighed.help}")
        return "; ".join(said)


def candidates(folder: str) -> Iterator[str]:
    """Paths below a folder that look like checkpoints, sorted; shards stand behind their index."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n not in SKIPPED)
        if DISTRIBUTED in files:
            yield parent
            folders.clear()
            continue
        has_index = any(name.endswith(".index.json") for name in files)
        for name in sorted(files):
            is_shard = has_index and SHARD.search(name) is not None
            is_kept = name.endswith(SIDECAR)
            if name.endswith(SUFFIXES) and name[0] != "." and not (is_shard or is_kept):
                yield os.path.join(parent, name)  # noqa: PTH118  (keeps the user's spelling)


class Index:
    """Reads headers once: what was found is kept in a folder, by the file's own marks.

    Args:
        folder: where; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def entry(self, path: str) -> Entry:
        """What a file holds.

        Raises:
            checkpoint_tools.CheckpointError: it cannot be read, or is refused.
        """
        mark = self._mark(path)
        kept = self._read(mark) if mark is not None else None
        if kept is not None:
            return kept._replace(path=path)
        from checkpoint_tools import open_checkpoint

        with open_checkpoint(path) as checkpoint:
            entry = _entry(path, checkpoint)
            if mark is not None and len(checkpoint.files) == 1:
                self._write(mark, entry)
        return entry

    def _mark(self, path: str) -> str | None:
        """A name made of size, time of change and both ends; None for what is no plain file."""
        if self.folder is None:
            return None
        from hashlib import blake2b

        try:
            about = Path(path).stat()
            if not stat.S_ISREG(about.st_mode) or path.endswith(".json"):
                return None
            with Path(path).open("rb") as file:
                ends = file.read(HEADER)
                file.seek(max(0, about.st_size - HEADER))
                ends += file.read(HEADER)
        except OSError:
            return None
        marks = f"{SCHEME}:{about.st_size}:{about.st_mtime_ns}:".encode()
        return blake2b(marks + ends, digest_size=20).hexdigest()

    def _read(self, mark: str) -> Entry | None:
        try:
            kept = json.loads((self._home / f"{mark}.json").read_bytes())
            shapes = {name: tuple(map(int, shape)) for name, shape in kept["shapes"].items()}
            state = State(kept["key"], "model", shapes, {}) if kept["is_model"] else None
            return Entry("", kept["format"], kept["size"], state, kept["metadata"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _write(self, mark: str, entry: Entry) -> None:
        state = entry.state
        kept = {
            "format": entry.format,
            "size": entry.size,
            "is_model": state is not None,
            "key": state.key if state else "",
            "shapes": state.shapes if state else {},
            "metadata": entry.metadata,
        }
        target = self._home / f"{mark}.json"
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(kept, separators=(",", ":")), encoding="ascii")
            beside.replace(target)
        except OSError:
            return

    @property
    def _home(self) -> Path:
        return (self.folder or Path()) / "checkpoints"


def _entry(path: str, checkpoint: Checkpoint) -> Entry:
    found = states(checkpoint)
    model = next((state for state in found if state.role == "model"), None)
    optimizers = {state.key for state in found if state.role == "optimizer"}
    about = {key: _short(v) for key, v in beside(checkpoint).items() if key not in optimizers}
    size = sum(source.size for source in checkpoint.sources)
    return Entry(path, checkpoint.format, size, model, plain(about))


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_short(below) for below in value] if len(value) <= LONGEST else []
    return value


def metrics(metadata: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that a file says of itself: at the top, and in its `metrics`."""
    nested = metadata.get("metrics")
    both = {**metadata, **(nested if isinstance(nested, dict) else {})}
    return {
        key: value
        for key, value in both.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


class Wanted(NamedTuple):
    """What a config asks of a checkpoint."""

    layouts: Layouts
    expectation: Expectation


def wanted_by(content: bytes, name: str, project: Project) -> Wanted:
    """What a config, upgraded in memory to the head, asks of a checkpoint.

    Raises:
        Refused: the config is malformed or cannot be upgraded.
        UsageError: it is of no known family, or builds nothing that is known.
    """
    from cfgmig.upgrading import Options, upgrade_document

    upgraded = upgrade_document(content, name, project, Options(stamp=False))
    family = project.source(upgraded.report.family).family
    data = upgraded.document.data
    asked = expectation(data, family) if isinstance(data, dict) else None
    if asked is None:
        raise UsageError(
            f"family {family.name} does not say which tensors this config builds",
            file=name,
            help="a family says so with `layouts`; see its package",
        )
    return Wanted(*asked)


def judge(
    entry: Entry, project: Project, wanted: Wanted | None = None, *, fully: bool = True
) -> Found:
    """What a checkpoint is, how good by what is stored in it, and whether a config loads it.

    Args:
        entry: what it holds.
        project: whose families are known.
        wanted: what the config asks for.
        fully: read the config inside, too. That tells the version, takes nearly all of the
            time, and never changes the merit.
    """
    if fully:
        recognised = recognise(entry.state, entry.metadata, project)
    else:
        shapes = entry.state.shapes if entry.state is not None else {}
        recognised = Recognised(_identified(project, tuple(shapes.items())))
    judgement = Judgement(0.0, "")
    match = recognised.match
    if match is not None:
        say = declarations(project)[match.layout.family].judge
        if say is not None:
            judgement = say(match.layout.name, entry.metadata)
    judged = Found(entry, recognised, judgement)
    return judged if wanted is None else weighed(judged, wanted)


@lru_cache(maxsize=256)
def _identified(project: Project, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> Identified:
    """The layout of some tensors; a run's checkpoints all have the same ones."""
    layouts = [one for known in declarations(project).values() for one in known.layouts]
    return identify(layouts, dict(shapes)) if shapes else Identified("unknown")


def weighed(found: Found, wanted: Wanted) -> Found:
    """The same checkpoint, held against what a config asks for.

    Raises:
        UsageError: the config asks for components that no layout describes.
    """
    known = found.recognised.identified
    return found._replace(weighed=weigh_state(*wanted, found.entry.state, known))


def ranked(found: Sequence[Found]) -> list[Found]:
    """Best first; equals in the order of their paths."""
    return sorted(
        sorted(found, key=lambda one: one.entry.path), key=lambda one: one.merit, reverse=True
    )
