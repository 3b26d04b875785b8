"""What `verify` found out, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cfgmig.cli.checkpoint_convert_report import line, route_tree, steps
from cfgmig.cli.checkpoint_diff_text import number
from checkpoint_tools.text import escape

if TYPE_CHECKING:
    from cfgmig.verifying import Verified
    from checkpoint_tools.compare import Pair
    from checkpoint_tools.matching import Matched

OTHER_BITS = "other bits for the same numbers"
WORDS = ("copied", "transformed", "stashed", "dropped", "empty")


def render(found: Verified, *, verbose: bool) -> str:
    """For people; with `verbose` every tensor with its origin and hash."""
    verb = "is" if found.made else "is not"
    lines = [
        f"{escape(found.target.name)} {verb} what {escape(found.source.name)} gives",
        *steps(found.way, verbose=verbose),
        *_origin(found),
        line("source", _accounts(found)),
        *_matched("target", found.matched),
        *_problems(found.matched, "in the target", "from the source"),
        *_stash(found),
        *_back(found),
        *_readings(found),
    ]
    if verbose:
        lines += _every(found)
    return "".join(f"{one}\n" for one in lines)


def as_json(found: Verified) -> str:
    """For programs."""
    import json

    from cfgmig.recognising import plain

    tree: dict[str, Any] = {
        **route_tree(found.way),
        "target": found.target.name,
        "fine": found.fine,
        "made": found.made,
        "accounts": dict(found.accounts),
        "origins": dict(found.origins),
        **_tree(found.matched),
        "stash": None if found.stash is None else _tree(found.stash),
        "stash_missing": found.stash_missing or None,
        "is_source": found.is_source,
        "round_trip": None,
        "readings": [one._asdict() for one in found.readings],
    }
    if found.back is not None:
        tree["round_trip"] = {"fine": found.back.fine, "reason": found.back.reason or None}
        if found.back.matched is not None:
            tree["round_trip"] |= _tree(found.back.matched)
    return json.dumps(plain(tree), indent=2, default=str) + "\n"


def _tree(matched: Matched) -> dict[str, Any]:
    return {
        "missing": matched.found.only_left,
        "without_origin": matched.found.only_right,
        "different": [_pair(pair) for pair in matched.found.changed],
        "sha256": matched.hashes,
        "kinds": matched.kinds,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "name": pair.right,
        "verdict": pair.verdict,
        "expected": {"dtype": pair.left_type.dtype, "shape": list(pair.left_type.shape)},
        "found": {"dtype": pair.right_type.dtype, "shape": list(pair.right_type.shape)},
        "differing": pair.differing if pair.differing >= 0 else None,
        "largest": pair.largest,
        "where": list(pair.where) if pair.where is not None else None,
        "values": list(pair.values) if pair.values is not None else None,
    }


def _origin(found: Verified) -> Iterator[str]:
    if found.is_source is False:
        yield line("source", "is another file than the target says that it was made from")


def _accounts(found: Verified) -> str:
    every = list(found.accounts.values())
    counts = [f"{every.count(word)} {word}" for word in WORDS if word in every]
    return f"{len(every)} tensor{'s' * (len(every) != 1)}: {', '.join(counts) or 'none'}"


def _matched(label: str, matched: Matched) -> Iterator[str]:
    pairs = matched.found.pairs
    equal = sum(pair.verdict == "equal" for pair in pairs)
    yield line(label, f"{equal} of {len(matched.kinds)} tensors as they should be, bit for bit")


def _problems(matched: Matched, here: str, there: str) -> Iterator[str]:
    for name in matched.found.only_left:
        yield line("missing", f"{escape(name)} is not {here}")
    for name in matched.found.only_right:
        yield line("extra", f"{escape(name)} does not come {there}")
    for pair in matched.found.changed:
        yield line(pair.verdict, f"{escape(pair.right)}: {_told(pair)}")


def _told(pair: Pair) -> str:
    if pair.left_type != pair.right_type:
        return f"{pair.right_type}, not {pair.left_type}"
    if pair.differing == 0:
        return OTHER_BITS
    if pair.where is None or pair.values is None:
        return f"other bytes, from {list(pair.where or ())} on"
    wanted, there = map(number, pair.values)
    return (
        f"{pair.differing} number{'s' * (pair.differing != 1)}; largest deviation"
        f" {pair.largest:.6g} at {list(pair.where)}, {there} and not {wanted}"
    )


def _stash(found: Verified) -> Iterator[str]:
    if found.stash_missing:
        yield line("missing", f"{escape(found.stash_missing)}, which holds the stashed tensors")
    if found.stash is not None:
        yield from _matched("stash", found.stash)
        yield from _problems(found.stash, "in the stash", "from the source")


def _back(found: Verified) -> Iterator[str]:
    back = found.back
    if back is None:
        return
    if back.matched is None:
        yield line("back", f"there is no way back: {escape(back.reason)}")
        return
    yield from _matched("back", back.matched)
    yield from _problems(back.matched, "among what comes back", "back")


def _readings(found: Verified) -> Iterator[str]:
    for one in found.readings:
        said = []
        if one.before is not None or one.after is not None:
            numbers = (one.before, one.after)
            said.append(" -> ".join("none" if n is None else f"{n:.6g}" for n in numbers))
        if one.deviation is not None:
            said.append(f"at most {one.deviation:.3g} apart")
        broken = "; MORE THAN WAS PROMISED" if one in found.broken else ""
        yield line("probe", f"{escape(one.what)}: {', '.join(said)}{broken}")


def _every(found: Verified) -> Iterator[str]:
    for name, digest in found.matched.hashes.items():
        origin = found.origins[name]
        told = "" if origin == name else f" from {escape(origin)}"
        yield line(found.matched.kinds[name], f"{escape(name)}{told}, SHA-256 {digest}")
    for name, word in found.accounts.items():
        if word not in ("copied", "transformed"):
            yield line(word, escape(name))
