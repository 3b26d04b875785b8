"""The quick parser and Typer read the same lines in the same way."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from cfgmig.cli import app, fast
from cfgmig.cli.main import COMMANDS, load

LINES = [
    "check a.yaml",
    "check a.yaml b.yaml --fix --select TV,CM --select X --ignore=Y -q",
    "check --output-format json -- -odd.yaml",
    "check - --family demo",
    "check a.yaml -j 3 --jobs=4",
    "upgrade configs --to 5.11.0 --diff",
    "upgrade --check --no-stamp --no-stash a b c -v",
    "downgrade --to 1.0 a.yaml",
    "current a.yaml --output-format=json",
    "history --family demo --verbose",
    "heads",
    "show 0003",
    "stamp demo/1.0 a.yaml b.yaml --diff",
    "diff a.yaml b.yaml --to 1.0",
    "undo --list",
    "undo --run 2024 --force",
    "explain CM001",
    "explain",
    "matrix --output-format markdown",
    "schema 1.0 --family demo",
    "template production --output new.yaml",
    "init here --family demo",
    "test -q",
]
LEFT_TO_TYPER = [
    "check --help",
    "check --no-such-option",
    "check --jobs many",
    "check --select",
    "check --family --fix",
    "check --fix=yes",
    "show",
    "show a b",
    "downgrade -x",
]


def defaults(function: Callable[..., int]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def tidy(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.items()}


@pytest.mark.parametrize("line", LINES)
def test_both_parsers_agree(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command, *rest = line.split()
    quick = fast.parse(load(command), rest)
    assert quick is not None
    seen: list[dict[str, Any]] = []

    def recorded(name: str) -> Callable[..., int]:
        @functools.wraps(load(name))
        def record(**named: Any) -> int:
            seen.append(named)
            return 0

        return record

    monkeypatch.setattr(app, "load", recorded)
    assert app.run_typer([command, *rest]) == 0
    assert tidy({**defaults(load(command)), **quick}) == tidy(seen[0])


@pytest.mark.parametrize("line", LEFT_TO_TYPER)
def test_what_is_not_plain_is_left_to_typer(line: str) -> None:
    command, *rest = line.split()
    assert fast.parse(load(command), rest) is None


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    document = inspect.getdoc(load(name))
    assert document
    assert document.splitlines()[0].endswith(".")
