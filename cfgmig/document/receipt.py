"""Lists of edits as values: apply them, and compose successive ones into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cfgmig.document.spans import Edit, Note

if TYPE_CHECKING:
    from cfgmig.document.source import Source


def apply(text: str, edits: Sequence[Edit]) -> str:
    """`text` with `edits` spliced in; they are sorted and do not overlap.

    Raises:
        ValueError: they overlap, are out of order, or reach outside the text.
    """
    parts = []
    at = 0
    for edit in edits:
        if edit.start < at or edit.end < edit.start or edit.end > len(text):
            raise ValueError(f"edits overlap at offset {edit.start}")
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


class _Piece:
    """A stretch of the middle text: kept from the first (text is None) or written by an edit."""

    __slots__ = ("end", "start", "text", "why")

    def __init__(self, start: int, end: int, text: str | None, why: str) -> None:
        self.start = start
        self.end = end
        self.text = text
        self.why = why

    def __len__(self) -> int:
        return self.end - self.start if self.text is None else len(self.text)


def compose(first: Sequence[Edit], second: Sequence[Edit]) -> tuple[Edit, ...]:
    """One list of edits that does to the first text what `first` and then `second` do.

    Property: `apply(text, compose(a, b)) == apply(apply(text, a), b)`.
    """
    if not first or not second:
        return tuple(first or second)
    horizon = _horizon(first, second)
    pieces = _pieces(first, horizon)
    out: list[_Piece] = []
    at = 0
    index = 0
    inside = 0
    for edit in second:
        while at < edit.start:
            part, index, inside = _take(pieces, index, inside, edit.start - at)
            out.append(part)
            at += len(part)
        out.append(_Piece(0, 0, edit.text, edit.why))
        while at < edit.end:
            part, index, inside = _take(pieces, index, inside, edit.end - at)
            at += len(part)
    if inside:
        part, index, inside = _take(pieces, index, inside, len(pieces[index]) - inside)
        out.append(part)
    return _to_edits([*out, *pieces[index:]], horizon)


def _horizon(first: Sequence[Edit], second: Sequence[Edit]) -> int:
    """An offset of the first text that no edit of either list reaches behind."""
    growth = sum(len(edit.text) - (edit.end - edit.start) for edit in first)
    return max(first[-1].end, second[-1].end - growth)


def _pieces(edits: Sequence[Edit], horizon: int) -> list[_Piece]:
    pieces = []
    at = 0
    for edit in edits:
        pieces.append(_Piece(at, edit.start, None, ""))
        pieces.append(_Piece(edit.start, edit.end, edit.text, edit.why))
        at = edit.end
    pieces.append(_Piece(at, horizon, None, ""))
    return [piece for piece in pieces if piece.text is not None or len(piece)]


def _take(pieces: list[_Piece], index: int, inside: int, wanted: int) -> tuple[_Piece, int, int]:
    """At most `wanted` characters of the piece at `index`, from `inside` on."""
    piece = pieces[index]
    size = min(wanted, len(piece) - inside)
    if piece.text is None:
        start = piece.start + inside
        part = _Piece(start, start + size, None, "")
    else:
        part = _Piece(0, 0, piece.text[inside : inside + size], piece.why)
    if inside + size == len(piece):
        return part, index + 1, 0
    return part, index, inside + size


def _to_edits(pieces: Sequence[_Piece], horizon: int) -> tuple[Edit, ...]:
    """Edits from pieces in order: what lies between two kept stretches was replaced."""
    edits: list[Edit] = []
    at = 0
    text = ""
    why: list[str] = []

    def flush(end: int) -> None:
        nonlocal text
        if text or end > at:
            edits.append(Edit(at, end, text, "; ".join(dict.fromkeys(filter(None, why)))))
        text = ""
        why.clear()

    for piece in pieces:
        if piece.text is not None:
            text += piece.text
            why.append(piece.why)
        elif len(piece):
            flush(piece.start)
            at = piece.end
    flush(horizon)
    return tuple(edits)


def shifted(offset: int, edits: Sequence[Edit]) -> int:
    """Where an offset of a text is after edits."""
    moved = offset
    for change in edits:
        if change.end <= offset:
            moved += len(change.text) - (change.end - change.start)
    return moved


def relined(
    notes: Iterable[Note], before: Source, after: Source, edits: Sequence[Edit]
) -> list[Note]:
    """Notes about one text at the lines that they have in the text which `edits` made of it."""
    starts = before.starts
    return [
        note._replace(line=after.place(shifted(starts[note.line - 1], edits))[0]) for note in notes
    ]
