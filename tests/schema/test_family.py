from __future__ import annotations

import json
import sys

import pytest

from cfgmig.document import Document
from cfgmig.errors import UsageError
from cfgmig.schema import Config, Family, Matrix, Row, Version
from cfgmig.schema.family import load_family, resolve


def test_lookups(demo: Family) -> None:
    assert demo.package == "tests.schema.demo"
    assert demo.head.name == "2.0"
    assert demo.names == ("1.0", "1.1", "2.0", "cli")
    assert demo.index("2.0") == 2
    assert demo.stamp("1.0") == "demo/1.0"
    assert demo.model("2.0").__name__ == "Config"
    assert [one.code for one in demo.load_rules()] == ["DM101", "DM102"]
    assert vars(load_family("tests.schema.demo")) == vars(demo)


def test_what_is_not_there(demo: Family) -> None:
    with pytest.raises(UsageError, match="no version '3'") as caught:
        demo.version("3")
    assert caught.value.help == "known: 1.0, 1.1, 2.0, cli"
    with pytest.raises(UsageError, match="cannot import"):
        load_family("tests.schema.nowhere")
    with pytest.raises(UsageError, match="has no 'Zz'"):
        resolve(".v1:Zz", demo.package)
    with pytest.raises(UsageError, match="cannot import"):
        resolve(".v1:Zz", "")
    with pytest.raises(UsageError, match="declares no model"):
        Family("a", "A", (Version("1"),)).model("1")


def test_declarations_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="version 1 twice"):
        Family("a", "A", (Version("1"), Version("1")))
    with pytest.raises(UsageError, match="no version that could be its head"):
        Family("a", "A", (Version("1", dialect=True),))


def test_without_rules_and_matrix() -> None:
    family = Family("a", "A", (Version("1"),), rules=None)
    assert family.load_rules() == ()
    assert family.load_matrix() is None


def matrix(demo: Family) -> Matrix:
    found = demo.load_matrix()
    assert found is not None
    return found


def test_matrix_lookups(demo: Family) -> None:
    found = matrix(demo)
    row = found.lookup("Plain", "2.0")
    assert row is not None
    assert (row.loads, row.requires) == ("convert", ("frozen weights",))
    assert found.lookup("Plain", "9") is None
    assert found.architectures == ("Plain", "Deep")
    assert found.checkpoints == ("1.0", "2.0")
    assert found.loadable("Plain") == ("1.0",)
    assert found.requires("Deep", "frozen weights")
    assert not found.requires("Plain", "frozen weights")
    assert not found.requires("Zz", "frozen weights")


def test_matrix_rendered(demo: Family) -> None:
    found = matrix(demo)
    lines = found.render().splitlines()
    assert lines[0] == "Demo"
    assert lines[2].split() == ["architecture", "checkpoint", "loads", "requires", "reason"]
    assert lines[-1] == "Measured."
    markdown = found.render("markdown").splitlines()
    assert markdown[5] == "| Plain | 2.0 | convert | frozen weights | renamed \\| moved |"
    assert json.loads(found.render("json"))["rows"][2]["loads"] == "no"
    with pytest.raises(UsageError, match="unknown matrix format"):
        found.render("xml")


def test_matrix_with_two_answers() -> None:
    with pytest.raises(UsageError, match="two rows for A x 1"):
        Matrix("M", (Row("A", "1", "yes"), Row("A", "1", "no")))


def test_matrix_by_reference() -> None:
    family = Family("a", "A", (Version("1"),), matrix=".demo:family.matrix", package="tests.schema")
    with pytest.raises(UsageError, match=r"has no 'family\.matrix'"):
        family.load_matrix()


def test_config_as_rules_see_it() -> None:
    data = {"a": {"b": [1, {"c": None}]}, "x.y": 2}
    config = Config(data, "2.0", versions=("1.0", "2.0", "3.0"))
    assert config.get("a.b[1].c", 5) is None
    assert config.get("a.b[2]", 5) == 5
    assert config.get("a.z.c") is None
    assert config.get('"x.y"') == 2
    assert config.has("a.b[1].c")
    assert not config.has("a.b.c")
    assert config.raw("a") is None
    assert config.at_least("1.0")
    assert config.at_least("2.0")
    assert not config.at_least("3.0")
    assert not config.at_least("cli")
    assert Config(None, "1.0").get("a", 1) == 1


def test_spelling_in_the_source() -> None:
    document = Document.parse("a:\n  b: 1e-4\n  c: 'x'\n")
    config = Config(document.data, "2.0", document=document)
    assert (config.raw("a.b"), config.raw("a.c"), config.raw("a")) == ("1e-4", "'x'", None)
    assert config.raw("a.z") is None


def test_declaring_costs_no_pydantic() -> None:
    import subprocess

    code = "import sys, tests.schema.demo; print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
