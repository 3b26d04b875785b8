"""Real files to the head and back: valid, no key lost, every byte returned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.errors import Refused
from cfgmig.migration.run import Outcome
from tests.content_hsmn.test_detection import expected
from tests.content_hsmn.tools import WINDOW, data, errors, family, head, migrate, plan, read

CONFLICTS = {
    "v4_perlayer__2add627d__qahpo_g0_t1__config": (32768, 4096),
    "v6_active_total__153587c9__qahpo_g0_t1__config": (16384, 4096),
}
"""Trials whose sequence length is not their context window."""


TWINS = {
    "v2_hdfix__a6766315__qahpo_g0_t1__config": "v2_hdfix__48cf872d__qahpo_g0_t1__config",
    "v2_hdfix__e9a9d760__qahpo_g0_t1__config": "v2_hdfix__48cf872d__qahpo_g0_t1__config",
    "v2_hdfix__ef7cddb1__qahpo_g0_t1__config": "v2_hdfix__ab733418__qahpo_g0_t1__config",
    **dict.fromkeys(
        (
            "v2_hdfix__sweep_48cf872d_config",
            "v2_hdfix__sweep_8de295b7_config",
            "v2_hdfix__sweep_923e25a5_config",
            "v2_hdfix__sweep_a6766315_config",
            "v2_hdfix__sweep_ab733418_config",
        ),
        "v2_hdfix__sweep_ed48d074_config",
    ),
}
"""Files with the same keys in the same order as another one; a slow test takes them all."""


def _all(corpus: Path) -> list[Path]:
    folder = corpus / "hsmn"
    return sorted([*folder.glob("trials/*.json"), *folder.glob("sweeps/*.json")])


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[Path]:
    return [file for file in _all(corpus) if file.stem not in TWINS]


@pytest.fixture(scope="module")
def upgraded(files: list[Path]) -> dict[str, Outcome]:
    """To the head; only who must be asked says which length stays."""
    done = {}
    for file in files:
        prefer = WINDOW if file.stem in CONFLICTS else ()
        done[file.stem] = migrate(read(file), expected(file), head(), stamp=False, prefer=prefer)
    return done


def test_every_file_is_valid_as_what_it_is(corpus: Path) -> None:
    for file in _all(corpus):
        assert errors(read(file), expected(file)) == [], file.name


def test_the_head_accepts_every_upgraded_file(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        assert errors(outcome.document, head()) == [], name


def test_every_version_on_the_way_accepts_the_file(files: list[Path]) -> None:
    one_of_each = {(expected(file), file.parent.name): file for file in files}
    assert len(one_of_each) == 6
    for file in one_of_each.values():
        document = read(file)
        for step in plan(expected(file), head()).steps:
            document = migrate(document, step.origin, step.goal, prefer=WINDOW).document
            assert errors(document, step.goal) == [], (file.name, step.goal)


@pytest.mark.slow
def test_twins_go_to_the_head_and_back_too(corpus: Path) -> None:
    twins = {file.stem: file for file in _all(corpus)}
    for name, other in TWINS.items():
        assert list(read(twins[name]).data) == list(read(twins[other]).data), name
        up = migrate(read(twins[name]), expected(twins[name]), head(), stamp=False)
        assert errors(up.document, head()) == [], name
        back = migrate(up.document, head(), expected(twins[name]), stamp=False)
        assert back.document.to_bytes() == twins[name].read_bytes(), name


def test_a_second_run_changes_nothing(upgraded: dict[str, Outcome]) -> None:
    for name, outcome in upgraded.items():
        again = migrate(outcome.document, head(), head(), stamp=False)
        assert not again.changed, name


def test_the_way_back_gives_every_byte(files: list[Path], upgraded: dict[str, Outcome]) -> None:
    for file in files:
        back = migrate(upgraded[file.stem].document, head(), expected(file), stamp=False)
        assert back.document.to_bytes() == file.read_bytes(), file.name


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for below in value.values() for leaf in _leaves(below)]
    return [value]


def test_no_key_of_nobody_is_lost_or_changed(
    corpus: Path, files: list[Path], upgraded: dict[str, Outcome]
) -> None:
    table = corpus / "hsmn" / "derived" / "trial_key_liveness__21f7be4.json"
    dead = set(json.loads(table.read_text("utf-8"))["dead"])
    assert len(dead) == 206
    homes = _homes()
    assert len(dead - homes) == 185
    for file in files:
        before = json.loads(file.read_text("utf-8"))
        kept = data(upgraded[file.stem].document).get("legacy_extra", {})
        for key in dead - homes:
            assert (key in kept) == (key in before), (file.name, key)
            assert kept.get(key) == before.get(key), (file.name, key)


def _homes() -> set[str]:
    """Keys that the facts' own table of places names, though the last code read none of them."""
    from schemas.hsmn import places

    return set(places.V2) | set(places.V4) | set(places.V6)


def test_keys_of_nobody_are_reported_once(upgraded: dict[str, Outcome]) -> None:
    outcome = upgraded["v6_active_total__153587c9__qahpo_g0_t1__config"]
    lines = [line for line in outcome.log if "legacy_extra" in line]
    assert len(lines) == 1
    assert "185 keys moved to `legacy_extra`" in lines[0]


@pytest.mark.parametrize("name", CONFLICTS)
def test_two_lengths_that_differ_stop_the_upgrade(name: str, files: list[Path]) -> None:
    file = next(one for one in files if one.stem == name)
    length, window = CONFLICTS[name]
    with pytest.raises(Refused) as caught:
        migrate(read(file), expected(file), head())
    assert f"is {length}, but `context_window` is {window}" in caught.value.message
    assert "--prefer sequence_length" in str(caught.value.help)
    assert "--prefer context_window" in str(caught.value.help)
    done = migrate(read(file), expected(file), head(), prefer=("sequence_length",))
    assert done.document.data["model"]["context_window"] == length


def test_the_golden_trial_of_v6(upgraded: dict[str, Outcome]) -> None:
    outcome = upgraded["v6_active_total__153587c9__qahpo_g0_t1__config"]
    config = data(outcome.document)
    assert config["tokenizer"]["active_vocab_size"] == 16000
    assert config["tokenizer"]["total_vocab_size"] == 300000
    assert config["model"]["hidden_dim"] == 512
    assert "embedding_dim" not in config["model"]
    assert config["model"]["embedding"]["hd_active_vocab_size"] == 1000
    assert config["model"]["hd_dims"] == {
        "embedding": 512,
        "spatial": 1536,
        "timecrystal": 1024,
        "moe": 1024,
    }
    said = " ".join(note.message for note in outcome.notes)
    for pair in ("121558", "16000"), ("128", "512"), ("16384", "4096"), ("768", "1024"):
        assert all(number in said for number in pair), pair


def test_a_vocabulary_that_nobody_chose_follows_from_the_budget(
    upgraded: dict[str, Outcome],
) -> None:
    training = data(upgraded["v6_active_total__sweep_c4153d5e_training_config"].document)
    assert training["tokenizer"]["active_vocab_size"] == 121558
    assert training["tokenizer"]["derived_from"] == "budget"
    # int(250e6 / 2) of which 4096 x 512 are no vocabulary: 122902848 // 4096
    sweep = data(upgraded["v2_hdfix__sweep_ed48d074_config"].document)
    assert sweep["tokenizer"]["active_vocab_size"] == 30005
    assert sweep["tokenizer"]["max_vocab_size"] == 30005


def test_a_drawn_vocabulary_stays(files: list[Path], upgraded: dict[str, Outcome]) -> None:
    for file in files:
        before = json.loads(file.read_text("utf-8"))
        if file.parent.name == "trials" and file.stem.startswith("v2"):
            after = data(upgraded[file.stem].document)["tokenizer"]["active_vocab_size"]
            assert after == before["vocab_size"], file.name


def test_the_family_is_declared_for_every_file(files: list[Path]) -> None:
    assert {expected(file) for file in files} <= set(family().names)
