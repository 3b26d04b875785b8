"""`cfgmig checkpoint convert`: another format, other names or types, another version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from cfgmig.cli import checkpoint_names as names
from cfgmig.cli import console
from cfgmig.cli.checkpoint_open import check_format, check_word, explained, opened, project_of
from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import (
        Aliases,
        CastTo,
        Drop,
        DryRun,
        FailOn,
        Family,
        ForConfig,
        FromVersion,
        MaxShard,
        ModelOnly,
        NewCheckpoint,
        NoStashFile,
        OneCheckpoint,
        Overwrite,
        PlanFile,
        PreferAdaptation,
        Quiet,
        Reflink,
        Rename,
        StripPrefix,
        TargetFormat,
        TextFormat,
        ToMigrate,
        Verbose,
    )
    from cfgmig.converting import Request, Route
    from cfgmig.migration.operations import Operation
    from cfgmig.routing import Goal
    from checkpoint_tools.writing import Report

FORMATS = ("safetensors", "sharded", "torch", "npy", "npz")
ALIASES = ("duplicate", "once")
LOSSES = ("overflow", "underflow", "change")
UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}


class Layout(TypedDict, total=False):
    """How the target is laid out, as `checkpoint_tools.writing` takes it."""

    aliases: str
    reflink: bool
    max_shard: int


class Target(NamedTuple):
    """Where the result goes, and how."""

    path: Path
    format: str
    layout: Layout
    fail_on: tuple[str, ...] = ()
    overwrite: bool = False


def convert(
    source: OneCheckpoint,
    target: NewCheckpoint,
    *,
    format: TargetFormat = "",
    max_shard: MaxShard = "",
    to: ToMigrate = "",
    from_version: FromVersion = "",
    family: Family = "",
    for_config: ForConfig = "",
    prefer: PreferAdaptation = (),  # type: ignore[assignment]
    no_stash: NoStashFile = False,
    plan: PlanFile = "",
    model_only: ModelOnly = False,
    strip_prefix: StripPrefix = (),  # type: ignore[assignment]
    rename: Rename = (),  # type: ignore[assignment]
    drop: Drop = (),  # type: ignore[assignment]
    cast: CastTo = "",
    fail_on: FailOn = (),  # type: ignore[assignment]
    aliases: Aliases = "duplicate",
    overwrite: Overwrite = False,
    reflink: Reflink = False,
    dry_run: DryRun = False,
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Make another checkpoint of one: another format, other names or types, another version.

    The target appears when it is complete, and never before; a run that was killed is simply
    repeated. Every byte of the source is accounted for. `--to` and `--for` migrate.

    Exit code 0: done. 2: usage, or a file cannot be read or written. 3: the source is
    malformed, a step would lose what it must keep, or a cast lost what `--fail-on` names.
    """
    from cfgmig.converting import route

    check_format(output_format)
    place = _place(target, format, max_shard, aliases, reflink)
    place = place._replace(fail_on=tuple(fail_on), overwrite=overwrite)
    _check(source, place)
    goal = goal_of(to, from_version, family, for_config, stash=not no_stash, prefer=prefer)
    wanted = request(place.format, goal, model_only, strip_prefix, rename, drop, cast, plan)
    with opened(source, joined=goal is not None) as checkpoint:
        way = route(checkpoint, project_of(source), wanted)
        if dry_run:
            from cfgmig.cli import checkpoint_convert_plan as shown

            text = shown.tell(way, place, output_format, verbose=verbose)
        else:
            text = _write(way, place, output_format, quiet=quiet, verbose=verbose)
    if dry_run or output_format == "json" or not quiet:
        console.data(text)
    return 0


def goal_of(
    to: str,
    from_version: str,
    family: str,
    for_config: str,
    *,
    stash: bool,
    prefer: Sequence[str] = (),
) -> Goal | None:
    """Where to migrate; None when nothing is to be migrated.

    Raises:
        UsageError: the options contradict each other.
    """
    from cfgmig.routing import Goal

    if to or for_config:
        config = _config(for_config) if for_config else None
        names = from_version or None, family or None
        return Goal(to or None, *names, config, stash, tuple(prefer))
    if family or from_version or prefer:
        option = "--family" if family else "--from-version" if from_version else "--prefer"
        raise UsageError(f"{option} is for a migration", help="add `--to VERSION` or `--for`")
    return None


def request(
    format: str,
    goal: Goal | None,
    model_only: bool,
    strip: Sequence[str],
    rename: Sequence[str],
    drop: Sequence[str],
    cast: str,
    plan: str,
) -> Request:
    """What the options ask for.

    Raises:
        UsageError: one is not what it must be.
    """
    from cfgmig.converting import Request

    if plan and goal is not None:
        raise UsageError("--plan says what to do itself", help="leave out `--to` and `--for`")
    return Request(
        goal,
        format,
        model_only,
        tuple(strip),
        names.pairs(rename, "--rename"),
        tuple(drop),
        element_type(cast) if cast else None,
        _words(plan) if plan else (),
        Path(plan).name if plan else "",
    )


def _words(path: str) -> tuple[Operation, ...]:
    from cfgmig.cli.files import Target as File
    from cfgmig.migration.plan_file import read_plan

    file = File(path, explicit=True)
    return read_plan(file.read(), file.name)


def _config(path: str) -> dict[str, Any]:
    """A config's data, brought to the newest version in memory."""
    from cfgmig.cli.files import Target as Config
    from cfgmig.cli.work import project_of as config_project
    from cfgmig.upgrading import Options, upgrade_document

    config = Config(path, explicit=True)
    done = upgrade_document(
        config.read(), config.name, config_project([path]), Options(stamp=False)
    )
    if not isinstance(done.document.data, dict):
        raise UsageError("is no mapping, so no config", file=path)
    return done.document.data


def _place(target: str, format: str, max_shard: str, aliases: str, reflink: bool) -> Target:
    from checkpoint_tools.writing.job import SUFFIXES

    if format:
        check_word(format, FORMATS, "format")
    known = format or SUFFIXES.get(Path(target).suffix.lower()) or ("sharded" * bool(max_shard))
    if not known:
        raise UsageError(
            f"{target} names no format",
            help=f"add `--format`, or one of the suffixes {', '.join(SUFFIXES)}",
        )
    check_word(aliases, ALIASES, "way with aliases")
    layout: Layout = {"aliases": aliases, "reflink": reflink}
    if max_shard:
        if known != "sharded":
            raise UsageError(
                f"--max-shard is for several files, and {target} is one",
                help="name a folder, or add `--format sharded`",
            )
        layout["max_shard"] = byte_count(max_shard)
    return Target(Path(target), known, layout)


def element_type(word: str) -> str:
    """The floating-point type that a word such as F16 or bfloat16 names.

    Raises:
        UsageError: it names none.
    """
    from checkpoint_tools.dtypes import DTYPES
    from checkpoint_tools.plan.casts import FLOATING

    known = {name: DTYPES[name].safetensors for name in FLOATING if not name.startswith("complex")}
    for name, code in known.items():
        if word.lower() in (name, code.lower()):
            return name
    raise UsageError(
        f"--cast: no floating-point type is called {word!r}",
        help=f"one of: {', '.join(known.values())}",
    )


def byte_count(text: str) -> int:
    """Bytes that a size such as 500MB or 1.5GiB names.

    Raises:
        UsageError: it is no size.
    """
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = UNITS.get(text[len(number) :].strip().lower())
    try:
        count = int(float(number) * (unit or 0))
    except (ValueError, OverflowError):
        count = 0
    if count <= 0:
        raise UsageError(f"{text!r} is no size", help="such as 500MB or 5GB")
    return count


def _check(source: str, target: Target) -> None:
    """Refuse what can be told to be wrong before anything is read."""
    for word in target.fail_on:
        check_word(word, LOSSES, "loss")
    path = target.path
    if path.exists() and path.is_file() and not target.overwrite:
        raise UsageError("exists already", file=str(path), help="name a new file, or `--overwrite`")
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise UsageError("source and target are one file", file=str(path), help="name a new file")


def _write(way: Route, target: Target, output_format: str, *, quiet: bool, verbose: bool) -> str:
    """Carry a route out; gives what is to be told of it."""
    from cfgmig.cli import checkpoint_convert_report as shown
    from cfgmig.converting import convert as carry_out

    report: Report
    with console.meter("converting", quiet=quiet) as progress, explained():
        report = carry_out(
            way,
            target.path,
            overwrite=target.overwrite,
            fail_on=target.fail_on,
            progress=progress,
            **target.layout,
        )
    if output_format == "json":
        return shown.as_json(way, report)
    return shown.render(way, report, verbose=verbose)
