"""Every fact of the family that was written down has its place, and the place keeps to it.

The facts are rules.json of someone else. Those of a request and of a search space are made from
their own bounds; the others stand in tables: the code that says it, with a file that breaks it
and one that does not; the place that holds it while something runs; the revision that does it;
or the reason why there is nothing to check.
"""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cfgmig import CfgmigError
from cfgmig.checking import CheckOptions, check
from cfgmig.paths import format_path
from cfgmig.project import find_project
from cfgmig.schema.compile import compiled
from cfgmig.schema.profile import owed, profile_of
from schemas.hsmn import places
from tests.conftest import ROOT
from tests.content_hsmn_rules.map_kinds import Held, Proof, Step
from tests.content_hsmn_rules.map_places import HELD, REASONS, STEPS
from tests.content_hsmn_rules.map_settings import SETTINGS
from tests.content_hsmn_rules.map_sizes import SIZES
from tests.content_hsmn_rules.tools import FAMILY, HEAD, config

PROOFS = SIZES | SETTINGS
PROJECT = find_project(ROOT)

IN_NO_FILE = {
    *("BUD-01", "VOC-05", "DIM-19"),  # formulas: what follows from a file, and stands in none
    *("VOC-19", "VOC-20"),  # of codebooks
    *("HD-ADP-04", "CKP-01", "CKP-02", "CKP-03", "CKP-04"),  # of checkpoints
    *("CKP-05", "CKP-06", "CKP-07", "CKP-09", "CKP-10"),  # of conversions
    "FMT-10",  # of an upgrade
    "QSG-04",  # of the old generator, which never applied top_p
}
"""Called static, and about what no config says."""
HEAVIER = {
    # Not to name an estimator is no contradiction, and the name of none is an error.
    ("BUD-04", "HS402", "warning"),
    # A file that shows what it is needs no stamp.
    ("FMT-04", "CM006", "info"),
    # A bound of the schema, and the warning is HS110's.
    ("HD-DAT-07", "CM002", "error"),
    # Rules of a page are errors of the page; the file that it sends still works.
    ("HD-FLAG-01", "HS501", "warning"),
    ("UI-01", "HS501", "warning"),
    ("UI-02", "HS501", "warning"),
    ("UI-03", "HS501", "warning"),
    # No unknown key in sections; in a trial one of some two hundred that nothing reads.
    ("TRN-03", "CM001", "error"),
    ("TRN-03", "HS605", "info"),
}
"""Fact, code, severity: what weighs otherwise than it was written."""


@pytest.fixture(scope="module")
def facts(corpus: Path) -> dict[str, dict[str, str]]:
    file = corpus.parent / "families" / "hsmn_rules.json"
    if not file.is_file():
        pytest.skip("the written facts are not at hand")
    return {one["id"]: one for one in json.loads(file.read_text())}


def _found(text: str, version: str, suffix: str = ".yaml", family: str = "hsmn") -> dict[str, str]:
    """Code -> severity of what is said of a text."""
    options = CheckOptions(family=family, version=version)
    try:
        findings = check(text, f"config{suffix}", PROJECT, options).findings
    except CfgmigError:
        return {"CM000": "error"}
    return {one.code: one.severity for one in findings}


def _all(table: dict[str, tuple[Any, ...]]) -> list[Any]:
    return [
        pytest.param(name, one, id=f"{name}-{index}")
        for name, entries in table.items()
        for index, one in enumerate(entries)
    ]


def test_every_fact_has_a_place(facts: dict[str, Any]) -> None:
    named = {one for one in facts if not one.startswith(("REQ-", "SPACE-"))}
    placed = PROOFS.keys() | HELD.keys() | STEPS.keys()
    assert named == placed | REASONS.keys()
    assert placed.isdisjoint(REASONS)


def test_what_is_static_is_found_in_a_file(facts: dict[str, Any]) -> None:
    """A place that only code keeps is for what no file shows."""
    static = {name for name in HELD.keys() | STEPS.keys() if facts[name]["kind"] == "static"}
    assert static - PROOFS.keys() == IN_NO_FILE


@pytest.mark.parametrize(("name", "proof"), _all(PROOFS))
def test_a_file_that_breaks_it_is_found(name: str, proof: Proof) -> None:
    more = (proof.version, proof.suffix, proof.family)
    assert proof.code in _found(proof.bad, *more)
    assert proof.code not in _found(proof.good, *more)


def test_it_weighs_as_much_as_was_written(facts: dict[str, Any]) -> None:
    other = set()
    for name, proofs in PROOFS.items():
        for one in proofs:
            said = _found(one.bad, one.version, one.suffix, one.family)[one.code]
            if said != facts[name]["severity"]:
                other.add((name, one.code, said))
    assert other == set(HEAVIER)


@pytest.mark.parametrize(("name", "held"), _all(HELD))
def test_a_place_is_there_and_its_test_too(name: str, held: Held) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("optuna")
    module, _, attribute = held.place.partition(":")
    assert hasattr(importlib.import_module(module), attribute)
    assert _is_test(held.test)


@pytest.mark.parametrize(("name", "step"), _all(STEPS))
def test_a_revision_is_there_and_its_test_too(name: str, step: Step) -> None:
    folder = ROOT / "migrations" / "hsmn"
    found = [
        *folder.glob(f"{step.revision}_*.py"),
        *folder.glob(f"adaptations/????_{step.revision}.py"),
    ]
    assert len(found) == 1
    assert _is_test(step.test)


def _is_test(name: str) -> bool:
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    return any(isinstance(one, ast.FunctionDef) and one.name == function for one in tree.body)


# Requests and search spaces, from their own bounds.


class Bounds(NamedTuple):
    """A key, values that its fact allows, and values that it does not."""

    key: str
    good: list[Any]
    bad: list[Any]


def _bounds(predicate: str) -> Bounds:
    if " in [" in predicate:
        key, _, choices = predicate.partition(" in ")
        good = ast.literal_eval(choices)
        return Bounds(key, good, [_other(good)])
    low, key, high = predicate.split(" <= ")
    least, most = ast.literal_eval(low), ast.literal_eval(high)
    step = 1 if isinstance(least, int) and isinstance(most, int) else max(most, 1e-9) / 10
    return Bounds(key, [least, most], [least - step, most + step])


def _other(choices: list[Any]) -> Any:
    if isinstance(choices[0], list):
        return [1, 2, 2, 1]
    return "another" if isinstance(choices[0], str) else max(choices) + 1


def _refused(data: dict[str, Any], version: str) -> set[str]:
    """Paths whose values the schema refuses, or the profile that the file says it has."""
    file, schema = config(data, version), compiled(FAMILY, version)
    profile = profile_of(file, FAMILY)
    assert profile is not None
    errors = {format_path(one.loc) for one in schema.validate(data) if one.type != "missing"}
    bounds = owed(file, profile, schema)
    return errors | {format_path(one.path) for one in bounds if one.kind == "value"}


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *above, key = path.split(".")
    for part in above:
        data = data.setdefault(part, {})
    data[key] = value


NEWEST = places.V6 | {"active_vocab_size": "tokenizer.active_vocab_size"}
GONE = {"vocab_size", "target_vocab_size"}
"""Names that the head no longer has."""


@pytest.mark.parametrize("end", [0, 1])
def test_a_request_has_every_bound_that_was_written(end: int, facts: dict[str, Any]) -> None:
    """All of the least values, then all of the most; and all that are beyond them."""
    requests = [one["predicate"] for name, one in facts.items() if name.startswith("REQ-")]
    assert len(requests) == 87
    bounds = [_bounds(one) for one in requests]
    for kind in ("good", "bad"):
        flat: dict[str, Any] = {"profile": "request"}
        whole: dict[str, Any] = {"profile": "request"}
        at = {of.key: NEWEST.get(of.key, f"legacy_extra.{of.key}") for of in bounds}
        for of in bounds:
            flat[of.key] = getattr(of, kind)[end]
            if of.key not in GONE:
                _put(whole, at[of.key], flat[of.key])
        refused = set(at) if kind == "bad" else set()
        assert _refused(flat, "flat-v6") == refused
        assert _refused(whole, HEAD) == {at[key] for key in refused - GONE}


BY_TYPE = {
    "qalrc_entropy_smoothing",  # 1.089 is no decay of an average
    "qhd_num_paths",  # 3, where there are 1 or 2
    "hqe_ctqw_steps",  # 11, where 10 are the most
    "qhd_entanglement_topology",  # another
}
"""Values that no file may say, whatever its profile: the schema has no such ones."""


def test_a_trial_may_have_any_value_that_no_list_has(facts: dict[str, Any]) -> None:
    """SRCH-08: computed and shrunk values are on no list, so none is asked for."""
    spaces = [one["predicate"] for name, one in facts.items() if name.startswith("SPACE-")]
    assert len(spaces) == 226
    bounds = [_bounds(one) for one in spaces]
    for at in range(max(len(of.good) for of in bounds)):
        data = {of.key: of.good[at % len(of.good)] for of in bounds}
        assert _refused({"profile": "trial", **data}, "flat-v6") == set()
    below = {of.key: of.bad[0] for of in bounds if _is_above_zero(of.bad[0])}
    beyond = {of.key: of.bad[-1] for of in bounds}
    assert len(below) + len(beyond) > 300
    assert _refused({"profile": "trial", **below}, "flat-v6") <= BY_TYPE
    assert _refused({"profile": "trial", **beyond}, "flat-v6") == BY_TYPE


def _is_above_zero(value: Any) -> bool:
    return not isinstance(value, int | float) or value > 0
