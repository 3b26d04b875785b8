from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.errors import UsageError
from cfgmig.paths import Path, format_path
from cfgmig.schema import Config, Example, Family, Problem, Rule, rule
from cfgmig.schema.compile import compiled
from cfgmig.schema.detect import detect
from cfgmig.schema.engine import ENGINE_RULES, Checked, all_rules, check_document, rule_infos
from cfgmig.schema.selection import applies, is_selected, unmatched

EXAMPLES = [
    pytest.param(one, example, id=f"{one.code}-{kind}-{index}")
    for one in ENGINE_RULES
    for kind, examples in (("valid", one.valid), ("invalid", one.invalid))
    for index, example in enumerate(examples)
]


MOVED: dict[str, tuple[Path, str]] = {
    "model.old_name": (("model", "new_name"), "3.0"),
    "total_epochs": (("train", "epochs"), "2.0"),
}


def check(
    demo: Family, text: str, version: str = "2.0", name: str = "a.yaml", **more: Any
) -> list[Checked]:
    document = Document.parse(text, name)
    more.setdefault("ignore", ["CM006"])
    return check_document(document, demo, version, **more)


def codes(found: list[Checked]) -> list[str]:
    return [one.finding.code for one in found]


def run_example(demo: Family, one: Rule, example: Example) -> list[Checked]:
    document = Document.parse(example.text, "a.yaml")
    version = example.version or demo.head.name
    return check_document(
        document, demo, version, select=[one.code], detection=detect(document, [demo])
    )


@pytest.mark.parametrize(("one", "example"), EXAMPLES)
def test_examples_of_the_engines_rules(one: Rule, example: Example, demo: Family) -> None:
    found = run_example(demo, one, example)
    assert bool(found) == (example in one.invalid)
    if example.fixed is None:
        return
    fixes = [checked.fix for checked in found if checked.fix is not None]
    changes = [change for fix in fixes for change in fix.changes]
    document = Document.parse(example.text, "a.yaml")
    order = compiled(demo, demo.head.name).order
    assert document.edit(changes, order).document.text == example.fixed
    assert not run_example(demo, one, Example(example.fixed, example.version))


def test_rules_are_complete(demo: Family) -> None:
    rules = all_rules(demo)
    assert [one.code for one in rules] == sorted({one.code for one in rules})
    assert [one.code for one in ENGINE_RULES] == [f"CM00{i}" for i in range(1, 9)]
    for one in ENGINE_RULES:
        assert one.summary.endswith(".")
        assert one.explanation
        assert one.valid
        assert one.invalid
    infos = rule_infos(rules)
    assert infos["CM001"].name == "unknown-key"


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "path"),
    [
        ("model:\n  width: 3\n  widht: 4\n", "CM001", 3, 3, "model.widht"),
        ("model:\n  width:   '3'\n", "CM002", 2, 12, "model.width"),
        ("model:\n  note: a\n", "CM003", 1, 1, "model.width"),
        ("train: {}\n", "CM003", 1, 1, "model"),
        ("model:\n  width: 3\ntrain:\n  lr:  1e-4\n", "CM005", 4, 8, "train.lr"),
        ("model:\n  width: 2000\n", "DM101", 2, 10, "model.width"),
        (
            "model: {width: 3}\ntrain:\n  phases:\n  - name: a\n    epochs: b\n",
            "CM002", 5, 13, "train.phases[0].epochs",
        ),
    ],
)  # fmt: skip
def test_places(text: str, code: str, line: int, column: int, path: str, demo: Family) -> None:
    found = [one.finding for one in check(demo, text)]
    assert [(one.code, one.line, one.column, one.path) for one in found] == [
        (code, line, column, path)
    ]
    assert found[0].file == "a.yaml"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("model:\n  width: 3\n  widht: 4\n", None),
        ("model:\n  width: 3\n  Bias: true\n", "did you mean `model.bias`?"),
        ("model:\n  width: 3\n  drop-out: 0.1\n", "did you mean `model.dropout`?"),
        ("model:\n  width: 3\n  activaton: relu\n", "did you mean `model.activation`?"),
        ("model:\n  width: 3\nlr: 0.1\n", "the key exists as `train.lr`: move it there"),
        ("model:\n  width: 3\n  zzzzz: 1\n", None),
        (
            "model:\n  width: 3\ntotal_epochs: 3\n",
            "it is `train.epochs` since 2.0: move it there",
        ),
        (
            "model:\n  width: 3\n  old_name: 1\n",
            "it is `model.new_name` since 3.0: run `cfgmig upgrade a.yaml`",
        ),
    ],
)
def test_what_an_unknown_key_meant(text: str, help: str | None, demo: Family) -> None:
    def moved(path: Path) -> tuple[Path, str] | None:
        return MOVED.get(format_path(path))

    found = check(demo, text, moved=moved)
    assert codes(found) == ["CM001"]
    assert found[0].finding.help == help


def test_fixes_of_unknown_keys_do_not_collide(demo: Family) -> None:
    text = "model:\n  widht: 3\n  wdith: 4\n"
    assert [one.finding.fix for one in check(demo, text, select=["CM001"])] == ["unsafe", None]
    moved = check(demo, "total_epochs: 3\ntrain:\n  epochs: 4\n", select=["CM001"],
                  moved=lambda path: MOVED.get(format_path(path)))  # fmt: skip
    assert [one.finding.fix for one in moved] == [None]


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("model: {width: 0}\n", "`model.width` should be greater than 0, not 0",
         "`width: <int>`, units of a layer"),
        ("model: {width: 3, activation: rleu}\n",
         "`model.activation` should be 'relu' or 'silu', not 'rleu'", "did you mean `relu`?"),
        ("model: [3]\n", "`model` should be a section, not a list", "`model: <section>`"),
        ("- 1\n", "`the file` should be a section, not a list", None),
    ],
)  # fmt: skip
def test_messages_about_values(text: str, message: str, help: str | None, demo: Family) -> None:
    found = check(demo, text)
    assert [(one.finding.message, one.finding.help) for one in found] == [(message, help)]


@pytest.mark.parametrize(
    ("text", "spelling", "fix"),
    [
        ("train: {lr: 1e-4}\n", "1.0e-4", "safe"),
        ("model: {bias: yes}\n", "true", "safe"),
        ("model: {bias: Off}\n", "false", "safe"),
        ("model: {note: no}\n", '"no"', "safe"),
        ("extra: {a: on}\n", '"on"', "safe"),
        ("seed: 010\n", "10", "unsafe"),
        ("seed: 1_000\n", "1000", "safe"),
        ("seed: 0o17\n", "15", "safe"),
        ("model: {note: 12:30}\n", '"12:30"', "safe"),
        ("seed: 12:30\n", "750", "unsafe"),
        ("train: {limit: .5e3}\n", "500.0", "unsafe"),
        ("extra: {day: 2024-01-31}\n", '"2024-01-31"', "unsafe"),
        ("train: {lr: 0.1, betas: [0.9, 1e-1]}\n", "1.0e-1", "safe"),
    ],
)
def test_spellings(text: str, spelling: str, fix: str, demo: Family) -> None:
    found = [one.finding for one in check(demo, text, select=["CM005"])]
    assert [(one.help, one.fix) for one in found] == [(f"write `{spelling}`", fix)]


@pytest.mark.parametrize(
    "text",
    [
        "train: {lr: 1.0e-4, limit: .inf}\n",
        "model: {note: 'yes', width: 64}\n",
        "model: {note: |\n  1e-4\n}\n".replace("{note: |\n  1e-4\n}", "\n  note: |\n    1e-4"),
        "extra: {a: !!str 1e-4, b: -0.5, c: +1, d: 1., e: ~, f: 1.0-rc1, g: y}\n",
    ],
)
def test_spellings_that_all_read_alike(text: str, demo: Family) -> None:
    assert check(demo, text, select=["CM005"]) == []


def test_json_has_one_reading(demo: Family) -> None:
    text = '{"model": {"width": 3}, "train": {"lr": 1e-4}}'
    assert check(demo, text, name="a.json") == []


def test_version_findings(demo: Family) -> None:
    stamped = "schema_version: demo/1.0\nwidth: 3\n"
    found = check(demo, stamped, "1.0", ignore=[])
    assert codes(found) == ["CM004"]
    assert found[0].finding.help == "run `cfgmig upgrade a.yaml`"
    assert (found[0].finding.line, found[0].finding.column) == (1, 17)
    dialect = check(demo, "width: 3\nlearning_rate: 0.1\n", "cli", ignore=[])
    assert codes(dialect) == ["CM004", "CM006"]
    assert "the dialect cli" in dialect[0].finding.message
    assert dialect[1].finding.severity == "info"
    assert dialect[1].finding.help == "run `cfgmig stamp demo/cli a.yaml`"


def test_ambiguous_version(demo: Family) -> None:
    document = Document.parse("width: 3\n", "a.yaml")
    found = check_document(document, demo, "1.1", detection=detect(document, [demo]))
    assert codes(found) == ["CM004", "CM007"]
    assert "may be of demo/1." in found[1].finding.message


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# cfgmig: ignore[CM001]", []),
        ("#cfgmig:ignore[ CM001 , DM101 ]", []),
        ("# cfgmig: ignore", []),
        ("# cfgmig: ignore[CM]", []),
        ("# because of that  # cfgmig: ignore[CM001]", []),
        ("# cfgmig: ignore[CM002]", ["CM001"]),
        ("# cfgmig: ignore[]", ["CM001"]),
        ("# ignore[CM001]", ["CM001"]),
    ],
)
def test_suppressed_on_the_line(comment: str, expected: list[str], demo: Family) -> None:
    assert codes(check(demo, f"model:\n  width: 3\n  zzz: 4  {comment}\n")) == expected


def test_suppressed_in_the_header(demo: Family) -> None:
    body = "model:\n  width: 2000\n  zzz: 4\n"
    assert codes(check(demo, f"# a\n# cfgmig: ignore[CM001]\n{body}")) == ["DM101"]
    assert codes(check(demo, f"# cfgmig: ignore\n\n{body}")) == []
    assert codes(check(demo, f"{body}# cfgmig: ignore\n")) == ["DM101", "CM001"]


def test_suppressed_at_the_key_of_a_long_value(demo: Family) -> None:
    text = "model: {width: 3}\ntrain:\n  betas:  # cfgmig: ignore[CM002]\n    - 1\n    - x\n"
    assert codes(check(demo, text)) == []


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        ([], [], ["CM006", "DM101", "CM001"]),
        (["CM"], [], ["CM006", "CM001"]),
        (["DM101"], [], ["DM101"]),
        ([], ["CM"], ["DM101"]),
        (["CM001"], ["CM"], ["CM001"]),
        (["CM"], ["CM001"], ["CM006"]),
        (["ALL"], ["CM00"], ["DM101"]),
        (["ZZ"], [], []),
    ],
)
def test_selection(select: list[str], ignore: list[str], expected: list[str], demo: Family) -> None:
    text = "model:\n  width: 2000\n  zzz: 4\n"
    assert codes(check(demo, text, select=select, ignore=ignore)) == expected


def test_selectors() -> None:
    assert is_selected("CM001")
    assert not is_selected("CM001", ["CM001"], ["CM001"])
    assert unmatched(["CM", "XX", "ALL"], ["CM001"]) == ["XX"]


def test_range_of_versions(demo: Family) -> None:
    assert codes(check(demo, "width: 2000\n", "1.0", ignore=["CM"])) == []
    too_wide = demo.load_rules()[0]
    assert [applies(too_wide, demo, name) for name in demo.names] == [False, False, True, False]


def test_files_that_a_config_names(demo: Family, tmp_path: FilePath) -> None:
    text = "model: {width: 3}\nextra: {weights: sub/a.pt}\n"
    home, folder = tmp_path / "project", tmp_path / "project" / "configs"
    folder.mkdir(parents=True)
    assert codes(check(demo, text, root=home, folder=folder)) == ["DM102"]
    (folder / "sub").mkdir()
    (folder / "sub" / "a.pt").write_bytes(b"")
    assert codes(check(demo, text, root=home, folder=folder)) == []


def test_a_rule_that_fails_is_named(demo: Family) -> None:
    @rule(code="XX001", name="bad", severity="error", summary="x", explanation="x")
    def bad(config: Config) -> Iterator[Problem]:
        yield Problem("model", str(config.get("model.width") / 0))

    with pytest.raises(UsageError, match=r"rule XX001 \(bad\) failed: ZeroDivisionError"):
        check(demo, "model: {width: 3}\n", rules=[bad])


def test_two_rules_of_one_code(demo: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfgmig.schema.engine.ENGINE_RULES", (*ENGINE_RULES, ENGINE_RULES[0]))
    with pytest.raises(UsageError, match="both have code CM001"):
        all_rules(demo)


@pytest.mark.parametrize(("code", "name"), [("X1", "a"), ("XX01", "a"), ("XX001", "A b")])
def test_codes_and_names_have_a_form(code: str, name: str) -> None:
    with pytest.raises(UsageError):
        rule(code=code, name=name, severity="info", summary="", explanation="")(
            lambda config: iter(())
        )


@pytest.mark.parametrize("text", ["", "# cfgmig: ignore\n", "- a  # cfgmig: ignore\n", "3"])
def test_files_without_keys(text: str, demo: Family) -> None:
    assert "CM003" not in codes(check(demo, text, select=["CM"]))
