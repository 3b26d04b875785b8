"""The findings on real files beside what was expected of them, each difference with its reason.

What was expected was computed from predicates over flat files, written down by someone else.
Rules about sections, or about what a run did, have no such predicate; where one of them speaks,
it is listed in MORE.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cfgmig.schema.compile import compiled
from cfgmig.schema.profile import owed, profile_of
from tests.content_hsmn_rules.tools import FAMILY, config, findings, parse, version_of

CODES = {
    "VOC-01": "HS201",
    "VOC-02": "HS202",
    "VOC-12": "HS209",
    "VOC-13": "HS206",
    "VOC-15": "HS210",
    "VOC-16": "HS211",
    "VOC-17": "HS208",
    "VOC-18": "HS206",
    "VOC-22": "HS207",
    "DIM-01": "HS301",
    "DIM-01b": "HS302",
    "DIM-02": "HS303",
    "DIM-03": "HS304",
    "DIM-03b": "HS305",
    "DIM-04": "HS310",
    "DIM-05": "HS311",
    "DIM-07": "HS313",
    "DIM-08": "HS310",
    "DIM-09": "HS307",
    "DIM-10": "HS308",
    "DIM-11": "HS309",
    "DIM-12": "HS314",
    "DIM-13": "HS314",
    "DIM-14": "HS314",
    "DIM-15": "HS314",
    "DIM-16": "HS306",
    "DIM-17": "HS316",
    "ENUM-01": "HS315",
    "ENUM-03": "HS505",
    **{f"CON-{number:02}": "HS601" for number in range(1, 7)},
    "CON-07": "HS602",
    **{f"CON-{number:02}": "HS603" for number in range(8, 12)},
    "CON-12": "HS604",
    "CON-13": "HS604",
    "BUD-02": "HS203",
    "BUD-03": "HS401",
    "BUD-06": "HS405",
    "BUD-08": "HS406",
    "TRN-01": "HS502",
    "TRN-02": "HS503",
    "TRN-06": "HS504",
    "FMT-07": "HS606",
}
"""By the name of an expected rule: the code that reports it here."""

MORE = {
    "HS104": "v2 trials on bundles have one label each; expected as HD-LBL-02, without predicate",
    "HS115": "v4 and v6 trials are token models that leak; expected as MODE-01, no predicate",
    "HS605": "unread keys; expected as FMT-09, without predicate",
}
"""What is found beyond what was expected, and why."""


def _expected(corpus: Path) -> dict[str, dict[str, list[str]]]:
    text = (corpus / "hsmn" / "derived" / "expected_lint.json").read_text()
    return {name: one for name, one in json.loads(text).items() if not name.startswith("_")}


def _read(corpus: Path, name: str) -> Any:
    return parse((corpus / "hsmn" / name).read_bytes(), Path(name).name)


def test_every_file_agrees(corpus: Path, tmp_path: Path) -> None:
    agreed, more = 0, 0
    for name, expected in _expected(corpus).items():
        document = _read(corpus, name)
        found = {
            (one.code, one.severity) for one in findings(document, version_of(document), tmp_path)
        }
        wanted = {
            (CODES[rule], severity)
            for severity in ("error", "warning", "info")
            for rule in expected.get(severity, [])
        }
        beyond = {code for code, _ in found - wanted}
        assert wanted - found == set(), name
        assert beyond <= set(MORE), name
        agreed += len(wanted)
        more += len(beyond)
    assert (agreed, more) == (48, 10)


def test_nothing_that_was_expected_is_missing_a_code(corpus: Path) -> None:
    rules = json.loads((corpus.parent / "families" / "hsmn_rules.json").read_text())
    decided = {one["id"] for one in rules if "expr_flat" in one}
    assert {one for one in decided if not one.startswith(("REQ-", "SPACE-"))} == set(CODES)


def test_a_trial_as_a_request_breaks_the_bounds_that_were_expected(
    corpus: Path, tmp_path: Path
) -> None:
    agreed = 0
    for name, expected in _expected(corpus).items():
        wanted = {rule.removeprefix("REQ-") for rule in expected.get("request", [])}
        if not wanted:
            continue
        document = _read(corpus, name)
        version = version_of(document)
        data = config({**document.data, "profile": "request"}, version)
        profile = profile_of(data, FAMILY)
        assert profile is not None
        assert profile.name == "request"
        found = {
            str(one.path[0])
            for one in owed(data, profile, compiled(FAMILY, version))
            if one.kind == "value"
        }
        assert found == wanted, name
        agreed += len(wanted)
    assert agreed == 59
