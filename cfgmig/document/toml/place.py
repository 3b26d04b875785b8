"""Where new keys and tables of a TOML file go."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cfgmig.document.node import Node
from cfgmig.document.toml import braces, emit
from cfgmig.document.toml.lines import ranked
from cfgmig.document.toml.step import Step, block_of
from cfgmig.document.toml.tree import Block, statements
from cfgmig.paths import Path, format_path, has

# Gives the lines of an entry, comments included, for its key as text and an indentation.
Body = Callable[[str, str], list[str]]


class Home(NamedTuple):
    """What takes a new key.

    Attributes:
        block: the table whose lines take it.
        new: else the table that needs a header first.
        holder: else the inline table or array that takes it.
        rest: the key, relative to the block or the holder.
    """

    rest: Path
    block: Block | None = None
    new: Path | None = None
    holder: Node | None = None


def home(step: Step, path: Path, near: Block | None = None) -> Home:
    """What takes a new key.

    Args:
        step: the change.
        path: the key.
        near: the table in whose lines dotted keys of the same kind stand already.

    Raises:
        Refused: a value stands in its way.
    """
    document, parent = step.document, path[:-1]
    there, node = _nearest(step, path)
    if node.style == "flow":
        return Home(path[len(there) :], holder=node)
    own = block_of(document, parent)
    if own is not None and own is not near:
        return Home(path[-1:], own)
    if near is not None and path[: len(near.path)] == near.path:
        size = len(near.path) + 1
        if not any(block.path[:size] == path[:size] for block in document.blocks):
            return Home(path[len(near.path) :], near)
    dotted = next(
        (
            block
            for block, one in statements(document.blocks)
            if there and len(one.path) > len(there) > len(block.path)
            and one.path[: len(there)] == there
        ),
        None,
    )  # fmt: skip
    if dotted is not None and (there == parent or block_of(document, there) is None):
        return Home(path[len(dotted.path) :], dotted)
    return Home(path[-1:], new=parent)


def _nearest(step: Step, path: Path) -> tuple[Path, Node]:
    """The nearest existing table or array above a new key.

    Raises:
        Refused: nothing can be put there.
    """
    there = path[:-1]
    while not has(step.document.data, there):
        there = there[:-1]
    node, new = step.document.node(there), format_path(path)
    if node is None or node.kind == "scalar":
        raise step.refuse(
            f"{format_path(there)} is a value, so {new} has no place", there, "key-collision"
        )
    if node.kind == "sequence" and not (isinstance(path[len(there)], int) and node.style == "flow"):
        raise step.refuse(f"{new} has no place: {format_path(there)} is an array", there)
    if node.style == "dotted":
        raise step.refuse(
            f"{format_path(there)} is written by a dotted key inside of braces", there
        )
    return there, node


def put(step: Step, path: Path, body: Body, text: str) -> None:
    """Put a new key where it belongs.

    Args:
        step: the change.
        path: the key.
        body: its lines in a table.
        text: its value inside of braces.
    """
    place = home(step, path)
    if place.holder is not None:
        put_inside(step, path, place, text)
    elif place.block is not None:
        put_in_block(step, place.block, place.rest, body)
    else:
        new = place.new or ()
        lines = [f"[{emit.dotted(new)}]", *body(emit.dotted(place.rest), "")]
        put_table(step, new, lines)


def put_inside(step: Step, path: Path, place: Home, text: str) -> None:
    """Put a value into braces or brackets."""
    holder, rest = place.holder, place.rest
    assert holder is not None
    if holder.kind == "sequence":
        index = int(rest[0])
        if len(rest) > 1 or index > len(holder.items):
            raise step.refuse(f"{format_path(path)} is out of range", path, "not-found")
        braces.put(step, holder, index, text)
        return
    for segment in reversed(rest[1:]):
        text = f"{{ {emit.key(str(segment))} = {text} }}"
    names = [entry.name for entry in holder.entries]
    index = ranked(names, str(rest[0]), step.order(path[: len(path) - len(rest)]))
    braces.put(step, holder, index, f"{emit.key(str(rest[0]))} = {text}")


def put_in_block(step: Step, block: Block, rest: Path, body: Body) -> None:
    """Put a key among the lines of a table."""
    lines = step.lines
    index = lines.index(block, rest, step.order(block.path))
    if not block.statements:
        line = lines.home_end(block)
    elif index:
        line = block.statements[index - 1].last + 1
    else:
        line = lines.before(block.statements[0])
    alone = block.line < 0 and not block.statements and lines.spaced()
    step.put(line, body(emit.dotted(rest), lines.indent(block)), below=alone)


def put_table(step: Step, path: Path, texts: list[str]) -> None:
    """Put the lines of a new table, header first, where it belongs."""
    spaced, line = step.lines.spaced(), table_line(step, path)
    # A comment right above would be taken for one about the table.
    beneath = line > 0 and step.lines.kind(line - 1) == "comment"
    step.put(line, texts, above=spaced or beneath, below=spaced)


def table_line(step: Step, path: Path) -> int:
    """The line at which a new table goes: by the schema's order, else behind its siblings."""
    lines = step.lines
    blocks = lines.blocks[1:]
    below = [block for block in blocks if block.path[: len(path)] == path]
    if below:
        return lines.before(below[0])
    outer = path[:-1]
    while outer and not any(block.path[: len(outer)] == outer for block in blocks):
        outer = outer[:-1]
    size = len(outer)
    inner = [b for b in blocks if b.path[:size] == outer and len(b.path) > size]
    names = [str(block.path[size]) for block in inner]
    at = ranked(names, str(path[size]), step.order(outer))
    if inner and at == 0:
        return lines.before(inner[0])
    before = inner[at - 1] if inner else block_of(step.document, outer)
    if before is None or before.line < 0:
        return len(lines.texts)
    following = blocks[blocks.index(before) + 1 :]
    return lines.before(following[0]) if following else len(lines.texts)
