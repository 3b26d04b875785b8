"""CM004, CM006 and CM007: how old a file is, and how it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Config, Example, Problem, rule
from cfgmig.schema.subject import as_subject

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    code="CM004",
    name="not-at-head",
    severity="warning",
    summary="The file is of an older version than the family's newest.",
    explanation="""
    The file may be perfectly right for the code of its own time; today's code wants the
    newest version. `cfgmig upgrade` changes the lines that have to change and no others, and
    `cfgmig downgrade` takes them back.
    """,
    valid=(Example("schema_version: demo/2.0\nmodel:\n  width: 64\n", version="2.0"),),
    invalid=(Example("schema_version: demo/1.0\nwidth: 64\n", version="1.0"),),
)
def not_at_head(config: Config) -> Iterator[Problem]:
    """At the stamp, or at the top of the file."""
    subject = as_subject(config)
    head = subject.family.head
    if config.version == head.name:
        return
    key = subject.family.stamp_key if config.has(subject.family.stamp_key) else ""
    kind = "the dialect" if subject.family.version(config.version).dialect else "version"
    yield Problem(
        key,
        f"the file is of {kind} {config.version}; {subject.family.title} is at {head.name}",
        f"run `cfgmig upgrade {subject.source.name}`",
    )


@rule(
    code="CM006",
    name="no-stamp",
    severity="info",
    summary="The file does not say which version it is of.",
    explanation="""
    Without a stamp the version is worked out anew each time, from the file's keys and from
    what its comments say. That can go wrong when the file changes. A stamp is one top-level
    line, `schema_version: family/version`. (A key that is called only `version` is none:
    configs use it for many things.)

    The stamp is not written by `--fix`, because code that refuses unknown keys would refuse it.
    A file that is a list has no place for one, and is not asked for it.
    """,
    valid=(Example("schema_version: demo/2.0\nmodel:\n  width: 64\n"),),
    invalid=(Example("model:\n  width: 64\n"),),
)
def no_stamp(config: Config) -> Iterator[Problem]:
    """At the top of the file, with the reasons for the version it was taken for."""
    subject = as_subject(config)
    if config.has(subject.family.stamp_key) or not isinstance(config.data, dict):
        return
    stamp = subject.family.stamp(config.version)
    found = subject.detection
    if found is not None and found.verdict == "ambiguous":
        return
    known = found.best if found is not None and found.certain else None
    why = f": {'; '.join((*known.reasons, *known.doubts))}" if known is not None else ""
    yield Problem(
        "",
        f"the file has no stamp; it is taken for {stamp}{why}",
        f"run `cfgmig stamp {stamp} {subject.source.name}`",
    )


@rule(
    code="CM007",
    name="ambiguous-version",
    severity="warning",
    summary="Several versions fit the file equally well.",
    explanation="""
    Nothing in the file tells these versions apart: neither its keys, nor its values, nor its
    comments or name. It is checked as the first of them. Write the stamp of the one that it
    is of, and the doubt is gone.
    """,
    valid=(Example("schema_version: demo/1.0\nwidth: 64\n", version="1.0"),),
    invalid=(Example("width: 64\n", version="1.1"),),
)
def ambiguous_version(config: Config) -> Iterator[Problem]:
    """At the top of the file."""
    subject = as_subject(config)
    found = subject.detection
    if found is None or found.verdict != "ambiguous":
        return
    names = [rival.name for rival in found.rivals]
    stamp = f"`cfgmig stamp {names[0]} {subject.source.name}`"
    family, _, version = names[0].partition("/")
    yield Problem(
        "",
        f"the file may be of {' or '.join(names)}; it was checked as"
        f" {subject.family.stamp(config.version)}",
        f"say which: {stamp}"
        if isinstance(config.data, dict)
        else f"say which: `--family {family} --from-version {version}`",
    )
