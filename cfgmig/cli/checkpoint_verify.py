"""`cfgmig checkpoint verify`: whether a checkpoint is what a conversion makes of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.cli.checkpoint_convert import goal_of, request
from cfgmig.cli.checkpoint_open import check_format, explained, opened, project_of

if TYPE_CHECKING:
    from cfgmig.cli.options import (
        CastTo,
        Drop,
        Family,
        ForConfig,
        FromVersion,
        MadeCheckpoint,
        ModelOnly,
        NoStashFile,
        OneCheckpoint,
        PlanFile,
        Probe,
        Quiet,
        Rename,
        RoundTrip,
        StripPrefix,
        TextFormat,
        ToMigrate,
        Verbose,
    )
    from checkpoint_tools import Checkpoint

DIFFERENT = 1


def verify(
    source: OneCheckpoint,
    target: MadeCheckpoint,
    *,
    to: ToMigrate = "",
    from_version: FromVersion = "",
    family: Family = "",
    for_config: ForConfig = "",
    no_stash: NoStashFile = False,
    plan: PlanFile = "",
    model_only: ModelOnly = False,
    strip_prefix: StripPrefix = (),  # type: ignore[assignment]
    rename: Rename = (),  # type: ignore[assignment]
    drop: Drop = (),  # type: ignore[assignment]
    cast: CastTo = "",
    round_trip: RoundTrip = False,
    probe: Probe = False,
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Compare a converted checkpoint with what the conversion makes of its source.

    A migrated one says itself how it was made; else name the options of the conversion. Every
    tensor of the source is accounted for, every tensor of the target has its origin, and all
    elements are compared by their SHA-256; nothing is written.

    Exit code 0: it is what the source gives. 1: it is not. 2: usage, or a file that cannot be
    read. 3: a file is malformed or unsafe.
    """
    from cfgmig.verifying import verify as hold

    check_format(output_format)
    goal = goal_of(to, from_version, family, for_config, stash=not no_stash)
    wanted = request("", goal, model_only, strip_prefix, rename, drop, cast, plan)
    said = None if wanted == request("", None, False, (), (), (), "", "") else wanted
    with (
        opened(target) as other,
        opened(source, joined=goal is not None or was_migrated(other)) as one,
    ):
        with console.meter("verifying", quiet=quiet) as progress, explained():
            found = hold(
                one,
                other,
                project_of(source),
                request=said,
                round_trip=round_trip,
                probe=probe,
                progress=progress,
            )
        from cfgmig.cli import checkpoint_verify_text as shown

        if output_format == "json":
            console.data(shown.as_json(found))
        else:
            console.data(shown.render(found, verbose=verbose))
    return 0 if found.fine else DIFFERENT


def was_migrated(target: Checkpoint) -> bool:
    """Whether a checkpoint says that a migration made it."""
    from cfgmig.converting import stamp_of

    return bool(stamp_of(target))
