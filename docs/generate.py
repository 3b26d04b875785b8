"""Writes the pages that are made from the code: commands and rules.

    python docs/generate.py

A test compares the pages with what this would write.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cfgmig.checking import known_rules
from cfgmig.cli.app import build
from cfgmig.project import find_project

HERE = Path(__file__).resolve().parent
HEADER = "<!-- made by docs/generate.py -->\n\n"


def commands() -> str:
    """Every command with its options, as Typer knows them."""
    return "\n".join([HEADER + "# Commands\n", *_group(get_command(build()), "cfgmig")])


def _group(group: Any, title: str) -> Iterator[str]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            yield from (f"## {title} {name}\n", inspect.cleandoc(command.help or ""), "")
            yield from _group(command, f"{title} {name}")
        else:
            yield from _command(command, f"{title} {name}")


def _command(command: Any, title: str) -> Iterator[str]:
    usage = [f"[{p.name.upper()}]" for p in command.params if p.param_type_name == "argument"]
    yield from (f"## {' '.join([title, *usage])}\n", inspect.cleandoc(command.help or ""))
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    if options:
        yield from ("", "| option | meaning |", "| --- | --- |")
    for option in options:
        names = ", ".join(f"`{one}`" for one in option.opts)
        yield f"| {names} | {(option.help or '').replace('|', chr(92) + '|')} |"
    yield ""


def rules() -> str:
    """Every rule of this project, with its explanation and its first examples."""
    lines = [HEADER + "# Rules\n"]
    for rule in known_rules(find_project(HERE)):
        span = f" Versions {rule.since or 'first'} to {rule.until or 'current'}." * bool(
            rule.since or rule.until
        )
        lines += [f"## {rule.code} {rule.name}\n", f"*{rule.severity}.* {rule.summary}{span}\n"]
        lines += [rule.explanation, ""]
        for title, examples in (("Reported", rule.invalid), ("Fine", rule.valid)):
            for example in examples[:1]:
                lines += [f"{title}:\n", "```yaml", example.text.strip("\n"), "```", ""]
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Every generated page."""
    return {HERE / "commands.md": commands(), HERE / "rules.md": rules()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
