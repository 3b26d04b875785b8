"""The entry point: picks a command, runs it, turns errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

from cfgmig.errors import CfgmigError

COMMANDS = {
    "check": "check",
    "upgrade": "upgrade",
    "downgrade": "upgrade",
    "current": "current",
    "history": "history",
    "heads": "history",
    "show": "history",
    "stamp": "stamp",
    "diff": "diff",
    "undo": "undo",
    "explain": "explain",
    "matrix": "matrix",
    "schema": "schema",
    "template": "template",
    "init": "init",
    "checkpoint": "checkpoint",
    "test": "test",
}
"""Each command and the module under `cfgmig.cli` that holds its function."""

OK, FINDINGS, USAGE, REFUSED = 0, 1, 2, 3
INTERRUPTED = 130


def load(name: str) -> Callable[..., int]:
    """A command's function: parses nothing, returns the exit code."""
    function: Callable[..., int] = getattr(import_module(f"cfgmig.cli.{COMMANDS[name]}"), name)
    return function


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    from cfgmig.cli import fast

    if argv and argv[0] in COMMANDS:
        function = load(argv[0])
        arguments = fast.parse(function, argv[1:])
        if arguments is not None:
            return function(**arguments)
    from cfgmig.cli.app import run_typer

    return run_typer(argv)


def main() -> None:
    """Run the command line of this process."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except CfgmigError as error:
        print(f"cfgmig: {error}" if not error.location else str(error), file=sys.stderr)
        code = error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) went away; there is nobody left to tell.
        sys.stderr.close()
        code = OK
    except Exception:
        # Python's own exit code for this is 1, which would read as "findings".
        import traceback

        traceback.print_exc()
        print("cfgmig: this is an error in cfgmig itself; please report it", file=sys.stderr)
        code = USAGE
    except KeyboardInterrupt:
        print("cfgmig: interrupted; `cfgmig undo` takes back what was written", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
