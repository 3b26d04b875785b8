"""Compiled schemas in the user's cache folder, named after the sources they come from."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType

    from cfgmig.schema.family import Family

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_ENGINE = ("cache.py", "compile.py", "core.py", "fields.py", "structure.py")
_STALE_SECONDS = 30 * 86400
_keys: dict[str, tuple[ModuleType, str]] = {}


def cache_home() -> Path | None:
    """Where caches go: XDG_CACHE_HOME, or LOCALAPPDATA on Windows, or ~/.cache."""
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return _home(named, "" if named else os.path.expanduser("~"))  # noqa: PTH111


@cache
def _home(named: str | None, user: str) -> Path | None:
    home = Path(named) if named else Path(user) / ".cache"
    return home / "cfgmig" if home.is_absolute() else None


def source_key(family: Family) -> str:
    """Sixteen hex digits over the family's sources, this engine's and the Python version."""
    module = sys.modules.get(family.package)
    if module is None:
        from importlib import import_module

        try:
            module = import_module(family.package)
        except (ImportError, ValueError) as error:
            raise UsageError(f"cannot import {family.package!r}: {error}") from error
    known = _keys.get(family.package)
    if known is None or known[0] is not module:
        known = module, _hash(module)
        _keys[family.package] = known
    return known[1]


def _hash(module: ModuleType) -> str:
    from importlib.util import source_hash

    here = Path(__file__).parent
    parts = [sys.version, *(_digest(here / name) for name in _ENGINE)]
    # a module imported from a zip file has no folder to read: the key is then never shared
    file = Path(module.__file__) if module.__file__ else None
    if file is None or not file.exists():
        parts.append(f"{os.getpid()}")
    elif hasattr(module, "__path__"):
        parts += [f"{name}:{_digest(path)}" for name, path in _sources(file.parent)]
    else:
        parts.append(_digest(file))
    return source_hash("\n".join(parts).encode()).hex()


def _sources(folder: Path, prefix: str = "") -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.endswith(".py"):
                found.append((prefix + entry.name, Path(entry.path)))
            elif entry.is_dir() and not entry.name.startswith((".", "__pycache__")):
                found += _sources(Path(entry.path), f"{prefix}{entry.name}/")
    return found


def _digest(path: Path) -> str:
    from importlib.util import source_hash

    return source_hash(path.read_bytes()).hex()


class Store:
    """The cached files of one family in its present state. Without a folder it forgets."""

    def __init__(self, family: Family) -> None:
        home = cache_home()
        self.folder = None if home is None else _folder(home, f"{family.name}-{source_key(family)}")

    def read(self, name: str) -> Any:
        """The content of a file; None when it is not there or not whole."""
        if self.folder is None:
            return None
        import json

        try:
            kept = json.loads((self.folder / f"{_file_name(name)}.json").read_bytes())
        except (OSError, ValueError):
            return None
        # without the frame it is not a file that `write` wrote
        return kept.get("content") if isinstance(kept, dict) and kept.get("of") == name else None

    def write(self, name: str, content: Any) -> None:
        """Keep a file if the folder lets us; readers see all of it or nothing."""
        if self.folder is None:
            return
        import json

        target = self.folder / f"{_file_name(name)}.json"
        framed = {"of": name, "content": content}
        # the identity of a living object tells threads of one process apart
        beside = target.with_name(f".{target.name}.{os.getpid()}.{id(framed)}")
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                _sweep(self.folder)
            beside.write_text(json.dumps(framed, separators=(",", ":")), encoding="ascii")
            beside.replace(target)
        except OSError:
            return


@cache
def _folder(home: Path, name: str) -> Path:
    return home / "schema" / _file_name(name)


def _file_name(name: str) -> str:
    """A name that every file system takes; injective, so versions cannot be mixed up."""
    return "".join(c if c in _SAFE else f"%{ord(c):x}%" for c in name)


def _sweep(present: Path) -> None:
    """Remove what earlier states of the same family left, once they are a month old."""
    import shutil
    import time

    family = present.name.rpartition("-")[0]
    oldest = time.time() - _STALE_SECONDS
    for folder in present.parent.glob(f"{family}-*"):
        is_sibling = folder.name.rpartition("-")[0] == family
        if is_sibling and folder != present and folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
