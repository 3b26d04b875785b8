"""Curricula: a list at the root, learning rates in text, weights that fell below zero."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfgmig
from cfgmig.checking import CheckOptions, check, fixed
from cfgmig.errors import Refused
from cfgmig.migration.stamping import stamped
from cfgmig.project import find_project
from cfgmig.schema import Rule
from cfgmig.schema.compile import compiled
from cfgmig.schema.engine import check_document
from cfgmig.schema.jsonschema import json_schema
from cfgmig.upgrading import Options, upgrade_document
from tests.conftest import ROOT
from tests.content_hsmn.tools import Kind, among_all, parse, read

KIND = Kind("curricula")
FILES = KIND.golden()


@pytest.fixture(scope="module")
def real(corpus: Path) -> Path:
    return corpus / "hsmn" / "curricula" / "2409b2f__curricula.json"


def curricula(*stages: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
    """As many curricula with these stages."""
    filled = [{"name": f"s{at}", "datasets": []} | stage for at, stage in enumerate(stages)]
    return [{"id": f"c{at}", "stages": filled} for at in range(count)]


def text(config: Any) -> str:
    return json.dumps(config, indent=2) + "\n"


def checked(config: Any, name: str = "curricula.json") -> Any:
    content = config if isinstance(config, str) else text(config)
    return check(content, name, find_project(ROOT), CheckOptions())


def test_there_is_one_for_each_version() -> None:
    assert {KIND.version_of(file) for file in FILES} == set(KIND.family.names)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_up_down_and_once_more(file: Path) -> None:
    before, version = read(file), KIND.version_of(file)
    assert KIND.errors(before, version) == []
    up = KIND.migrate(before, version, KIND.head).document
    assert up.to_bytes() == file.with_name(f"{file.stem}.head{file.suffix}").read_bytes()
    assert KIND.errors(up, KIND.head) == []
    assert not KIND.migrate(up, KIND.head, KIND.head).changed
    assert KIND.migrate(up, KIND.head, version).document.to_bytes() == file.read_bytes()


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_recognised_among_all_families_in_either_language(file: Path) -> None:
    for name in (f"a{file.suffix}", "a.yaml"):
        found = among_all(read(file, name))
        assert found.verdict == "detected", found.sentence
        assert found.best is not None
        assert found.best.name == f"hsmn_curricula/{KIND.version_of(file)}"


def test_an_upgraded_list_is_known_without_a_stamp() -> None:
    for file in FILES:
        up = KIND.migrate(read(file), KIND.version_of(file), KIND.head).document
        found = among_all(up)
        assert found.best is not None
        assert (found.verdict, found.best.version) == ("detected", KIND.head)


def test_the_real_file_stops_and_asks_for_a_weight(real: Path) -> None:
    before = read(real)
    assert KIND.errors(before, "1") == []
    with pytest.raises(Refused, match=r"'advanced_code_instruction' has the weight 0\.0") as caught:
        KIND.migrate(before, "1", "2")
    assert caught.value.line == 533
    assert "`cfgmig check --unsafe-fixes`" in caught.value.message


def test_the_real_file_after_its_fixes(real: Path) -> None:
    content = real.read_text("utf-8")
    found = checked(content)
    weights = [(one.code, one.line) for one in found.findings if one.code.startswith("HC")]
    assert weights == [
        ("HC102", 365), ("HC102", 416), ("HC102", 479), ("HC102", 510),
        ("HC101", 533), ("HC101", 568),
    ]  # fmt: skip
    mended = fixed(found, unsafe=True)
    stages = mended.data[0]["stages"]
    assert [one["weight"] for one in stages] == [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    old = json.loads(content)[0]["stages"]
    assert [one["name"] for one in stages] == [one["name"] for one in old[:10]]
    up = KIND.migrate(parse(mended.to_bytes(), "curricula.json"), "1", "2").document
    rates = [one["learning_rate"] for one in up.data[0]["stages"]]
    assert rates == [float(one["learning_rate"]) for one in old[:10]]
    assert rates[:2] == [0.0001, 8e-05]
    assert checked(up.text).findings == ()
    assert KIND.migrate(up, "2", "1").document.text == mended.text


def test_only_the_lines_of_rates_change(real: Path) -> None:
    mended = fixed(checked(real.read_text("utf-8")), unsafe=True).text
    up = KIND.migrate(parse(mended, "curricula.json"), "1", "2").document.text
    pairs = list(zip(mended.splitlines(), up.splitlines(), strict=True))
    assert all("learning_rate" in new for old, new in pairs if old != new)
    assert sum(old != new for old, new in pairs) == 10


def test_idle_stages_between_others_go_and_no_other_does() -> None:
    weights = [0.5, 0.0, 0.4, -1, 0.3, 0.0]
    config = curricula(*({"weight": one} for one in weights), count=2)
    after = fixed(checked(config), unsafe=True).data
    assert [[one["name"] for one in c["stages"]] for c in after] == [["s0", "s2", "s4"]] * 2


def test_a_curriculum_is_never_left_without_stages() -> None:
    found = checked(curricula({"weight": 0.0}, {"weight": -1}))
    assert [one.code for one in found.findings if one.code == "HC101"] == ["HC101"] * 2
    assert fixed(found, unsafe=True).data == found.document.data


@pytest.mark.parametrize(
    ("said", "number", "again"),
    [
        ("1e-4", 1e-4, "1e-4"),
        ("8e-5", 8e-5, "8e-5"),
        ("2.5e-5", 2.5e-5, "2.5e-5"),
        ("0.0001", 1e-4, "1e-4"),
        ("3E-04", 3e-4, "3e-4"),
        ("0.02", 0.02, "0.02"),
        ("1", 1.0, "1.0"),
    ],
)
def test_text_becomes_a_number_and_comes_back_as_the_page_spelt_it(
    said: str, number: float, again: str
) -> None:
    before = parse(text(curricula({"learning_rate": said})), "a.json")
    up = KIND.migrate(before, "1", "2").document
    assert up.data[0]["stages"][0]["learning_rate"] == number
    down = KIND.migrate(parse(up.to_bytes(), "a.json"), "2", "1").document
    assert down.data[0]["stages"][0]["learning_rate"] == again


@pytest.mark.parametrize("said", ["fast", "", "0", "-1e-4", "nan", "inf"])
def test_text_that_is_no_rate_is_refused(said: str) -> None:
    with pytest.raises(Refused, match="is no learning rate"):
        KIND.migrate(parse(text(curricula({"learning_rate": said})), "a.json"), "1", "2")


def test_numbers_and_text_in_one_file_are_of_the_old_version() -> None:
    config = curricula({"learning_rate": "1e-4"}, {"learning_rate": 0.001}, {})
    found = among_all(parse(text(config), "a.json"))
    assert found.best is not None
    assert found.best.version == "1"
    up = KIND.migrate(parse(text(config), "a.json"), "1", "2").document
    assert [one.get("learning_rate") for one in up.data[0]["stages"]] == [0.0001, 0.001, None]


def test_a_weight_of_zero_in_the_new_version_is_an_error() -> None:
    found = checked(curricula({"learning_rate": 0.1, "weight": 0.0}))
    assert (found.version, [one.code for one in found.findings]) == ("2", ["CM002"])


def test_a_list_is_not_asked_for_a_stamp() -> None:
    codes = {one.code for one in checked(curricula({"learning_rate": "1e-4"})).findings}
    assert codes == {"CM004"}


def test_the_schema_is_one_of_a_list() -> None:
    import jsonschema

    schema = json_schema(KIND.family, "2")
    assert (schema["type"], "properties" in schema) == ("array", False)
    good, bad = curricula({"weight": 0.5}), curricula({"weight": 0})
    jsonschema.validate(good, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, schema)


@pytest.mark.parametrize("name", KIND.family.names)
def test_every_key_says_what_it_is(name: str) -> None:
    fields = compiled(KIND.family, name).fields
    assert [path for path, one in fields.items() if not one.description and path[-1] != "*"] == []
    assert compiled(KIND.family, name).why == ""


@pytest.mark.parametrize("rule", KIND.family.load_rules(), ids=lambda one: one.code)
def test_examples_of_the_rules(rule: Rule) -> None:
    for example in (*rule.valid, *rule.invalid):
        document = parse(example.text)
        version = example.version or KIND.head
        found = check_document(document, KIND.family, version, rules=[rule])
        assert bool(found) == (example in rule.invalid)
        for one in found:
            if one.fix is not None:
                document = document.edit(one.fix.changes).document
        assert document.text == (example.fixed or example.text)


STAGE = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "datasets": st.just([{"dataset_id": "x/y"}])},
    optional={
        "learning_rate": st.sampled_from(["1e-4", "3e-05", "0.5", "2e-3"]),
        "weight": st.sampled_from([1, 0.5, 0.3999999999999999]),
        "owner": st.just({"x": [1]}),
        "epochs": st.integers(1, 9),
    },
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(STAGE, min_size=1, max_size=3), min_size=1, max_size=3))
def test_any_curricula_are_recognised_checked_and_upgraded(stages: list[list[Any]]) -> None:
    config = [{"id": str(at), "stages": one} for at, one in enumerate(stages)]
    before = parse(text(config), "a.json")
    found = among_all(before)
    assert found.best is not None
    assert found.best.family.name == "hsmn_curricula"
    assert {one.code for one in checked(config).findings} <= {"CM004", "CM007", "HC102"}
    up = KIND.migrate(before, "1", "2").document
    assert KIND.errors(up, "2") == []
    for old, new in zip(config, up.data, strict=True):
        for was, is_ in zip(old["stages"], new["stages"], strict=True):
            rate = was.get("learning_rate")
            assert is_ == was | ({} if rate is None else {"learning_rate": float(rate)})


def test_a_list_is_loaded_by_a_trainer(tmp_path: Path) -> None:
    from schemas.hsmn_curricula.v2 import Curricula

    file = tmp_path / "curricula.json"
    file.write_bytes(next(one for one in FILES if one.name == "curricula-1.json").read_bytes())
    with pytest.warns(cfgmig.StaleConfigWarning, match="is hsmn_curricula/1, this code needs 2"):
        loaded = cfgmig.load(file, Curricula)
    before = json.loads(file.read_bytes())
    rates = [stage.learning_rate for one in loaded.root for stage in one.stages]
    assert rates == [float(stage["learning_rate"]) for one in before for stage in one["stages"]]


def test_a_list_has_no_place_for_a_stamp_or_a_stash(tmp_path: Path) -> None:
    spelt = text(curricula({"learning_rate": 0.5, "weight": 1.0})).replace("0.5", "5e-1")
    file = tmp_path / "curricula.json"
    file.write_text(spelt)
    asked = Options(family=KIND.family.name, version="2", to="1")
    with pytest.raises(Refused, match="must be kept for the way back") as caught:
        upgrade_document(file.read_bytes(), str(file), find_project(ROOT), asked)
    assert "--no-stash" in str(caught.value.help)
    plain = asked._replace(stash=False)
    done = upgrade_document(file.read_bytes(), str(file), find_project(ROOT), plain)
    assert json.loads(done.document.text)[0]["stages"][0]["learning_rate"] == "0.5"
    with pytest.raises(Refused, match="which has no place for `schema_version`"):
        stamped(parse(spelt), "schema_version", "hsmn_curricula/2")
