"""The stamp: `schema_version: family/version`, a file's own word for what it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cfgmig.document import Document
    from cfgmig.errors import CfgmigError
    from cfgmig.schema.family import Family

STAMP_KEY = "schema_version"
_STAMP = re.compile(r"([A-Za-z0-9][\w-]*)/(\S+)")
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


class Stamp(NamedTuple):
    """What a stamp says, whether or not such a version exists."""

    family: str
    version: str

    def __str__(self) -> str:
        return f"{self.family}/{self.version}"


def read_stamp(document: Document, key: str = STAMP_KEY) -> Stamp | None:
    """The stamp of a document; None without one.

    Raises:
        Refused: the key is there, but its value is not `family/version`.
    """
    data = document.data
    if not isinstance(data, dict) or key not in data:
        return None
    value = data[key]
    found = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        place = document.position((key,), "value")
        raise Refused(
            f"the stamp {key!r} must read `family/version`, not {value!r}",
            kind="format",
            file=document.name,
            line=place.line,
            column=place.column,
            help=f"correct it, or remove it and run `cfgmig current {document.name}`",
        )
    return Stamp(found[1], found[2])


def is_future(stamp: Stamp, family: Family) -> bool:
    """Whether the stamp names a version that is newer than every version known here."""
    if stamp.version in family.names:
        return False
    wanted = _numbers(stamp.version)
    known = [numbers for name in family.names if (numbers := _numbers(name)) is not None]
    return wanted is not None and bool(known) and wanted > max(known)


def unknown_family(document: Document, stamp: Stamp, known: Iterable[str]) -> UsageError:
    """The error for a stamp whose family is not at hand."""
    place = document.position((STAMP_KEY,), "value")
    names = ", ".join(sorted(known)) or "none"
    return UsageError(
        f"the stamp names the family {stamp.family!r}, which is not known here (known: {names})",
        file=document.name,
        line=place.line,
        column=place.column,
        help="correct the stamp, run inside that family's project, or install its package",
    )


def unknown_version(document: Document, stamp: Stamp, family: Family) -> CfgmigError:
    """The error for a stamp whose version the family does not have."""
    place = document.position((family.stamp_key,), "value")
    where = {"file": document.name}
    if is_future(stamp, family):
        return Refused(
            f"the file is of {stamp}, which is newer than the newest version known here"
            f" ({family.stamp(family.head.name)})",
            kind="future-version",
            line=place.line,
            column=place.column,
            help="update the family's schemas or install a newer cfgmig:"
            " `pip install --upgrade cfgmig`",
            **where,
        )
    return UsageError(
        f"the stamp names version {stamp.version!r}, which family {family.name} does not have",
        line=place.line,
        column=place.column,
        help=f"known versions: {', '.join(family.names)}",
        **where,
    )


def _numbers(name: str) -> tuple[int, ...] | None:
    found = _NUMBERS.fullmatch(name.removeprefix("v"))
    return tuple(map(int, found[0].split("."))) if found else None
