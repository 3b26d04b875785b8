"""What a delete takes out of a TOML text, and how it is put back.

The text of a cut is TOML by itself: the lines of a key, relative to its table, or the
lines of a table with its header. Its neighbours are the statements around it in its table,
or the headers around its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cfgmig.document.changes import Cut, Delete, Insert
from cfgmig.document.toml import braces
from cfgmig.document.toml.emit import dotted
from cfgmig.document.toml.model import put
from cfgmig.document.toml.place import home as home_of
from cfgmig.document.toml.place import put as put_key
from cfgmig.document.toml.place import put_in_block, put_table
from cfgmig.document.toml.plan import insert_raw, rekeyed
from cfgmig.document.toml.step import Step, block_of, defining
from cfgmig.document.toml.tree import Block, Statement
from cfgmig.errors import Refused
from cfgmig.paths import Path, format_path, get, has

if TYPE_CHECKING:
    from cfgmig.document.document import Document


def cuts(document: Document, paths: Sequence[Path], prune: bool) -> tuple[Cut, ...]:
    """What deleting paths one after the other would take out.

    Raises:
        Refused: as those deletes.
    """
    from cfgmig.document.toml.editor import edit, ended

    current, _ = ended(document)
    out = []
    for number, path in enumerate(paths, 1):
        out.append(_cut(current, path, prune))
        if number < len(paths):
            current = edit(current, [Delete(path, prune)], None).document
    return tuple(out)


def _cut(document: Document, path: Path, prune: bool) -> Cut:
    from cfgmig.document.toml.plan import delete

    if document.node(path) is None:
        raise Refused(f"there is no {format_path(path)}", kind="not-found", file=document.name)
    change = Delete(path, prune)
    step = Step(document, change, None)
    top = delete(step, change)
    place = braces.inside(step, top)
    if place is not None:
        return braces.cut(step, place, path, top)
    step.edits()
    texts = [text for first, last in step.ranges for text in step.lines.texts[first : last + 1]]
    first = step.ranges[0][0]
    floor = step.lines.above(first)
    found = defining(document, top)
    _refuse_repeated(step, found[0], top)
    before, after = _neighbours(document, found)
    key, indent = _first_content(texts)
    return Cut(
        path, top, "".join(f"{text}\n" for text in texts), "lines", before, after,
        skip=first - floor - 1, key=key, indent=indent,
    )  # fmt: skip


def _refuse_repeated(step: Step, entry: Block | Statement, top: Path) -> None:
    """Refuse a dotted key that does not tell by itself which table it stands in."""
    if isinstance(entry, Statement):
        block = next(one for one in step.document.blocks if entry in one.statements)
        if _above(entry, top) != block.path:
            raise step.refuse(
                f"{format_path(top)}: its dotted key repeats the name of its table", top,
                help="write it below a header of its own",
            )  # fmt: skip


def _first_content(texts: Sequence[str]) -> tuple[int, int]:
    """Which line holds the key or the header, and its column, from 0."""
    for number, text in enumerate(texts):
        bare = text.lstrip(" ")
        if bare and not bare.startswith("#"):
            return number, len(text) - len(bare)
    return 0, 0


def _neighbours(
    document: Document, found: Sequence[Block | Statement]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of what stands before and after entries that go together."""
    first = found[0]
    if isinstance(first, Block):
        names = [(one in found, _name(one)) for one in document.blocks[1:]]
    else:
        block = next(one for one in document.blocks if first in one.statements)
        names = [(one in found, _key(one)) for one in block.statements]
    gone = [at for at, (goes, _) in enumerate(names) if goes]
    before = [name for _, name in names[: gone[0]]]
    after = [name for goes, name in names[gone[0] :] if not goes]
    return tuple(before[-1:]), tuple(after[:1])


def _name(block: Block) -> str:
    return format_path(block.path)


def _key(statement: Statement) -> str:
    return ".".join(str(node.content) for node in statement.keys)


def restore(step: Step, cut: Cut) -> None:
    """Draft the return of a cut.

    Raises:
        Refused: its place is taken, or its text cannot be read any more.
    """
    snippet = _snippet(step.document.name, cut)
    value = _value(snippet, cut)
    if has(step.document.data, cut.at) and not isinstance(cut.at[-1], int):
        _restore_inner(step, cut, snippet, value)
        return
    put(step.expected, cut.at, value)
    step.bring(comment.text for comment in snippet.comments())
    if cut.how != "lines":
        _restore_value(step, cut, snippet)
    elif len(snippet.blocks) > 1:
        _restore_table(step, cut)
    else:
        _restore_lines(step, cut, snippet)


def _snippet(name: str, cut: Cut) -> Document:
    from cfgmig.document.document import Document

    text = cut.text
    if cut.how != "lines":
        text = text.strip().strip(",").strip()
        text = f"_ = [\n{text}\n]\n" if isinstance(cut.at[-1], int) else text
    try:
        return Document.parse(text, name, "toml")
    except Refused as problem:
        raise Refused(
            f"what was kept of {format_path(cut.path)} cannot be read: {problem.message}",
            kind=problem.kind, file=name,
        ) from problem  # fmt: skip


def read(cut: Cut, name: str) -> Any:
    """The value that a cut has for `cut.at`.

    Raises:
        Refused: its text does not hold that key.
    """
    return _value(_snippet(name, cut), cut)


def _value(snippet: Document, cut: Cut) -> Any:
    data: Any = snippet.data
    if cut.how != "lines" and isinstance(cut.at[-1], int):
        return data["_"][0]
    try:
        if len(snippet.blocks) > 1:
            for segment in cut.at:
                if isinstance(segment, str):
                    data = data[segment]
            return data[0] if isinstance(cut.at[-1], int) else data
        return get(data, cut.at[len(_table(snippet, cut)) :])
    except (KeyError, TypeError, IndexError):
        raise Refused(
            f"what was kept of {format_path(cut.path)} does not hold that key",
            kind="not-found", file=snippet.name,
        ) from None  # fmt: skip


def _table(snippet: Document, cut: Cut) -> Path:
    """The table whose lines a cut's statements were."""
    found = snippet.blocks[0].statements
    return _above(found[0], cut.at) if found else cut.at[:-1]


def _above(statement: Statement, at: Path) -> Path:
    """The table that a statement is relative to, where it says something at or below a path.

    Raises:
        KeyError: it says nothing there.
    """
    keys = tuple(str(node.content) for node in statement.keys)
    for size in range(min(len(keys), len(at)), 0, -1):
        if at[len(at) - size :] == keys[:size]:
            return at[: len(at) - size]
    raise KeyError(at)


def _restore_lines(step: Step, cut: Cut, snippet: Document) -> None:
    """The lines of a key, or of dotted keys, go back into their table."""
    table = _table(snippet, cut)
    texts = cut.text.removesuffix("\n").split("\n")
    found = snippet.blocks[0].statements
    block = block_of(step.document, table)
    if block is None and home_of(step, cut.at).new == table:
        put_table(step, table, [f"[{dotted(table)}]", *_unled(texts)])
        return
    inner = cut.at[: len(table) + 1]
    if block is None or (len(cut.at) > len(inner) and _declared(step, inner)):
        if len(found) > 1:
            raise step.refuse(f"{format_path(cut.at)} has no place to go back to", cut.at)
        keys = tuple(str(node.content) for node in found[0].keys)
        node = found[0].value
        put_key(step, table + keys, rekeyed(snippet), snippet.text[node.start : node.end])
        return
    line = _line(step, block, cut)
    if line is None:
        put_in_block(step, block, cut.at[len(table) :], lambda _key, _indent: texts)
    else:
        step.put(line, texts)


def _declared(step: Step, path: Path) -> bool:
    """Whether a table has a header by now, or one below it has."""
    return any(one.path[: len(path)] == path for one in step.document.blocks)


def _unled(texts: list[str]) -> list[str]:
    """Lines without the blank lines that they begin with."""
    start = next((at for at, text in enumerate(texts) if text.strip()), 0)
    return texts[start:]


def _line(step: Step, block: Block, cut: Cut) -> int | None:
    """The line at which a statement stood, by the neighbours that are still there."""
    named = {_key(one): one for one in block.statements}
    if cut.before:
        found = named.get(cut.before[0])
        if found is not None:
            return _skipped(step, found.last, cut.skip)
    elif block.line >= 0:
        return _skipped(step, block.line, cut.skip)
    following = named.get(cut.after[0]) if cut.after else None
    if following is None:
        return None if cut.before or block.statements else _skipped(step, -1, cut.skip)
    if not cut.before and step.lines.above(following.first) < 0:
        return _skipped(step, -1, cut.skip)
    return step.lines.before(following)


def _skipped(step: Step, line: int, count: int) -> int:
    """The line that stands `count` lines below another, unless content comes before."""
    return min(line + 1 + count, step.lines.below(line))


def _restore_table(step: Step, cut: Cut) -> None:
    """The lines of a table with its header go back between the headers around it."""
    named = {_name(block): block for block in step.document.blocks[1:]}
    texts = cut.text.removesuffix("\n").split("\n")
    before = named.get(cut.before[0]) if cut.before else step.document.blocks[0]
    following = named.get(cut.after[0]) if cut.after else None
    if before is not None and (cut.before or before.statements or following is None):
        line = _skipped(step, before.last, cut.skip)
    elif following is not None:
        line = min(_skipped(step, -1, cut.skip), step.lines.before(following))
    else:
        put_table(step, cut.at, _unled(texts))
        return
    step.put(line, texts)


def _restore_value(step: Step, cut: Cut, snippet: Document) -> None:
    """An entry of braces or brackets goes back: as it stood, else as what it says."""
    node = snippet.blocks[0].statements[0].value
    node = node.items[0] if isinstance(cut.at[-1], int) else node
    raw = snippet.text[node.start : node.end]
    place = home_of(step, cut.at)
    holder = place.holder
    if holder is None or len(place.rest) > 1:
        put_key(step, cut.at, rekeyed(snippet), raw)
    elif not braces.restore(step, holder, cut):
        index = min(cut.index, len(holder.entries or holder.items))
        spans = snippet.comment_spans()
        notes = [snippet.text[a:b] for a, b in spans if not node.start <= a < node.end]
        entry = f"{snippet.blocks[0].statements[0].keys[0].raw} = {raw}"
        entry = raw if isinstance(cut.at[-1], int) else entry
        braces.put(step, holder, index, entry, "".join(notes[:1]))


def _restore_inner(step: Step, cut: Cut, snippet: Document, value: Any) -> None:
    """A table that was cut whole is there again: what it held goes back into it."""
    path = cut.path
    if has(step.document.data, path):
        line = step.document.position(path).line
        raise step.refuse(
            f"{format_path(path)} is there already (line {line})", path, "key-collision",
            "delete one of the two",
        )  # fmt: skip
    headed = len(snippet.blocks) > 1
    table = () if headed or cut.how != "lines" else _table(snippet, cut)
    local = tuple(one for one in path[len(table) :] if not (headed and isinstance(one, int)))
    inner = snippet.cut(local, prune=False)
    kept = _snippet(step.document.name, inner)
    texts = _unled(kept.text.removesuffix("\n").split("\n"))
    others = Counter(c.text for c in snippet.comments()) - Counter(c.text for c in kept.comments())
    put(step.expected, path, get(value, path[len(cut.at) :]))
    if len(kept.blocks) > 1:
        step.bring(comment.text for comment in snippet.comments())
        put_table(step, path, [*others.elements(), *texts])
    else:
        raw = "\n".join([*others.elements(), *texts])
        insert_raw(step, Insert(path, None, raw), home_of(step, path))
