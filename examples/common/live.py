"""The live view of a run: a table in the terminal that is redrawn, or plain lines without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

ALERTS = 6
"""Newest alerts that stay in view."""
SLOW = 2.0
"""Seconds from which on an epoch shows its steps."""
REDRAW = 0.25
"""Seconds between two drawings of steps."""


@dataclass
class Shown:
    """What there is to see of a run at a moment."""

    title: str
    epoch: int = 0
    epochs: int = 1
    step: int = 0
    steps: int = 1
    numbers: dict[str, tuple[float | None, str]] = field(default_factory=dict)
    """Value and remark (a target, a definition) by name."""
    rates: dict[str, float] = field(default_factory=dict)
    parts: dict[str, bool] = field(default_factory=dict)
    """Whether each part trains."""
    alerts: list[str] = field(default_factory=list)
    left: float | None = None
    """Seconds until the end at the pace of the last epoch; None before the first one."""


class Pace:
    """Whether a step is worth a drawing: the epoch takes over two seconds, and time has passed.

    How long an epoch takes is known from the share of it that is done.

    Args:
        clock: seconds from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = self.drawn = clock()

    def start(self) -> None:
        """An epoch begins."""
        self.began = self.drawn = self.clock()

    def is_due(self, step: int, steps: int) -> bool:
        """Whether to draw now that `step` steps, 1 or more, of `steps` are done."""
        now = self.clock()
        if now - self.drawn < REDRAW or (now - self.began) * steps / step <= SLOW:
            return False
        self.drawn = now
        return True


class View:
    """Shows a run; in a terminal as a live table, elsewhere one line per `line` call.

    Args:
        live: draw the table; only where the output is a terminal.
        say: takes the plain lines.
        console: rich's; None for standard output.
    """

    def __init__(
        self, *, live: bool, say: Callable[[str], None], console: Console | None = None
    ) -> None:
        self.say = say
        self._live: Any = None
        if live and (console is not None or sys.stdout.isatty()):
            from rich.live import Live

            self._live = Live(console=console, auto_refresh=False)
            self._live.start()

    @property
    def is_live(self) -> bool:
        """Whether a table is drawn."""
        return self._live is not None

    def show(self, shown: Shown) -> None:
        """Draw the table anew; nothing without a terminal."""
        if self._live is not None:
            self._live.update(table(shown), refresh=True)

    def line(self, text: str) -> None:
        """A line that stays."""
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            self.say(text)

    def close(self) -> None:
        """Leave the last table standing."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def table(shown: Shown) -> RenderableType:
    """The picture of a moment."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    # Narrow terminals fold the lists in the middle, not the names and remarks beside them.
    grid.add_column(no_wrap=True, min_width=14)
    grid.add_column(overflow="fold")
    grid.add_column(no_wrap=True, min_width=14)
    for name, (value, remark) in shown.numbers.items():
        grid.add_row(name, number(value), Text(remark, style="dim"))
    grid.add_row("learning rates", words(shown.rates), "")
    frozen = [name for name, trains in shown.parts.items() if not trains]
    trains = [name for name, on in shown.parts.items() if on]
    grid.add_row("frozen", ", ".join(frozen) or "nothing", "")
    grid.add_row("training", ", ".join(trains) or "nothing", "")
    total = shown.epochs * shown.steps
    done = shown.epoch * shown.steps + shown.step
    place = f"epoch {shown.epoch + 1} of {shown.epochs}"
    if 0 < shown.step < shown.steps:
        place += f", step {shown.step} of {shown.steps}"
    if shown.left:
        place += f", {duration(shown.left)} left"
    head = Text(f"{shown.title}   {place}", style="bold")
    alerts = [Text(f"! {one}", style="yellow") for one in shown.alerts[-ALERTS:]]
    # A bar of its own does not end its line.
    bar = Table.grid()
    bar.add_row(ProgressBar(total=total, completed=done, width=60))
    return Group(head, bar, grid, *alerts)


def number(value: float | None) -> str:
    """A measured number, short; a dash for none."""
    return "-" if value is None else f"{value:.5g}"


def duration(seconds: float) -> str:
    """A time to wait, as one says it: 45 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def words(values: Mapping[str, float]) -> str:
    """Numbers by name in one line."""
    return "  ".join(f"{name} {value:.3g}" for name, value in values.items())
