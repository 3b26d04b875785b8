"""Train an HSMN: `python -m examples.hsmn.train CONFIG`.

Exit codes are those of cfgmig: 0 done, 1 errors in the config or a run that diverged, 2 usage
or a file that cannot be read or written, 3 malformed or refused; and 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from examples.common.commands import add_options, ended, positive
from examples.common.flow import Stop, repair_alone, silent

LIBRARIES = ("torch", "numpy", "safetensors")
"""What a run cannot do without; all of them are in the extra `search`."""

if TYPE_CHECKING:
    from examples.common.flow import Say


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m examples.hsmn.train", description="Train an HSMN.")
    p.add_argument("config", type=Path, help="a config of any version that is left open nowhere")
    p.add_argument("--out", type=Path, help="folder for everything the run writes")
    p.add_argument("--seed", type=int, help="of weights and batches, instead of training.seed")
    p.add_argument("--steps", type=positive, help="instead of training.steps")
    p.add_argument("--from", dest="weights", type=Path, help="a checkpoint to begin with")
    add_options(p)
    return p


def run(args: argparse.Namespace, say: Say) -> int:
    """Validate, and train unless that is all that was asked for.

    Raises:
        Stop: the run must not start, or had to end.
        CfgmigError: a file cannot be read, or is refused.
    """
    from examples.common import ranks

    if args.out is None and not args.validate_only:
        raise Stop("--out is missing: a run needs a folder to write to", 2)
    from . import run_loop
    from .flow import Asked, prepare
    from .inert import inert
    from .run import Options

    tell = say if ranks.own_rank() == 0 else silent
    ready = prepare(args.config, tell, Asked(args.seed, args.steps, args.weights, args.anyway))
    for path, reason in inert(ready.config).items():
        tell(f"note: {path} changes nothing here: {reason}")
    try:
        together = ranks.start()
    except ValueError as error:
        raise Stop(f"{args.config}: {error}", 2) from error
    try:
        if args.validate_only:
            return 0
        options = Options(args.out, live=not args.no_live, overwrite=args.overwrite)
        try:
            started = run_loop.start(ready, options, together, tell, resume=args.resume)
        except ValueError as error:
            raise Stop(f"{args.config}: {error}", 2) from error
        text = args.config.read_text(encoding="utf-8")
        run_loop.train(started, ready, tell, text, resumed=args.resume)
    finally:
        together.close()
    tell(f"{options.out / 'report.html'}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    args = parser().parse_args(arguments)

    def work() -> int:
        repair_alone(args.config, args.auto_fix)
        return run(args, print)

    return ended(work, extra="search", libraries=LIBRARIES, out=args.out)


if __name__ == "__main__":
    sys.exit(main())
