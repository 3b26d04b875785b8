"""`cfgmig init`: a project's two folders, with a family to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, Folder

NAME = re.compile(r"[a-z][a-z0-9_]*")


def init(folder: Folder = ".", *, family: Family = "mymodel") -> int:
    """Write `schemas`, `migrations`, examples, a test and their place in pyproject.toml."""
    from cfgmig import scaffold

    if not NAME.fullmatch(family):
        raise UsageError(
            f"{family!r} is no family name",
            help="lower-case letters, digits and `_`, as in `my_net`",
        )
    root = Path(folder)
    files = scaffold.files(family)
    existing = [path for path in files if (root / path).exists() and path != "tests/test_cfgmig.py"]
    if existing:
        raise UsageError(
            f"{existing[0]} exists already", help="choose another name with `--family NAME`"
        )
    for path, text in files.items():
        if not (root / path).exists():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
            console.say(f"wrote {root / path}")
    _declare(root / "pyproject.toml", scaffold.PYPROJECT)
    console.say("next: edit the schema, then run `cfgmig test`")
    return 0


def _declare(file: Path, section: str) -> None:
    """Add `[tool.cfgmig]` at the end of pyproject.toml, unless it has one."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if re.search(r"^\[tool\.cfgmig\]", text, re.MULTILINE):
        return
    if text and not text.endswith("\n"):
        text += "\n"
    file.write_text(text + section.lstrip("\n" if not text else ""), encoding="utf-8")
    console.say(f"wrote [tool.cfgmig] into {file}")
