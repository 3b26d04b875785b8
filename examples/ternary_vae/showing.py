"""What a run tells: the live view, lines, metrics.jsonl, TensorBoard, and the final report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from examples.common import charts, pictures, report
from examples.common.events import events as event_files
from examples.common.journal import Journal, read
from examples.common.live import Pace, Shown, View, number

from .evaluating import Judged, reached
from .metrics import DEFINITIONS, evaluating, hierarchy_ceiling
from .operations import all_valuations
from .run import Run
from .saving import trains
from .stepping import Averages, steps_of

SIDES: tuple[Literal["A", "B"], ...] = ("A", "B")
MAIN = ("coverage", "hierarchy_A", "hierarchy_B", "richness_B", "Q")
"""What the live view and the lines show."""
CAPTION = (
    "All operations of encoder B: the radius is that of the ball, the angle that of the plane of "
    "the two main directions; dark is valuation 0, bright is deep."
)


class Teller:
    """Everything that the user sees of a run; only the first rank has one that speaks."""

    def __init__(self, run: Run, folder: Path, events: Path | None, say: Callable[[str], None]):
        self.run, self.folder = run, folder
        self.journal = Journal(folder / "metrics.jsonl")
        first = run.epoch or None
        self.events = event_files(events, say, first) if events is not None else None
        self.view = View(live=run.options.live, say=say)
        self.pace = Pace()
        title = run.config.device.name or folder.name
        self.shown = Shown(title, epochs=run.config.training.epochs, steps=steps_of(run))

    def start(self, record: Mapping[str, Any], *, resumed: bool) -> None:
        """The first line of the journal; a resumed run has one, and drops later epochs."""
        if resumed and self.journal.path.exists():
            self.journal.rewind(self.run.epoch - 1)
        else:
            self.journal.restart()
            self.journal.write({"event": "start", **record})

    def begin(self, epoch: int) -> None:
        """An epoch begins."""
        self.pace.start()
        self.shown.epoch, self.shown.step = epoch, 0

    def step(self, averages: Averages) -> None:
        """A step is done; drawn where an epoch takes so long that one would wonder."""
        shown = self.shown
        if self.view.is_live and self.pace.is_due(averages.steps, shown.steps):
            shown.step, shown.rates = averages.steps, averages.rates
            shown.parts = trains(self.run)
            shown.numbers["loss"] = (averages.loss, "mean so far")
            self.view.show(shown)

    def epoch(
        self, epoch: int, averages: Averages, judged: Judged | None, seconds: float
    ) -> dict[str, Any]:
        """Tell an epoch everywhere; returns the journal's entry."""
        parts = trains(self.run)
        entry: dict[str, Any] = {
            "epoch": epoch,
            "loss": averages.loss,
            "parts": averages.parts,
            "grad_norm": averages.grad_norm,
            "rates": averages.rates,
            "trains": [name for name, on in parts.items() if on],
            "seconds": round(seconds, 3),
        }
        phase = phase_of(self.run, epoch)
        if phase:
            entry["phase"] = phase
        if judged is not None:
            entry |= {"metrics": judged.metrics, "alerts": judged.alerts, "best": judged.is_best}
        self.journal.write(entry)
        self.shown.left = seconds * (self.run.config.training.epochs - epoch - 1)
        self._show(epoch, averages, judged, parts)
        self._line(epoch, averages, judged)
        self._log(epoch, averages, judged)
        return entry

    def _show(
        self, epoch: int, averages: Averages, judged: Judged | None, parts: dict[str, bool]
    ) -> None:
        shown = self.shown
        shown.epoch, shown.step = epoch, shown.steps
        shown.rates, shown.parts = averages.rates, parts
        shown.numbers["loss"] = (averages.loss, "")
        if judged is not None:
            wanted = reached(self.run, judged.values)
            for name in MAIN:
                target = wanted.get(name) or wanted.get(name.removesuffix("_B"))
                remark = f"target {target[0]:g}" if target else ""
                shown.numbers[name] = (judged.values[name], remark)
            shown.alerts += [f"epoch {epoch}: {alert}" for alert in judged.alerts]
        self.view.show(shown)

    def _line(self, epoch: int, averages: Averages, judged: Judged | None) -> None:
        if judged is not None and not self.view.is_live:
            for alert in judged.alerts:
                self.view.line(f"! epoch {epoch}: {alert}")
        config = self.run.config
        every = config.training.print_every or config.logging.print_every
        is_last = epoch + 1 == config.training.epochs
        if self.view.is_live or ((epoch + 1) % every and not is_last):
            return
        text = f"epoch {epoch:>3}  loss {averages.loss:.4f}"
        phase = phase_of(self.run, epoch)
        text += f"  {phase}" if phase else ""
        if judged is not None:
            text += "".join(f"  {name} {number(judged.values[name])}" for name in MAIN)
        self.view.line(text)

    def _log(self, epoch: int, averages: Averages, judged: Judged | None) -> None:
        if self.events is None:
            return
        tags = {"train/loss": averages.loss, "train/grad_norm": averages.grad_norm}
        tags |= {f"loss/{name}": value for name, value in averages.parts.items()}
        tags |= {f"rate/{name}": value for name, value in averages.rates.items()}
        if judged is not None:
            numbers = {k: v for k, v in judged.metrics.items() if isinstance(v, float)}
            tags |= {f"metrics/{name}": value for name, value in numbers.items()}
        self.events.numbers(epoch, tags)
        every = self.run.config.training.save_every
        if (epoch + 1) % every == 0 or epoch + 1 == self.run.config.training.epochs:
            for side in SIDES:
                shot = picture(self.run, side)
                if shot is not None:
                    self.events.picture(epoch, f"disk/{side}", shot)

    def end(self, values: Mapping[str, float], config_text: str) -> None:
        """The last line of the journal, and the report."""
        wanted = {
            name: {"wanted": want, "found": found, "reached": enough}
            for name, (want, found, enough) in reached(self.run, dict(values)).items()
        }
        self.journal.write({"event": "end", "epochs": self.run.epoch, "targets": wanted})
        self.report(config_text)

    def report(self, config_text: str) -> None:
        """The report of what there is so far."""
        page = page_of(self.run, read(self.journal.path), self.shown.title, config_text)
        report.write(self.folder / "report.html", page)

    def close(self) -> None:
        """Leave the terminal and the event files as they should be, however the run ended."""
        self.view.close()
        if self.events is not None:
            self.events.close()


def phase_of(run: Run, epoch: int) -> str:
    """The name of the schedule's phase at an epoch; empty without phases."""
    scheduler = run.config.training.scheduler
    if scheduler.type != "multi_phase_cosine":
        return ""
    spans = ((one.name, one.epoch_range) for one in scheduler.phases)
    return next((name for name, (first, end) in spans if first <= epoch < end), "")


def picture(run: Run, side: Literal["A", "B"], size: int = 256) -> Tensor | None:
    """All operations on a disk, coloured by valuation: radii are those of the ball.

    None where the points are no numbers, as in a run that has diverged.
    """
    with evaluating(run.model):
        out = run.model(run.rows, sample=False)
    points = out.z_A_hyp if side == "A" else out.z_B_hyp
    if not points.isfinite().all():
        return None
    # The ball of curvature -c has the Euclidean radius 1 / sqrt(c), the disk has 1.
    scale = float(torch.as_tensor(run.model.curvature(side)).detach()) ** 0.5
    return pictures.disk(pictures.flat(points) * scale, all_valuations(), size)


def page_of(run: Run, records: list[dict[str, Any]], title: str, config_text: str) -> str:
    """The report of a finished or stopped run."""
    start = next((one for one in records if one.get("event") == "start"), {})
    epochs = [one for one in records if "loss" in one]
    seconds = sum(one["seconds"] for one in epochs)
    summary = (
        f"{len(epochs)} epochs in {seconds:.1f} s, seed {start.get('seed')}, "
        f"{start.get('optimizer')}, on {start.get('device')}. Weights: {start.get('weights')}."
    )
    if not any(one.get("event") == "end" for one in records):
        summary += " The run was stopped before its end."
    shot = picture(run, "B", 420)
    shots = [] if shot is None else [report.Picture(pictures.png(shot), CAPTION)]
    return report.render(
        title, summary, _tables(start, records), _charts(epochs), shots, {"Config": config_text}
    )


def _tables(start: dict[str, Any], records: list[dict[str, Any]]) -> list[report.Table]:
    measured = [one for one in records if "metrics" in one]
    last = measured[-1]["metrics"] if measured else {}
    definitions = last.get("definitions", {})
    rows = [
        (name, number(value), definitions[name], DEFINITIONS[definitions[name].partition("/")[0]])
        for name, value in last.items()
        if name != "definitions"
    ]
    alerts = [(str(one["epoch"]), text) for one in measured for text in one["alerts"]]
    ends = (one["targets"] for one in records if one.get("event") == "end")
    targets = [
        (name, number(one["wanted"]), number(one["found"]), "yes" if one["reached"] else "no")
        for name, one in next(ends, {}).items()
    ]
    inert = list(start.get("inert", {}).items())
    return [
        report.Table("Targets", ("", "wanted", "found", "reached"), targets),
        report.Table("Last evaluation", ("metric", "value", "definition", "meaning"), rows),
        report.Table("Alerts", ("epoch", ""), alerts),
        report.Table("Keys that changed nothing in this run", ("key", "why"), inert),
    ]


def _charts(epochs: list[dict[str, Any]]) -> list[str]:
    def of(*names: str) -> dict[str, list[tuple[float, float]]]:
        return {
            name: [
                (one["epoch"], charts.or_gap(one["metrics"].get(name)))
                for one in epochs
                if "metrics" in one
            ]
            for name in names
        }

    rates = sorted({name for one in epochs for name in one["rates"]})
    return [
        charts.lines(
            "loss", {"loss": [(one["epoch"], charts.or_gap(one["loss"])) for one in epochs]}
        ),
        charts.lines("coverage", of("coverage")),
        charts.lines(
            "hierarchy", of("hierarchy_A", "hierarchy_B"), {"ceiling": hierarchy_ceiling()}
        ),
        charts.lines("richness", of("richness_A", "richness_B")),
        charts.lines("Q", of("Q", "Q_B")),
        charts.lines(
            "learning rates",
            {n: [(one["epoch"], one["rates"].get(n, math.nan)) for one in epochs] for n in rates},
        ),
    ]
