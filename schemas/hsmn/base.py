"""What every section of every version has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Keys are closed and types are exact: `"1"` is no number, and a typo is no key."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())
