from __future__ import annotations

from typing import Any

import pytest

from cfgmig.document import Document
from cfgmig.document.receipt import apply as splice
from cfgmig.errors import LossyError, Refused
from cfgmig.migration import (
    IRREVERSIBLE,
    STASH,
    Add,
    Convert,
    CopyOf,
    Custom,
    Default,
    Move,
    Not,
    Operation,
    Remove,
    ReplacePrefix,
    Scale,
    Values,
)
from cfgmig.migration.run import run
from cfgmig.migration.stamping import stamped
from cfgmig.migration.trace import current, origin
from tests.migration.demo import chain, migrate, up_and_down

BASE = """\
# Run 7: the long one.

lr: 0.10  # tuned
seed: 42
model:
  width: 64   # columns
  depth: 2

  # how it ends
  head: 'linear'
target: 99.70
"""

CASES: list[tuple[list[Operation], dict[str, str]]] = [
    ([Move("lr", "rate")], {"lr: 0.10": "rate: 0.10"}),
    ([Move("model.head", "model.top")], {"  head:": "  top:"}),
    ([Convert("target", Scale(0.01))], {"target: 99.70": "target: 0.997"}),
    ([Convert("model.head", Values({"linear": "dense"}))], {"'linear'": "'dense'"}),
    ([Convert("model.head", ReplacePrefix("lin", "non-lin"))], {"'linear'": "'non-linear'"}),
    ([Add("steps", 100)], {"target: 99.70\n": "target: 99.70\nsteps: 100\n"}),
    ([Add("steps", 100, implicit=True)], {}),
    ([Move("seeds", "model.seed", optional=True)], {}),
    ([Default("warmup", 5)],
     {"target: 99.70\n": "target: 99.70\nwarmup: 5  # pinned: the default changed in 2\n"}),
    ([Default("lr", 0.1, new=0.2)], {}),
    ([Custom("x", lambda data: [Move("seed", "number")], lambda data: [Move("number", "seed")])],
     {"seed: 42": "number: 42"}),
]  # fmt: skip


@pytest.mark.parametrize(("operations", "replaced"), CASES, ids=lambda case: str(case)[:50])
@pytest.mark.parametrize("shape", ["lf", "crlf", "no newline", "bom"])
def test_exactly_these_bytes_change(
    operations: list[Operation], replaced: dict[str, str], shape: str
) -> None:
    def shaped(text: str) -> str:
        text = text.removesuffix("\n") if shape == "no newline" else text
        text = text.replace("\n", "\r\n") if shape == "crlf" else text
        return "\ufeff" + text if shape == "bom" else text

    wanted = BASE
    for old, new in replaced.items():
        assert old in wanted
        wanted = wanted.replace(old, new)
    document = Document.parse(shaped(BASE).encode(), "config.yaml")
    up = migrate(document, chain(operations))
    body = up.document.to_bytes().decode().partition("# >>> cfgmig")[0].rstrip()
    assert body == shaped(wanted).rstrip()
    assert up.changed == bool(replaced)
    assert splice(document.text, up.edits) == up.document.text
    down = migrate(up.document, chain(operations), "2>1")
    assert down.document.to_bytes() == document.to_bytes()


@pytest.mark.parametrize(
    "operations",
    [
        [Remove("seed", STASH)],
        [Remove("lr", STASH), Remove("seed", STASH), Remove("target", STASH)],
        [Remove("model.head", STASH)],
        [Remove("model", STASH)],
        [Remove("model.width", STASH), Remove("model.depth", STASH), Remove("model.head", STASH)],
        [Remove("lr", 0.2)],
        [Remove("lr", 0.1)],
        [Remove("model.*", STASH)],
        [Move("seed", "model.seed"), Remove("model.seed", STASH)],
        [Move("model", "net"), Remove("net.depth", STASH)],
        [Remove("absent", STASH, optional=True), Move("seed", "s")],
        [Convert("target", Scale(0.01)), Convert("lr", Scale(10)), Remove("seed", STASH)],
        [Remove("target", STASH), Add("goal", 1), Add("model.extra", {"a": [1, 2], "b": None})],
    ],
    ids=lambda operations: str(operations)[:60],
)
@pytest.mark.parametrize("shape", ["lf", "crlf", "no newline"])
def test_what_is_taken_comes_back_byte_for_byte(operations: list[Operation], shape: str) -> None:
    text = BASE.removesuffix("\n") if shape == "no newline" else BASE
    text = text.replace("\n", "\r\n") if shape == "crlf" else text
    up, down = up_and_down(text, chain(operations))
    assert down == text
    assert up.endswith("\n") == text.endswith("\n")
    assert up.count("\n") == (up.count("\r\n") or up.count("\n"))


def test_the_stash_is_readable() -> None:
    up = migrate(BASE, chain([Remove("seed", STASH), Remove("model.head", STASH)]))
    stash = up.document.text.partition("# >>> ")[2]
    assert "# [1 -> 2] seed " in stash
    assert "\n#   seed: 42\n" in stash
    assert "\n#     # how it ends\n#     head: 'linear'\n" in stash


def test_several_steps_compose() -> None:
    graph = chain(
        [Move("lr", "optim.lr"), Remove("seed", STASH)],
        [Move("optim.lr", "training.rate"), Convert("target", Scale(0.01))],
        [Move("training", "train"), Add("train.epochs", 3), Remove("model.depth", 2)],
    )
    document = Document.parse(BASE, "config.yaml")
    up = migrate(document, graph)
    assert up.document.data == {
        "model": {"width": 64, "head": "linear"},
        "target": 0.997,
        "train": {"rate": 0.1, "epochs": 3},
    }
    assert splice(BASE, up.edits) == up.document.text
    assert origin(up.effects, ("train", "rate")) == ("lr",)
    assert origin(up.effects, ("train", "epochs")) is None
    assert origin(up.effects, ("model", "width")) == ("model", "width")
    assert current(up.effects, ("lr",)) == ("train", "rate")
    assert current(up.effects, ("seed",)) is None
    assert len(up.log) == len(up.fired) == 7
    down = migrate(up.document, graph, "4>1")
    assert down.document.data == document.data
    assert "# tuned" in up.document.text
    half = migrate(up.document, graph, "4>2")
    assert "[1 -> 2] seed" in half.document.text
    assert "[2 -> 3]" not in half.document.text
    assert migrate(half.document, graph, "2>4").document.data == up.document.data


def test_a_pinned_default_is_told_from_a_written_one() -> None:
    graph = chain([Default("lr", 0.1, new=0.2), Default("steps", 5, new=9)])
    pinned = migrate(BASE, graph).document
    assert "lr: 0.10  # tuned" in pinned.text
    assert "steps: 5  # pinned: the default changed in 2" in pinned.text
    assert migrate(pinned, graph, "2>1").document.text == BASE
    newer = migrate("width: 1\n", graph, "2>1")
    assert newer.document.data == {"width": 1, "lr": 0.2, "steps": 9}
    assert migrate(newer.document, graph).document.text == "width: 1\n"
    by_hand = "lr: 0.2\nsteps: 9\n"
    assert migrate(by_hand, graph).document.text == by_hand


@pytest.mark.parametrize(
    ("text", "operations", "note"),
    [
        (
            "# Things\nmemory:  # kept small\n  a: 1\n\n# rest\nd: 2\n",
            [Move("memory.a", "d2.a")],
            "memory: {}  # kept small",
        ),
        ("a: 1\n\n# title\nx: 1\ny: 2\nz:\n  q: 1\n", [Move("x", "z.x")], "x moved, after a"),
        ("b: 1\na: 2\nz:\n  q: 1\n", [Move("b", "z.b")], "b moved,"),
        ("m: {a: 1}\n", [Default("m.b", 64)], "m.b pinned"),
        ("a: 1\ns:\n  x: 1\n  y: 2\n", [Remove("s.x", STASH), Remove("s.y", STASH)], "s.y with s"),
        (
            "p: 1\n\nlog: 620\nck: f\n",
            [Remove("log", STASH), Move("ck", "c.d")],
            "ck moved, after p blank 1",
        ),
        (
            "a: 1\ns:\n  b: 1\n  c: 2\n",
            [Move("s.b", "t.b"), Remove("s", STASH), Move("a", "t.a")],
            "s after a",
        ),
    ],
)
def test_what_a_move_back_could_not_know_is_noted(
    text: str, operations: list[Operation], note: str
) -> None:
    up, down = up_and_down(text, chain(operations))
    assert note in up
    assert down == text


def test_a_blank_line_alone_is_not_worth_a_note() -> None:
    up, down = up_and_down("a: 1\n\nb: 2\n", chain([Move("b", "c.b")]))
    assert "cfgmig stash" not in up
    assert down == "a: 1\nb: 2\n"


def test_json_pins_in_its_stash() -> None:
    graph = chain([Default("warm", 3, new=5)])
    up = migrate('{"a": 1}', graph, name="c.json").document
    assert up.data["warm"] == 3
    assert migrate(up, graph, "2>1").document.text == '{"a": 1}'
    own = '{"a": 1, "warm": 5}'
    assert migrate(own, graph, name="c.json").document.text == own


def test_only_a_stamp_beside_a_stash() -> None:
    graph = chain([Remove("seed", STASH)])
    for text, name in ((JSON, "c.json"), (BASE, "c.yaml")):
        up = migrate(text, graph, name=name).document
        stamped_too = migrate(up, graph, "2>2", stamp="demo/2").document
        assert stamped_too.data == {"schema_version": "demo/2", **up.data}
        down = migrate(stamped_too, graph, "2>1", stamp="demo/1").document
        assert down.data == {"schema_version": "demo/1", **Document.parse(text, name).data}


def test_one_key_may_be_converted_twice_in_a_step() -> None:
    graph = chain([Convert("a", Scale(0.01)), Convert("a", Scale(0.01))])
    _, down = up_and_down("a: 10\n", graph)
    assert down == "a: 10\n"


def test_a_refusal_in_a_later_step_names_the_line_of_the_file() -> None:
    text = "a: 1\nb: 2\nbase: &b\n  x: 1\n  w: 2\nother: *b\n"
    graph = chain([Remove("a", STASH), Add("n", 1), Remove("b", STASH)], [Move("base.x", "q.x")])
    with pytest.raises(Refused) as refusal:
        migrate(text, graph)
    assert refusal.value.kind == "shared-node"
    assert refusal.value.line in (3, 4)


def test_an_edit_after_the_upgrade_wins_over_the_stash() -> None:
    graph = chain([Convert("target", Scale(0.01))])
    up = migrate(BASE, graph).document.text
    assert "[1 -> 2] target = 99.70" in up
    edited = up.replace("target: 0.997", "target: 0.5")
    down = migrate(edited, graph, "2>1").document.text
    assert "target: 50.0" in down
    assert "cfgmig stash" not in down


def test_a_value_of_the_newer_version_is_stashed_on_the_way_down() -> None:
    graph = chain([Add("mode", "a"), Add("extra", 0, implicit=True)])
    newer = "x: 1\nmode: b  # mine\nextra: 7\n"
    down = migrate(newer, graph, "2>1").document.text
    assert down.startswith("x: 1\n\n# >>> cfgmig stash")
    assert "[2 -> 1] mode" in down
    assert migrate(down, graph).document.text == newer


def test_schema_order_places_new_keys() -> None:
    order = {"": ("lr", "steps", "seed", "model"), "model": ("width", "bias", "depth")}
    graph = chain([Add("steps", 1), Add("model.bias", True)])
    up, down = up_and_down(BASE, graph, order=order)
    assert "lr: 0.10  # tuned\nsteps: 1\nseed: 42" in up
    assert "# columns\n  bias: true\n  depth: 2" in up
    assert down == BASE


def test_stamp() -> None:
    graph = chain([Move("lr", "rate")])
    up = migrate(BASE, graph, stamp="demo/2").document
    assert up.data["schema_version"] == "demo/2"
    assert next(iter(up.data)) == "schema_version"
    assert up.text.startswith("# Run 7: the long one.\n")
    down = migrate(up, graph, "2>1", stamp="demo/1").document
    assert down.data["schema_version"] == "demo/1"
    quiet = run(Document.parse(BASE, "c.yaml"), _plan(graph), stamp="demo/2", add_stamp=False)
    assert "schema_version" not in quiet.document.data
    kept = run(up, _plan(graph, "2>1"), stamp="demo/1", add_stamp=False)
    assert kept.document.data["schema_version"] == "demo/1"
    same = stamped(up, "schema_version", "demo/2")
    assert same.document.text == up.text


def test_nothing_to_do_is_nothing_done() -> None:
    graph = chain([Move("lr", "rate")])
    stamp = "schema_version: demo/2\n"
    outcome = migrate(stamp + "rate: 1\n", graph, "2>2", stamp="demo/2")
    assert not outcome.changed
    assert outcome.edits == ()
    assert outcome.document is outcome.before
    new = migrate("rate: 1\n", graph, "2>2", stamp="demo/2")
    assert new.document.text == stamp + "rate: 1\n"


def _plan(graph: Any, way: str = "1>2") -> Any:
    from cfgmig.migration.plan import make_plan

    return make_plan(graph, *way.split(">"))


@pytest.mark.parametrize(
    ("text", "operations", "line", "says"),
    [
        ("a: 1\nb: 2\n", [Move("a", "b")], 1, "`b`, which is there too (line 2)"),
        ("x: 0\nm: 3\na: 1\n", [Move("a", "m.a")], 3, "`m` is 3 (line 2), not a section"),
        ("x: 0\na: 1\nb: 2\n", [Remove("a", CopyOf("b"))], 2, "`b` is 2 (line 3)"),
        ("x: 0\na: 1\n", [Move("x", "y"), Convert("a", Not())], 2, "1 is neither true nor false"),
        ("x: 0\n", [Move("absent", "b")], 1, "`absent` is not in the file"),
        ("x: 0\na: 1\n", [Add("a", 2)], 2, "`a` is in the file already"),
    ],
)
def test_refusals_name_the_line(
    text: str, operations: list[Operation], line: int, says: str
) -> None:
    with pytest.raises(Refused) as refusal:
        migrate(text, chain(operations))
    assert (refusal.value.file, refusal.value.line) == ("config.yaml", line)
    assert says in refusal.value.message
    assert "step 1 -> 2" in refusal.value.message


def test_no_stash_refuses_instead() -> None:
    with pytest.raises(LossyError, match="--no-stash"):
        migrate(BASE, chain([Remove("seed", STASH)]), stash=False)
    with pytest.raises(LossyError, match="has no place"):
        migrate(BASE, chain([Remove("lr", 0.2)]), stash=False)
    assert migrate(BASE, chain([Remove("lr", 0.1)]), stash=False).document.data["seed"] == 42


def test_no_way_back_is_told_before_the_file_is_looked_at() -> None:
    graph = chain([Remove("seed", IRREVERSIBLE)])
    up = migrate(BASE, graph).document
    assert "seed" not in up.text
    with pytest.raises(LossyError, match="2 cannot be taken back to 1"):
        migrate(up, graph, "2>1")


JSON = '{\n  "lr": 0.10,\n  "seed": 42,\n  "model": {"width": 64, "depth": 2},\n  "t": 99.70\n}\n'


@pytest.mark.parametrize(
    "operations",
    [
        [Move("lr", "rate")],
        [Move("seed", "model.seed")],
        [Remove("seed", STASH)],
        [Remove("lr", STASH), Remove("model.depth", STASH)],
        [Remove("model", STASH), Remove("t", STASH)],
        [Convert("t", Scale(0.01))],
        [Add("x", {"a": [1]}), Default("warm", 3), Add("model.bias", True)],
    ],
    ids=str,
)
@pytest.mark.parametrize("indent", ["  ", "\t"])
def test_json(operations: list[Operation], indent: str) -> None:
    text = JSON.replace("\n  ", f"\n{indent}")
    up, down = up_and_down(text, chain(operations), name="c.json")
    assert down == text
    assert up != text
    if any(isinstance(one, Remove) for one in operations):
        assert '"$cfgmig_stash"' in up
