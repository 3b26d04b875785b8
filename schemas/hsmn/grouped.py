"""Dialects: the search's file in groups, whose `model_config` holds the keys of a flat file.

What stood below `hpo_runner` is known by one name only, `trial_settings`; its keys and
those of `search_space` are anything.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from . import flat


class Group(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class Runner(Group):
    trial_settings: dict[str, Any] = Field(
        default_factory=dict, description="how a trial is run; no version has a place for it"
    )


def _grouped(name: str, keys: Any) -> Any:
    """`model_config` is a word of pydantic's, so the field has another name than its key."""
    base = Field(default_factory=keys, alias="model_config", description="what trials begin with")
    fields: dict[str, Any] = {
        "search_space": (
            dict[str, Any],
            Field(default_factory=dict, description="ranges and choices per key"),
        ),
        "base": (keys, base),
        "param_budget": (int | None, Field(default=None, ge=1, description="parameters at most")),
        "hpo_runner": (Runner, Field(default_factory=Runner, description="who runs the trials")),
    }
    return create_model(name, __base__=Group, __module__=__name__, **fields)


V2 = _grouped("V2", flat.V2)
V4 = _grouped("V4", flat.V4)
V6 = _grouped("V6", flat.V6)
