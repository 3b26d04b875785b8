"""A path of a TOML file goes elsewhere: headers and dotted keys get other names, lines move."""

from __future__ import annotations

from cfgmig.document.changes import MoveTo
from cfgmig.document.node import Node
from cfgmig.document.toml import braces, emit
from cfgmig.document.toml.model import unwraps
from cfgmig.document.toml.place import Body, home, put, put_in_block, put_table
from cfgmig.document.toml.plan import need
from cfgmig.document.toml.step import Step, block_of, defining, holds
from cfgmig.document.toml.tree import Block, Statement
from cfgmig.paths import Path, format_path, has


def move(step: Step, change: MoveTo) -> None:
    """Draft the move of a path to a free one.

    Raises:
        Refused: it is not possible, or not safely.
    """
    source, target = change.source, change.target
    if source == target:
        return
    need(step, source)
    if isinstance(source[-1], int) or not target or isinstance(target[-1], int):
        raise step.refuse(
            f"{format_path(source)}: an item of a list cannot move: its place is its name", source
        )
    data = step.document.data
    nested = target[: len(source)] == source or unwraps(data, source, target)
    if has(data, target) and not nested:
        line = step.document.position(source).line
        at = step.document.position(target).line
        raise step.refuse(
            f"{format_path(source)} (line {line}) cannot move: {format_path(target)} "
            f"is there already (line {at})", target, "key-collision", "delete one of the two",
        )  # fmt: skip
    place = braces.inside(step, source)
    if place is not None:
        _move_inside(step, change, place)
        return
    if target[: len(source)] != source and _becomes_value(step, source, target):
        _move_as_value(step, change)
        return
    tables: dict[Path, list[str]] = {}
    for entry in defining(step.document, source):
        if isinstance(entry, Block):
            _rename(step, entry.keys, source, target)
            continue
        block = next(one for one in step.document.blocks if entry in one.statements)
        if block.path[: len(source)] != source:
            _move_statement(step, change, block, entry, tables)
    if tables:
        put_table(step, next(iter(tables)), _joined(tables))
    _drop_headers(step, change)


def _becomes_value(step: Step, source: Path, target: Path) -> bool:
    """Whether a path goes into braces, or a table with a header below a certain `[[...]]`."""
    if home(step, target).holder is not None:
        return True
    pairs = enumerate(zip(source, target, strict=False))
    own = next((at for at, (one, other) in pairs if one != other), 0)
    headed = any(isinstance(entry, Block) for entry in defining(step.document, source))
    return headed and any(isinstance(segment, int) for segment in target[own:])


def _move_as_value(step: Step, change: MoveTo) -> None:
    """Lines become one value; the comments around the values in them stay where they were."""
    node = need(step, change.source)
    for entry in defining(step.document, change.source):
        extent = step.lines.extent(entry)
        last = entry.line if isinstance(entry, Block) else extent.last
        value = None if isinstance(entry, Block) else entry.value
        kept = [
            text
            for at, line, text in step.spots
            if extent.head <= line <= last and (value is None or not value.start <= at < value.end)
        ]
        step.remove(extent.head, last)
        step.note_title(extent.head, extent.first)
        step.keep(extent.head, kept)
    text = _flow(step, node)
    put(step, change.target, lambda key, indent: [f"{indent}{key} = {text}"], text)
    _drop_headers(step, change)


def _flow(step: Step, node: Node) -> str:
    """What a table says, in braces; every value as it is spelled."""
    if node.kind == "scalar" or node.style == "flow":
        return step.document.text[node.start : node.end]
    if node.kind == "sequence":
        return "[" + ", ".join(_flow(step, item) for item in node.items) + "]"
    pairs = (f"{entry.key.raw} = {_flow(step, entry.value)}" for entry in node.entries)
    return "{ " + ", ".join(pairs) + " }" if node.entries else "{}"


def _joined(tables: dict[Path, list[str]]) -> list[str]:
    """The lines of tables, each below its header."""
    lines: list[str] = []
    for path, texts in tables.items():
        lines += [*([""] if lines else []), f"[{emit.dotted(path)}]", *texts]
    return lines


def _rename(step: Step, keys: tuple[Node, ...], source: Path, target: Path) -> None:
    """Another beginning for a header, or for the dotted key of a statement."""
    size = sum(isinstance(segment, str) for segment in source)
    if source[:-1] == target[:-1]:
        node = keys[size - 1]
        step.replace(node.start, node.end, emit.key(str(target[-1]), node.style))
    else:
        step.replace(keys[0].start, keys[size - 1].end, emit.dotted(target))


def _move_statement(
    step: Step, change: MoveTo, block: Block, entry: Statement, tables: dict[Path, list[str]]
) -> None:
    """One statement takes its new name, where it stands or below another header.

    `tables` gets the lines that need a header of their own first.
    """
    source, target = change.source, change.target
    size = len(block.path)
    if source[:-1] == target[:-1] or target[: len(source)] == source:
        _rename(step, entry.keys, source[size:], target[size:])
        return
    path = target + entry.path[len(source) :]
    place = home(step, path, block if len(entry.keys) > 1 else None)
    if place.block is block:
        _rename(step, entry.keys, source[size:], target[size:])
        return
    extent = step.lines.extent(entry)
    step.remove(extent.head, extent.last)
    step.note_title(extent.head, extent.first)
    if place.block is not None:
        put_in_block(step, place.block, place.rest, _carried(step, entry))
    else:
        texts = _carried(step, entry)(emit.dotted(place.rest), "")
        tables.setdefault(place.new or (), []).extend(texts)


def _carried(step: Step, entry: Statement) -> Body:
    """The lines of a statement under another key."""
    extent = step.lines.extent(entry)
    texts = step.lines.texts
    source = step.document.source
    start = entry.keys[0].start - source.starts[entry.first]
    end = entry.keys[-1].end - source.starts[entry.first]
    indentation = texts[entry.first][:start]

    def body(key: str, indent: str) -> list[str]:
        head = [
            indent + line[start:] if line.startswith(indentation) else line
            for line in texts[extent.head : extent.first]
        ]
        first = f"{indent}{key}{texts[entry.first][end:]}"
        return [*head, first, *texts[extent.first + 1 : extent.last + 1]]

    return body


def _move_inside(step: Step, change: MoveTo, place: braces.Inside) -> None:
    """An entry of braces gets another name, or moves up or down where it stands."""
    source, target = change.source, change.target
    key = place.holder.entries[place.at].key
    raw = step.document.text[place.value.start : place.value.end]
    outer = step.document.node(target)
    if source[:-1] == target[:-1]:
        step.replace(key.start, key.end, emit.key(str(target[-1]), key.style))
    elif target[: len(source)] == source:
        for segment in reversed(target[len(source) :]):
            raw = f"{{ {emit.key(str(segment))} = {raw} }}"
        step.replace(place.value.start, place.value.end, raw)
    elif outer is not None:
        step.replace(outer.start, outer.end, raw)


def _drop_headers(step: Step, change: MoveTo) -> None:
    """Headers of tables that a move empties, or replaces, go; their comments stay."""
    for depth in range(len(change.source) - 1, 0, -1):
        path = change.source[:depth]
        block = block_of(step.document, path)
        stays = holds(step, path) and path != change.target
        if block is None or stays or step.is_gone(block.line):
            continue
        step.remove(block.line, block.line)
        step.keep(block.line, step.comments(block.line, block.line))
