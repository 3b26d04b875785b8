"""`cfgmig template`: pre-validated configs to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, Output, TemplateName


def template(name: TemplateName = "", *, family: Family = "", output: Output = "") -> int:
    """Print one of the family's pre-validated configs, or list them."""
    source = find_project(Path.cwd()).only(family or None)
    folder = source.folder / (source.family.templates or "templates")
    found = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    if not found:
        raise UsageError(f"family {source.name} has no templates", help=f"put one into {folder}")
    if not name:
        for key, file in found.items():
            console.data(f"{key}  {_first_comment(file)}\n")
        return 0
    if name not in found:
        raise UsageError(
            f"family {source.name} has no template {name!r}", help=f"one of: {', '.join(found)}"
        )
    content = found[name].read_bytes()
    if not output:
        console.data(content.decode())
        return 0
    try:
        with Path(output).open("xb") as stream:
            stream.write(content)
    except FileExistsError as error:
        raise UsageError("exists already", file=output, help="name a new file") from error
    console.say(f"wrote {output}")
    return 0


def _first_comment(file: Path) -> str:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and line.strip("# "):
            return line.strip("# ")
    return ""
