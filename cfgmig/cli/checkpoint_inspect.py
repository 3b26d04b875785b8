"""`cfgmig checkpoint inspect`: what checkpoints are and hold, from their headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.cli import console
from cfgmig.cli.checkpoint_open import check_format, project_of
from cfgmig.errors import CfgmigError, UsageError
from cfgmig.states import as_cfgmig, told

if TYPE_CHECKING:
    from cfgmig.cli.checkpoint_stats import Tally
    from cfgmig.cli.options import Quiet, Stats, TextFormat, Verbose, Weights
    from cfgmig.recognising import Recognised
    from cfgmig.states import State
    from checkpoint_tools import Checkpoint


class Inspection(NamedTuple):
    """All that is told of one checkpoint; `stats` is empty unless it was asked for."""

    checkpoint: Checkpoint
    states: tuple[State, ...]
    recognised: Recognised
    stats: Mapping[str, Tally | None]

    @property
    def file_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(source.size for source in self.checkpoint.sources)

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Keys that hold the state of optimizers."""
        return tuple(state.key for state in self.states if state.role == "optimizer")


def inspect(
    paths: Weights = (),  # type: ignore[assignment]
    *,
    stats: Stats = False,
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Show what checkpoints are and hold, from their headers alone.

    Tensors, metadata, the config inside, and which family and version a checkpoint is of,
    with the evidence. Only `--stats` reads tensors.

    Exit code 0: done. 2: usage, or a file that cannot be read. 3: a file is malformed or
    unsafe.
    """
    check_format(output_format)
    if not paths:
        raise UsageError(
            "no checkpoint given", help="name files, folders of shards, or URLs: `inspect model.pt`"
        )
    show = Printer(output_format, quiet=quiet, verbose=verbose, stats=stats)
    code = 0
    for path in paths:
        try:
            show(path)
        except CfgmigError as error:
            console.say(str(error))
            code = max(code, error.exit_code)
    show.end()
    return code


class Printer:
    """Shows checkpoints one after the other; JSON becomes one array when there are several."""

    def __init__(self, output_format: str, *, quiet: bool, verbose: bool, stats: bool) -> None:
        self.output_format = output_format
        self.quiet = quiet
        self.verbose = verbose
        self.stats = stats
        self.trees: list[object] = []
        self.shown = 0

    def __call__(self, path: str) -> None:
        """Show one.

        Raises:
            Unreadable: it is not there, or no checkpoint.
            Refused: it is malformed or unsafe; what lies before the damage is shown.
        """
        from checkpoint_tools import open_checkpoint
        from checkpoint_tools.errors import CheckpointError

        try:
            checkpoint = open_checkpoint(path)
        except CheckpointError as error:
            self._partial(error.partial)
            raise as_cfgmig(error) from error
        with checkpoint:
            self._one(checkpoint)

    def _partial(self, found: object) -> None:
        from checkpoint_tools.formats.protocol import Checkpoint as Opened

        if isinstance(found, Opened):
            with found:
                self._one(found)

    def _one(self, checkpoint: Checkpoint) -> None:
        one = look(checkpoint, self._stats(checkpoint) if self.stats else {})
        if self.output_format == "json":
            from cfgmig.cli.checkpoint_json import tree

            self.trees.append(tree(one))
            return
        from cfgmig.cli.checkpoint_text import render

        console.data(("\n" if self.shown else "") + render(one, verbose=self.verbose))
        self.shown += 1

    def _stats(self, checkpoint: Checkpoint) -> dict[str, Tally | None]:
        from cfgmig.cli.checkpoint_stats import tally

        total = sum(ref.nbytes for ref in checkpoint.tensors.values())
        done = 0
        with console.meter("reading", quiet=self.quiet) as progress, told():

            def advance(more: int) -> None:
                nonlocal done
                done += more
                progress(done, total, "")

            return {name: tally(checkpoint, name, advance) for name in checkpoint.tensors}

    def end(self) -> None:
        """Write what was gathered for JSON."""
        if self.trees:
            import json

            what = self.trees[0] if len(self.trees) == 1 else self.trees
            console.data(json.dumps(what, indent=2) + "\n")


def look(checkpoint: Checkpoint, stats: Mapping[str, Tally | None]) -> Inspection:
    """Recognise an opened checkpoint."""
    from cfgmig.recognising import recognise
    from cfgmig.states import beside, states

    found = tuple(states(checkpoint))
    model = next((state for state in found if state.role == "model"), None)
    recognised = recognise(model, beside(checkpoint), project_of(checkpoint.name))
    return Inspection(checkpoint, found, recognised, stats)
