"""Requests, searches and trials are of one schema, and owe it different things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.schema.engine import check_document
from cfgmig.schema.profile import profile_of
from cfgmig.schema.rules import Config
from tests.content_hsmn.test_detection import expected
from tests.content_hsmn.tools import GOLDEN, family, head, migrate, parse, read, version_of


def _profile(document: Any, version: str) -> str | None:
    found = profile_of(Config(document.data, version), family())
    return found and found.name


def _said(document: Any, version: str) -> list[str]:
    found = check_document(document, family(), version, root=Path(), folder=Path())
    return [one.finding.message for one in found if one.finding.code in ("CM002", "CM003")]


def test_every_corpus_file_shows_its_profile_and_owes_nothing(corpus: Path) -> None:
    for folder, wanted in (("trials", "trial"), ("sweeps", "sweep")):
        for file in sorted((corpus / "hsmn" / folder).glob("*.json")):
            document, version = read(file), expected(file)
            assert _profile(document, version) == wanted, file.name
            assert _said(document, version) == [], file.name


@pytest.mark.parametrize(
    ("stem", "profile"),
    [
        ("flat-v2--request.json", "request"),
        ("flat-v2--sweep.json", "sweep"),
        ("flat-v2.json", "trial"),
        ("flat-v6.json", "trial"),
        ("flat-v6--training.json", "sweep"),
    ],
)
def test_an_upgrade_keeps_the_profile(stem: str, profile: str) -> None:
    file = GOLDEN / stem
    before, version = read(file), version_of(file)
    assert _profile(before, version) == profile
    after = migrate(before, version, head()).document
    kept = _profile(after, head())
    assert kept == (None if profile == "request" else profile)


def test_a_request_has_bounds_that_a_trial_has_not() -> None:
    text = "profile: {}\nbudget: {{param_budget: 200000000}}\nmodel: {{context_window: 4096}}\n"
    text += "legacy_extra: {{moe_top_k: 8}}\n"
    said = _said(parse(text.format("request")), "5")
    assert said == [
        "`model.context_window` should be greater than or equal to 8192 in a request, not 4096",
        "`legacy_extra.moe_top_k` should be less than or equal to 4 in a request, not 8",
    ]
    assert not any("should be" in one for one in _said(parse(text.format("trial")), "5"))


def test_an_older_request_may_ask_for_a_short_window() -> None:
    text = "profile: request\nbudget: {param_budget: 200000000}\nmodel: {context_window: 4096}\n"
    assert _said(parse(text), "3") == []
    assert len(_said(parse(text), "4")) == 1


def test_a_trial_must_say_what_was_drawn() -> None:
    said = _said(parse("profile: trial\nmodel: {hidden_dim: 64}\n"), "5")
    named = {one.partition("`: ")[0].rpartition("`")[2] for one in said}
    assert named == {
        "context_window",
        "num_reasoning_blocks",
        "num_moe_experts",
        "batch_size",
        "learning_rate",
        "optimizer",
        "param_budget",
        "active_vocab_size",
        "trial_id",
    }


def test_the_bounds_are_those_of_the_request_model(corpus: Path) -> None:
    from schemas.hsmn.profiles import BOUNDS

    file = corpus / "hsmn" / "derived" / "start_hpo_request__v6_active_total__21f7be4.json"
    fields = json.loads(file.read_text("utf-8"))
    wanted = {
        key: (field["ge"], field["le"]) for key, field in fields.items() if {"ge", "le"} & {*field}
    }
    assert {key: BOUNDS[key] for key in wanted} == wanted
    assert set(BOUNDS) - set(wanted) == {"target_vocab_size"}


def test_what_the_search_decides_has_a_place_in_every_version() -> None:
    from cfgmig.paths import parse_path
    from cfgmig.schema.compile import compiled
    from schemas.hsmn.profiles import MANAGED

    known = [compiled(family(), name) for name in family().names]
    lost = [path for path in MANAGED if not any(one.entry(parse_path(path)) for one in known)]
    assert lost == []
