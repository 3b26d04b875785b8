"""The stamp: one line that says which version a file is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.errors import Refused
from cfgmig.paths import Path

if TYPE_CHECKING:
    from cfgmig.document import Change, Document, Edited


def stamped(document: Document, key: str, stamp: str) -> Edited:
    """Write or update only the stamp, as the first key where there is none.

    Raises:
        Refused: the document cannot be edited.
    """
    from cfgmig.document.changes import Insert, SetValue

    if isinstance(document.data, list):
        raise Refused(
            f"the root is a list, which has no place for `{key}`",
            kind="unsupported-shape", file=document.name, line=1, column=1,
            help="a list is told by its keys, or by `--family` and `--from-version`",
        )  # fmt: skip
    keys = tuple(map(str, document.data)) if isinstance(document.data, dict) else ()

    def order(parent: Path) -> tuple[str, ...]:
        return () if parent else (key, *keys)

    change: Change = SetValue((key,), stamp) if key in keys else Insert((key,), stamp)
    return document.edit([change], order=order)
