"""The quick parser and Typer read the same lines in the same way."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from cfgmig.cli import app, fast
from cfgmig.cli.main import COMMANDS, load, named

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
    "checkpoint inspect a.pt b.pt --stats -v",
    "checkpoint inspect",
    "checkpoint find runs --compatible-with c.yaml --output-format=json -q",
    "checkpoint find",
    "checkpoint diff a.pt b --atol 1e-5 --rtol=.5 --map a=b --map c.*=d.*",
    "checkpoint diff a.pt b --strip module. --strip=x. --all --no-values -v --along 1.0",
    "checkpoint convert a.pt b.safetensors --cast F16 --fail-on overflow --fail-on=change",
    "checkpoint convert a b --format sharded --max-shard 5GB --overwrite --reflink --dry-run",
    "checkpoint convert a b.pt --to 1.1 --from 1.0 --for c.yaml --family demo --no-stash",
    "checkpoint convert a b.pt --from-version=1.0 --for-config=c.yaml --to=1.1 --model-only",
    "checkpoint convert a b.npz --rename a=b --drop x.* --strip-prefix m. --aliases once -q",
    "checkpoint verify a b --to 1.1 --round-trip --probe",
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
    "checkpoint diff a",
    "checkpoint diff a b --atol many",
    "checkpoint diff a b --atol -1",
    "checkpoint diff a b --all=yes",
    "checkpoint convert a",
    "checkpoint convert a b c",
    "checkpoint inspect --help",
]


def defaults(function: Callable[..., int]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def tidy(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.items()}


def split(line: str) -> tuple[str, list[str]]:
    """The command of a line, of one word or two, and the rest."""
    words = line.split()
    command = named(words)
    return command, words[len(command.split()) :]


@pytest.mark.parametrize("line", LINES)
def test_both_parsers_agree(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command, rest = split(line)
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
    assert app.run_typer(line.split()) == 0
    assert tidy({**defaults(load(command)), **quick}) == tidy(seen[0])


@pytest.mark.parametrize("line", LEFT_TO_TYPER)
def test_what_is_not_plain_is_left_to_typer(line: str) -> None:
    command, rest = split(line)
    assert fast.parse(load(command), rest) is None


@pytest.mark.parametrize("line", ["checkpoint", "checkpoint --help", "checkpoint none", "none", ""])
def test_what_is_no_command(line: str) -> None:
    assert named(line.split()) == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    document = inspect.getdoc(load(name))
    assert document
    assert document.splitlines()[0].endswith(".")
