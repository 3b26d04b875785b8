"""Every rule of the family shows in its own examples what it reports and what it does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.project import find_project
from cfgmig.schema import Example, Family, Rule
from cfgmig.schema.compile import compiled
from cfgmig.schema.engine import Checked, check_document
from cfgmig.schema.rules import Config
from tests.conftest import ROOT

FAMILY: Family = find_project(ROOT).source("ternary_vae").family
RULES = FAMILY.load_rules()
HEAD = FAMILY.head.name


def _cases(kind: str) -> list[Any]:
    return [
        pytest.param(rule, example, id=f"{rule.code}-{index}")
        for rule in RULES
        for index, example in enumerate(getattr(rule, kind))
    ]


def _document(text: str) -> Document:
    return Document.parse(text, "config.yaml")


def _place(example: Example, folder: Path) -> None:
    for name in example.files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"weights")


def _found(rule: Rule, text: str, example: Example, folder: Path) -> list[Checked]:
    version = example.version or HEAD
    return check_document(_document(text), FAMILY, version, root=folder, rules=[rule])


@pytest.mark.parametrize(("rule", "example"), _cases("valid"))
def test_is_silent_on_its_valid_examples(rule: Rule, example: Example, tmp_path: Path) -> None:
    _place(example, tmp_path)
    assert _found(rule, example.text, example, tmp_path) == []


@pytest.mark.parametrize(("rule", "example"), _cases("invalid"))
def test_reports_its_invalid_examples(rule: Rule, example: Example, tmp_path: Path) -> None:
    _place(example, tmp_path)
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
    _place(example, tmp_path)
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
    assert rule.code.startswith("TV")
    assert rule.valid
    assert rule.invalid
    assert len(rule.explanation) > 150
    assert rule.summary.endswith(".")
    assert "\n" not in rule.summary
    for end in (rule.since, rule.until):
        assert end is None or end in FAMILY.names


SHAPES: tuple[object, ...] = (
    *(None, [], {}, "text", 3, -1.5, True, [None, {}], {"enabled": True, "path": 3}),
    *(float("inf"), float("nan"), 10**400, "~nobody/x", "\0", "x" * 5000),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_survives_whatever_stands_in_a_file(rule: Rule, tmp_path: Path) -> None:
    """Rules run on data that nobody has validated."""
    sections = _sections(rule)
    for version in FAMILY.names:
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
    keys = ("enabled", "path", "name", "scheduler", "radial", "option_c", "tier", "phases")
    return {section: dict.fromkeys(keys, shape) for section in sections}


def _of(code: str) -> Rule:
    return next(rule for rule in RULES if rule.code == code)


def test_a_missing_file_is_reported_with_both_places(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "configs"
    data = {"frozen_checkpoint": {"path": "weights/latest.pt"}}
    config = Config(data, HEAD, root=root, folder=folder, versions=FAMILY.names)
    (problem,) = _of("TV105").check(config)
    assert str(root / "weights/latest.pt") in problem.message
    assert str(folder / "weights/latest.pt") in problem.message


def test_a_file_beside_the_config_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "latest.pt").write_bytes(b"weights")
    data = {"frozen_checkpoint": {"path": "latest.pt"}}
    config = Config(data, HEAD, root=tmp_path, folder=folder, versions=FAMILY.names)
    assert list(_of("TV105").check(config)) == []


def test_best_pt_is_never_replaced_unasked(tmp_path: Path) -> None:
    _place(Example("", files=("checkpoints/v5_5/latest.pt",)), tmp_path)
    data = {"frozen_checkpoint": {"path": "checkpoints/v5_5/best.pt"}}
    config = Config(data, HEAD, root=tmp_path, versions=FAMILY.names)
    (problem,) = _of("TV114").check(config)
    assert problem.fix is not None
    assert not problem.fix.safe


@pytest.mark.parametrize(
    ("version", "metric", "outer", "fires"),
    [
        ("5.12.1", None, 0.96, True),
        ("5.12.1", None, 0.94, False),
        ("5.12.2", None, 3.66, False),
        ("5.12.2", None, 3.67, True),
        (HEAD, "euclidean", 0.96, True),
        (HEAD, "hyperbolic", 0.96, False),
    ],
)
def test_the_ball_ends_where_the_unit_in_force_says(
    version: str, metric: str | None, outer: float, fires: bool, tmp_path: Path
) -> None:
    loss: dict[str, object] = {"radial": {"outer_radius": outer}}
    if metric:
        loss["radius_metric"] = metric
    data = {"model": {"max_radius": 0.95, "curvature": 1.0}, "loss": loss}
    config = Config(data, version, root=tmp_path, versions=FAMILY.names)
    assert bool(list(_of("TV302").check(config))) is fires


def test_the_command_line_dialect_names_its_weights_elsewhere(tmp_path: Path) -> None:
    data = {"v5_5_checkpoint": "checkpoints/v5_5/best.pt", "option_c": True}
    config = Config(data, "cli", root=tmp_path, versions=FAMILY.names)
    fired = {rule.code for rule in RULES if list(rule.check(config))}
    assert {"TV105", "TV114"} <= fired
    assert not {"TV101", "TV104"} & fired
