"""What a run tells: the live view, lines, metrics.jsonl, and the final report."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from examples.common import charts, report
from examples.common.journal import Journal, read
from examples.common.live import Pace, Shown, View, number

from .run import Run
from .stepping import Averages

Say = Callable[[str], None]

MEANING = {
    "loss": "mean cross entropy over the steps of the last epoch, nats",
    "held_out_loss": "mean cross entropy of held-out labels, nats",
    "unigram_entropy": "of the held-out labels as single ids, nats",
    "gradient_norm": "before clipping",
    "peak_memory_mb": "megabytes",
}


class Teller:
    """Everything that the user sees of a run; only the first rank has one."""

    def __init__(self, run: Run, folder: Path, say: Say) -> None:
        self.run, self.folder = run, folder
        self.journal = Journal(folder / "metrics.jsonl")
        self.view = View(live=run.options.live, say=say)
        self.pace = Pace()
        name = run.config.provenance.trial_id or folder.name
        self.shown = Shown(str(name), epochs=run.epochs, steps=run.steps_per_epoch)

    def start(self, record: Mapping[str, Any], *, resumed: bool) -> None:
        """The first line of the journal; a resumed run has one, and drops later epochs."""
        if resumed and self.journal.path.exists():
            self.journal.rewind(self.run.epoch - 1)
            return
        self.journal.restart()
        self.journal.write({"event": "start", **record})

    def begin(self) -> None:
        """An epoch begins."""
        self.pace.start()
        self.shown.epoch, self.shown.step = self.run.epoch, 0

    def step(self, averages: Averages) -> None:
        """A step is done; drawn where an epoch takes so long that one would wonder."""
        shown = self.shown
        if self.view.is_live and self.pace.is_due(averages.steps, shown.steps):
            shown.step, shown.rates = averages.steps, {self.run.optimizer_said: averages.rate}
            shown.parts = parts_of(self.run)
            shown.numbers["loss"] = (averages.loss, "mean so far")
            self.view.show(shown)

    def epoch(self, averages: Averages, held_out: float, seconds: float) -> dict[str, Any]:
        """Tell an epoch everywhere; returns the journal's entry.

        `perplexity` is exp(loss) of the training loss, as in the old files.
        """
        run, entropy = self.run, self.run.material.entropy
        entry = {
            "step": run.step,
            "epoch": run.epoch,
            "loss": averages.loss,
            "perplexity": math.exp(min(averages.loss, 700.0)),
            "gradient_norm": averages.grad_norm,
            "learning_rate": averages.rate,
            "held_out_loss": held_out,
            "unigram_entropy": entropy,
            "peak_memory_mb": peak_memory(run.ranks.device),
            "seconds": round(seconds, 3),
        }
        self.journal.write(entry)
        self._show(averages, held_out, seconds)
        return entry

    def _show(self, averages: Averages, held_out: float, seconds: float) -> None:
        run, shown, entropy = self.run, self.shown, self.run.material.entropy
        below = "below" if held_out < entropy else "not below"
        if not self.view.is_live:
            self.view.line(
                f"step {run.step:>4}  loss {averages.loss:.4f}  held-out {held_out:.4f} "
                f"({below} {entropy:.3f})"
            )
            return
        shown.epoch, shown.step = run.epoch, averages.steps
        shown.left = seconds / averages.steps * (run.steps - run.step)
        shown.rates, shown.parts = {run.optimizer_said: averages.rate}, parts_of(run)
        shown.numbers = {
            "loss": (averages.loss, f"ln V {math.log(run.model.architecture.vocab_size):.3f}"),
            "held-out loss": (held_out, f"{below} the unigram entropy {entropy:.3f}"),
            "gradient norm": (averages.grad_norm, "before clipping"),
        }
        self.view.show(shown)

    def end(self, config_text: str) -> None:
        """The last line of the journal, and the report."""
        run = self.run
        self.journal.write(
            {"event": "end", "steps": run.step, "best": run.best.loss, "best_epoch": run.best.epoch}
        )
        self.report(config_text)

    def report(self, config_text: str) -> None:
        """The report of what there is so far."""
        run = self.run
        page = page_of(run, read(self.journal.path), self.shown.title, config_text)
        report.write(self.folder / "report.html", page)

    def close(self) -> None:
        """Leave the terminal as it should be, however the run ended."""
        self.view.close()


def parts_of(run: Run) -> dict[str, bool]:
    """Parts of the model that train: all but the buffers that bundles are read with."""
    return {name: True for name, _ in run.model.named_children() if name != "hd"}


def peak_memory(device: torch.device) -> float:
    """Megabytes at the peak: of the GPU, else of the process (getrusage, kilobytes on Linux)."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def page_of(run: Run, records: list[dict[str, Any]], title: str, config_text: str) -> str:
    """The report of a run."""
    start = next((one for one in records if one.get("event") == "start"), {})
    epochs = [one for one in records if "loss" in one]
    last = epochs[-1] if epochs else {}
    rows = [(name, number(last.get(name)), words) for name, words in MEANING.items()]
    inert = list(start.get("inert", {}).items())
    tables = [
        report.Table("Last epoch", ("metric", "value", "meaning"), rows if last else []),
        report.Table("Keys that changed nothing in this run", ("key", "why"), inert),
    ]
    seconds = sum(one["seconds"] for one in epochs)
    summary = (
        f"{run.step} steps in {seconds:.1f} s, seed {start.get('seed')}, {start.get('optimizer')}, "
        f"{start.get('parameters'):,} parameters, vocabulary {start.get('vocabulary')}, "
        f"on {start.get('device')}."
    )
    if not any(one.get("event") == "end" for one in records):
        summary += " The run was stopped before its end."
    drawn = _charts(epochs, run.material.entropy)
    return report.render(title, summary, tables, drawn, (), {"Config": config_text})


def _charts(epochs: list[dict[str, Any]], entropy: float) -> list[str]:
    def of(**names: str) -> dict[str, list[tuple[float, float]]]:
        return {
            name: [(one["epoch"], charts.or_gap(one[key])) for one in epochs]
            for name, key in names.items()
        }

    losses = of(training="loss", held_out="held_out_loss")
    return [
        charts.lines("loss", losses, {"unigram entropy": entropy}),
        charts.lines("gradient norm", of(norm="gradient_norm")),
        charts.lines("learning rate", of(rate="learning_rate")),
    ]
