"""A pydantic core schema as plain data: what can be cached as JSON and built again."""

from __future__ import annotations

from typing import Any

from cfgmig.errors import UsageError

# what only pydantic itself, serialisation and JSON Schema want to know
_DROPPED = frozenset(
    {
        "metadata",
        "serialization",
        "computed_fields",
        "serialization_alias",
        "serialization_exclude",
        "serialization_exclude_if",
        "generic_origin",
        "default_factory",
        "default_factory_takes_data",
        "copy_default",
    }
)
_PYTHON = frozenset({"function", "cls", "post_init"})
_PLAIN = (str, int, float, bool, type(None))


class Uncompilable(UsageError):
    """A model that says more than data can: it must be validated by pydantic itself."""


class _Stand:
    """In place of a model's instance: what pydantic-core sets on one."""

    __slots__ = (
        "__dict__",
        "__pydantic_extra__",
        "__pydantic_fields_set__",
        "__pydantic_private__",
    )


def plain_core(model: Any) -> dict[str, Any]:
    """The core schema of a pydantic model without any Python object.

    Returns:
        `{"schema": ..., "models": [[path, class name], ...]}`; each path leads to a node
        that lost its class.

    Raises:
        Uncompilable: the model holds validators or constraints that are Python code.
    """
    if not model.__pydantic_complete__:
        model.model_rebuild()
    rewriter = _Rewriter(f"{model.__module__}:{model.__qualname__}")
    schema = rewriter.rewrite(model.__pydantic_core_schema__, ())
    return {"schema": schema, "models": rewriter.models}


def build_validator(plain: dict[str, Any]) -> Any:
    """A `pydantic_core.SchemaValidator` that reports what the model would report."""
    from pydantic_core import SchemaValidator

    for path, name in plain["models"]:
        node = plain["schema"]
        for step in path:
            node = node[step]
        # messages and the names of union members come from the class
        node["cls"] = type(name, (_Stand,), {"__slots__": ()})
    return SchemaValidator(plain["schema"])


class _Rewriter:
    def __init__(self, model: str) -> None:
        self.model = model
        self.models: list[list[Any]] = []
        self.refs: dict[str, str] = {}

    def rewrite(self, node: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(node, dict):
            return self._mapping(node, path)
        if isinstance(node, list | tuple):
            return [self.rewrite(item, (*path, i)) for i, item in enumerate(node)]
        if type(node) not in _PLAIN:
            raise self._refusal(f"a {type(node).__name__} ({node!r})", path)
        return node

    def _mapping(self, node: dict[Any, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        kind = node.get("type")
        if isinstance(kind, str):
            self._inspect(kind, node, path)
        result: dict[str, Any] = {}
        for key, value in node.items():
            if type(key) is not str:
                raise self._refusal(f"the key {key!r}, which is no text", path)
            if key in ("ref", "schema_ref") and isinstance(value, str):
                result[key] = self.refs.setdefault(value, f"#{len(self.refs)}")
            elif key == "default" and kind == "default":
                # nobody reads the validated value, so the default itself does not matter
                result[key] = self.rewrite(value, path) if node.get("validate_default") else None
            elif not (isinstance(kind, str) and (key in _DROPPED or key == "cls")):
                result[key] = self.rewrite(value, (*path, key))
        if kind == "default":
            result.setdefault("default", None)
        return result

    def _inspect(self, kind: str, node: dict[Any, Any], path: tuple[str | int, ...]) -> None:
        """Note a model's class; refuse what runs Python code."""
        if kind == "model":
            if node.get("custom_init") or node.get("post_init"):
                raise self._refusal("its own __init__ or model_post_init", path)
            self.models.append([list(path), node["cls"].__name__])
        elif kind.startswith("function") or not _PYTHON.isdisjoint(node):
            raise self._refusal("a validator", path)
        elif kind == "default" and node.get("validate_default") and "default_factory" in node:
            raise self._refusal("a validated default factory", path)

    def _refusal(self, what: str, path: tuple[str | int, ...]) -> Uncompilable:
        names = (path[i + 1] for i, step in enumerate(path[:-1]) if step == "fields")
        field = ".".join(str(name) for name in names)
        place = f" at {field}" if field else ""
        return Uncompilable(
            f"the model {self.model} holds {what}{place}: Python code cannot be cached",
            help="make it a rule of the family, or accept that each run imports pydantic",
        )
