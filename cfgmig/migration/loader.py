"""Read a family's revision files, each under a private module name."""

from __future__ import annotations

import re
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from cfgmig.errors import CfgmigError, UsageError
from cfgmig.migration.guarantee import EXACT, Guarantee
from cfgmig.migration.operations import Operation
from cfgmig.migration.revision import Adaptation, Revision

FILE_NAME = re.compile(r"\d{4}_[a-z0-9_]+")
_VERSION = re.compile(r"[^\s\]/]+")


def load_revisions(folder: Path) -> list[Revision]:
    """Every revision of a folder, in the order of their numbers.

    Raises:
        UsageError: a file is no revision; the message names file and line.
    """
    revisions: list[Revision] = []
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith(("_", ".")):
            continue
        revision = load_revision(path)
        _check_number(path, [other.path for other in revisions])
        revisions.append(revision)
    return revisions


def load_revision(path: Path) -> Revision:
    """One revision file.

    Raises:
        UsageError: it cannot be imported, or an attribute is missing or wrong.
    """
    module, summary, explanation = _module(path, "revision")
    weights = getattr(module, "weights", [])
    return Revision(
        revision=_version(module, path, "revision"),
        revises=_version(module, path, "revises"),
        summary=summary,
        config=_operations(module, path, "config"),
        weights=weights if callable(weights) else _operations(module, path, "weights", ()),
        path=path,
        explanation=explanation,
        checkpoint=_operations(module, path, "checkpoint", ()),
        guarantee=_guarantee(module, path),
    )


ADAPTATIONS = "adaptations"
"""The folder, beside a family's revisions, of what changes weights within a version."""


def load_adaptations(folder: Path) -> list[Adaptation]:
    """Every adaptation of a family whose revisions lie in `folder`, in their order.

    Raises:
        UsageError: a file is no adaptation; the message names file and line.
    """
    found: list[Adaptation] = []
    for path in sorted((folder / ADAPTATIONS).glob("*.py")):
        if path.name.startswith(("_", ".")):
            continue
        module, summary, explanation = _module(path, "adaptation")
        settings, weights = getattr(module, "settings", None), getattr(module, "weights", None)
        named = isinstance(settings, tuple) and all(isinstance(one, str) for one in settings)
        if not named or not settings:
            help = 'say which settings it changes: settings = ("layers",)'
            raise _wrong(path, "it has no tuple `settings`", help, "settings")
        if not callable(weights):
            message = "`weights` is no function from a state dict to operations"
            raise _wrong(path, message, None, "weights")
        _check_number(path, [one.path for one in found])
        guarantee = _guarantee(module, path)
        found.append(
            Adaptation(path.stem, summary, settings, weights, guarantee, path, explanation)
        )
    return found


def _check_number(path: Path, others: list[Path]) -> None:
    """The digits at the front of a file's name are its own."""
    number = path.stem.partition("_")[0]
    for other in others:
        if other.stem.partition("_")[0] == number:
            raise UsageError(
                f"the number {number} is taken by {other.name}",
                file=str(path),
                help="give the later one the next free number",
            )


def _module(path: Path, kind: str) -> tuple[ModuleType, str, str]:
    """A file executed, the first line of its docstring, and the rest of it."""
    if not FILE_NAME.fullmatch(path.stem):
        raise UsageError(
            f"{path.name} is no name for a{'n' * (kind[0] == 'a')} {kind}",
            file=str(path),
            help="call it by four digits and a few words: 0003_rename_width.py",
        )
    module = _execute(path)
    doc = (module.__doc__ or "").strip()
    if not doc:
        raise _wrong(path, "it has no docstring", "its first line is the sentence for users")
    summary, _, explanation = doc.partition("\n")
    return module, summary.strip(), explanation.strip()


def _guarantee(module: ModuleType, path: Path) -> Guarantee:
    value = getattr(module, "guarantee", EXACT)
    if not isinstance(value, Guarantee):
        help = "EXACT, preserving(epsilon, of=...), structural(...) or STRUCTURAL"
        raise _wrong(path, f"`guarantee` is {value!r}", help, "guarantee")
    return value


def _execute(path: Path) -> ModuleType:
    name = f"_cfgmig_revision_{path.parent.name}_{path.stem}"
    loader = SourceFileLoader(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    # Dataclasses and pickled functions of a revision look their module up by name.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _explained(path, error) from error
    return module


def _explained(path: Path, error: Exception) -> UsageError:
    """The failure of a revision file, at the line of that file where it began."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    known = isinstance(error, CfgmigError)
    message = (
        error.message if isinstance(error, CfgmigError) else f"{type(error).__name__}: {error}"
    )
    help = error.help if isinstance(error, CfgmigError) else None
    if isinstance(error, ImportError):
        help = "a revision imports only cfgmig, so that it still runs when schemas have moved"
    prefix = "" if known else "this revision cannot be read: "
    return UsageError(prefix + message, file=str(path), line=line, help=help)


def _version(module: ModuleType, path: Path, name: str) -> Any:
    value = getattr(module, name, ...)
    if value is ...:
        raise _wrong(path, f"it has no `{name}`", f'add a line: {name} = "1.2.0"')
    if value is None and name == "revises":
        return None
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise _wrong(path, f"`{name}` is {value!r}", "it must be a version's name", name)
    if name == "revises" and value == getattr(module, "revision", None):
        raise _wrong(path, f"it revises {value}, its own result", None, name)
    return value


def _operations(
    module: ModuleType, path: Path, name: str, default: Any = ...
) -> tuple[Operation, ...]:
    words = getattr(module, name, default)
    if words is ...:
        raise _wrong(path, f"it has no `{name}`", "write `config = []` when only weights change")
    if not isinstance(words, list | tuple):
        raise _wrong(path, f"`{name}` is no list of operations", None, name)
    for index, operation in enumerate(words):
        if not isinstance(operation, Operation):
            raise _wrong(path, f"{name}[{index}] is no operation: {operation!r}", None, name)
    return tuple(words)


def _wrong(path: Path, message: str, help: str | None, name: str | None = None) -> UsageError:
    return UsageError(message, file=str(path), line=_line_of(path, name), help=help)


def _line_of(path: Path, name: str | None) -> int:
    if name is not None:
        assignment = re.compile(rf"{name}\s*(:.*)?=")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if assignment.match(line):
                return number
    return 1
