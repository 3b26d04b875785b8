"""Draft a revision from two versions of a schema: what one difference most likely was.

Every word of a draft is checked against both schemas as `cfgmig test` does it; what no word
is found for stays in the draft as a remark, and what is only likely says so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import dataclass, field, fields
from difflib import SequenceMatcher
from math import isfinite
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cfgmig.errors import CfgmigError
from cfgmig.migration.grade import MISSING, STASH, Special
from cfgmig.migration.on_fields import unexplained
from cfgmig.migration.operations import Add, Default, Move, Operation, Remove
from cfgmig.migration.values import equal
from cfgmig.paths import Path, Segment, format_path, parse_path

if TYPE_CHECKING:
    from cfgmig.schema.fields import Field

WIDTH = 100
"""Columns of a drafted file."""

ENOUGH = 3.0
"""From which likeness on a field that went and one that came are taken for one that moved."""

ALIKE = 0.6
"""From which share of common letters on two names are taken for relatives."""


@dataclass(frozen=True)
class Drafted:
    """A word of a draft; `guessed` tells why it is only likely."""

    operation: Operation
    guessed: str = ""


@dataclass
class Draft:
    """What a revision may say, and what its author has to add.

    Attributes:
        words: the operations, in order.
        left: path -> remark, for each difference that no operation explains.
    """

    words: list[Drafted] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def draft(before: Mapping[str, Field], after: Mapping[str, Field]) -> Draft:
    """The operations that lead from one schema to the next, as far as they can be told.

    Args:
        before: the field table of the older version.
        after: that of the newer one.
    """
    made = Draft()
    old = {parse_path(path): one for path, one in before.items()}
    new = {parse_path(path): one for path, one in after.items()}
    gone = {path: one for path, one in _leaves(old) if path not in new}
    come = {path: one for path, one in _leaves(new) if path not in old}
    moves = _moves(gone, come, _names_once(old) & _names_once(new))
    for source, target, reason in _sections_first(moves, old, new):
        move = Move(format_path(source), format_path(target), optional=not _certain(source, old))
        made.words.append(Drafted(move, reason))
    stay = {path: path for path in old if path in new} | {move[0]: move[1] for move in moves}
    for path in _whole([path for path in gone if path not in stay], old, new):
        made.words.append(Drafted(Remove(format_path(path), STASH, optional=True)))
    arrived = {target for _, target, _ in moves}
    for path in _whole([path for path in come if path not in arrived], new, old):
        _add(made, path, new[path])
    for source, target in stay.items():
        _default(made, target, old[source], new[target])
    for one in unexplained([one.operation for one in made.words], before, after):
        if any(one.path == path or one.path.startswith(f"{path}.") for path in made.left):
            continue
        help = f": {one.help}" if one.help else ""
        if one.kind == "type":
            help = f": {_conversion(one.path, stay, old, new)}"
        made.left[one.path] = f"{one.message}{help}"
    return made


def _certain(path: Path, table: Mapping[Path, Field]) -> bool:
    """Whether every file of that version has the key."""
    heads = (path[:length] for length in range(1, len(path) + 1))
    return "*" not in path and all(table[head].required for head in heads if head in table)


def _leaves(table: Mapping[Path, Field]) -> Iterator[tuple[Path, Field]]:
    """The rows below which a table has no others."""
    inner = {path[:length] for path in table for length in range(1, len(path))}
    for path, one in table.items():
        if path not in inner and one.kind != "section":
            yield path, one


def _names_once(table: Mapping[Path, Field]) -> set[Segment]:
    """The last segments that tell a field wherever it stands: not `enabled`, which many have."""
    counted = Counter(path[-1] for path, _ in _leaves(table))
    return {name for name, times in counted.items() if times == 1}


def _moves(
    gone: Mapping[Path, Field], come: Mapping[Path, Field], telling: set[Segment]
) -> list[tuple[Path, Path, str]]:
    """Pairs of a field that went and the one that it most likely became, each used once."""
    scored = sorted(
        (-_likeness(source, target, gone, come), i, j, source, target)
        for i, source in enumerate(gone)
        for j, target in enumerate(come)
        if source[:-1] == target[:-1]
        or {source[-1], target[-1]} <= telling
        or source[-2:-1] == target[-2:-1] != ()
    )
    taken: set[Path] = set()
    found = []
    for score, _, _, source, target in scored:
        if -score < ENOUGH or source in taken or target in taken:
            continue
        taken |= {source, target}
        found.append((source, target, _reason(source, target)))
    order = {path: place for place, path in enumerate(gone)}
    return sorted(found, key=lambda move: order[move[0]])


def _likeness(
    source: Path, target: Path, gone: Mapping[Path, Field], come: Mapping[Path, Field]
) -> float:
    """How likely `source` became `target`: the same name, place, default, description."""
    old, new = gone[source], come[target]
    shorter = min(len(source), len(target))
    nested = source[:shorter] == target[:shorter]
    if old.type != new.type or nested or source.count("*") != target.count("*"):
        return 0.0
    names = _alike(source[-1], target[-1])
    likeness = 2.0 * names if names >= ALIKE else 0.0
    likeness += source[-1] == target[-1]
    likeness += equal(old.default, new.default)
    likeness += 2.0 * bool(old.description and old.description == new.description)
    if source[:-1] == target[:-1]:
        alone = all(
            sum(path[:-1] == source[:-1] and one.type == old.type for path, one in table.items())
            == 1
            for table in (gone, come)
        )
        likeness += 1.0 + alone
    return likeness


def _alike(left: object, right: object) -> float:
    """The share of letters that two names have in common, from 0 to 1."""
    return SequenceMatcher(None, str(left), str(right)).ratio()


def _reason(source: Path, target: Path) -> str:
    if source[-1] == target[-1]:
        return "the same name, type and meaning elsewhere?"
    return "the same key under another name?"


def _sections_first(
    moves: Sequence[tuple[Path, Path, str]], old: Mapping[Path, Field], new: Mapping[Path, Field]
) -> list[tuple[Path, Path, str]]:
    """The moves, those of a whole section joined into one."""
    joined: list[tuple[Path, Path, str]] = []
    done: set[Path] = set()
    for source, target, reason in moves:
        if source in done:
            continue
        best = (source, target, reason)
        for length in range(1, len(source)):
            cut = len(target) - (len(source) - length)
            if cut < 1 or source[length:] != target[cut:]:
                continue
            if _moves_whole(source[:length], target[:cut], moves, old, new):
                best = (source[:length], target[:cut], "a section under another name?")
                break
        joined.append(best)
        done |= {move[0] for move in moves if move[0][: len(best[0])] == best[0]}
    return joined


def _moves_whole(
    source: Path,
    target: Path,
    moves: Sequence[tuple[Path, Path, str]],
    old: Mapping[Path, Field],
    new: Mapping[Path, Field],
) -> bool:
    """Whether all that lay below `source` lies below `target` now, which was not there."""
    if source in new or target in old or source[: len(target)] == target[: len(source)]:
        return False
    goals = {move[0]: move[1] for move in moves}
    below = [path for path, _ in _leaves(old) if path[: len(source)] == source]
    return all(goals.get(path) == target + path[len(source) :] for path in below)


def _whole(
    paths: Sequence[Path], old: Mapping[Path, Field], new: Mapping[Path, Field]
) -> list[Path]:
    """The paths, or the highest sections that hold nothing else."""
    leaving = set(paths)
    found: list[Path] = []
    for path in paths:
        for length in range(1, len(path) + 1):
            head = path[:length]
            if "*" in head and length < len(path):
                break
            below = [one for one, _ in _leaves(old) if one[:length] == head]
            if head in old and head not in new and all(one in leaving for one in below):
                path = head
                break
        if path not in found:
            found.append(path)
    return found


def _add(made: Draft, path: Path, row: Field) -> None:
    """A key of the newer version: older files mean its default by not saying it."""
    name = format_path(path)
    if row.default is MISSING:
        made.left[name] = f'what did older files mean without it? Add("{name}", VALUE)'
        return
    try:
        made.words.append(Drafted(Add(name, row.default, implicit=True)))
    except CfgmigError as error:
        made.left[name] = error.message


def _default(made: Draft, path: Path, old: Field, new: Field) -> None:
    """A changed default is written down where older files relied on it."""
    name = format_path(path)
    if old.kind == "section" or new.kind == "section":
        return
    if not equal(old.default, new.default):
        made.words.append(Drafted(Default(name, old.default, new=new.default)))


def _conversion(
    path: str, stay: Mapping[Path, Path], old: Mapping[Path, Field], new: Mapping[Path, Field]
) -> str:
    """The word for a changed type, with what each value of a choice may have become."""
    target = parse_path(path)
    source = next((one for one, goal in stay.items() if goal == target), target)
    choices = [old[source].choices, new[target].choices] if source in old else [(), ()]
    stale = [value for value in choices[0] if value not in choices[1]]
    end = "" if source in old and _certain(source, old) else ", optional=True"
    if not stale or not choices[1]:
        return f'add Convert("{path}", ...{end})'
    pairs = ", ".join(
        f"{_literal(value)}: {_closest(value, choices) if value in stale else _literal(value)}"
        for value in choices[0]
    )
    return f'add Convert("{path}", Values({{{pairs}}}){end})'


def _closest(value: Any, choices: Sequence[Sequence[Any]]) -> str:
    """The new choice whose name is like `value`; dots where none is."""
    fresh = [one for one in choices[1] if one not in choices[0]]
    best = max(fresh, key=lambda other: _alike(value, other), default=None)
    return _literal(best) if best is not None and _alike(value, best) >= ALIKE else "..."


def file_text(message: str, version: str, revises: str | None, draft: Draft) -> str:
    """The text of a revision file.

    Args:
        message: the sentence that users read.
        version: the version that the revision leads to.
        revises: the one that it starts from; None for a family's first.
        draft: its words, and remarks on what they leave open.
    """
    sentence = " ".join(message.split()).replace("\\", "\\\\").replace('"', "'")
    end = "" if sentence.endswith((".", "!", "?")) else "."
    lines = [f'"""{sentence[0].upper()}{sentence[1:]}{end}"""', ""]
    words = sorted(
        {word for one in draft.words for word in _names(one.operation)},
        key=lambda word: (not word.isupper(), word),
    )
    if words:
        lines += [f"from cfgmig.migration import {', '.join(words)}", ""]
    lines += [f"revision = {_literal(version)}", f"revises = {_literal(revises)}"]
    body: list[str] = []
    for one in draft.words:
        body += [f"    # likely: {one.guessed}"] if one.guessed else []
        body.append(f"    {_call(one.operation)},")
    for path, remark in draft.left.items():
        text = f"to do by hand: {'' if path in remark else f'{path}: '}{remark}"
        body += wrap(text, WIDTH, initial_indent="    # ", subsequent_indent="    #   ")
    lines += ["config = [", *body, "]"] if body else ["config = []"]
    return "\n".join([*lines, "weights = []", ""])


def _call(operation: Operation) -> str:
    """An operation as its author would write it: what is as always stays unsaid."""
    said = []
    for place, one in enumerate(fields(operation)):  # type: ignore[arg-type]
        value = getattr(operation, one.name)
        if one.default is not NO_DEFAULT and value is one.default:
            continue
        said.append(("" if place < 2 else f"{one.name}=", value))
    short = ", ".join(f"{name}{_literal(value)}" for name, value in said)
    word = type(operation).__name__
    if len(f"    {word}({short}),") <= WIDTH:
        return f"{word}({short})"
    lines = (f"        {name}{_literal(value, 8)},\n" for name, value in said)
    return f"{word}(\n{''.join(lines)}    )"


def _names(operation: Operation) -> Iterator[str]:
    """The names that a revision file imports for an operation."""
    yield type(operation).__name__
    for one in fields(operation):  # type: ignore[arg-type]
        if isinstance(value := getattr(operation, one.name), Special) and value is not one.default:
            yield repr(value)


def _literal(value: Any, indent: int | None = None) -> str:
    """Python source of a value; a mapping with `indent` has a line for each of its keys."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not isfinite(value):
        return f'float("{value}")'
    if isinstance(value, dict) and value:
        pairs = [f"{_literal(key)}: {_literal(item)}" for key, item in value.items()]
        if indent is None:
            return f"{{{', '.join(pairs)}}}"
        margin = " " * indent
        return "{\n" + "".join(f"{margin}    {pair},\n" for pair in pairs) + f"{margin}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
