"""Every rule of the family shows in its own examples what it reports and what it does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.schema import Example, Rule
from cfgmig.schema.compile import compiled
from cfgmig.schema.engine import Checked, check_document
from cfgmig.schema.rules import Config
from tests.content_hsmn_rules.tools import FAMILY, HEAD, RULES


def _cases(kind: str) -> list[Any]:
    return [
        pytest.param(rule, example, id=f"{rule.code}-{index}")
        for rule in RULES
        for index, example in enumerate(getattr(rule, kind))
    ]


def _document(text: str) -> Document:
    return Document.parse(text, "config.yaml")


def _found(rule: Rule, text: str, example: Example, folder: Path) -> list[Checked]:
    version = example.version or HEAD
    return check_document(_document(text), FAMILY, version, root=folder, rules=[rule])


@pytest.mark.parametrize(("rule", "example"), _cases("valid"))
def test_is_silent_on_its_valid_examples(rule: Rule, example: Example, tmp_path: Path) -> None:
    assert _found(rule, example.text, example, tmp_path) == []


@pytest.mark.parametrize(("rule", "example"), _cases("invalid"))
def test_reports_its_invalid_examples(rule: Rule, example: Example, tmp_path: Path) -> None:
    found = _found(rule, example.text, example, tmp_path)
    assert found
    for checked in found:
        finding = checked.finding
        assert finding.code == rule.code
        assert finding.message
        assert "\n" not in finding.message
        assert len(finding.message) < 180
        assert finding.help
        assert finding.line >= 1


@pytest.mark.parametrize(("rule", "example"), _cases("invalid"))
def test_fixes_give_the_fixed_text_and_silence_the_rule(
    rule: Rule, example: Example, tmp_path: Path
) -> None:
    found = _found(rule, example.text, example, tmp_path)
    fixes = [checked.fix for checked in found if checked.fix is not None]
    assert bool(fixes) or example.fixed is None
    if not fixes:
        return
    changes = [change for fix in fixes for change in fix.changes]
    order = compiled(FAMILY, example.version or HEAD).order
    text = _document(example.text).edit(changes, order=order).document.text
    assert example.fixed in (None, text)
    assert _found(rule, text, example, tmp_path) == []


def test_codes_are_unique_and_sorted() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_has_examples_and_explains_itself(rule: Rule) -> None:
    assert rule.code.startswith("HS")
    assert rule.valid
    assert rule.invalid
    assert len(rule.explanation) > 150
    assert rule.summary.endswith(".")
    assert "\n" not in rule.summary
    for end in (rule.since, rule.until):
        assert end is None or end in FAMILY.names


RULED = tuple(one.name for one in FAMILY.versions if one.ruled)
SHAPES: tuple[object, ...] = (
    *(None, [], {}, "text", 3, -1.5, True, [None, {}], {"enabled": True, "path": 3}),
    *(float("inf"), float("nan"), 10**400, "~nobody/x", "\0", "x" * 5000),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_survives_whatever_stands_in_a_file(rule: Rule, tmp_path: Path) -> None:
    """Rules run on data that nobody has validated."""
    sections = _sections(rule)
    for version in RULED:
        for shape in SHAPES:
            single = [{section: shape} for section in sections]
            for data in (shape, *single, _deep(sections, shape)):
                config = Config(data, version, root=tmp_path, versions=FAMILY.names)
                assert all(problem.message for problem in rule.check(config))


def _sections(rule: Rule) -> list[str]:
    """The top-level keys that the rule's examples use."""
    texts = [example.text for example in (*rule.valid, *rule.invalid)]
    return sorted({found for text in texts for found in re.findall(r"^(\w+):", text, re.M)})


def _deep(sections: list[str], shape: object) -> dict[str, object]:
    keys = ("hd", "adapter", "blocks", "hd_dim", "expand", "keys", "search_space", "param_budget")
    return {section: dict.fromkeys(keys, shape) for section in sections}
