"""`cfgmig checkpoint`: everything about weights, one action each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import (
        Action,
        CompatibleWith,
        Quiet,
        Stats,
        TextFormat,
        Verbose,
        Weights,
    )

ACTIONS = {
    "inspect": "what checkpoints are and hold",
    "find": "the checkpoints below a folder, best first",
}


def checkpoint(
    action: Action,
    paths: Weights = (),  # type: ignore[assignment]
    *,
    stats: Stats = False,
    compatible_with: CompatibleWith = "",
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Inspect and find checkpoints; no file is executed, and only headers are read.

    `inspect PATH...` shows tensors, metadata, the config inside, and which family and
    version a checkpoint is of, with the evidence. A path is a file, a folder of shards, or
    a URL. `find FOLDER...` lists the checkpoints below, best first and with the reason;
    with `--compatible-with` only those that the config can load or that can be converted.

    Exit code 0: done. 1: nothing was found. 2: usage, or a file that cannot be read.
    3: a file is malformed or unsafe.
    """
    if action == "inspect":
        from cfgmig.cli.checkpoint_inspect import inspect

        return inspect(
            paths, stats=stats, output_format=output_format, quiet=quiet, verbose=verbose
        )
    if action == "find":
        from cfgmig.cli.checkpoint_find import find

        return find(
            paths,
            compatible_with=compatible_with,
            output_format=output_format,
            quiet=quiet,
            verbose=verbose,
        )
    raise UsageError(
        f"`checkpoint` has no action {action!r}",
        help="; ".join(f"`{name}`: {what}" for name, what in ACTIONS.items()),
    )
