"""The entry point: picks a command, runs it, turns errors into exit codes."""

from __future__ import annotations

import gc
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
    "revision": "revision",
    "stamp": "stamp",
    "diff": "diff",
    "undo": "undo",
    "explain": "explain",
    "matrix": "matrix",
    "schema": "schema",
    "template": "template",
    "init": "init",
    "checkpoint inspect": "checkpoint_inspect",
    "checkpoint find": "checkpoint_find",
    "checkpoint diff": "checkpoint_diff",
    "checkpoint convert": "checkpoint_convert",
    "checkpoint verify": "checkpoint_verify",
    "test": "test",
}
"""Each command and the module under `cfgmig.cli` that holds its function.

Of two words the first is a group of commands, the second one is the function.
"""

OK, FINDINGS, USAGE, REFUSED = 0, 1, 2, 3
YOUNG = 50_000
"""So many objects must be new before the garbage collector looks at them; Python's own is 700."""
INTERRUPTED = 130


def load(name: str) -> Callable[..., int]:
    """A command's function: parses nothing, returns the exit code."""
    module = import_module(f"cfgmig.cli.{COMMANDS[name]}")
    function: Callable[..., int] = getattr(module, name.rpartition(" ")[2])
    return function


def named(argv: list[str]) -> str:
    """The command that a line begins with; empty when it begins with none."""
    for words in (1, 2):
        name = " ".join(argv[:words])
        if name in COMMANDS:
            return name
    return ""


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    from cfgmig.cli import fast

    name = named(argv)
    if name:
        function = load(name)
        arguments = fast.parse(function, argv[len(name.split()) :])
        if arguments is not None:
            return function(**arguments)
    from cfgmig.cli.app import run_typer

    return run_typer(argv)


def main() -> None:
    """Run the command line of this process."""
    # Headers and plans have no cycles; looking for some takes a fifth of planning 20,000 tensors.
    gc.set_threshold(YOUNG)
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
        whole = named(sys.argv[1:]).startswith("checkpoint ")
        after = "nothing was written" if whole else "`cfgmig undo` takes back what was written"
        print(f"cfgmig: interrupted; {after}", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
