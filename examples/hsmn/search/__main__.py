"""Search for a config: `python -m examples.hsmn.search CONFIG --out FOLDER`.

Exit codes are those of cfgmig: 0 done, 1 errors in the config or trials left undone, 2 usage or
a file that cannot be read, 3 malformed or refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.common.commands import ended, positive

from ..train import LIBRARIES


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m examples.hsmn.search", description="Search for an HSMN config."
    )
    p.add_argument("config", type=Path, help="a sweep or request with qahpo.search_space")
    p.add_argument("--out", type=Path, required=True, help="folder for trials and results")
    p.add_argument("--storage", help="URL of a shared database; SQLite in the folder if not given")
    p.add_argument("--trials", type=positive, help="to train, instead of qahpo.max_trials")
    p.add_argument("--workers", type=positive, default=1, help="processes")
    p.add_argument("--epochs", type=positive, help="of a trial, instead of qahpo.epochs_per_trial")
    p.add_argument("--resume", action="store_true", help="go on with a search that was stopped")
    p.add_argument(
        "--heartbeat",
        type=positive,
        default=10,
        help="seconds; after three a trial is dead",
    )
    p.add_argument("--worker", help=argparse.SUPPRESS)
    return p


def run(args: argparse.Namespace) -> None:
    """Search, or do a share of it.

    Raises:
        Stop: the search must not start, or could not end.
        CfgmigError: the config cannot be read, or is refused.
    """
    from . import choosing
    from .reporting import finish
    from .workers import Search, search_all, work

    search = Search(
        args.config, args.out, args.storage, args.trials, args.workers, args.epochs, args.heartbeat
    )
    if args.worker is not None:
        worker, _, quota = args.worker.partition(":")
        work(search, int(quota), int(worker), _say)
        return
    now = search_all(search, _say, resume=args.resume)
    finish(now.study, search.out, choosing.shown(search.url), _say)


def _say(text: str) -> None:
    # Several processes write to one place; what is not flushed comes out of order.
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    args = parser().parse_args(arguments)

    def work() -> int:
        run(args)
        return 0

    return ended(
        work,
        extra="search",
        libraries=(*LIBRARIES, "optuna"),
        out=args.out,
        stopped="" if args.worker else "stopped; `--resume` goes on",
    )


if __name__ == "__main__":
    sys.exit(main())
