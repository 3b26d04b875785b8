"""What may be asked of a document: a handful of frozen changes, and what a cut remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from cfgmig.paths import Path


class MoveTo(NamedTuple):
    """A path, with all below it and the comments it owns, goes to `target`.

    Within one parent this is a rename in place. Missing parents are created, parents that
    it empties are pruned.
    """

    source: Path
    target: Path


class SetValue(NamedTuple):
    """The value at `path` becomes `value`; a value that already reads so is not respelled."""

    path: Path
    value: Any


class Delete(NamedTuple):
    """An entry goes, with the comments it owns.

    With `prune`, mappings that this empties go too, up to the root; without it the emptied
    mapping is written `{}`.
    """

    path: Path
    prune: bool = True


class Insert(NamedTuple):
    """A new entry (last segment a key) or item (last segment an index up to the length).

    `raw` is source text of the whole entry, comment lines included, to put down verbatim but
    for its indentation; it must read as `value`. `comment` becomes a comment line above.
    """

    path: Path
    value: Any
    raw: str | None = None
    comment: str | None = None


class Rewrite(NamedTuple):
    """Another spelling, `raw`, for the scalar at `path`; its value may change type by it."""

    path: Path
    raw: str


@dataclass(frozen=True)
class Cut:
    """An entry as it stood, with enough about its place to put it back byte for byte.

    Attributes:
        path: what was asked to be cut.
        at: what leaves the file with it: `path`, or the ancestor that it empties.
        text: the exact text that leaves, with `\\n` line ends.
        how: "lines" (whole lines of a block); "dash" or "braces" (an entry that shares its line
            with a dash, with or without a sibling); "after", "before", "only" or "line" (in a
            flow collection: behind its previous sibling, before its next, alone, a line of it).
        before: keys of the preceding siblings, nearest first (at most four).
        after: keys of the following siblings, nearest first (at most four).
        skip: lines that stand between the previous sibling (or the parent's line) and the text.
        key: which line of `text`, from 0, begins the entry.
        indent: the column of the entry, from 0.
        emptied: its parent stays, written `{}`, when it goes.
        index: its index among its siblings.
        kept: lines of `text`, from 0, that stay in the file: comments that are nobody's.
        bare: it ended the file, without a line end.
    """

    path: Path
    at: Path
    text: str
    how: str = "lines"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    skip: int = 0
    key: int = 0
    indent: int = 0
    emptied: bool = False
    index: int = 0
    kept: tuple[int, ...] = ()
    bare: bool = False

    def to_dict(self) -> dict[str, Any]:
        """A small JSON object; fields that say nothing are left out."""
        out: dict[str, Any] = {"path": list(self.path), "text": self.text}
        if self.at != self.path:
            out["at"] = list(self.at)
        if self.how != "lines":
            out["how"] = self.how
        for name in ("before", "after", "kept"):
            keys = getattr(self, name)
            if keys:
                out[name] = list(keys)
        for name in ("skip", "key", "indent", "emptied", "index", "bare"):
            number = getattr(self, name)
            if number:
                out[name] = number
        return out

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Cut:
        """The inverse of `to_dict`.

        Raises:
            ValueError: the object is not one of `to_dict`.
        """
        try:
            path = tuple(data["path"])
            return cls(
                path,
                tuple(data.get("at", path)),
                str(data["text"]),
                str(data.get("how", "lines")),
                tuple(map(str, data.get("before", ()))),
                tuple(map(str, data.get("after", ()))),
                int(data.get("skip", 0)),
                int(data.get("key", 0)),
                int(data.get("indent", 0)),
                bool(data.get("emptied", False)),
                int(data.get("index", 0)),
                tuple(map(int, data.get("kept", ()))),
                bool(data.get("bare", False)),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not a cut: {error}") from error


class Restore(NamedTuple):
    """A `Cut` is put back: to the byte where its neighbours still stand."""

    cut: Cut


Change = MoveTo | SetValue | Delete | Insert | Rewrite | Restore


def paths_of(change: Change) -> tuple[Path, ...]:
    """Every path that a change is about; the first is the one that messages name."""
    if isinstance(change, MoveTo):
        return change.source, change.target
    return (change.cut.path if isinstance(change, Restore) else change.path,)
