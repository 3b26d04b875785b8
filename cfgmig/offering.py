"""The checkpoint that a config could name, for rules that find none or an unfit one.

The answer is that of `cfgmig checkpoint find --compatible-with` for the project's folders:

    def weights_missing(config: Config) -> Iterator[Problem]:
        if config.get("weights.path") is None:
            from cfgmig.offering import offer

            best = offer(config, "weights.path")
            yield Problem("weights.path", "the encoder stays random", best.help, best.fix)

Nothing is searched before a rule asks. What was read of a file is kept (`searching.Index`), and
held in memory for the other configs of the same check.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import CfgmigError, UsageError
from cfgmig.schema.rules import Fix
from cfgmig.schema.subject import Subject
from cfgmig.searching import Found, Index, Wanted, candidates, judge, ranked, weighed
from cfgmig.weighing import expectation

if TYPE_CHECKING:
    from cfgmig.project import Project
    from cfgmig.schema.rules import Config

FOLDERS = ("checkpoints",)
"""Where checkpoints lie, unless `checkpoints` in `[tool.cfgmig]` says otherwise."""
MOST = 2000
"""Checkpoints that are looked at; of more, those that were changed last."""
MOST_NAMES = 20_000
"""Names among which those are chosen."""

_JUDGED: dict[tuple[object, ...], Found] = {}


class Offer(NamedTuple):
    """The checkpoint that a config could name.

    Attributes:
        help: the file and why it is the one, or how to look for another.
        fix: writes it, never applied unasked; None where no file loads as it stands.
        file: as the config would name it; None where none is known.
    """

    help: str
    fix: Fix | None = None
    file: str | None = None


def offer(config: Config, path: str, values: Mapping[str, Any] | None = None) -> Offer:
    """The best checkpoint of the project's folders for a config, as `checkpoint find` ranks them.

    A file is offered that is useful and is not the one that the config names already. A config
    of an older version is upgraded in memory first.

    Args:
        config: as a rule has it; only one that the engine made is searched for.
        path: where the fix writes the file's name.
        values: what else it writes, by path.

    Raises:
        UsageError: `checkpoints` in `[tool.cfgmig]` is no list of folders.
    """
    if not isinstance(config, Subject) or config.family.layouts is None:
        return Offer(_elsewhere(config))
    from cfgmig.project import find_project

    project = find_project(config.root)
    named = folders(project)
    try:
        found = _search(config, [config.root / name for name in named], project)
    except CfgmigError:  # what the config builds is not known, which other rules tell
        return Offer(_elsewhere(config))
    best = next(iter(found.found), None)
    if best is None or not best.worthwhile:
        return Offer(f"{_none(found, named, 'fits')}; {_elsewhere(config)}")
    if _is_named(config, path, best):
        return Offer(f"{_none(found, named, 'is better')}; {_elsewhere(config)}")
    return _offered(config, path, best, dict(values or {}))


def folders(project: Project) -> tuple[str, ...]:
    """The folders of a project's checkpoints, relative to its root.

    Raises:
        UsageError: the setting is no list of texts.
    """
    named = project.settings.get("checkpoints", FOLDERS)
    if not isinstance(named, list | tuple) or not all(isinstance(one, str) for one in named):
        raise UsageError(
            "`checkpoints` in [tool.cfgmig] is no list of folders",
            file=str(project.root / "pyproject.toml"),
            help='write it like `checkpoints = ["checkpoints", "weights"]`',
        )
    return tuple(named)


def _search(config: Subject, places: Sequence[Path], project: Project) -> Search:
    from cfgmig.schema.cache import cache_home

    below = (path for place in places for path in candidates(str(place)))
    paths = list(dict.fromkeys(islice(below, MOST_NAMES)))
    if not paths:
        return Search([], 0, 0)
    return search(paths, project, _wanted(config, project), Index(cache_home()))


def _wanted(config: Subject, project: Project) -> Wanted:
    """What the config asks for once it is of the newest version.

    Raises:
        CfgmigError: it cannot be upgraded, or builds nothing that is known.
    """
    data, family = config.data, config.family
    if config.version != family.head.name:
        from cfgmig.schema.detect import Candidate, Detection
        from cfgmig.upgrading import Options, migrate

        known = Detection("detected", (Candidate(family, config.version, 0.0),))
        source = project.source(family.name)
        options = Options(stamp=False)
        data = migrate(config.source, source, config.version, known, options).document.data
    asked = expectation(data, family) if isinstance(data, dict) else None
    if asked is None:
        raise UsageError(f"family {family.name} does not say which tensors this config builds")
    return Wanted(*asked)


class Search(NamedTuple):
    """Checkpoints, best first; how many were refused, and how many not looked at."""

    found: list[Found]
    refused: int
    left_out: int


def search(paths: Sequence[str], project: Project, wanted: Wanted, index: Index) -> Search:
    """What `cfgmig checkpoint find --compatible-with` makes of these files, in its order.

    Files that are refused are passed over.

    Raises:
        UsageError: the config asks for components that no layout describes.
    """
    from checkpoint_tools.errors import CheckpointError

    newest = paths
    if len(paths) > MOST:
        newest = sorted(paths, key=lambda path: (-_changed(path), path))[:MOST]
    found: list[Found] = []
    for path in newest:
        try:
            found.append(weighed(_judged(path, project, index), wanted))
        except (CheckpointError, OSError):
            continue  # no config can load it either
    return Search(ranked(found), len(newest) - len(found), len(paths) - len(newest))


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _judged(path: str, project: Project, index: Index) -> Found:
    """What a file is; looked at again once it was changed."""
    about = Path(path).stat()
    mark = project.root, path, about.st_size, about.st_mtime_ns, about.st_ino
    found = _JUDGED.get(mark)
    if found is None:
        found = judge(index.entry(path), project, fully=False)
        if stat.S_ISREG(about.st_mode) and not path.endswith(".json"):  # others are many files
            _JUDGED[mark] = found
    return found


def _is_named(config: Config, path: str, found: Found) -> bool:
    """Whether a checkpoint is the file that stands in the config."""
    text = config.get(path)
    try:
        return isinstance(text, str) and config.resolve(text).samefile(found.entry.path)
    except (OSError, ValueError):
        return False


def _offered(config: Subject, path: str, best: Found, values: dict[str, Any]) -> Offer:
    from cfgmig.document import Insert, SetValue
    from cfgmig.paths import parse_path
    from checkpoint_tools.text import escape, is_plain

    file = _spelling(config.root, best.entry.path)
    if not _loads(best):
        return Offer(f"convert {escape(file)}: {escape(best.reason)}", None, file)
    written = {path: file, **values}
    changed = {key: value for key, value in written.items() if config.get(key) != value}
    said = ", ".join(f"`{key}: {escape(str(value))}`" for key, value in changed.items())
    changes = [
        (SetValue if config.has(key) else Insert)(parse_path(key), value)
        for key, value in changed.items()
    ]
    fix = Fix(tuple(changes), safe=False) if is_plain(file) else None
    return Offer(f"set {said} ({escape(best.reason)})", fix, file)


def _loads(found: Found) -> bool:
    return found.weighed is not None and found.weighed.fits


def _spelling(root: Path, found: str) -> str:
    """How a config names a file: from the project's root on, where it lies below it."""
    path = Path(os.path.abspath(found))  # noqa: PTH100  (keeps links as they are)
    base = Path(os.path.abspath(root))  # noqa: PTH100
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _none(found: Search, named: tuple[str, ...], missed: str) -> str:
    where = " and ".join(named) or "no folder"
    count = len(found.found)
    if found.refused and not count:
        return f"none of the {found.refused} checkpoints below {where} can be read"
    if not count:
        return f"there is no checkpoint below {where}"
    more = (
        f" that were changed last, of {count + found.refused + found.left_out},"
        if found.left_out
        else ""
    )
    return f"none of the {count} checkpoints below {where}{more} {missed}"


def _elsewhere(config: Config) -> str:
    from shlex import quote

    name = config.document.name if config.document is not None else "-"
    shown = quote(name) if name != "-" else "CONFIG"
    return f"look elsewhere: `cfgmig checkpoint find FOLDER --compatible-with {shown}`"
