"""A model family and its versions, as its package declares them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.schema.evidence import Evidence
    from cfgmig.schema.layout import Layouts
    from cfgmig.schema.matrix import Matrix
    from cfgmig.schema.profile import Profile
    from cfgmig.schema.rules import Rule


class Version(NamedTuple):
    """One shape that the family's configs have had.

    Args:
        name: as it stands in the stamp: `5.11.0`, or a word for a dialect.
        model: the pydantic model, as `.module:Class` relative to the family's package.
        summary: what is new in it, in one sentence.
        dialect: a side shape (a dump of command line options, say), never the head.
        evidence: how a file without a stamp shows that it is of this version.
        ruled: whether the family's rules read it; else only those that name it as the end of
            their range do, and the others speak of the upgraded file.
    """

    name: str
    model: str = ""
    summary: str = ""
    dialect: bool = False
    evidence: tuple[Evidence, ...] = ()
    ruled: bool = True


class Family:  # no dataclass: importing them costs every start-up nine milliseconds
    """A family: its versions, oldest first, its rules and its matrix.

    Args:
        name: the word before the slash of the stamp.
        title: its name in prose.
        versions: oldest first; the last one that is no dialect is the head.
        rules: module with a tuple `rules`, relative to the package; None without rules.
        matrix: the matrix itself, or `.module:name`; None without one.
        stamp_key: the top-level key that holds `family/version`.
        templates: folder inside the package with commented configs of the head.
        layouts: what it declares about its weights, as `.module:name`; None without any.
        profiles: what files owe by their purpose, as `.module:name`; None without any.
        profile_key: the path at which a file may say its profile.
        settings: whatever else the family's own code wants to keep here.
        package: the dotted name that relative references start from; the package in which
            the declaration stands when not given.
    """

    def __init__(
        self,
        name: str,
        title: str,
        versions: tuple[Version, ...],
        rules: str | None = ".rules",
        matrix: Matrix | str | None = None,
        stamp_key: str = "schema_version",
        templates: str | None = "templates",
        layouts: str | None = None,
        profiles: str | None = None,
        profile_key: str = "profile",
        settings: Mapping[str, Any] | None = None,
        package: str = "",
    ) -> None:
        self.name = name
        self.title = title
        self.versions = versions
        self.rules = rules
        self.matrix = matrix
        self.stamp_key = stamp_key
        self.templates = templates
        self.layouts = layouts
        self.profiles = profiles
        self.profile_key = profile_key
        self.settings = settings or {}
        # 0 is this function, 1 the module that declares
        self.package = package or sys._getframe(1).f_globals.get("__package__") or ""
        names = self.names
        doubles = sorted({one for one in names if names.count(one) > 1})
        if doubles:
            raise UsageError(f"family {name} declares version {doubles[0]} twice")
        if all(version.dialect for version in versions):
            raise UsageError(f"family {name} has no version that could be its head")

    def replaced(self, **changes: Any) -> Family:
        """The same family with other attributes."""
        return Family(**{**vars(self), **changes})

    @property
    def names(self) -> tuple[str, ...]:
        """The version names, oldest first, dialects included."""
        return tuple(version.name for version in self.versions)

    @property
    def head(self) -> Version:
        """The newest version that is no dialect."""
        return next(version for version in reversed(self.versions) if not version.dialect)

    def version(self, name: str) -> Version:
        """The version of that name.

        Raises:
            UsageError: the family has none; the message lists those it has.
        """
        for version in self.versions:
            if version.name == name:
                return version
        raise UsageError(
            f"family {self.name} has no version {name!r}", help=f"known: {', '.join(self.names)}"
        )

    def index(self, name: str) -> int:
        """The place of a version in the declared order, 0 for the oldest."""
        return self.versions.index(self.version(name))

    def stamp(self, name: str) -> str:
        """The stamp of a version: `family/version`."""
        return f"{self.name}/{name}"

    def resolve(self, ref: str) -> Any:
        """The object that a reference such as `.v2:Config` or `.rules` stands for."""
        return resolve(ref, self.package)

    def model(self, name: str) -> Any:
        """The pydantic model class of a version. Imports pydantic."""
        version = self.version(name)
        if not version.model:
            raise UsageError(f"version {self.stamp(name)} declares no model")
        return self.resolve(version.model)

    def load_rules(self) -> tuple[Rule, ...]:
        """The family's rules, in the order of its module."""
        if self.rules is None:
            return ()
        module = self.resolve(self.rules)
        rules: tuple[Rule, ...] = getattr(module, "rules", None) or ()
        return tuple(rules)

    def load_profiles(self) -> tuple[Profile, ...]:
        """What its files owe by their purpose, the first that fits first."""
        found: tuple[Profile, ...] = self.resolve(self.profiles) if self.profiles else ()
        return found

    def load_matrix(self) -> Matrix | None:
        """The family's compatibility matrix, if it has one."""
        found: Matrix | None = self.resolve(self.matrix) if isinstance(self.matrix, str) else None
        return found if isinstance(self.matrix, str) else self.matrix

    def load_layouts(self) -> Layouts | None:
        """What the family declares about its weights, if anything."""
        if self.layouts is None:
            return None
        found: Layouts = self.resolve(self.layouts)
        return found._replace(
            layouts=tuple(one._replace(family=self.name) for one in found.layouts)
        )


def resolve(ref: str, package: str) -> Any:
    """Import `.module:attribute` (or `.module`) relative to `package`.

    Raises:
        UsageError: the module or the attribute does not exist.
    """
    from importlib import import_module

    module_name, _, attribute = ref.partition(":")
    try:
        module = import_module(module_name, package or None)
    except (ImportError, TypeError) as error:
        raise UsageError(f"cannot import {ref!r} of {package or 'no package'}: {error}") from error
    if not attribute:
        return module
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise UsageError(f"module {module.__name__} has no {attribute!r}") from error


def load_family(package: str) -> Family:
    """Import a family's package by its dotted name and return its declaration.

    Raises:
        UsageError: there is no such package, or it declares no `family`.
    """
    family = resolve(f"{package}:family", "")
    if not isinstance(family, Family):
        raise UsageError(f"{package}.family is no Family but {type(family).__name__}")
    return family.replaced(package=package)
