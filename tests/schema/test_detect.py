from __future__ import annotations

from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.errors import Refused, UsageError
from cfgmig.schema import Evidence, Family, Has, Lacks, Mentions, Named, Says, Version
from cfgmig.schema.detect import detect
from cfgmig.schema.stamp import read_stamp
from cfgmig.schema.structure import structure


def parse(text: str, name: str = "a.yaml") -> Document:
    return Document.parse(text, name)


def verdict(demo: Family, text: str, name: str = "a.yaml") -> tuple[str, list[str]]:
    found = detect(parse(text, name), [demo])
    chosen = found.rivals if found.verdict == "ambiguous" else found.candidates[:1]
    return found.verdict, [one.version for one in chosen]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model:\n  width: 3\n", "2.0"),
        ("model: {width: 3}\ntrain: {lr: 1.0}\n", "2.0"),
        ("width: 3\ngeneration: '1.1'\n", "1.1"),
        ("width: 3\ngeneration: 1.1-beta\n", "1.1"),
        ("width: 3\noptimizer: adam\nlr: 0.1\n", "1.1"),
        ("width: 3\nlearning_rate: 0.1\n", "cli"),
        ("# Config of V1.0\nwidth: 3\ndepth: 2\n", "1.0"),
        ("# Config of V1.1\nwidth: 3\ndepth: 2\n", "1.1"),
        ("width: 3\ndepth: 4\nout: runs/v1_0/a\n", "1.0"),
        ("wdith: 3\ndepth: 4\nout: runs/v1_0/a\n", "1.0"),
        ('{"model": {"width": 3}}', "2.0"),
    ],
)
def test_detected(text: str, expected: str, demo: Family) -> None:
    assert verdict(demo, text) == ("detected", [expected])


def test_name_is_weak_but_counts(demo: Family) -> None:
    text = "width: 3\ndepth: 2\nlr: 0.1\n"
    assert verdict(demo, text)[0] == "ambiguous"
    assert verdict(demo, text, "configs/v1_0.yaml") == ("detected", ["1.0"])
    assert verdict(demo, text, "v1_0/other.yaml")[0] == "ambiguous"
    assert verdict(demo, "width: 3\ngeneration: '1.1'\n", "v1_0.yaml") == ("detected", ["1.1"])


def test_ambiguous(demo: Family) -> None:
    found = detect(parse("width: 3\ndepth: 2\nlr: 0.1\n"), [demo])
    assert found.verdict == "ambiguous"
    assert {one.version for one in found.rivals} == {"1.0", "1.1"}
    assert not found.certain
    assert "cannot be told apart" in found.sentence
    with pytest.raises(UsageError, match=r"cannot tell demo/1\.[01] from demo/1\.[01]"):
        found.demand("a.yaml")


def test_values_break_a_tie(demo: Family) -> None:
    text = "width: 3\nout: runs\ndepth: 2\noptimizer: {}\n"
    assert verdict(demo, text)[0] in ("detected", "ambiguous")


@pytest.mark.parametrize("text", ["", "- 1\n", "just text", "services:\n  web:\n    image: x\n"])
def test_unknown(text: str, demo: Family) -> None:
    found = detect(parse(text), [demo])
    assert found.verdict == "unknown"
    with pytest.raises(UsageError, match="not a config of any known family"):
        found.demand("a.yaml")


def test_reasons_are_sentences(demo: Family) -> None:
    found = detect(parse("# V1.1\nwidth: 3\nzz: 4\ngeneration: '1.1'\n"), [demo])
    best = found.best
    assert best is not None
    assert best.name == "demo/1.1"
    assert best.reasons == ("`generation` says '1.1'", "its first comments say 'V1.1'")
    assert best.doubts == ("1 of its 3 keys are not known: zz",)
    assert found.sentence.startswith("demo/1.1: `generation` says '1.1'; ")


def test_stamp_wins(demo: Family) -> None:
    found = detect(parse("schema_version: demo/1.0\nmodel:\n  width: 3\n"), [demo])
    assert (found.verdict, found.demand("a.yaml").version) == ("stamped", "1.0")


def test_bare_version_is_no_stamp(demo: Family) -> None:
    assert verdict(demo, "version: demo/1.0\nmodel:\n  width: 3\n") == ("detected", ["2.0"])


@pytest.mark.parametrize("version", ["2.1", "10.0", "2.0.1", "v3"])
def test_future(version: str, demo: Family) -> None:
    found = detect(parse(f"schema_version: demo/{version}\nzz: 1\n"), [demo])
    assert found.verdict == "future"
    assert isinstance(found.error, Refused)
    assert (found.error.kind, found.error.exit_code) == ("future-version", 3)
    with pytest.raises(Refused, match=rf"demo/{version}, which is newer than .* \(demo/2\.0\)"):
        found.demand("a.yaml")
    assert (found.error.line, found.error.column) == (1, 17)


@pytest.mark.parametrize("version", ["1.5", "0.9", "beta"])
def test_version_that_never_was(version: str, demo: Family) -> None:
    with pytest.raises(UsageError, match="which family demo does not have") as caught:
        detect(parse(f"a: 1\nschema_version: demo/{version}\n"), [demo])
    assert caught.value.line == 2
    assert "1.0, 1.1, 2.0, cli" in str(caught.value.help)


def test_family_that_is_not_here(demo: Family) -> None:
    with pytest.raises(UsageError, match="names the family 'omed'") as caught:
        detect(parse("schema_version: omed/1.0\n"), [demo])
    assert (caught.value.line, caught.value.exit_code) == (1, 2)


@pytest.mark.parametrize(
    "value", ["2", "demo", "demo/", "/1.0", "[a]", "null", "'demo/1 0'", "1.0"]
)
def test_malformed_stamp(value: str) -> None:
    with pytest.raises(Refused, match="must read `family/version`") as caught:
        read_stamp(parse(f"a: 1\nschema_version: {value}\n"))
    assert (caught.value.kind, caught.value.line) == ("format", 2)


def test_read_stamp() -> None:
    assert read_stamp(parse("a: 1\n")) is None
    assert read_stamp(parse("- 1\n")) is None
    stamp = read_stamp(parse("schema_version: some-family/v1.0-rc2\n"))
    assert stamp is not None
    assert (stamp.family, stamp.version) == ("some-family", "v1.0-rc2")
    assert str(stamp) == "some-family/v1.0-rc2"


def other(demo: Family) -> Family:
    versions = (Version("a", model=".v2:Phase", evidence=(Has("name"),)),)
    return Family("other", "Other", versions, rules=None, package=demo.package)


def test_families_beside_each_other(demo: Family) -> None:
    families = [demo, other(demo)]
    found = detect(parse("name: x\nepochs: 3\n"), families)
    assert (found.verdict, found.demand("a.yaml").name) == ("detected", "other/a")
    assert detect(parse("model:\n  width: 1\n"), families).demand("a").name == "demo/2.0"
    stamped = detect(parse("schema_version: other/a\nwidth: 1\n"), families)
    assert stamped.demand("a").family.name == "other"


@pytest.mark.parametrize(
    ("item", "text", "sign"),
    [
        (Says("flag", "true"), "flag: true\n", 1),
        (Says("flag", "true"), "flag: false\n", -1),
        (Says("flag", "null"), "flag:\n", 1),
        (Says("flag", "true"), "other: 1\n", 0),
        (Says("flag", ".*"), "flag: {a: 1}\n", 0),
        (Says("flag", "1"), "flag: 12\n", -1),
        (Has("a.b"), "a: {b: 1}\n", 1),
        (Has("a.b"), "a: 1\n", -1),
        (Has("a[1]"), "a: [1, 2]\n", 1),
        (Lacks("a.b"), "a: 1\n", 0),
        (Lacks("a.b"), "a: {b: null}\n", -1),
        (Mentions("dir", r"v\d"), "dir: runs/v2\n", 1),
        (Mentions("dir", r"v\d"), "dir: runs\n", 0),
        (Named(r"^a\."), "a: 1\n", 1),
        (Named(r"folder"), "a: 1\n", 0),
    ],
)
def test_evidence(item: Evidence, text: str, sign: int) -> None:
    from cfgmig.schema.detect import _Facts, _weigh

    weight, sentence = _weigh(item, _Facts(parse(text, "folder/a.yaml")))
    assert (weight > 0) - (weight < 0) == sign
    assert bool(sentence) == bool(sign)


def shape(demo: Family, data: Any, version: str) -> tuple[list[Any], list[Any]]:
    known = structure(demo)
    bit = known.names.index(version)
    found = known.shape(data, "schema_version")
    return found.unknown_to(bit), found.missing_for(bit)


def test_structure(demo: Family) -> None:
    data = {
        "schema_version": "x",
        "model": {"note": None, "zz": 1},
        "train": {"phases": [{"name": "a"}, {"nam": "b"}], "betas": [1, 2], "schedule": None},
        "extra": {"a": {"b": [{"c": 1}]}},
        "weights": {"a": 1},
        "heads": {"left": {"name": "x", "yy": 2}},
    }
    unknown, missing = shape(demo, data, "2.0")
    assert unknown == [("model", "zz"), ("train", "phases", 1, "nam"), ("heads", "left", "yy")]
    assert missing == [("model", "width"), ("train", "phases", 1, "name")]
    assert shape(demo, data, "1.0")[1] == [("width",)]
    assert shape(demo, {"model": 3}, "2.0") == ([("model",)], [])


def test_structure_is_kept(demo: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfgmig.schema.structure._loaded", {})
    built = structure(demo)
    monkeypatch.setattr("cfgmig.schema.structure._loaded", {})
    monkeypatch.setattr("cfgmig.schema.fields.build_fields", None)
    again = structure(demo)
    assert (again.names, again.sizes) == (built.names, built.sizes)
    assert again.root.to_json() == built.root.to_json()
