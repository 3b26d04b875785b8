from __future__ import annotations

import json
import random
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.errors import UsageError
from cfgmig.report import FORMATS, Finding, RuleInfo, render
from cfgmig.report.text import one_line

FILES = ["b.yaml", "a,b: c.yaml", "clean.yaml"]
FINDINGS = [
    Finding("b.yaml", 3, 5, 3, 9, "DM101", "warning", "too 100% <wide> & \"odd\"", "model.width",
            "use 1000", "unsafe"),
    Finding("b.yaml", 1, 1, 4, 2, "CM006", "info", "no stamp"),
    Finding("a,b: c.yaml", 2, 1, 2, 4, "CM001", "error", "two\nlines\r\x1b[31m", "x", "a: b, c",
            "safe"),
]  # fmt: skip
RULES = {
    "CM001": RuleInfo("CM001", "unknown-key", "error", "Unknown.", "Long."),
    "CM006": RuleInfo("CM006", "no-stamp", "info", "None.", ""),
}


def report(format: str, findings: list[Finding] = FINDINGS, color: bool = False) -> str:
    return render(findings, format, files=FILES, rules=RULES, color=color)


def test_text() -> None:
    assert report("text") == (
        "a,b: c.yaml:2:1: CM001 two\\x0alines\\x0d\\x1b[31m\n"
        "  help: a: b, c (--fix)\n"
        "b.yaml:1:1: CM006 no stamp\n"
        'b.yaml:3:5: DM101 too 100% <wide> & "odd"\n'
        "  help: use 1000 (--unsafe-fixes)\n"
    )


def test_text_in_colour() -> None:
    text = report("text", color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == report("text")
    assert "\x1b[1;31mCM001\x1b[0m" in text
    assert "\x1b" not in report("text")


def test_github() -> None:
    assert report("github") == (
        "::error file=a%2Cb%3A c.yaml,line=2,endLine=2,col=1,title=CM001 (unknown-key),"
        "endColumn=4::two%0Alines%0D\x1b[31m%0Ahelp: a: b, c\n"
        "::notice file=b.yaml,line=1,endLine=4,col=1,title=CM006 (no-stamp)::no stamp\n"
        "::warning file=b.yaml,line=3,endLine=3,col=5,title=DM101,"
        'endColumn=9::too 100%25 <wide> & "odd"%0Ahelp: use 1000\n'
    )


def test_json() -> None:
    data = json.loads(report("json"))
    assert data["files"] == sorted(FILES)
    assert data["counts"] == {"error": 1, "warning": 1, "info": 1}
    assert data["findings"][2] == {
        "file": "b.yaml",
        "line": 3,
        "column": 5,
        "end_line": 3,
        "end_column": 9,
        "code": "DM101",
        "severity": "warning",
        "path": "model.width",
        "message": 'too 100% <wide> & "odd"',
        "help": "use 1000",
        "fix": "unsafe",
    }


def test_junit() -> None:
    root = ET.fromstring(report("junit"))
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "0")
    cases = [
        (case.get("classname"), case.get("name"), [child.tag for child in case]) for case in suite
    ]
    assert cases == [
        ("a,b: c.yaml", "CM001 unknown-key x", ["failure"]),
        ("b.yaml", "CM006 no-stamp 1", ["system-out"]),
        ("b.yaml", "DM101 model.width", ["failure"]),
        ("clean.yaml", "cfgmig", []),
    ]
    failure = suite[0][0]
    assert failure.get("type") == "error"
    assert failure.text == ("a,b: c.yaml:2:1: CM001 two\nlines\\x0d\\x1b[31m\nhelp: a: b, c")


def check_sarif(log: Any) -> Any:
    """What SARIF 2.1.0 requires of the parts that are used here."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        level = rule.get("defaultConfiguration", {}).get("level", "none")
        assert level in {"none", "note", "warning", "error"}
        for key in ("shortDescription", "fullDescription", "help"):
            assert rule.get(key, {"text": "x"})["text"]
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        uri = physical["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*", uri)
        region = physical["region"]
        assert 1 <= region["startLine"] <= region["endLine"]
        assert region["startColumn"] >= 1
        assert region["endColumn"] >= 1
        assert all(isinstance(text, str) for text in result["partialFingerprints"].values())
    return run


def test_sarif() -> None:
    run = check_sarif(json.loads(report("sarif")))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["CM001", "CM006", "DM101"]
    rule = run["tool"]["driver"]["rules"][0]
    assert rule["name"] == "UnknownKey"
    assert [one["location"]["uri"] for one in run["artifacts"]] == [
        "./a%2Cb:%20c.yaml",
        "b.yaml",
        "clean.yaml",
    ]
    last = run["results"][2]
    assert last["message"]["text"].endswith("\nhelp: use 1000")
    assert last["properties"] == {"fix": "unsafe"}
    assert last["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "model.width"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("configs/a.yaml", "configs/a.yaml"),
        ("./a.yaml", "a.yaml"),
        ("a b#c.yaml", "a%20b%23c.yaml"),
        ("/data/ü.yaml", "file:///data/%C3%BC.yaml"),
        ("C:\\x\\a.yaml", "file:///C:/x/a.yaml"),
        ("sub\\a.yaml", "sub/a.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_sarif_uris(name: str, uri: str) -> None:
    finding = Finding(name, 1, 1, 1, 2, "XX001", "error", "m")
    run = check_sarif(json.loads(render([finding], "sarif", files=[])))
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize("format", FORMATS)
def test_order_does_not_matter(format: str) -> None:
    shuffled = list(FINDINGS)
    random.Random(1).shuffle(shuffled)
    assert report(format, shuffled) == report(format)


def test_nothing_found() -> None:
    assert render([], "text", files=FILES) == render([], "github", files=FILES) == ""
    assert json.loads(render([], "json", files=[]))["findings"] == []
    assert check_sarif(json.loads(render([], "sarif", files=[])))["results"] == []
    assert len(ET.fromstring(render([], "junit", files=FILES))[0]) == 3


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="no output format 'xml'"):
        render([], "xml", files=[])


ANY = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.builds(
            Finding,
            file=ANY, line=st.integers(1, 9), column=st.integers(1, 9), end_line=st.just(9),
            end_column=st.integers(1, 9), code=st.sampled_from(["CM001", "XX1"]),
            severity=st.sampled_from(["error", "warning", "info"]), message=ANY.map("m{}".format),
            path=ANY, help=st.none() | ANY, fix=st.none(),
        ),
        max_size=3,
    )
)  # fmt: skip
def test_any_text_can_be_told(findings: list[Finding]) -> None:
    text, as_json, github, sarif, junit = (
        render(findings, format, files=["é\x00"], rules=RULES) for format in FORMATS
    )
    helps = sum(bool(one_line(finding.help or "").strip()) for finding in findings)
    assert len(text.splitlines()) == len(findings) + helps
    assert len(json.loads(as_json)["findings"]) == len(findings)
    assert github.count("\n") == len(findings)
    check_sarif(json.loads(sarif))
    ET.fromstring(junit)
    for output in (text, as_json, github, sarif, junit):
        output.encode()
