"""One change of a TOML text, planned: which lines go, which come, which spans change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.document.changes import Change, Delete, Insert, MoveTo, Restore, Rewrite, SetValue
from cfgmig.document.node import Node
from cfgmig.document.toml import braces, emit
from cfgmig.document.toml.model import Leave, same, top_of, unwraps
from cfgmig.document.toml.place import Body, Home, home, put, put_table
from cfgmig.document.toml.step import Step, block_of, defining
from cfgmig.document.toml.tree import Block, Statement
from cfgmig.errors import UsageError
from cfgmig.paths import Path, format_path, get, has

if TYPE_CHECKING:
    from cfgmig.document.document import Document


def plan(step: Step, change: Change | Leave) -> None:
    """Draft one change.

    Raises:
        Refused: it is not possible, or not safely.
    """
    if isinstance(change, MoveTo):
        from cfgmig.document.toml.move import move

        move(step, change)
    elif isinstance(change, Delete):
        delete(step, change)
        step.drop_comments()
    elif isinstance(change, Leave):
        _leave(step, change)
    elif isinstance(change, Insert):
        _insert(step, change)
    elif isinstance(change, SetValue):
        _set(step, change)
    elif isinstance(change, Rewrite):
        _rewrite(step, change)
    elif isinstance(change, Restore):
        from cfgmig.document.toml.cut import restore

        restore(step, change.cut)
    else:
        raise UsageError(f"not a change: {change!r}")


def need(step: Step, path: Path) -> Node:
    """What stands at a path.

    Raises:
        Refused: nothing does.
    """
    node = step.document.node(path)
    if node is None:
        raise step.refuse(f"there is no {format_path(path)}", path, "not-found")
    return node


def delete(step: Step, change: Delete) -> Path:
    """An entry goes, with what it empties; the path of what went comes back."""
    data, path = step.document.data, change.path
    need(step, path)
    top = top_of(data, path) if change.prune else path
    place = braces.inside(step, top)
    if place is not None:
        braces.remove(step, place)
        return top
    holder = get(data, top[:-1])
    if isinstance(holder, list) and len(holder) == 1:
        raise step.refuse(f"{format_path(top)} is the last table of its array", top)
    found = defining(step.document, top)
    last = len(holder) == 1 and len(top) > 1 and not isinstance(holder, list)
    if last and not change.prune and block_of(step.document, top[:-1]) is None:
        _leave_empty(step, found, top[:-1])
    step.note_title(*step.lines.extent(found[0])[:2])
    for entry in found:
        _take(step, entry, whole=top == path)
    return top


def _take(step: Step, entry: Block | Statement, *, whole: bool) -> None:
    """The lines of a statement, or of a header, go; with `whole`, all between them too."""
    extent = step.lines.extent(entry)
    last = extent.last
    if isinstance(entry, Block):
        last = last if whole else entry.line
        step.note_rest(last)
    head = extent.head
    if whole and step.is_gone(step.lines.above(head)):
        head = step.lines.above(head) + 1
    step.remove(head, last)


def _leave(step: Step, change: Leave) -> None:
    """The comments of a value that was copied go; those around it stay, on lines of their own."""
    node = need(step, change.path)
    copied = [text for at, _, text in step.spots if node.start <= at < node.end]
    delete(step, Delete(change.path))
    for first, last in step.taken:
        texts = step.comments(first, last)
        for text in copied:
            texts.remove(text)
        step.keep(first, texts)
    if step.taken:
        for text in copied:
            step.lose(text)


def _leave_empty(step: Step, found: list[Block | Statement], holder: Path) -> None:
    """The table that a delete empties stays, in the manner in which it was written."""
    first = found[0]
    extent = step.lines.extent(first)
    if isinstance(first, Block):
        step.put(extent.head, [f"[{emit.dotted(holder)}]"])
        return
    block = next(one for one in step.document.blocks if first in one.statements)
    step.put(extent.head, [f"{emit.dotted(holder[len(block.path) :])} = {{}}"])


def _insert(step: Step, change: Insert) -> None:
    path, value = change.path, change.value
    if has(step.document.data, path) and not isinstance(path[-1], int):
        line = step.document.position(path).line
        raise step.refuse(
            f"{format_path(path)} is there already (line {line})", path, "key-collision",
            "delete one of the two",
        )  # fmt: skip
    place = home(step, path)
    if change.raw is not None:
        insert_raw(step, change, place)
        return
    text = step.spelled(value, path)
    comments = [f"# {change.comment}"] if change.comment else []
    step.bring(comments if place.holder is None else ())
    dotted = place.holder is not None or (place.block is not None and len(place.rest) > 1)
    if isinstance(value, dict) and value and not dotted:
        put_table(step, path, [*comments, *emit.table(path, value, step.quote)])
        return

    def body(key: str, indent: str) -> list[str]:
        return [f"{indent}{line}" for line in (*comments, f"{key} = {text}")]

    put(step, path, body, text)


def insert_raw(step: Step, change: Insert, place: Home) -> None:
    """A new entry as somebody has spelled it."""
    from cfgmig.document.document import Document

    snippet = Document.parse(str(change.raw), step.document.name, "toml")
    node = snippet.blocks[0].statements[0].value
    for at, end in snippet.comment_spans():
        if place.holder is None or node.start <= at < node.end:
            step.bring([snippet.text[at:end]])
    put(step, change.path, rekeyed(snippet), snippet.text[node.start : node.end])


def rekeyed(snippet: Document) -> Body:
    """The lines of a snippet's only statement under another key."""
    keys = snippet.blocks[0].statements[0].keys
    head, rest = snippet.text[: keys[0].start], snippet.text[keys[-1].end :]

    def body(key: str, indent: str) -> list[str]:
        lines = f"{head.strip(' ')}{key}{rest}".rstrip("\n").split("\n")
        return [
            f"{indent}{line}" if at <= head.count("\n") else line for at, line in enumerate(lines)
        ]

    return body


def _set(step: Step, change: SetValue) -> None:
    node = need(step, change.path)
    if same(get(step.document.data, change.path), change.value):
        return
    quote = node.style if node.style in ("'", '"') else step.quote
    if node.start == node.end or node.style in ("block", "dotted"):
        raise step.refuse(
            f"{format_path(change.path)} is written as a table and cannot become a value",
            change.path,
        )  # fmt: skip
    step.replace(node.start, node.end, step.spelled(change.value, change.path, quote))


def _rewrite(step: Step, change: Rewrite) -> None:
    import tomllib

    node = need(step, change.path)
    try:
        (value,) = tomllib.loads(f"_ = {change.raw}").values()
    except ValueError:
        raise step.refuse(f"`{change.raw}` is not one value", change.path) from None
    get(step.expected, change.path[:-1])[change.path[-1]] = value
    step.replace(node.start, node.end, change.raw)


def unpacked(document: Document, change: Change) -> list[Change | Leave]:
    """A change of a whole table as changes of its keys, which are written one by one.

    What moves out of braces is written at its new place first.
    """
    if isinstance(change, MoveTo) and _parts(document, change):
        node = document.node(change.source)
        assert node is not None
        raw = f"{emit.key(str(change.target[-1]))} = {document.text[node.start : node.end]}"
        value = get(document.data, change.source)
        return [Insert(change.target, value, raw), Leave(change.source)]
    if not isinstance(change, SetValue) or not has(document.data, change.path):
        return [change]
    path, new = change.path, change.value
    node, old = document.node(path), get(document.data, path)
    if same(old, new):
        return []
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            one
            for at in range(len(old))
            for one in unpacked(document, SetValue((*path, at), new[at]))
        ]
    if node is None or not isinstance(new, dict) or not isinstance(old, dict) or not (new and old):
        own_text = node is not None and node.style not in ("block", "dotted")
        return [change] if own_text else [Delete(path, prune=False), Insert(path, new)]
    out: list[Change | Leave] = []
    for name, value in new.items():
        if name in old:
            out += unpacked(document, SetValue((*path, name), value))
        else:
            out.append(Insert((*path, name), value))
    # Last, so that no table is empty on the way.
    return [*out, *(Delete((*path, name), prune=False) for name in old if name not in new)]


def _parts(document: Document, change: MoveTo) -> bool:
    """Whether a move leaves braces for another table."""
    source, target = change.source, change.target
    if not has(document.data, source) or not source or isinstance(source[-1], int) or not target:
        return False
    holder = document.node(source[:-1])
    stays = source[:-1] == target[:-1] or target[: len(source)] == source
    stays = stays or unwraps(document.data, source, target)
    return holder is not None and holder.style == "flow" and not stays
