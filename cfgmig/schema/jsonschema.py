"""A version's JSON Schema (2020-12), for editors and for validators in other languages.

JSON Schema has one kind of number: where the model takes integers only, `64.0` passes
here and is refused by cfgmig.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfgmig.schema.family import Family

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(family: Family, version: str) -> dict[str, Any]:
    """The JSON Schema of a version; the stamp is allowed beside the model's own keys.

    Raises:
        UsageError: the family has no such version, or it has no model.
    """
    declared = family.version(version)
    schema: dict[str, Any] = family.model(version).model_json_schema(mode="validation")
    head = {
        "$schema": DIALECT,
        "$id": f"urn:cfgmig:{family.name}:{version}",
        "title": f"{family.title} {version}",
    }
    if declared.summary:
        head["description"] = declared.summary
    rest = {key: value for key, value in schema.items() if key not in ("title", "properties")}
    if schema.get("type") == "array":
        return dict(_json_only({**rest, **head}))
    stamp = {
        "const": family.stamp(version),
        "description": "The family and the version of this file.",
    }
    properties = {family.stamp_key: stamp} | schema.get("properties", {})
    found: dict[str, Any] = _json_only({**head, **rest, "properties": properties})
    return found


def _json_only(node: Any) -> Any:
    """Without defaults that JSON cannot spell, and with tuples as lists."""
    if isinstance(node, dict):
        return {
            key: _json_only(value)
            for key, value in node.items()
            if not (key == "default" and _is_unspeakable(value))
        }
    if isinstance(node, list | tuple):
        return [_json_only(item) for item in node]
    return node


def _is_unspeakable(value: Any) -> bool:
    import math

    return isinstance(value, float) and not math.isfinite(value)
