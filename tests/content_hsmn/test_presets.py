"""Curriculum presets: the newer release has fewer, and no file loses one to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.checking import CheckOptions, check
from cfgmig.project import find_project
from tests.conftest import ROOT
from tests.content_hsmn.tools import STAMP, Kind, among_all, parse, read

KIND = Kind("presets")
FILES = KIND.golden()


def checked(content: bytes | str, name: str) -> Any:
    return check(content, name, find_project(ROOT), CheckOptions())


def test_there_is_one_for_each_version() -> None:
    assert {KIND.version_of(file) for file in FILES} == set(KIND.family.names)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_up_down_and_once_more(file: Path) -> None:
    before, version = read(file), KIND.version_of(file)
    assert KIND.errors(before, version) == []
    up = KIND.migrate(before, version, KIND.head).document
    assert up.to_bytes() == file.with_name(f"{file.stem}.head{file.suffix}").read_bytes()
    assert KIND.errors(parse(up.to_bytes(), file.name), KIND.head) == []
    assert not KIND.migrate(up, KIND.head, KIND.head).changed
    plain = KIND.migrate(before, version, KIND.head, stamp=False).document
    assert plain.to_bytes() == file.read_bytes()


def test_the_real_files_are_told_apart(corpus: Path) -> None:
    for name, version in (("2409b2f", "2.0.0"), ("33341c1", "4.0.0")):
        file = corpus / "hsmn" / "curricula" / f"{name}__curriculum_presets.json"
        for spelt in (file.name, "presets.json", "presets.yaml"):
            found = among_all(read(file, spelt))
            assert found.verdict == "detected"
            assert found.best is not None
            assert found.best.name == f"hsmn_presets/{version}"
        assert KIND.errors(read(file), version) == []


def test_what_a_newer_file_would_take_away_is_named(corpus: Path) -> None:
    folder = corpus / "hsmn" / "curricula"
    old = folder / "2409b2f__curriculum_presets.json"
    new = folder / "33341c1__curriculum_presets.json"
    presets = [json.loads(file.read_text("utf-8"))["presets"] for file in (old, new)]
    gone = set(presets[0]) - set(presets[1])
    assert (len(presets[0]), len(presets[1]), len(gone)) == (10, 2, 8)
    findings = checked(old.read_bytes(), old.name).findings
    assert {one.path.partition(".")[2] for one in findings if one.code == "HP101"} == gone
    changed = next(one for one in findings if one.code == "HP102")
    leads = [one["verso-baseline"] for one in presets]
    for lead in leads:
        for key in ("stages", "hf_datasets"):
            assert str(len(lead[key])) in changed.message
    assert checked(new.read_bytes(), new.name).findings[0].code == "CM006"
    assert len(checked(new.read_bytes(), new.name).findings) == 1


def test_an_upgrade_keeps_every_preset_and_is_then_silent(corpus: Path) -> None:
    file = corpus / "hsmn" / "curricula" / "2409b2f__curriculum_presets.json"
    up = KIND.migrate(read(file), "2.0.0", "4.0.0").document
    assert up.data.pop(STAMP) == "hsmn_presets/4.0.0"
    assert up.data == json.loads(file.read_text("utf-8"))
    assert checked(up.to_bytes(), file.name).findings == ()


@pytest.mark.parametrize("said", ["2.0", "v2.0.0", "2.0.0-beta", ""])
def test_a_version_is_three_numbers(said: str) -> None:
    for config in ({"version": said, "presets": {}}, {"presets": {"a": {"version": said}}}):
        found = [path for path, _ in KIND.errors(parse(json.dumps(config), "a.json"), "4.0.0")]
        assert found in (["version"], ["presets.a.version"])


PRESET = st.fixed_dictionaries(
    {"hf_datasets": st.lists(st.sampled_from(["a/b", "c"]), max_size=3)},
    optional={
        "name": st.just("x"),
        "version": st.sampled_from(["1.0.0", "4.2.0"]),
        "stages": st.just([{"name": "s", "order": 1, "epochs": 2, "datasets": ["a/b"]}]),
        "licence": st.just("own"),
    },
)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["verso-baseline", "multilingual", "our-own", "minimal"]),
        PRESET,
        min_size=1,
    )
)
def test_any_presets_are_recognised_and_lose_nothing(presets: dict[str, Any]) -> None:
    content = json.dumps({"version": "2.0.0", "presets": presets})
    found = among_all(parse(content, "a.json"))
    assert found.verdict == "detected"
    assert found.best is not None
    assert found.best.family.name == "hsmn_presets"
    version = found.best.version
    codes = {one.code for one in checked(content, "a.json").findings}
    assert codes <= {"CM004", "CM006", "HP101", "HP102"}
    up = KIND.migrate(parse(content, "a.json"), version, "4.0.0").document
    assert up.data["presets"] == presets
