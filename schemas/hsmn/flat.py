"""Dialects: the flat files of requests, searches and trials, one namespace for all three.

A key that has a place in sections is what stands there: same type, same bounds, same
default. What nothing reads takes any value. A key that no era knew is no error either:
the files grew by whatever a tuner sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from . import places, v1, v3, v4
from .keys import OTHERS, REQUEST, SWEEP, TRAINING, TRIAL_V2, TRIAL_V4

SPELT = {
    "use_hyperdimensional_embedding": (bool, True, "the dual-path embedding, or one table"),
    "use_quantum_lm_head": (bool, True, "the Born head instead of a dense one"),
    "learning_rate": (float | str | None, None, "learning rate, maybe as text"),
    "lr_min": (float | str | None, None, "lowest learning rate, maybe as text"),
    "lr_max": (float | str | None, None, "highest learning rate, maybe as text"),
}
"""What the flat files spell otherwise."""
UNREAD = "no code of the family reads it from here"


def _section(annotation: Any) -> Any:
    """The model in an annotation that may be optional."""
    members = get_args(annotation) or (annotation,)
    return next(one for one in members if isinstance(one, type) and issubclass(one, BaseModel))


def _at(model: Any, place: str) -> FieldInfo:
    *sections, key = place.split(".")
    for name in sections:
        model = _section(model.model_fields[name].annotation)
    found: FieldInfo = model.model_fields[key]
    return found


def _field(key: str, place: str | None, model: Any) -> tuple[Any, Any]:
    """Type and default of a flat key; what a profile requires, it requires here too."""
    alias = {"alias": key} if key.startswith("_") else {}
    if key in SPELT:
        type_, default, said = SPELT[key]
        return type_, Field(default=default, description=said)
    if place is None:
        return Any, Field(default=None, description=UNREAD, **alias)
    info = _at(model, place)
    if info.is_required():
        return info.annotation | None, Field(default=None, description=info.description)
    if alias:
        return info.annotation, Field(default=None, description=info.description, **alias)
    return info.annotation, info


def _flat(name: str, model: Any, table: Mapping[str, str], *groups: tuple[str, ...]) -> Any:
    config = ConfigDict(extra="allow", strict=True, protected_namespaces=())
    keys = dict.fromkeys(key for group in groups for key in group)
    fields: dict[str, Any] = {
        key.lstrip("_") + "_" * key.startswith("_"): _field(key, table.get(key), model)
        for key in keys
    }
    return create_model(name, __config__=config, __module__=__name__, **fields)


def _without(keys: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(key for key in keys if key not in names)


_FIRST, _SWEEP = SWEEP[:1], SWEEP[1:]
_ASKED = (*REQUEST, *OTHERS)
_TRIAL_V3 = _without(
    TRIAL_V4,
    "hd_dim_embedding",
    "hd_dim_spatial",
    "hd_dim_timecrystal",
    "hd_dim_moe",
    "hd_active_vocab_size",
    "vocab_size",
)

V2 = _flat(
    "V2",
    v1.Config,
    places.V2,
    SWEEP,
    TRIAL_V2,
    _without(_ASKED, "max_vocab_size"),
    ("hqe_ctqw_steps",),
)
V3 = _flat(
    "V3",
    v3.Config,
    places.V3,
    (*_FIRST, "target_vocab_size", *_SWEEP),
    _TRIAL_V3,
    ("use_hd_streaming", *_ASKED),
)
V4 = _flat(
    "V4",
    v4.Config,
    places.V4,
    (*_FIRST, "target_vocab_size", *_SWEEP),
    TRIAL_V4,
    (*_ASKED, *TRAINING),
)
V6 = _flat(
    "V6",
    v4.Config,
    places.V6,
    (*_FIRST, "active_vocab_size", *_SWEEP),
    TRIAL_V4,
    (*_ASKED, *TRAINING),
)
