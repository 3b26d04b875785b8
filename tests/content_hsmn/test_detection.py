"""A file without a stamp is recognised by its keys; its name is never needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.content_hsmn.tools import (
    STAMP,
    detected,
    family,
    golden,
    head,
    migrate,
    parse,
    read,
    version_of,
)

LATE = {
    # Stored beside files of v6, but it aims at a vocabulary as v4 did.
    "v6_active_total__sweep_c4153d5e_config": "flat-v4",
}


def expected(file: Path) -> str:
    era = file.stem.partition("_")[0]
    return LATE.get(file.stem, f"flat-{era}")


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[Path]:
    folder = corpus / "hsmn"
    return sorted([*folder.glob("trials/*.json"), *folder.glob("sweeps/*.json")])


def test_every_corpus_file_is_of_its_era(files: list[Path]) -> None:
    assert len(files) == 19
    for file in files:
        for name in (file.name, "config.json"):
            found = detected(read(file, name))
            assert found.verdict == "detected", (file.name, name, found.sentence)
            assert found.best is not None
            assert found.best.version == expected(file), (file.name, name, found.sentence)


def test_another_spelling_of_the_file_changes_nothing(files: list[Path]) -> None:
    for file in files:
        text = json.dumps(json.loads(file.read_text("utf-8")), sort_keys=True)
        found = detected(parse(text, "config.yaml"))
        assert found.best is not None
        assert found.best.version == expected(file), file.name


def test_oversized_trials_are_of_v2(corpus: Path) -> None:
    record = corpus / "hsmn" / "misc" / "9fad0f8__hpo_trials__oversized_configs.jsonl"
    lines = record.read_text("utf-8").splitlines()
    assert len(lines) == 7
    for line in lines:
        found = detected(parse(json.dumps(json.loads(line)["config"]), "config.json"))
        assert found.verdict == "detected"
        assert found.best is not None
        assert found.best.version == "flat-v2"


@pytest.mark.parametrize(
    "name",
    [
        "misc/33341c1__scripts__parameter_comparison_report.json",
        "curricula/2409b2f__curriculum_presets.json",
        "trial_outputs/v2_hdfix__ed48d074__qahpo_g0_t1__status.json",
    ],
)
def test_what_is_no_config_is_unknown(corpus: Path, name: str) -> None:
    assert detected(read(corpus / "hsmn" / name)).verdict == "unknown"


@pytest.mark.parametrize("file", golden(), ids=lambda one: one.stem)
def test_our_own_files(file: Path) -> None:
    found = detected(read(file, f"config{file.suffix}"))
    assert found.verdict == "detected", found.sentence
    assert found.best is not None
    assert found.best.version == version_of(file), found.sentence


@pytest.mark.parametrize("file", golden(), ids=lambda one: one.stem)
def test_a_stamp_decides(file: Path) -> None:
    upgraded = migrate(read(file), version_of(file), head()).document
    assert upgraded.data[STAMP] == "hsmn/5"
    found = detected(upgraded)
    assert found.verdict == "stamped"
    assert found.best is not None
    assert found.best.version == "5"


def test_an_upgraded_file_is_the_head_without_its_stamp_too() -> None:
    for file in golden():
        upgraded = migrate(read(file), version_of(file), head(), stamp=False)
        found = detected(upgraded.document)
        assert found.best is not None
        assert found.best.version == head(), (file.name, found.sentence)


def test_the_newest_version_is_the_head() -> None:
    assert head() == "5"
    assert [one.name for one in family().versions if not one.dialect] == list("12345")
