"""What a conversion did: its steps, the bytes on both sides, what casts lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cfgmig.cli.checkpoint_text import SHOWN, size, words
from checkpoint_tools.text import escape

if TYPE_CHECKING:
    from cfgmig.converting import Route
    from checkpoint_tools.plan.casts import Loss
    from checkpoint_tools.plan.proof import Ledger
    from checkpoint_tools.writing import Report

LABEL = 10


def render(way: Route, report: Report, *, verbose: bool) -> str:
    """For people; with `verbose` also the casts that lost nothing, and every name left out."""
    total, count = sum(report.files.values()), len(report.kinds)
    lines = [
        f"{escape(way.checkpoint.name)} -> {escape(str(report.target))}: {report.format},"
        f" {size(total)}, {count} tensor{'s' * (count != 1)}",
        *steps(way, verbose=verbose),
        *left_out(way, report.ledger, verbose=verbose),
        *ledger(report.ledger),
        *_ties(report.ties, verbose=verbose),
        *_losses(report.losses, verbose=verbose),
        *(line("note", escape(note)) for note in notes(way, report.notes)),
    ]
    return "".join(f"{one}\n" for one in lines)


def as_json(way: Route, report: Report) -> str:
    """For programs."""
    import json
    from dataclasses import asdict

    from cfgmig.recognising import plain

    tree = {
        **route_tree(way),
        "target": str(report.target),
        "format": report.format,
        "files": dict(report.files),
        "ledger": asdict(report.ledger),
        "kinds": dict(report.kinds),
        "losses": {name: asdict(loss) for name, loss in report.losses.items()},
        "ties": dict(report.ties),
        "notes": notes(way, report.notes),
    }
    return json.dumps(plain(tree), indent=2) + "\n"


def route_tree(way: Route) -> dict[str, Any]:
    """What a route says of itself, as plain data."""
    journey = way.journey
    return {
        "source": way.checkpoint.name,
        "family": journey.family if journey else None,
        "from": journey.origin if journey else None,
        "to": journey.goal if journey else None,
        "stages": [
            {
                "kind": stage.kind,
                "name": stage.name,
                "summary": stage.summary,
                "grade": stage.grade,
                "guarantee": stage.guarantee.words,
                "operations": list(stage.lines),
            }
            for stage in (journey.stages if journey else ())
        ],
        "plan": way.request.plan or None,
        "operations": list(way.lines),
        "stashed": list(way.sidecar.outputs) if way.sidecar is not None else [],
        "dropped": list(way.dropped),
        "afresh": list(journey.afresh) if journey else [],
    }


def notes(way: Route, more: Iterable[str]) -> list[str]:
    """What a user should know, each sentence once."""
    return list(dict.fromkeys((*way.notes, *(way.journey.notes if way.journey else ()), *more)))


def line(label: str, text: str) -> str:
    """A line of the report."""
    return f"  {label.ljust(LABEL)}{text}"


def steps(way: Route, *, verbose: bool) -> Iterator[str]:
    """The stages of a migration, each with its grade and what it promises."""
    journey = way.journey
    if way.lines:
        yield line("plan", escape(way.request.plan))
        yield from (line("", escape(sentence)) for sentence in way.lines)
    if journey is None:
        return
    yield line("family", f"{escape(journey.family)}, {journey.origin} -> {journey.goal}")
    for stage in journey.stages:
        yield line("step", f"{escape(stage.name)} ({stage.grade}): {escape(stage.summary)}")
        yield line("", escape(stage.guarantee.words))
        for sentence in stage.lines if verbose else ():
            yield line("", f"  {escape(sentence)}")
    for component in journey.afresh:
        yield line("afresh", f"{escape(component)} is not in the result: the model begins it anew")


def left_out(way: Route, found: Ledger, *, verbose: bool) -> Iterator[str]:
    """What does not come along, and what of it is kept beside."""
    stashed = list(way.sidecar.outputs) if way.sidecar is not None else []
    partly = [name for name in found.dropped if name not in way.dropped]
    for label, intro, every in (
        ("stashed", "", stashed),
        ("dropped", "", list(way.dropped)),
        ("dropped", "parts of ", partly),
    ):
        if every:
            yield line(label, intro + words(every, len(every) if verbose else SHOWN))


def ledger(found: Ledger) -> Iterator[str]:
    """Both sums, in bytes."""
    yield source_bytes(found)
    shared = f", {found.target_shared} of them shared blocks" if found.target_shared else ""
    yield line(
        "target",
        f"{found.target} bytes = {found.target_copied} copied{shared}"
        f" + {found.target_gathered} gathered + {found.target_computed} computed"
        f" + {found.target_invented} new",
    )


def source_bytes(found: Ledger) -> str:
    """The sum of the source."""
    return line(
        "source",
        f"{found.source} bytes = {found.source_copied} copied"
        f" + {found.source_transformed} transformed + {found.source_dropped} dropped",
    )


def _ties(ties: Mapping[str, str], *, verbose: bool) -> Iterator[str]:
    if ties:
        every = [f"{name} is {other}" for name, other in ties.items()]
        yield line("tied", words(every, len(every) if verbose else SHOWN))


def _losses(losses: Mapping[str, Loss], *, verbose: bool) -> Iterator[str]:
    """The ledger of casts: a line for every tensor that lost something."""
    exact = sum(not loss.lost for loss in losses.values())
    for name, loss in losses.items():
        if loss.lost or verbose:
            yield line("cast", f"{escape(name)}: {_loss(loss)}")
    if exact and not verbose:
        yield line("cast", f"{exact} tensor{'s' * (exact != 1)} without any loss")


def _loss(loss: Loss) -> str:
    if not loss.lost:
        return f"all {loss.elements} numbers kept"
    return (
        f"{loss.changed} of {loss.elements} numbers changed,"
        f" {loss.overflow} overflow, {loss.underflow} underflow,"
        f" at most {loss.max_abs:.3g} off ({loss.max_rel:.3g} of the number)"
    )
