"""What two configs, of whatever versions, mean differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cfgmig.errors import UsageError
from cfgmig.paths import Path, format_path
from cfgmig.upgrading import Options, Upgraded, upgrade_document

if TYPE_CHECKING:
    from cfgmig.document import Position
    from cfgmig.project import Project, Source

Value = Any


@dataclass(frozen=True)
class Side:
    """One config's word on a path: its value, where it stands, and who says it.

    `said` is `file` for a value in the file itself, `default` for the schema's.
    """

    value: Value
    said: Literal["file", "default", "nobody"]
    place: Position | None = None


@dataclass(frozen=True)
class Difference:
    """A path, of the version in which both were compared, whose values differ."""

    path: str
    left: Side
    right: Side


@dataclass(frozen=True)
class Comparison:
    """The differences in meaning, and the version in which the two were compared."""

    family: str
    version: str
    left: Upgraded
    right: Upgraded
    differences: tuple[Difference, ...]


def compare(
    left: tuple[bytes, str], right: tuple[bytes, str], project: Project, options: Options
) -> Comparison:
    """Upgrade both (content, name) in memory to one version and compare every setting.

    A key that is absent is compared by its default, so that a config which says the
    default and one which is silent mean the same.

    Raises:
        UsageError: they are of different families.
    """
    first = upgrade_document(*left, project, options)
    second = upgrade_document(*right, project, options)
    if first.report.family != second.report.family:
        raise UsageError(
            f"{left[1]} is of family {first.report.family}, {right[1]} of {second.report.family}",
            help="configs of two families have nothing to compare",
        )
    source = project.source(first.report.family)
    version = first.report.to_version
    mine, yours = _settings(first, source, version), _settings(second, source, version)
    missing = Side(None, "nobody")
    differences = [
        Difference(format_path(path), mine.get(path, missing), yours.get(path, missing))
        for path in dict.fromkeys([*mine, *yours])
        if not _same(mine.get(path, missing), yours.get(path, missing))
    ]
    return Comparison(source.name, version, first, second, tuple(differences))


def _settings(upgraded: Upgraded, source: Source, version: str) -> dict[Path, Side]:
    """Every leaf of a config, with the schema's defaults where the file is silent."""
    from cfgmig.schema.compile import compiled

    data = upgraded.document.data
    given = {
        path: Side(value, "file", _place(upgraded, path))
        for path, value in leaves(data)
        if path != (source.family.stamp_key,)
    }
    return {**given, **_defaults(compiled(source.family, version).fields, data, given)}


def _defaults(fields: Mapping[str, Any], data: Any, given: Mapping[Path, Side]) -> dict[Path, Side]:
    from cfgmig.migration.grade import MISSING
    from cfgmig.paths import parse_path

    found = {}
    for name, field in fields.items():
        path = parse_path(name)
        if "*" in path or field.default is MISSING or path in given:
            continue
        if field.kind == "leaf" and _section(data, path[:-1]):
            found[path] = Side(field.default, "default")
    return found


def _section(data: Any, path: Path) -> bool:
    """Whether the section at `path` is there; then what it leaves out has its defaults."""
    for segment in path:
        if not isinstance(data, dict) or segment not in data:
            return False
        data = data[segment]
    return isinstance(data, dict)


def leaves(data: Any, path: Path = ()) -> list[tuple[Path, Value]]:
    """Every scalar and every empty collection, with its path."""
    if isinstance(data, dict) and data:
        return [leaf for key, value in data.items() for leaf in leaves(value, (*path, str(key)))]
    if isinstance(data, list) and any(isinstance(item, dict | list) for item in data):
        return [leaf for index, item in enumerate(data) for leaf in leaves(item, (*path, index))]
    return [(path, data)]


def _same(left: Side, right: Side) -> bool:
    if "nobody" in (left.said, right.said):
        return left.said == right.said
    both = left.value, right.value
    if any(isinstance(value, bool) for value in both):
        return both[0] is both[1]
    return bool(both[0] == both[1])


def _place(upgraded: Upgraded, path: Path) -> Position | None:
    old = upgraded.origin(path)
    if old is None or not upgraded.before.has(old):
        return None
    return upgraded.before.position(old)
