"""Every key of the head version has an effect on a run, or somebody says that it has none."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel

from cfgmig.checking import CheckOptions, check
from cfgmig.project import find_project
from examples.common.flow import Stop
from examples.common.ranks import Ranks
from examples.hsmn.data.grammar import text
from examples.hsmn.flow import Ready, resolved
from examples.hsmn.flow_data import material, read_texts, tokenizer_of
from examples.hsmn.flow_facts import hold_material
from examples.hsmn.inert import inert
from examples.hsmn.model import build
from examples.hsmn.run import Options, assemble
from examples.hsmn.stepping import train_epoch
from schemas.hsmn.v5 import Config
from tests.conftest import ROOT

from .key_cases import CASES, SILENCED, Case
from .train_helpers import PARAGRAPHS, SMALL, merged


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        below = _section(field.annotation)
        if below is None:
            yield f"{prefix}{name}"
        else:
            yield from leaves(below, f"{prefix}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *typing.get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def test_every_key_of_the_head_has_a_case() -> None:
    assert sorted(case.key for case in CASES) == sorted(leaves(Config))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("keys")
    (place / "text.txt").write_text(text(PARAGRAPHS))
    (place / "other.txt").write_text(text(PARAGRAPHS, seed=1))
    return place


def _data(changes: dict[str, Any]) -> dict[str, Any]:
    data = merged(SMALL, {"training": {"steps": 2}})
    for key, value in changes.items():
        *above, name = key.split(".")
        node = data
        for part in above:
            node = node.setdefault(part, {}) if node.get(part, 0) is not None else node
        node[name] = value
    return data


def _config(changes: dict[str, Any]) -> Config:
    data = _data(changes)
    del data["schema_version"]
    return Config.model_validate(data)


_RUNS: dict[str, Any] = {}


def _run(changes: dict[str, Any], folder: Path) -> Any:
    """All that two steps leave behind: losses, every parameter, and how long the run would be."""
    mark = repr(sorted(changes.items(), key=str))
    if mark not in _RUNS:
        try:
            _RUNS[mark] = _trained(_config(changes), folder)
        except (Stop, ValueError) as error:
            _RUNS[mark] = str(error)
    return _RUNS[mark]


def _trained(config: Config, folder: Path) -> Any:
    path = folder / "config.json"
    texts = read_texts(config, path, folder)
    tokenizer = tokenizer_of(config, texts, None)
    config = resolved(config, tokenizer)
    given = material(config, texts, tokenizer)
    torch.manual_seed(config.training.seed)
    model = build(config)
    hold_material(config, model, given, path)
    ready = Ready(config, None, given, model, None)  # type: ignore[arg-type]
    run = assemble(ready, Options(folder / "out"), Ranks(0, 1, torch.device("cpu")))
    # Two steps of however many there are.
    whole, run.steps = run.steps, min(run.steps, 2)
    averages = train_epoch(run)
    digest = sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return whole, averages.loss, averages.rate, digest.hexdigest()


def _named(cases: list[Case], *kinds: str) -> list[Any]:
    return [pytest.param(one, id=one.key) for one in cases if one.kind in kinds]


@pytest.mark.parametrize("case", _named(CASES, "trained"))
def test_a_key_changes_the_run(case: Case, folder: Path) -> None:
    """Both runs are alike but for the key, so equal ones mean that nothing reads it."""
    usual, changed = (
        _run(given, folder) for given in (case.given, {**case.given, case.key: case.value})
    )
    assert not isinstance(usual, str), usual
    assert not isinstance(changed, str), changed
    assert changed != usual


@pytest.mark.parametrize("case", _named(CASES, "stopped"))
def test_a_key_stops_the_run(case: Case, folder: Path) -> None:
    stopped = _run({**case.given, case.key: case.value}, folder)
    assert isinstance(stopped, str)
    assert case.by in stopped


@pytest.mark.parametrize("case", _named([*CASES, *SILENCED], "inert"))
def test_a_key_that_changes_nothing_is_said(case: Case, folder: Path) -> None:
    changed = {**case.given, case.key: case.value}
    assert inert(_config(changed))[case.key]
    usual = _run(case.given, folder)
    assert not isinstance(usual, str), usual
    assert _run(changed, folder) == usual


def test_no_key_that_changes_a_run_is_called_inert_in_it() -> None:
    for case in CASES:
        if case.kind == "trained":
            assert case.key not in inert(_config({**case.given, case.key: case.value})), case.key


@pytest.mark.parametrize("case", _named(CASES, "checked"))
def test_a_key_that_only_a_check_reads_is_refused_by_it(case: Case) -> None:
    data = _data({**case.given, case.key: case.value})
    findings = check(json.dumps(data), "config.json", find_project(ROOT), CheckOptions()).findings
    assert case.by in {one.code for one in findings if one.severity == "error"}


@pytest.mark.parametrize("case", _named(CASES, "marked"))
def test_the_schema_says_what_a_key_is_for_that_no_run_reads(case: Case, folder: Path) -> None:
    section = Config.model_fields[case.key.partition(".")[0]]
    assert section.description == case.by
    assert _run({**case.given, case.key: case.value}, folder) == _run(case.given, folder)


def test_the_same_run_twice_is_the_same(folder: Path) -> None:
    """Otherwise every comparison above would pass."""
    first = _run({}, folder)
    _RUNS.clear()
    assert _run({}, folder) == first
