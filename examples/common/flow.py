"""The validated flow before a run: check the config, then the checkpoint that it names.

Everything here is cfgmig's own: its rules, its loading of old configs, its recognition of
checkpoints, and the count of what would load. A trainer of any family can call it.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cfgmig.project import Project
    from cfgmig.recognising import Recognised
    from cfgmig.weighing import Weighed

Model = TypeVar("Model", bound="BaseModel")
Say = Callable[[str], None]
Fixing = Literal["no", "safe", "unsafe"]


class Stop(Exception):
    """A run that must not start or go on; `exit_code` is that of cfgmig's commands.

    1 for findings (errors in the config, a coverage too low), 2 for usage and files that
    cannot be read, 3 for what is malformed or refused, 130 for Ctrl-C as shells have it.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def interrupted(state: Path) -> Stop:
    """What there is to say after Ctrl-C; `state` is the file to resume from."""
    if state.exists():
        return Stop("stopped; `--resume` continues after the last whole epoch", 130)
    return Stop("stopped before the first epoch was whole; there is nothing to resume", 130)


class Source(NamedTuple):
    """The checkpoint that a config names, looked at from outside.

    Attributes:
        path: the file.
        recognised: what it is.
        weighed: what of it would load.
        digest: SHA-256 of the file, in hex.
    """

    path: Path
    recognised: Recognised
    weighed: Weighed
    digest: str

    @property
    def provenance(self) -> dict[str, Any]:
        """What a checkpoint of the run keeps about it."""
        return {
            "file": self.path.name,
            "sha256": self.digest,
            "is": self.recognised.title,
            "loaded": {one.component: one.loaded for one in self.weighed.counts if one.needed},
        }


class Validated(NamedTuple):
    """A config that may be trained.

    Attributes:
        config: as the code's version of the schema has it.
        family: its name.
        version: that of the file; the config is of the code's.
        project: around the file.
    """

    config: BaseModel
    family: str
    version: str
    project: Project


def repair(path: Path, how: Fixing, say: Say = print) -> None:
    """Run `cfgmig check --fix` on a config, with `--unsafe-fixes` if that is asked for.

    What is wrong after that is found by `validate`; a file that cannot be read, as well.
    """
    if how == "no" or not path.is_file():
        return
    before = path.read_bytes()
    command = [sys.executable, "-m", "cfgmig", "check", "--fix", "--quiet", str(path)]
    if how == "unsafe":
        command.append("--unsafe-fixes")
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if path.read_bytes() != before:
        say(f"{path} was repaired; `cfgmig undo` takes that back")


def repair_alone(path: Path, how: Fixing) -> None:
    """Repair a config where this is the only process that could.

    Raises:
        Stop: several processes would repair the file under each other.
    """
    if how == "no":
        return
    from examples.common import ranks

    if ranks.world_size() > 1:
        raise Stop(
            "--auto-fix is for one process: several would repair the file under each other\n"
            f"  help: `cfgmig check --fix {path}` before `torchrun`",
            2,
        )
    repair(path, how)


def silent(_: str) -> None:
    """Says nothing: for processes that are not the one that talks."""


def keep_earlier_run(state: Path, *, overwrite: bool) -> None:
    """Refuse to write over a run that could be continued; call it for runs that start anew.

    Args:
        state: the file to resume from.
        overwrite: whether the user has asked for that.

    Raises:
        Stop: there is such a run.
    """
    if state.exists() and not overwrite:
        raise Stop(
            f"{state.parent} holds a run already\n"
            "  help: `--resume` continues it, `--overwrite` begins anew, `--out` goes elsewhere",
            3,
        )


def validate(path: Path, model: type[Model], say: Say, *, anyway: bool = False) -> Validated:
    """Check a config with cfgmig's rules and load it, upgraded in memory if it is old.

    Args:
        path: the config.
        model: the schema of the version that the trainer reads.
        say: takes findings and warnings.
        anyway: go on in spite of errors that the schema itself does not refuse.

    Raises:
        Stop: the rules found errors.
        cfgmig.CfgmigError: the file cannot be read, or is refused.
    """
    from cfgmig import Unreadable, load
    from cfgmig.checking import CheckOptions, check
    from cfgmig.project import find_project
    from cfgmig.report import render

    project = find_project(path.parent)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}", file=str(path)) from error
    checkup = check(content, str(path), project, CheckOptions())
    findings = [one for one in checkup.findings if one.severity != "info"]
    if findings:
        say(render(findings, "text", files=[str(path)]).rstrip())
    errors = sum(one.severity == "error" for one in findings)
    if errors and not anyway:
        fix = " `--auto-fix` repairs what can be repaired." if checkup.fixes else ""
        raise Stop(f"{path}: {errors} error{'s' * (errors != 1)}; nothing was trained.{fix}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        config = load(path, model)
    for one in told:
        say(f"warning: {one.message}")
    return Validated(config, checkup.family, checkup.version, project)


def find(name: str, config: Path, root: Path) -> Path:
    """A file as a config names it: below the project's root first, then beside the config."""
    from cfgmig.schema.rules import named_file

    return named_file(name, root, config.parent)


def weigh(path: Path, data: dict[str, Any], validated: Validated, say: Say) -> Source:
    """Open a checkpoint, tell what it is, and count what of it would load, by component.

    Args:
        path: the checkpoint.
        data: the config as plain data.
        validated: what is known of the config.
        say: takes the table.

    Raises:
        Stop: what the config needs would not load as it stands.
        cfgmig.CfgmigError: the file cannot be read, or is malformed or unsafe.
    """
    from cfgmig.recognising import recognise
    from cfgmig.states import beside, model_state, told
    from cfgmig.weighing import weigh as count
    from checkpoint_tools import open_checkpoint

    family = validated.project.source(validated.family).family
    with told(), open_checkpoint(path) as checkpoint:
        recognised = recognise(model_state(checkpoint), beside(checkpoint), validated.project)
        weighed = count(data, family, checkpoint)
    if weighed is None:
        raise Stop(f"family {validated.family} does not say which tensors its configs build", 2)
    say(f"{path}: {recognised.title}")
    for one in weighed.counts:
        asked = "needed" if one.needed else "not asked for"
        say(f"  {one.component:<12} {one.loaded:>3} of {one.expected:<3} {asked}")
    say(f"  {weighed.sentence}")
    for note in weighed.notes:
        say(f"  note: {note}")
    if not weighed.fits:
        way = f"\n  help: {weighed.help}" if weighed.help else ""
        raise Stop(f"{path} does not load: {weighed.sentence}{way}")
    return Source(path, recognised, weighed, digest(path))


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder by name, in hex."""
    from hashlib import file_digest, sha256

    if path.is_file():
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    whole = sha256()
    for file_path in sorted(one for one in path.rglob("*") if one.is_file()):
        whole.update(digest(file_path).encode())
    return whole.hexdigest()


def compatible(config: Path) -> str:
    """The command that finds a checkpoint for a config."""
    return f"cfgmig checkpoint find checkpoints --compatible-with {config}"
