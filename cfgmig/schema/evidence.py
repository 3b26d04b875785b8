"""Evidence: what a file without a stamp says about its version, as data.

An item that holds counts for its version. `Says`, `Has`, `Lacks` and `Holds` can also
be contradicted by a file, which counts against it; the hints in prose (`Heading`,
`Named`, `Mentions`) are silent when they do not match. A `weight` is in points; the
absence of one required key costs a version one.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Says(NamedTuple):
    """The value at `path`, as text, matches `regex` in full. A missing path says nothing."""

    path: str
    regex: str
    weight: float = 8.0


class Has(NamedTuple):
    """The file has `path`, a key or a section."""

    path: str
    weight: float = 4.0


class Lacks(NamedTuple):
    """The file does not have `path`; only its presence is telling."""

    path: str
    weight: float = 4.0


class Holds(NamedTuple):
    """A value at `path`, which may have stars, is of that kind; no value there says nothing."""

    path: str
    kind: Literal["text", "number"]
    weight: float = 4.0


class Heading(NamedTuple):
    """`regex` is found in the comments above the first key."""

    regex: str
    weight: float = 3.0


class Named(NamedTuple):
    """`regex` is found in the file's name, without its folders."""

    regex: str
    weight: float = 2.0


class Mentions(NamedTuple):
    """`regex` is found inside the value at `path`: a hint such as `runs/v2` in a folder."""

    path: str
    regex: str
    weight: float = 1.0


Evidence = Says | Has | Lacks | Holds | Heading | Named | Mentions
