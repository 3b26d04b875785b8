"""The Typer application: help, shell completion and the explanation of wrong usage."""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from cfgmig.cli import options
from cfgmig.cli.main import COMMANDS, load

HELP = """Check, upgrade and explain the configs of machine-learning models.

Old files are brought up to date in place: comments, order and every untouched
byte stay as they are, and `cfgmig undo` takes a run back.

Exit codes: 0 clean or done, 1 findings or stale files, 2 usage or unreadable,
3 refused as malformed or unsafe.
"""

GROUPS = {
    "checkpoint": """Inspect, find, compare, convert and verify checkpoints, of any format.

No file is ever executed. A checkpoint is a file, a folder of shards or a distributed one, or,
where it is only read, a URL.
"""
}
"""Commands that are groups of others."""


def build() -> typer.Typer:
    """All commands as one Typer application."""
    app = typer.Typer(
        name="cfgmig",
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global)
    groups = {name: typer.Typer(help=text, no_args_is_help=True) for name, text in GROUPS.items()}
    for name in COMMANDS:
        group, _, word = name.rpartition(" ")
        groups.get(group, app).command(word)(_typed(load(name)))
    for name, group_app in groups.items():
        app.add_typer(group_app, name=name)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from cfgmig import __version__

        typer.echo(f"cfgmig {__version__}")
        raise typer.Exit


VERSION = typer.Option(
    "--version", callback=_print_version, is_eager=True, help="Print the version."
)


def _global(version: Annotated[bool, VERSION] = False) -> None:
    """Only `--version` stands before a command."""


def _typed(function: Callable[..., int]) -> Callable[..., None]:
    """A command with its annotations resolved: the commands themselves never import Typer."""
    hints = typing.get_type_hints(function, localns=vars(options), include_extras=True)

    def command(**named: Any) -> None:
        raise typer.Exit(function(**named))

    plain = inspect.signature(function)
    parameters = [one.replace(annotation=hints[name]) for name, one in plain.parameters.items()]
    command.__signature__ = plain.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = hints
    command.__doc__ = function.__doc__
    return command


def run_typer(argv: list[str]) -> int:
    """Let Typer run a command line; returns the exit code."""
    os.environ.setdefault("TYPER_USE_RICH", "1")
    try:
        build()(args=argv, prog_name="cfgmig")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
