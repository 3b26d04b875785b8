"""Train a TernaryVAE: `python -m examples.ternary_vae.train CONFIG`.

Exit codes are those of cfgmig: 0 done, 1 errors in the config or a coverage too low, 2 usage
or a file that cannot be read or written, 3 malformed or refused; and 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig import CfgmigError
from examples.common.commands import add_options, ended, positive
from examples.common.flow import Stop, repair_alone, silent

FLAT = ("5.6.0", "5.7.0", "5.8.0", "5.9.0", "5.9.2", "5.10.0", "5.10.1")
"""Versions of dual VAEs whose losses exist here, and whose trainers do not."""
LIBRARIES = ("torch", "numpy", "scipy", "safetensors")
"""What a run cannot do without; all of them are in the extra `trainer`."""

if TYPE_CHECKING:
    from examples.common.flow import Say

    from .run import Options


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m examples.ternary_vae.train", description="Train a TernaryVAE."
    )
    p.add_argument("config", type=Path, help="a config of 5.11 or later; older ones are 5.5's")
    p.add_argument("--out", type=Path, help="folder for everything the run writes")
    p.add_argument(
        "--seed", type=int, help="of weights, batches and noise; 42, or that of a 5.5 config"
    )
    p.add_argument("--epochs", type=positive, help="instead of training.epochs")
    p.add_argument("--steps", type=positive, help="at most so many batches per epoch")
    p.add_argument(
        "--stop-on-drop", type=float, metavar="SHARE", help="end the run when coverage loses more"
    )
    p.add_argument(
        "--unfreeze",
        type=ramp,
        metavar="EPOCH[:RAMP]",
        help="let encoder A train from that epoch on (progressive unfreezing of 5.11.6)",
    )
    add_options(p)
    return p


def ramp(text: str) -> tuple[int, int]:
    """An epoch and the epochs of a ramp from it on, 5 where only the epoch is given.

    Raises:
        argparse.ArgumentTypeError: these are no whole numbers.
    """
    start, _, length = text.partition(":")
    if not (start.isdecimal() and (length or "5").isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is neither EPOCH nor EPOCH:RAMP")
    return int(start), int(length or 5)


def options_of(args: argparse.Namespace) -> Options:
    """What the run takes from the command line."""
    from .run import Options

    return Options(
        seed=42 if args.seed is None else args.seed,
        out=args.out,
        steps=args.steps,
        live=not args.no_live,
        drop=args.stop_on_drop,
        unfreeze=args.unfreeze,
        anyway=args.anyway,
        overwrite=args.overwrite,
    )


def run(args: argparse.Namespace, say: Say) -> int:
    """Validate, and train unless that is all that was asked for.

    Raises:
        Stop: the run must not start, or had to end.
        CfgmigError: a file cannot be read, or is refused.
    """
    from examples.common import ranks

    from . import dual_training

    tell = say if ranks.own_rank() == 0 else silent
    version = version_of(args.config)
    if version in dual_training.VERSIONS:
        return dual_training.run(args, tell)
    if version in FLAT:
        raise Stop(
            f"{args.config} is of {version}; of the flat versions only 5.5 has a trainer here\n"
            f"  help: `cfgmig upgrade {args.config}` makes a config of the projected models of it",
            2,
        )
    return run_projected(args, tell)


def version_of(path: Path) -> str:
    """The version that a config is of; empty where it cannot be told, so that others tell why."""
    from cfgmig.document import Document
    from cfgmig.project import find_project
    from cfgmig.upgrading import Options as Asked
    from cfgmig.upgrading import detected

    try:
        document = Document.parse(path.read_bytes(), str(path))
        best = detected(document, find_project(path.parent), Asked()).best
    except (CfgmigError, OSError):
        return ""
    return best.version if best is not None else ""


def run_projected(args: argparse.Namespace, tell: Say) -> int:
    """The same for the models of 5.11 on."""
    from examples.common import ranks

    from . import loop
    from .flow import prepare

    options = options_of(args)
    ready = prepare(args.config, tell, seed=options.seed, epochs=args.epochs, anyway=args.anyway)
    try:
        together = ranks.start(ready.config.device.cuda_device)
    except ValueError as error:
        raise Stop(f"{args.config}: {error}", 2) from error
    try:
        tell_inert(ready.config, options, tell, on_gpu=together.device.type == "cuda")
        if args.validate_only:
            return 0
        try:
            started = loop.start(ready, options, together, tell, resume=args.resume)
        except ValueError as error:
            raise Stop(f"{args.config}: {error}", 2) from error
        text = args.config.read_text(encoding="utf-8")
        outcome = loop.train(started, ready, tell, text, resumed=args.resume)
    finally:
        together.close()
    tell(f"{loop.places(ready, options).folder / 'report.html'}")
    return 1 if outcome.dropped else 0


def tell_inert(config: object, options: Options, say: Say, *, on_gpu: bool) -> None:
    """Name the keys that were set to something and change nothing in this run."""
    from schemas.ternary_vae.v5_12_5 import Config

    from .inert import inert

    assert isinstance(config, Config)
    for path, reason in inert(config, on_gpu=on_gpu, options=options.names).items():
        if _is_set(config, path):
            say(f"note: {path} changes nothing here: {reason}")


def _is_set(config: object, path: str) -> bool:
    """Whether the config states a key with another value than its default."""
    *above, key = path.split(".")
    for name in above:
        config = getattr(config, name)
    field = type(config).model_fields[key]  # type: ignore[attr-defined]
    default = field.get_default(call_default_factory=True)
    return key in config.model_fields_set and getattr(config, key) != default  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    args = parser().parse_args(arguments)

    def work() -> int:
        repair_alone(args.config, args.auto_fix)
        return run(args, print)

    return ended(work, extra="trainer", libraries=LIBRARIES, out=args.out)


if __name__ == "__main__":
    sys.exit(main())
