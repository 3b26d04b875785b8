"""The words applied to a TOML document.

Its tables have no order, and moving one renames its header where it stands. So no place is
kept of what moves: the rehearsal of the way back finds what it would write elsewhere.
TOML has no null: a step that must write one is refused, with the line of its section. To
leave the key out would say its default, which is not always null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.document.toml import emit
from cfgmig.errors import Refused
from cfgmig.migration.effect import Changed, Effect, Moved, Written
from cfgmig.migration.keeping import PIN
from cfgmig.migration.on_document import Editing
from cfgmig.paths import Path, format_path

if TYPE_CHECKING:
    from cfgmig.document import Document


class TomlEditing(Editing):
    """A TOML document under migration; whatever is cut is cut from the text as it is by then."""

    def do(self, effect: Effect) -> None:
        """Draft the change of an effect, unless it would write null."""
        if (isinstance(effect, Written) and _holds_null(effect.value)) or (
            isinstance(effect, Changed) and _holds_null(effect.new)
        ):
            raise self._no_null(effect.path)
        super().do(effect)

    def _no_null(self, path: Path) -> Refused:
        line = self.line(path)
        for depth in range(len(path) - 1, 0, -1):
            line = line if line is not None else self.line(path[:depth])
        return Refused(
            f"`{format_path(path)}` would be null in {self.goal}, and TOML has no null",
            kind="unsupported-shape", file=self.file, line=line,
            help="keep this config as YAML or JSON, or give the key a value by hand",
        )  # fmt: skip

    def cuttable(self, path: Path) -> Path:
        """Where `path` stands: everything that waits is written first."""
        self.flush()
        return path

    def keep_place(self, effect: Moved) -> None:
        """Nothing: the rehearsal sees where the key would come back to."""

    def commented(self, path: Path) -> bool:
        """Whether comments would go with the key."""
        self.flush()
        return "#" in self.document.text and bool(_comments(self.document, path))

    def respelled(self, path: Path, new: Any) -> bool:
        """Whether the way back from `new` would spell the value at `path` otherwise."""
        node = self._untouched(path)
        if node is None or node.kind != "scalar":
            return False
        keeps = isinstance(new, str) and node.style in ("'", '"')
        quote = node.style if keeps else emit.quote_of(self.before.root)
        return bool(node.raw != emit.inline(node.value, quote))

    def _pinned_text(self, effect: Written) -> str | None:
        """The line of a pinned default, which says that it is one."""
        if self.in_flow(effect.path):
            if self.stash:
                self._new("pinned", effect.path)
            return None
        value = emit.inline(effect.value, emit.quote_of(self.before.root))
        name = emit.key(str(effect.path[-1]))
        return f"{name} = {value}  # {PIN} {self.version}\n"

    def _raw(self, path: Path, value: Any) -> str:
        """How the file spells a value, on one line."""
        node = self._untouched(path)
        if node is not None and node.kind == "scalar" and node.raw.isprintable():
            return node.raw
        return emit.inline(value)


def _holds_null(value: Any) -> bool:
    """Whether a value is null, or has one somewhere inside."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(_holds_null, inner))


def _comments(document: Document, path: Path) -> list[str]:
    """The comments that leave with a key."""
    from cfgmig.document import Document as Reader

    cut = document.cut(path)
    if cut.how != "lines":
        return []
    return [comment.text for comment in Reader.parse(cut.text, "<cut>", "toml").comments()]
