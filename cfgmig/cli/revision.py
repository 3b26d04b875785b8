"""`cfgmig revision`: the next revision file, drafted from what changed in the schema."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import Source, find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Autogenerate, Family, Revises, Sentence

LONGEST_NAME = 40


def revision(
    message: Sentence,
    *,
    family: Family = "",
    autogenerate: Autogenerate = False,
    revises: Revises = "",
) -> int:
    """Write the revision file for a newly declared version; --autogenerate drafts its words."""
    from cfgmig.migration.loader import load_revision
    from cfgmig.revising import Draft, draft, file_text

    source = find_project(Path.cwd()).only(family or None)
    before, after = _versions(source, revises)
    drafted = Draft()
    if autogenerate and before is not None:
        from cfgmig.schema.compile import compiled

        drafted = draft(
            compiled(source.family, before).fields, compiled(source.family, after).fields
        )
    path = source.migrations / f"{_number(source)}_{_slug(message)}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(file_text(message, after, before, drafted))
    load_revision(path)
    console.data(f"{path}\n")
    guessed = sum(bool(one.guessed) for one in drafted.words)
    console.say(
        f"{before or 'nothing'} -> {after}: {len(drafted.words)} operations drafted, "
        f"{guessed} of them guessed; {len(drafted.left)} differences left to you"
    )
    console.say("next: read the file through, add what is left, then run `cfgmig test`")
    return 0


def _versions(source: Source, revises: str) -> tuple[str | None, str]:
    """The version that a new revision starts from, and the one that it leads to."""
    declared = str(source.folder / "__init__.py")
    known = source.graph.versions
    fresh = [name for name in source.family.names if name not in known]
    if not fresh:
        raise UsageError(
            f"every version of {source.name} has its revision: {', '.join(source.graph.heads)} "
            "is the newest",
            file=declared,
            help="declare the new version in `versions` first",
        )
    if revises and revises not in known:
        raise UsageError(
            f"family {source.name} has no revision {revises!r}",
            help="`cfgmig history` lists them",
        )
    heads = source.graph.heads
    if not revises and len(heads) > 1:
        raise UsageError(
            f"family {source.name} has several heads: {', '.join(heads)}",
            help=f"say which one {fresh[0]} follows: `--revises {heads[-1]}`",
        )
    return revises or (heads[0] if heads else None), fresh[0]


def _number(source: Source) -> str:
    """The next number of a revision file, four digits."""
    numbers = [int(one.number) for one in source.graph.revisions]
    return f"{max(numbers, default=0) + 1:04d}"


def _slug(message: str) -> str:
    """The words of a file name: the message's, as far as they fit."""
    words = re.findall(r"[a-z0-9]+", message.lower())
    name = ""
    for word in words:
        if name and len(name) + len(word) >= LONGEST_NAME:
            break
        name = f"{name}_{word}" if name else word
    if not name:
        raise UsageError(
            f"{message!r} has no word for a file name",
            help='say what changed: `cfgmig revision "the width is called hidden_dim"`',
        )
    return name
