"""A version, compiled: its validator and its field table, without pydantic in use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.migration.grade import STASH_KEY
from cfgmig.schema.cache import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.paths import Path
    from cfgmig.schema.family import Family
    from cfgmig.schema.fields import Field

_loaded: dict[tuple[str, str, str], CompiledVersion] = {}


class SchemaError(NamedTuple):
    """One error as pydantic reports it; `loc` may hold the names of union members."""

    loc: tuple[str | int, ...]
    type: str
    message: str
    input: Any


class CompiledVersion:
    """What the engine needs of one version; get it from `compiled`.

    Args:
        core: the cached file: the plain core schema, or None when only pydantic can
            validate, for the reason `why`; whether the model declares the stamp; and
            whether it is one of a list.
    """

    def __init__(self, family: Family, name: str, core: dict[str, Any], store: Store) -> None:
        self.family = family
        self.name = name
        self.why: str = core["why"]
        self._core = core["core"]
        self.is_list: bool = core["list"]
        self._declares_stamp: bool = core["stamp"]
        self._store = store

    @cached_property
    def _validator(self) -> Any:
        from cfgmig.schema.core import build_validator

        if self._core is None:
            return self.family.model(self.name).__pydantic_validator__
        return build_validator(self._core)

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Every dotted path of the version, sections included, in schema order."""
        from cfgmig.schema.fields import Field, build_fields

        rows = self._store.read(f"{self.name}.fields")
        if rows is not None:
            return {path: Field.from_json(row) for path, row in rows.items()}
        table = build_fields(self.family.model(self.name))
        self._store.write(
            f"{self.name}.fields", {path: field.to_json() for path, field in table.items()}
        )
        return table

    @cached_property
    def _sections(self) -> Mapping[str, tuple[str, ...]]:
        from cfgmig.schema.fields import sections

        return sections(self.fields)

    def validate(self, data: Any) -> list[SchemaError]:
        """What pydantic's `model_validate` would report, in its order; empty when valid.

        Neither the stamp, unless the model declares it, nor the stash of a JSON file is the
        model's business: they are left out.
        """
        from pydantic_core import ValidationError

        own = {STASH_KEY} if self._declares_stamp else {STASH_KEY, self.family.stamp_key}
        if isinstance(data, dict) and not own.isdisjoint(data):
            data = {key: value for key, value in data.items() if key not in own}
        try:
            self._validator.validate_python(data)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            return [SchemaError(e["loc"], e["type"], e["msg"], e["input"]) for e in found]
        return []

    def entry(self, path: Path) -> str | None:
        """The table's entry that a path falls under (`phases[0].name` -> `phases.*.name`)."""
        from cfgmig.schema.fields import known_path

        return known_path(self.fields, path)

    def field(self, path: Path) -> Field | None:
        """The field that a path falls under; None for an unknown path."""
        entry = self.entry(path)
        return self.fields[entry] if entry else None

    def order(self, parent: Path) -> tuple[str, ...]:
        """The keys of a section in schema order, the stamp first at the top."""
        entry = self.entry(parent) if parent else ""
        keys = () if entry is None else self._sections.get(entry, ())
        if parent or self.family.stamp_key in keys:
            return keys
        return (self.family.stamp_key, *keys)


def compiled(family: Family, name: str) -> CompiledVersion:
    """A version of a family, from the cache where its sources have not changed.

    Only this version is built. A model with Python validators is validated by pydantic.
    """
    store = Store(family)
    memo = (family.package, str(store.folder), name)
    found = _loaded.get(memo)
    if found is None:
        family.version(name)
        found = _load(family, name, store)
        _loaded[memo] = found
    return found


def _load(family: Family, name: str, store: Store) -> CompiledVersion:
    import pydantic_core

    from cfgmig.schema.core import Uncompilable, plain_core

    file = f"{name}.core-{pydantic_core.__version__}"
    kept = store.read(file)
    if kept is None:
        model = family.model(name)
        kept = {"core": None, "why": "", "stamp": family.stamp_key in _top_keys(model)}
        kept["list"] = _is_list(model)
        try:
            kept["core"] = plain_core(model)
        except Uncompilable as error:
            kept["why"] = str(error)
        store.write(file, kept)
    return CompiledVersion(family, name, kept, store)


def _top_keys(model: Any) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def _is_list(model: Any) -> bool:
    """Whether files of the model are a list at the root."""
    from typing import get_origin

    if not getattr(model, "__pydantic_root_model__", False):
        return False
    return get_origin(model.model_fields["root"].annotation) is list
