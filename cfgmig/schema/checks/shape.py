"""CM001 to CM003: what the version's schema has against the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.document.changes import MoveTo, SetValue
from cfgmig.paths import format_path
from cfgmig.schema.located import sentence
from cfgmig.schema.rules import Config, Example, Fix, Problem, rule
from cfgmig.schema.subject import as_subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.paths import Path
    from cfgmig.schema.fields import Field
    from cfgmig.schema.located import Located
    from cfgmig.schema.subject import Subject


@rule(
    code="CM001",
    name="unknown-key",
    severity="error",
    summary="The version does not know this key.",
    explanation="""
    Code that reads a config by name does not complain about a key that nobody asks for:
    `quantizaton: 4bit` trains in full precision, and the default takes the place of what
    was written. So every key that the version's schema does not declare is an error.

    The message names what was probably meant: the place to which the key moved in a later
    version, the key of the same section with the closest name, or another section that has
    a key of that name.
    """,
    valid=(Example("model:\n  width: 64\n"),),
    invalid=(
        Example("model:\n  widht: 64\n", fixed="model:\n  width: 64\n"),
        Example("model:\n  width: 64\nlr: 0.1\n"),
    ),
)
def unknown_key(config: Config) -> Iterator[Problem]:
    """One problem per key, at the key."""
    subject = as_subject(config)
    taken: set[Path] = set()
    for found in subject.located:
        if found.kind != "unknown":
            continue
        from cfgmig.schema.unknown import meant_by

        name = format_path(found.path)
        meant = meant_by(found.path, config.data, subject.compiled.fields, subject.moved)
        fix = None
        target = meant.target
        if target is not None and target not in taken and not subject.source.has(target):
            taken.add(target)
            fix = Fix((MoveTo(found.path, target),), safe=False)
        said = f"{subject.family.name} {config.version} has no key `{name}`"
        yield Problem(name, said, meant.help(subject.source.name), fix, "key")


@rule(
    code="CM002",
    name="invalid-value",
    severity="error",
    summary="The value has the wrong type or is out of its range.",
    explanation="""
    The schema of the version states a type for every key, and for many a range or a list of
    words. Types are strict: `"64"` is no number, `1` is no boolean, and `64.0` is no integer,
    because code that receives another type than it expects fails late or not at all.

    Where a whole number was written as `64.0`, the fix writes `64`.
    """,
    valid=(Example("model:\n  width: 64\n"),),
    invalid=(
        Example("model:\n  width: '64'\n"),
        Example("model:\n  width: 0\n"),
        Example("model:\n  width: 64.0\n", fixed="model:\n  width: 64\n"),
    ),
)
def invalid_value(config: Config) -> Iterator[Problem]:
    """One problem per place, at the value."""
    subject = as_subject(config)
    for found in subject.located:
        if found.kind != "value":
            continue
        name = format_path(found.path)
        field = subject.compiled.field(found.path)
        said = sentence(found, name or "the file")
        yield Problem(name, said, _value_help(found, field), _whole_number(found, subject))


def _value_help(found: Located, field: Field | None) -> str | None:
    if field is None:
        return None
    if field.choices and isinstance(found.input, str):
        from cfgmig.schema.unknown import closest

        close = closest(found.input, [one for one in field.choices if isinstance(one, str)])
        if close is not None:
            return f"did you mean `{close}`?"
    return _describe(found.path[-1] if found.path else "", field)


def _describe(key: str | int, field: Field) -> str:
    text = f"`{key}: <{field.type}>`"
    return f"{text}, {field.description}" if field.description else text


def _whole_number(found: Located, subject: Subject) -> Fix | None:
    value = found.input
    if not isinstance(value, float) or not value.is_integer():
        return None
    field = subject.compiled.field(found.path)
    if field is None or "int" not in field.type.split(" | "):
        return None
    return Fix((SetValue(found.path, int(value)),), safe=True)


@rule(
    code="CM003",
    name="missing-key",
    severity="error",
    summary="A key that the version requires is not there.",
    explanation="""
    The version's code cannot start without the key, or had no default for it. It is reported
    at the section that lacks it.
    """,
    valid=(Example("model:\n  width: 64\n"),),
    invalid=(Example("model: {}\n"), Example("train:\n  epochs: 3\n")),
)
def missing_key(config: Config) -> Iterator[Problem]:
    """One problem per missing key, at the nearest section that exists."""
    subject = as_subject(config)
    for found in subject.located:
        if found.kind != "missing":
            continue
        name = format_path(found.path)
        parent = format_path(found.path[:-1])
        where = f"`{parent}` lacks" if parent else "the file lacks"
        field = subject.compiled.field(found.path)
        help = f"add {_describe(found.path[-1], field)}" if field is not None else None
        # pydantic's own words for it say nothing more; a profile says who requires it
        why = "" if found.message == "Field required" else f": {found.message}"
        said = f"{where} the required key `{found.path[-1]}`{why}"
        yield Problem(name, said, help, part="key")
