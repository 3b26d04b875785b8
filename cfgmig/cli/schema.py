"""`cfgmig schema`: the JSON Schema of a version, for editors and other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, VersionName


def schema(version: VersionName = "", *, family: Family = "") -> int:
    """Print the JSON Schema (2020-12) of a version; the current one by default."""
    from cfgmig.schema.jsonschema import json_schema

    declared = find_project(Path.cwd()).only(family or None).family
    found = json_schema(declared, version or declared.head.name)
    console.data(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 0
