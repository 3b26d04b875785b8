"""What the commands of all trainers share: their options, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cfgmig import CfgmigError

from .flow import Stop, interrupted


class Teller(Protocol):
    """What the user sees of a run."""

    def report(self, config_text: str) -> None:
        """Write the report of what there is so far."""

    def close(self) -> None:
        """Leave the terminal as it should be."""


def add_options(p: argparse.ArgumentParser) -> None:
    """The options that every trainer has beside its own."""
    p.add_argument("--validate-only", action="store_true", help="all checks, no step")
    p.add_argument(
        "--auto-fix",
        nargs="?",
        const="safe",
        default="no",
        choices=("safe", "unsafe"),
        help="run `cfgmig check --fix` first; `unsafe` adds `--unsafe-fixes`",
    )
    kept = p.add_mutually_exclusive_group()
    kept.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    kept.add_argument(
        "--overwrite", action="store_true", help="begin anew in a folder that holds a run"
    )
    p.add_argument("--no-live", action="store_true", help="plain lines instead of the live view")
    p.add_argument(
        "--anyway", action="store_true", help="train in spite of errors; for demonstrations"
    )


def positive(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def ended(
    work: Callable[[], int],
    *,
    extra: str,
    libraries: Sequence[str],
    out: Path | None,
    stopped: str = "stopped before the first step",
) -> int:
    """The exit code of a command; what it could not do is told on standard error.

    Args:
        work: the command.
        extra: of cfgmig, with the libraries.
        libraries: those that it cannot do without; another missing module is a defect.
        out: where it writes, for errors that name no file.
        stopped: what there is to say after Ctrl-C, where the work itself says nothing; empty for
            a process that another one speaks for.
    """
    try:
        return work()
    except (Stop, CfgmigError) as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        if stopped:
            print(stopped, file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in libraries:
            raise
        print(f"{missing} is not installed", file=sys.stderr)
        print(f"  help: `pip install 'cfgmig[{extra}]'`", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or out}: {error.strerror or error}", file=sys.stderr)
        return 2


@contextmanager
def watched(teller: Teller | None, state: Path, config_text: str) -> Iterator[None]:
    """Around the steps of a run: a run that is stopped leaves its report behind as well.

    Args:
        teller: of the first rank; the others have none.
        state: the file to resume from.
        config_text: for the report.

    Raises:
        Stop: the run has ended so, or the user has stopped it.
    """
    try:
        yield
    except (Stop, KeyboardInterrupt) as error:
        if teller is not None:
            teller.report(config_text)
        if isinstance(error, Stop):
            raise
        raise interrupted(state) from error
    finally:
        if teller is not None:
            teller.close()
