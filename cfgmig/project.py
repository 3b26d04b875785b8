"""The project around a config: where its families' schemas and migrations live."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.migration.graph import RevisionGraph
    from cfgmig.migration.revision import Adaptation
    from cfgmig.schema import Family

SETTINGS = {"schemas", "migrations", "examples", "checkpoints", "exclude", "select", "ignore"}


class Source:
    """One family of a project: a package of schemas and a folder of revisions.

    Args:
        name: the family's name.
        package: the dotted name that its schemas are imported by.
        folder: the package's folder.
        migrations: the folder of its revision files.
        import_root: what goes first on `sys.path` before the import.
    """

    def __init__(
        self,
        name: str,
        package: str,
        folder: Path,
        migrations: Path,
        import_root: Path | None = None,
    ) -> None:
        self.name = name
        self.package = package
        self.folder = folder
        self.migrations = migrations
        self.import_root = import_root

    @cached_property
    def family(self) -> Family:
        """Import the family's declaration; its schemas stay unloaded."""
        root = str(self.import_root) if self.import_root else None
        if root is not None and sys.path[:1] != [root]:
            sys.path.insert(0, root)
        from cfgmig.schema.family import load_family

        try:
            family = load_family(self.package)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(
                f"the schemas of family {self.name} cannot be imported: {error}",
                file=str(self.folder / "__init__.py"),
                help=f"run `python -c 'import {self.package}'` in {root or 'this environment'}",
            ) from error
        loaded = Path(str(sys.modules[self.package].__file__)).resolve().parent
        if loaded != self.folder.resolve():
            raise UsageError(
                f"`import {self.package}` finds {loaded}, not {self.folder}",
                help="rename one of the two packages, or start cfgmig from the project's root",
            )
        return family

    @cached_property
    def graph(self) -> RevisionGraph:
        """The family's revisions, loaded by path."""
        from cfgmig.migration.graph import RevisionGraph
        from cfgmig.migration.loader import load_revisions

        revisions = load_revisions(self.migrations) if self.migrations.is_dir() else []
        return RevisionGraph(self.name, revisions)

    @cached_property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What changes weights from one setting to another, loaded by path."""
        from cfgmig.migration.loader import load_adaptations

        return tuple(load_adaptations(self.migrations))


class Project:
    """What `[tool.cfgmig]` says, and the families that follow from it.

    Args:
        root: the folder of its pyproject.toml.
        settings: the table `[tool.cfgmig]`.
        declared: whether there is such a table.
    """

    def __init__(
        self, root: Path, settings: dict[str, Any] | None = None, *, declared: bool = False
    ) -> None:
        self.root = root
        self.settings = settings or {}
        self.declared = declared

    @cached_property
    def own(self) -> dict[str, Source]:
        """Families of the project itself."""
        if not self.declared:
            return {}
        schemas = self.root / self.settings.get("schemas", "schemas")
        migrations = self.root / self.settings.get("migrations", "migrations")
        prefix = ".".join(schemas.relative_to(self.root).parts)
        return _families(schemas, migrations, prefix, self.root)

    @cached_property
    def bundled(self) -> dict[str, Source]:
        """Families that come with cfgmig."""
        from cfgmig._bundled import HOME

        if self.declared and self.root == HOME:
            return {}
        return _families(HOME / "schemas", HOME / "migrations", "cfgmig._bundled.schemas")

    @cached_property
    def plugins(self) -> dict[str, Source]:
        """Families of other installed packages, by the entry points `cfgmig.families`."""
        from importlib.metadata import entry_points
        from importlib.util import find_spec

        found = {}
        for point in entry_points(group="cfgmig.families"):
            package, _, migrations = point.value.partition(":")
            module = find_spec(package)
            if module is None or module.origin is None:
                continue
            folder = Path(module.origin).parent
            revisions = folder / (migrations.replace(".", "/") or "migrations")
            found[point.name] = Source(point.name, package, folder, revisions)
        return found

    def sources(self, *, plugins: bool = False) -> dict[str, Source]:
        """Families by name: the project's own win over bundled ones, and these over plug-ins."""
        found = {**self.bundled, **self.own}
        return {**self.plugins, **found} if plugins else found

    def source(self, name: str) -> Source:
        """One family.

        Raises:
            UsageError: there is no such family.
        """
        found = self.sources().get(name) or self.sources(plugins=True).get(name)
        if found is None:
            known = ", ".join(sorted(self.sources(plugins=True))) or "none"
            raise UsageError(
                f"no family is called {name!r} (known: {known})",
                help="declare it with `cfgmig init`, or install the package that brings it",
            )
        return found

    def only(self, name: str | None) -> Source:
        """The family that a command is about when it names none: the only one there is."""
        if name is not None:
            return self.source(name)
        sources = self.own or self.sources()
        if len(sources) == 1:
            return next(iter(sources.values()))
        raise UsageError(
            "which family? " + (", ".join(sorted(sources)) or "this project has none"),
            help="add `--family NAME`" if sources else "declare one with `cfgmig init`",
        )


def find_project(start: Path) -> Project:
    """The project that holds `start`: the nearest pyproject.toml with `[tool.cfgmig]`.

    Without one, the nearest folder with a `.git`, else `start` itself, with the
    bundled families only. The same folder always gives the same object.
    """
    here = start.resolve()
    return _find(here if here.is_dir() else here.parent)


@cache
def _find(start: Path) -> Project:
    fallback: Path | None = None
    for folder in (start, *start.parents):
        settings = _settings(folder / "pyproject.toml")
        if settings is not None:
            return _find(folder) if folder != start else Project(folder, settings, declared=True)
        if fallback is None and (folder / ".git").exists():
            fallback = folder
    return Project(start) if fallback in (None, start) else _find(fallback)


def _settings(file: Path) -> dict[str, Any] | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if b"tool.cfgmig" not in content:
        return None
    import tomllib

    try:
        settings = tomllib.loads(content.decode()).get("tool", {}).get("cfgmig")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not valid TOML: {error}", file=str(file)) from error
    if settings is None:
        return None
    unknown = sorted(set(settings) - SETTINGS)
    if unknown:
        raise UsageError(
            f"[tool.cfgmig] has no setting {unknown[0]!r}",
            file=str(file),
            help="known settings: " + ", ".join(sorted(SETTINGS)),
        )
    return dict(settings)


def _families(
    schemas: Path, migrations: Path, prefix: str, root: Path | None = None
) -> dict[str, Source]:
    if not schemas.is_dir():
        return {}
    is_family: Callable[[Path], bool] = lambda folder: (folder / "__init__.py").is_file()  # noqa: E731
    return {
        folder.name: Source(
            folder.name, f"{prefix}.{folder.name}", folder, migrations / folder.name, root
        )
        for folder in sorted(schemas.iterdir())
        if is_family(folder)
    }
