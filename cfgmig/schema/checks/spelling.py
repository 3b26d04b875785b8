"""CM005 and CM008: text that different YAML readers read differently."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cfgmig.document.changes import Rewrite
from cfgmig.paths import format_path
from cfgmig.schema.readers import Readings, is_suspect, read, respell
from cfgmig.schema.rules import Config, Example, Fix, Problem, rule
from cfgmig.schema.subject import as_subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.document import Document
    from cfgmig.paths import Path
    from cfgmig.schema.subject import Subject

_PADDED = re.compile(r"[-+]?0[0-9_]+")
_HEADER = re.compile(r"[|>]([0-9]*)([-+]?)([0-9]*)")
_KINDS = {"str": "text", "bool": "the boolean", "date": "a date", "nothing": "an error"}


@rule(
    code="CM005",
    name="ambiguous-scalar",
    severity="warning",
    summary="YAML 1.1 and YAML 1.2 read this value differently.",
    explanation="""
    PyYAML, which most training code uses, reads YAML 1.1; ruamel.yaml and newer tools read
    YAML 1.2. To the first `1e-4` is text (a float needs a dot and a signed exponent), `yes`
    and `off` are booleans, `010` is 8 and `12:30` is 750; to the second they are 0.0001, text,
    10 and text. `1_000` is a number only where underscores are allowed, and `2024-01-31` a
    date only where dates are.

    cfgmig validates what YAML 1.2 readers see. The fix keeps the digits and that meaning, in
    a spelling on which all agree: `1.0e-4`, `"yes"` (or `true` where the schema wants a
    boolean), `1000`. Numbers that begin with a zero, and dates, are left to you: the fix is
    offered as an unsafe one.
    """,
    valid=(
        Example("model:\n  width: 64\ntrain:\n  lr: 1.0e-4\n"),
        Example('model:\n  width: 64\n  note: "yes"\n'),
    ),
    invalid=(
        Example(
            "model:\n  width: 64\ntrain:\n  lr: 1e-4\n",
            fixed="model:\n  width: 64\ntrain:\n  lr: 1.0e-4\n",
        ),
        Example("model:\n  width: 64\n  note: yes\n", fixed='model:\n  width: 64\n  note: "yes"\n'),
        Example("model:\n  width: 64\n  bias: on\n", fixed="model:\n  width: 64\n  bias: true\n"),
        Example("model:\n  width: 0100\n", fixed="model:\n  width: 100\n"),
    ),
)
def ambiguous_scalar(config: Config) -> Iterator[Problem]:
    """One problem per scalar, at the value."""
    subject = as_subject(config)
    if subject.source.kind != "yaml":
        return
    for path, node in subject.source.scalars():
        if node.style or node.tag or not is_suspect(node.content):
            continue
        readings = read(node.content)
        if readings.agree:
            continue
        wanted = _types(subject, path)
        if readings.ruamel[0] == "date" and wanted & {"date", "datetime"}:
            continue
        spelling, is_safe = _spelling(node.content, readings, wanted)
        fix = Fix((Rewrite(path, spelling),), safe=is_safe) if spelling else None
        help = f"write `{spelling}`" if spelling else "put it in quotes, or spell it otherwise"
        said = _sentence(node.content, readings)
        yield Problem(format_path(path), said, help, fix)


def _types(subject: Subject, path: Path) -> set[str]:
    field = subject.compiled.field(path)
    if field is None:
        return set()
    return {type(choice).__name__ for choice in field.choices} | set(field.type.split(" | "))


def _spelling(text: str, readings: Readings, wanted: set[str]) -> tuple[str | None, bool]:
    """What to write instead, and whether it is safe to do so unasked."""
    quoted = f'"{text}"'
    kind, value = readings.ruamel
    if kind in ("int", "float"):
        return respell(text), not _PADDED.fullmatch(text)
    if kind == "date":
        return quoted, False
    for other, meant in (readings.yaml11, readings.core):
        if "str" in wanted:
            break
        if other == "bool" and "bool" in wanted:
            return ("true" if meant else "false"), True
        if other in ("int", "float") and wanted & {"int", "float"}:
            return str(meant), False
    return quoted, kind == "str" and value == text


def _sentence(text: str, readings: Readings) -> str:
    old, own, core = (_say(*reading) for reading in readings)
    if readings.ruamel == readings.core:
        return f"`{text}` is {own} in YAML 1.2, but {old} to PyYAML (YAML 1.1)"
    if readings.yaml11 == readings.ruamel:
        return f"`{text}` is {own} to PyYAML and ruamel.yaml, but {core} in YAML 1.2 proper"
    return f"`{text}` is {own} to ruamel.yaml, {old} to PyYAML, and {core} in YAML 1.2 proper"


def _say(kind: str, value: object) -> str:
    if kind in ("str", "date", "nothing"):
        return _KINDS[kind]
    shown = {True: "true", False: "false"}[bool(value)] if kind == "bool" else str(value)
    return f"{_KINDS.get(kind, 'the number')} {shown}"


@rule(
    code="CM008",
    name="unfinished-block",
    severity="warning",
    summary="A block scalar ends the file without a newline, and readers disagree about it.",
    explanation="""
    After `text: |` the last line of a file that does not end in a newline reads with a final
    newline in some parsers and without one in others (PyYAML and ruamel.yaml). Whatever is
    appended to the file later changes the value for one of them.

    The fix writes `|-`, which keeps what PyYAML and ruamel.yaml read.
    """,
    valid=(
        Example("model:\n  width: 64\n  note: |\n    last\n"),
        Example("model:\n  width: 64\n  note: |-\n    last"),
    ),
    invalid=(
        Example(
            "model:\n  width: 64\n  note: |\n    last",
            fixed="model:\n  width: 64\n  note: |-\n    last",
        ),
    ),
)
def unfinished_block(config: Config) -> Iterator[Problem]:
    """At most one problem: at the last value of the file."""
    subject = as_subject(config)
    document = subject.source
    if document.kind != "yaml" or document.text.endswith(("\n", "\r")):
        return
    last = _last_scalar(document)
    if last is None:
        return
    path, raw = last
    header = _HEADER.match(raw)
    if header is None or header[2]:
        return
    fixed = f"{raw[0]}{header[1]}-{header[3]}{raw[header.end() :]}"
    yield Problem(
        format_path(path),
        f"the file ends inside this `{raw[0]}` block without a newline: readers disagree"
        " whether its value ends in one",
        f"write `{raw[0]}-`, or end the file with a newline",
        Fix((Rewrite(path, fixed),), safe=True),
    )


def _last_scalar(document: Document) -> tuple[Path, str] | None:
    """The block scalar that reaches the end of the text, and its source."""
    end = len(document.text)
    for path, node in document.scalars():
        if node.style in ("|", ">") and node.end == end:
            return path, node.raw
    return None
