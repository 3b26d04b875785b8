"""The differences of two checkpoints, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from checkpoint_tools.text import escape

if TYPE_CHECKING:
    from cfgmig.cli.checkpoint_diff import Differences, Side
    from checkpoint_tools.compare import Pair

LABEL = 10
ORDER = ("shape", "dtype", "different", "close", "equal")


def render(differences: Differences, *, verbose: bool) -> str:
    """A line for every tensor that is not the same on both sides; all of them with `verbose`."""
    lines = [*_alone(differences), *_pairs(differences, verbose)]
    return "".join(f"{line}\n" for line in lines)


def summary(differences: Differences) -> str:
    """Everything counted, in one line or two."""
    found = differences.found
    counts = [
        f"{count} {_word(verdict, differences.values)}"
        for verdict in ORDER
        if (count := sum(pair.verdict == verdict for pair in found.pairs))
    ]
    both = len(found.pairs)
    said = f"{both} tensor{'s' * (both != 1)} on both sides"
    if counts:
        said += f": {', '.join(counts)}"
    for names, side in ((found.only_left, "left"), (found.only_right, "right")):
        if names:
            said += f"; {len(names)} only on the {side}"
    left_out = [
        f"{side.left_out} of {escape(side.checkpoint.name)}"
        for side in (differences.left, differences.right)
        if side.left_out
    ]
    if left_out:
        said += f"\nnot compared: {' and '.join(left_out)}, which are no model's (--all does)"
    return said


def as_json(differences: Differences, *, verbose: bool) -> str:
    """The same for programs."""
    import json

    from cfgmig.recognising import plain

    found = differences.found
    shown = [pair for pair in found.pairs if verbose or pair.verdict != "equal"]
    tree = {
        "left": _side(differences.left),
        "right": _side(differences.right),
        "same": found.same,
        "values": differences.values,
        "counts": {verdict: sum(p.verdict == verdict for p in found.pairs) for verdict in ORDER},
        "only_left": found.only_left,
        "only_right": found.only_right,
        "pairs": [_pair(pair, differences.values) for pair in shown],
    }
    return json.dumps(plain(tree), indent=2, default=str) + "\n"


def _side(side: Side) -> dict[str, Any]:
    return {
        "file": side.checkpoint.name,
        "format": side.checkpoint.format,
        "key": side.key,
        "left_out": side.left_out,
    }


def _pair(pair: Pair, values: bool) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "left": pair.left,
        "right": pair.right,
        "verdict": pair.verdict,
        "types": [
            {"dtype": one.dtype, "shape": list(one.shape)}
            for one in (pair.left_type, pair.right_type)
        ],
    }
    if values and pair.verdict != "shape":
        tree |= {
            "differing": pair.differing if pair.differing >= 0 else None,
            "largest": pair.largest,
            "where": list(pair.where) if pair.where is not None else None,
            "values": list(pair.values) if pair.values is not None else None,
        }
    return tree


def _alone(differences: Differences) -> Iterator[str]:
    found = differences.found
    for label, names in (("only left", found.only_left), ("only right", found.only_right)):
        for name in names:
            yield f"{label.ljust(LABEL)}  {escape(name)}"


def _pairs(differences: Differences, verbose: bool) -> Iterator[str]:
    for verdict in ORDER if verbose else ORDER[:-1]:
        for pair in differences.found.pairs:
            if pair.verdict == verdict:
                name = escape(pair.left)
                if pair.left != pair.right:
                    name += f" -> {escape(pair.right)}"
                told = "; ".join(_told(pair))
                label = verdict if differences.values or verdict != "equal" else "alike"
                yield f"{label.ljust(LABEL)}  {name}{f': {told}' if told else ''}"


def _told(pair: Pair) -> Iterator[str]:
    if pair.left_type != pair.right_type:
        yield f"{pair.left_type} against {pair.right_type}"
    if pair.differing < 0:
        yield f"other bytes, from {_place(pair)} on"
    elif pair.differing:
        total = 1
        for length in pair.left_type.shape:
            total *= length
        both = ""
        if pair.values is not None:
            both = f", {number(pair.values[0])} against {number(pair.values[1])}"
        yield f"{pair.differing} of {total} numbers"
        yield f"largest deviation {pair.largest:.6g} at {_place(pair)}{both}"


def _place(pair: Pair) -> str:
    return str(list(pair.where or ()))


def number(value: Any) -> str:
    """An element of a tensor."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _word(verdict: str, values: bool) -> str:
    words = {
        "shape": "of another shape",
        "dtype": "of another type",
        "close": "close",
        "different": "different",
        "equal": "equal" if values else "of one shape and type",
    }
    return words[verdict]
