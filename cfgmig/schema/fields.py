"""The flat field table of a version: every dotted path that its config may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from cfgmig.migration.grade import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cfgmig.paths import Path

Kind = Literal["leaf", "section", "list", "map", "open"]


class Field(NamedTuple):
    """One path of a version.

    Args:
        type: as a reader would write it: `int`, `float | None`, `list[int]`, `section`.
        required: its section cannot do without it.
        default: a JSON value, or MISSING.
        choices: the values of a Literal.
        kind: `section` has fixed keys, `map` any keys, `list` items; below `open` all goes.
        variants: where a section may be one of several models, those that have the field.
    """

    type: str
    required: bool
    default: Any = MISSING
    description: str = ""
    choices: tuple[Any, ...] = ()
    kind: Kind = "leaf"
    variants: tuple[str, ...] = ()

    def to_json(self) -> list[Any]:
        """As a row of the cached table."""
        row = [self.kind, self.type, self.required, self.description, list(self.choices)]
        row.append(list(self.variants))
        return row if self.default is MISSING else [*row, self.default]

    @classmethod
    def from_json(cls, row: list[Any]) -> Field:
        """The inverse of `to_json`."""
        kind, type_, required, description, choices, variants, *default = row
        found = default[0] if default else MISSING
        return cls(type_, required, found, description, tuple(choices), kind, tuple(variants))


def build_fields(model: Any) -> dict[str, Field]:
    """The table of a pydantic model, in the order in which it declares its fields."""
    table: dict[str, Field] = {}
    for path, field in _model_fields(model, "", ()):
        known = table.get(path)
        table[path] = field if known is None else _merge(known, field)
    return table


def known_path(table: Mapping[str, Field], path: Path) -> str | None:
    """The entry of the table that a path of a file falls under, or None.

    Indices and the keys of maps match `*`; anything below an open entry is that entry.
    """
    parent = ""
    for segment in path:
        if parent and table[parent].kind == "open":
            return parent
        plain = join(parent, str(segment)) if isinstance(segment, str) else ""
        starred = join(parent, "*")
        if plain in table:
            parent = plain
        elif starred in table:
            parent = starred
        else:
            return None
    return parent


def join(parent: str, key: str) -> str:
    """A child's path in the table; a key that is no plain word is quoted."""
    if not key.isidentifier() and key != "*":
        from cfgmig.paths import format_path

        key = format_path((key,))
    return f"{parent}.{key}" if parent else key


def children(table: Mapping[str, Field], parent: Path) -> tuple[str, ...]:
    """The keys of a section in schema order; empty where any key may stand."""
    entry = known_path(table, parent) if parent else ""
    if entry is None:
        return ()
    return sections(table).get(entry, ())


def sections(table: Mapping[str, Field]) -> dict[str, tuple[str, ...]]:
    """For every entry that has fixed keys: these keys, in schema order."""
    from cfgmig.paths import format_path, parse_path

    found: dict[str, list[str]] = {}
    for name in table:
        if '"' in name:
            path = parse_path(name)
            parent, key = format_path(path[:-1]), str(path[-1])
        else:
            parent, _, key = name.rpartition(".")
        if key != "*":
            found.setdefault(parent, []).append(key)
    return {parent: tuple(keys) for parent, keys in found.items()}


def _model_fields(model: Any, parent: str, stack: tuple[Any, ...]) -> Iterator[tuple[str, Field]]:
    if getattr(model, "__pydantic_root_model__", False):
        annotation = model.model_fields["root"].annotation
        below = _shape(parent, annotation, Field(show(annotation), True), (*stack, model))
        yield from ((path, field) for path, field in below if path != parent)
        return
    for name, info in model.model_fields.items():
        alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias
        path = join(parent, alias or name)
        default = _default(info)
        base = Field(show(info.annotation), info.is_required(), default, info.description or "")
        yield from _shape(path, info.annotation, base, (*stack, model))


def _shape(
    path: str, annotation: Any, base: Field, stack: tuple[Any, ...]
) -> Iterator[tuple[str, Field]]:
    """The entry of one annotation and those of all that lies below it."""
    members = [member for member in alternatives(annotation) if member is not type(None)]
    choices = tuple(c for m in members if get_origin(m) is Literal for c in get_args(m))
    models = [member for member in members if _is_model(member)]
    item = next((i for i in map(_item, members) if i is not None), None)
    if Any in members or any(model in stack for model in models):
        yield path, base._replace(kind="open")
    elif models:
        yield path, base._replace(kind="section", type=show(annotation))
        yield from _variants(path, models, stack)
    elif item is not None:
        is_map = any(get_origin(member) is dict or member is dict for member in members)
        yield path, base._replace(kind="map" if is_map else "list")
        below = list(_shape(join(path, "*"), item, Field(show(item), False), stack))
        # the items of a plain list are no paths of their own
        yield from below if is_map or below[0][1].kind != "leaf" else ()
    else:
        yield path, base._replace(choices=choices)


def _variants(path: str, models: list[Any], stack: tuple[Any, ...]) -> Iterator[tuple[str, Field]]:
    if len(models) == 1:
        yield from _model_fields(models[0], path, stack)
        return
    tables = {model.__name__: dict(_model_fields(model, path, stack)) for model in models}
    for name, table in tables.items():
        for key, field in table.items():
            shared = all(key in other for other in tables.values())
            required = field.required and shared
            yield key, field._replace(required=required, variants=() if shared else (name,))


def _merge(first: Field, second: Field) -> Field:
    """One entry for a path that several members of a union have."""
    types = dict.fromkeys([*first.type.split(" | "), *second.type.split(" | ")])
    return first._replace(
        type=" | ".join(types),
        required=first.required and second.required,
        default=first.default if first.default == second.default else MISSING,
        description=first.description or second.description,
        choices=tuple(dict.fromkeys((*first.choices, *second.choices))),
        variants=tuple(dict.fromkeys((*first.variants, *second.variants))),
    )


def alternatives(annotation: Any) -> list[Any]:
    """The members of a union, flattened; the annotation itself when it is none."""
    import types
    from typing import Annotated, Union

    origin = get_origin(annotation)
    if origin is Annotated:
        return alternatives(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        return [one for member in get_args(annotation) for one in alternatives(member)]
    return [annotation]


def show(annotation: Any) -> str:
    """An annotation in a reader's words."""
    return " | ".join(dict.fromkeys(_show_one(member) for member in alternatives(annotation)))


def _show_one(member: Any) -> str:
    origin = get_origin(member)
    if member is type(None):
        return "null"
    if origin is Literal:
        return " | ".join(map(_quote, get_args(member)))
    if _is_model(member):
        return "section"
    if origin is not None:
        inner = ("..." if part is Ellipsis else show(part) for part in get_args(member))
        return f"{getattr(origin, '__name__', origin)}[{', '.join(inner)}]"
    return "any" if member is Any else str(getattr(member, "__name__", member))


def _quote(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _is_model(member: Any) -> bool:
    return isinstance(member, type) and hasattr(member, "model_fields")


def _item(member: Any) -> Any:
    """What a list or a mapping holds; None for anything else."""
    origin, arguments = get_origin(member) or member, get_args(member)
    if origin is dict:
        return arguments[1] if arguments else Any
    if origin in (list, tuple, set, frozenset):
        return arguments[0] if arguments else Any
    return None


def _default(info: Any) -> Any:
    from pydantic_core import PydanticUndefined, to_jsonable_python

    if info.is_required():
        return MISSING
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return MISSING
    # NaN and infinity stay floats: the cache's JSON can spell them
    return value if isinstance(value, float) else to_jsonable_python(value, by_alias=True)
