"""One schema, and files that owe it more by what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.document import Document
from cfgmig.schema import Family, Has, Lacks, Profile, Says
from cfgmig.schema.engine import check_document
from cfgmig.schema.profile import profile_of
from cfgmig.schema.rules import Config
from tests.schema.demo import family as demo

profiles = (
    Profile(
        "run",
        shown_by=((Has("seed"), Lacks("model.note")), (Says("model.note", "runs?"),)),
        requires=("train.epochs", ("seed", "model.note"), "no.such.key"),
        bounds={"model.width": (8, 64), "train.lr": (None, 0.5)},
        versions=("2.0",),
    ),
    Profile("sketch", bounds={"model.width": (None, 4)}),
)

FAMILY = Family(
    name="demo",
    title="Demo",
    versions=demo.versions,
    rules=None,
    profiles="tests.schema.test_profile:profiles",
    profile_key="extra.profile",
    package="tests.schema.demo",
)


def _said(text: str, version: str = "2.0") -> list[tuple[str, str]]:
    document = Document.parse(text, "a.yaml")
    found = check_document(document, FAMILY, version, root=Path(), folder=Path())
    return [(one.finding.code, one.finding.message) for one in found if one.finding.code < "CM004"]


def _profile(text: str, version: str = "2.0") -> str | None:
    found = profile_of(Config(Document.parse(text).data, version), FAMILY)
    return found and found.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("model: {width: 8}\nseed: 1\n", "run"),
        ("model: {width: 8, note: runs}\n", "run"),
        ("model: {width: 8, note: other}\nseed: 1\n", None),
        ("model: {width: 8}\n", None),
        ("model: {width: 8}\nseed: 1\nextra: {profile: sketch}\n", "sketch"),
        ("model: {width: 8}\nseed: 1\nextra: {profile: another}\n", None),
    ],
)
def test_a_file_says_or_shows_its_profile(text: str, name: str | None) -> None:
    assert _profile(text) == name


def test_a_profile_may_be_of_some_versions_only() -> None:
    assert _profile("width: 8\nseed: 1\n", "1.0") is None


def test_what_a_profile_requires_is_missing_with_its_name() -> None:
    assert _said("model: {width: 8}\nextra: {profile: run}\ntrain: {lr: 0.1}\n") == [
        ("CM003", "the file lacks the required key `seed`: a run must say `seed` or `model.note`"),
        ("CM003", "`train` lacks the required key `epochs`: a run must say `train.epochs`"),
    ]
    assert _said("model: {width: 8}\nextra: {profile: run}\ntrain: {epochs: 2}\nseed: 1\n") == []


def test_null_is_no_answer() -> None:
    said = _said("model: {width: 8}\nseed: null\ntrain: {epochs: 2}\n")
    assert [code for code, _ in said] == ["CM003"]


def test_a_profile_has_bounds_of_its_own() -> None:
    text = "model: {width: 128}\nseed: 1\ntrain: {epochs: 2, lr: 0.6}\n"
    assert _said(text) == [
        ("CM002", "`model.width` should be less than or equal to 64 in a run, not 128"),
        ("CM002", "`train.lr` should be less than or equal to 0.5 in a run, not 0.6"),
    ]
    assert _said(text.replace("seed: 1\n", "")) == []
    assert _said("model: {width: 8}\nextra: {profile: sketch}\n") == [
        ("CM002", "`model.width` should be less than or equal to 4 in a sketch, not 8")
    ]


def test_the_schema_speaks_first() -> None:
    said = _said("model: {width: 0}\nextra: {profile: run}\nseed: 1\ntrain: {epochs: 1}\n")
    assert said == [("CM002", "`model.width` should be greater than 0, not 0")]


def test_a_family_without_profiles_loads_none() -> None:
    assert demo.load_profiles() == ()
