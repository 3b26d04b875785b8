"""What operations may know of the file around the data that they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cfgmig.errors import LossyError, Refused
from cfgmig.migration.grade import MISSING
from cfgmig.paths import Path, format_path, match

if TYPE_CHECKING:
    from cfgmig.document.changes import Cut
    from cfgmig.migration.operations import Operation


@dataclass(eq=False)
class Kept:
    """Something that a step took out of a file and that the file still carries.

    Attributes:
        origin: the version that knew it.
        goal: the version that has no place for it.
        path: where it stood, in `origin`.
        said: its value; MISSING when only its text is known as yet.
        cut: the entry's exact text and place; None for a value without a text.
        raw: the spelling of a converted value.
        after: the sibling that a moved key followed; None when it was the first.
        before: the sibling that followed it.
        skip: how many lines of nobody, a title, say, stood between the two.
        blanks: how many blank lines it began with.
        weak: it is only about blank lines, not worth a stash of its own.
        lines: a patch of the text of `origin`, as the way back from `goal` writes it.
        form: an `entry` that is gone, a `value` that was converted, the `place` of a key
            that moved away and that schema order would not bring back to it, the mere
            fact that a default was `pinned`, or the `layout` of what the way back alone
            would write otherwise.
        kind: the language of its text.
    """

    origin: str
    goal: str
    path: Path
    said: Any = MISSING
    cut: Cut | None = None
    raw: str | None = None
    after: str | None = None
    before: str | None = None
    skip: int = 0
    blanks: int = 0
    weak: bool = False
    lines: tuple[str, ...] = ()
    form: Literal["entry", "value", "place", "pinned", "layout"] = "entry"
    kind: Literal["yaml", "json", "toml"] = "yaml"

    @property
    def value(self) -> Any:
        """What it says.

        Raises:
            Refused: its text cannot be read.
        """
        if self.said is MISSING:
            from cfgmig.migration.kept import reading

            self.said = reading(self)
        return self.said


@dataclass(frozen=True)
class Told:
    """A remark for the user.

    Attributes:
        path: what it is about, as that was called when it was made.
        message: the remark.
        after: how many effects had been performed by then.
    """

    path: Path
    message: str
    after: int = 0


class Site:
    """Plain data: no lines, no comments, nothing but values.

    Args:
        file: its name in messages.
        stash: whether what has no place may be kept in the file; else it is refused.
        kept: what earlier steps left in the file.
        prefer: the keys that the user wants to stay where two contradict each other.
    """

    def __init__(
        self,
        file: str | None = None,
        *,
        stash: bool = True,
        kept: tuple[Kept, ...] = (),
        prefer: tuple[str, ...] = (),
    ) -> None:
        self.file = file
        self.stash = stash
        self.kept = list(kept)
        self.prefer = prefer
        self.told: list[Told] = []
        self.origin = ""
        self.goal = ""

    def line(self, path: Path) -> int | None:
        """The line of `path` in the user's file, if that is known."""
        del path
        return None

    def called(self, path: Path) -> str:
        """What the user's file calls `path`, as far as that is known."""
        return format_path(path)

    def wants(self, key: str) -> bool:
        """Whether the user prefers the key of that name where two contradict each other."""
        return key in self.prefer

    def tell(self, path: Path, message: str) -> None:
        """Leave a remark for the user."""
        self.told.append(Told(path, message))

    def pinned(self, path: Path) -> bool:
        """Whether this revision wrote the key at `path` to keep an old default."""
        del path
        return True

    def commented(self, path: Path) -> bool:
        """Whether comments belong to the key at `path`."""
        del path
        return False

    def respelled(self, path: Path, new: Any) -> bool:
        """Whether the way back from `new` would spell the value at `path` otherwise."""
        del path, new
        return False

    def kept_entries(self, pattern: Path) -> list[Kept]:
        """What the way here took from `pattern`, last taken first."""
        return [
            kept
            for kept in reversed(self.kept)
            if kept.form == "entry" and self._ours(kept) and match(pattern, kept.path) is not None
        ]

    def kept_values(self, path: Path) -> list[Kept]:
        """The spellings that the value at `path` had before the way here converted it."""
        return [
            kept
            for kept in reversed(self.kept)
            if kept.form == "value" and kept.path == path and self._ours(kept)
        ]

    def kept_place(self, path: Path) -> Kept | None:
        """Where the key at `path` stood before the way here moved it."""
        return self._kept("place", path)

    def _kept(self, form: str, path: Path) -> Kept | None:
        for kept in reversed(self.kept):
            if kept.form == form and kept.path == path and self._ours(kept):
                return kept
        return None

    def _ours(self, kept: Kept) -> bool:
        return kept.origin == self.goal and kept.goal == self.origin

    def leave(self) -> None:
        """End a step: what was kept of converted values and places has served."""
        stay = ("entry", "layout")
        self.kept = [kept for kept in self.kept if kept.form in stay or not self._ours(kept)]

    def forget(self, kept: Kept) -> None:
        """The file need not carry `kept` any longer."""
        self.kept.remove(kept)

    def refused(
        self, kind: str, message: str, path: Path, operation: Operation, help: str | None = None
    ) -> Refused:
        """A refusal of this file, at the line of `path`."""
        return Refused(
            self._sentence(message, operation),
            kind=kind,
            file=self.file,
            line=self.line(path) if path else None,
            help=help,
        )

    def lossy(
        self, message: str, path: Path, operation: Operation, help: str | None = None
    ) -> LossyError:
        """A refusal because something would be lost."""
        return LossyError(
            self._sentence(message, operation),
            file=self.file,
            line=self.line(path) if path else None,
            help=help,
        )

    def _sentence(self, message: str, operation: Operation) -> str:
        step = f", step {self.origin} -> {self.goal}" if self.goal else ""
        return f"{message} ({type(operation).__name__}{step})"
