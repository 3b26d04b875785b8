"""The compatibility matrix of a family: architecture x checkpoint version, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from cfgmig.errors import UsageError

Verdict = Literal["yes", "no", "convert"]
FORMATS = ("table", "markdown", "json")
COLUMNS = ("architecture", "checkpoint", "loads", "requires", "reason")


class Row(NamedTuple):
    """Whether an architecture loads the checkpoints of one version.

    Args:
        architecture: the architecture's name, as configs spell it.
        checkpoint: the version whose code wrote the checkpoint.
        loads: `yes`, `no`, or `convert` when a conversion must come first.
        requires: what the config must provide for this pair, one phrase each.
        reason: why, in one sentence.
        help: the command or the edit that makes the pair work.
    """

    architecture: str
    checkpoint: str
    loads: Verdict
    requires: tuple[str, ...] = ()
    reason: str = ""
    help: str | None = None


@dataclass(eq=False)
class Matrix:
    """All rows of a family. A pair that has no row is unknown, neither good nor bad."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: set[tuple[str, str]] = set()
        for row in self.rows:
            pair = (row.architecture, row.checkpoint)
            if pair in seen:
                raise UsageError(f"matrix {self.title!r} has two rows for {' x '.join(pair)}")
            seen.add(pair)

    @property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture named, in the order of the rows."""
        return tuple(dict.fromkeys(row.architecture for row in self.rows))

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Every checkpoint version named, in the order of the rows."""
        return tuple(dict.fromkeys(row.checkpoint for row in self.rows))

    def lookup(self, architecture: str, checkpoint: str) -> Row | None:
        """The row of a pair, or None when nothing is known about it."""
        for row in self.rows:
            if (row.architecture, row.checkpoint) == (architecture, checkpoint):
                return row
        return None

    def of(self, architecture: str) -> tuple[Row, ...]:
        """The rows of one architecture."""
        return tuple(row for row in self.rows if row.architecture == architecture)

    def requires(self, architecture: str, requirement: str) -> bool:
        """Whether every row of a known architecture states `requirement`."""
        rows = self.of(architecture)
        return bool(rows) and all(requirement in row.requires for row in rows)

    def loadable(self, architecture: str) -> tuple[str, ...]:
        """The checkpoint versions that the architecture loads without a conversion."""
        return tuple(row.checkpoint for row in self.of(architecture) if row.loads == "yes")

    def render(self, format: str = "table") -> str:
        """The matrix as a table for a terminal, as Markdown or as JSON."""
        if format == "json":
            return self._json()
        if format not in FORMATS:
            raise UsageError(f"unknown matrix format {format!r}", help=f"one of {FORMATS}")
        cells = [COLUMNS, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
        if format == "markdown":
            return self._markdown(cells)
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) for r in cells]
        rule = "  ".join("-" * width for width in widths)
        body = [self.title, "", lines[0], rule, *lines[1:]]
        notes = ["", *self.notes] if self.notes else []
        return "\n".join(line.rstrip() for line in [*body, *notes]) + "\n"

    def _markdown(self, cells: list[tuple[str, ...]]) -> str:
        rows = ["| " + " | ".join(_escape(cell) for cell in line) + " |" for line in cells]
        rule = "|" + " --- |" * len(COLUMNS)
        notes = ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join([f"### {self.title}", "", rows[0], rule, *rows[1:], *notes]) + "\n"

    def _json(self) -> str:
        import json

        rows = [
            {
                "architecture": row.architecture,
                "checkpoint": row.checkpoint,
                "loads": row.loads,
                "requires": list(row.requires),
                "reason": row.reason,
                "help": row.help,
            }
            for row in self.rows
        ]
        data = {"title": self.title, "rows": rows, "notes": list(self.notes)}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    return row.architecture, row.checkpoint, row.loads, ", ".join(row.requires), row.reason


def _escape(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
