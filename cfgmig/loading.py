"""`cfgmig.load`: the validated current config from a file of any age."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cfgmig.errors import Refused, Unreadable, UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cfgmig.project import Project, Source

Model = TypeVar("Model", bound="BaseModel")


class StaleConfigWarning(UserWarning):
    """A config file is older than the code that loads it."""


def load(path: str | Path, model: type[Model], *, family: str | None = None) -> Model:
    """Read a config of any version as `model`, without touching the file.

    An older file is upgraded in memory, and a `StaleConfigWarning` names the
    command that upgrades it for good.

    Args:
        path: the config file.
        model: the pydantic model of the version that the code expects.
        family: the model's family, when the model is not one of a declared version.

    Raises:
        Unreadable: the file cannot be read.
        Refused: it is malformed, of a version from the future, or does not fit `model`.
        UsageError: no family declares `model`.
    """
    from cfgmig.migration.grade import STASH_KEY
    from cfgmig.project import find_project
    from cfgmig.upgrading import Options, upgrade_document

    file = Path(path)
    project = find_project(file.parent)
    source, version = _declared(model, project, family)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}", file=str(path)) from error
    options = Options(to=version, family=source.name, layout=False)
    upgraded = upgrade_document(content, str(path), project, options)
    if upgraded.changed and upgraded.from_version != version:
        target = "" if version == source.family.head.name else f" --to {version}"
        warnings.warn(
            f"{path} is {source.name}/{upgraded.from_version}, this code needs {version}; "
            f"run `cfgmig upgrade {path}{target}`",
            StaleConfigWarning,
            stacklevel=2,
        )
    data = upgraded.document.data
    if isinstance(data, dict):
        ours = (source.family.stamp_key, STASH_KEY)
        data = {key: value for key, value in data.items() if key not in ours}
    return _validate(data, model, str(path))


def _declared(model: type[BaseModel], project: Project, family: str | None) -> tuple[Source, str]:
    """The family and version whose declared model is `model`."""
    sources = [project.source(family)] if family else list(project.sources().values())
    for source in sources:
        for version in reversed(source.family.versions):
            name = version.model.rpartition(":")[2]
            if name == model.__name__ and source.family.model(version.name) is model:
                return source, version.name
    module = model.__module__
    for source in sources:
        for version in reversed(source.family.versions):
            place, _, name = version.model.rpartition(":")
            # The same source file under another import name: a bundled family.
            if name == model.__name__ and module.endswith(f"{source.name}{place}"):
                return source, version.name
    raise UsageError(
        f"no version of any family declares {model.__module__}.{model.__qualname__}",
        help="name the model in a `Version(..., model=...)` of your schemas package",
    )


def _validate(data: dict[str, object], model: type[Model], name: str) -> Model:
    from pydantic import ValidationError

    try:
        return model.model_validate(data)
    except ValidationError as error:
        count = error.error_count()
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        more = f" (and {count - 1} more)" if count > 1 else ""
        raise Refused(
            f"{where}: {first['msg']}{more}",
            kind="migration",
            file=name,
            help=f"run `cfgmig check {name}`",
        ) from error
