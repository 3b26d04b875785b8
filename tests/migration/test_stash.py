from __future__ import annotations

import pytest

from cfgmig.document import Document
from cfgmig.errors import Refused
from cfgmig.migration import STASH, Move, Remove
from cfgmig.migration.stash import put, take
from cfgmig.migration.stash_lines import CLOSE, GLUED, OPEN
from tests.migration.demo import chain, migrate, up_and_down

GRAPH = chain([Remove("seed", STASH)], [Move("lr", "rate")])


def stashed(text: str) -> str:
    return migrate(text, chain([Remove("seed", STASH)])).document.text


@pytest.mark.parametrize(
    "text",
    [
        "lr: 1\nseed: 42\n",
        "lr: 1\nseed: 42",
        "lr: 1\n\nseed: 42\n\n\n",
        "lr: 1\nseed:\n  - 1\n\n  # two\n  - 2\n# end of file\n",
        "seed: 42\n",
        "seed: 42",
        "lr: 1\nseed: |\n  text\n\n  more\n",
        "lr: 1\nseed: {a: 1, b: [2, 3]}\n",
        'lr: 1\n"seed": "é → ü"  # ✓\n',
        "lr: 1\nseed: 'say \\n no'\nlast: |\n  text\n",
        "lr: 1\nseed: 2\nlast: |+\n  text\n\n",
        "lr: 1\nseed: >-\n  folded\n  text\nlast: 2\n",
        "seed: 1\nlr: 1\n# lr: 2\n",
        "lr: 1\r\nseed: 42\r\n",
        "{lr: 1, seed: 42}\n",
        "{seed: 42}\n",
        "lr: 1\nseed: 2001-01-01\n",
        "a: &x 1\nseed: 2\nb: *x\nlr: 1\n",
    ],
)
def test_taken_and_put_back(text: str) -> None:
    up, down = up_and_down(text, chain([Remove("seed", STASH)]))
    assert down == text
    assert up.count("cfgmig stash") == 2
    assert "seed" not in Document.parse(up, "c.yaml").data or text.startswith("seed")


def test_a_key_named_with_spaces_and_dots() -> None:
    text = 'lr: 1\n"a b.c {":\n  x: 2  # two\nd: 3\n'
    graph = chain([Remove('"a b.c {"', STASH)])
    up, down = up_and_down(text, graph)
    assert down == text
    assert '] "a b.c {" ' in up or '] "a b.c {"\n' in up


def test_a_value_with_an_alias_is_kept_with_what_it_means() -> None:
    text = "base: &b {x: 1}\nseed: *b\nlr: 2\n"
    up, down = up_and_down(text, chain([Remove("seed", STASH)]))
    assert '"value":{"x":1}' in up
    assert down == text


def test_an_unrelated_step_leaves_the_stash_as_it_is() -> None:
    text = stashed("lr: 1\nseed: 42\n")
    up = migrate(text, GRAPH, "2>3")
    assert up.document.text == text.replace("lr: 1", "rate: 1")
    assert len(up.edits) == 1


def test_keys_written_behind_the_stash() -> None:
    text = stashed("lr: 1\nseed: 42\n") + "extra: 5\n"
    down = migrate(text, GRAPH, "2>1").document.text
    assert Document.parse(down, "c.yaml").data == {"lr": 1, "seed": 42, "extra": 5}
    assert "cfgmig stash" not in down
    up = migrate(text, GRAPH, "2>3").document.text
    assert up.endswith(CLOSE + "\n")


def test_a_text_that_only_looks_like_a_stash() -> None:
    text = f"lr: 1\ndoc: |\n  {OPEN}\n  x\nseed: 2\n"
    up, down = up_and_down(text, chain([Remove("seed", STASH)]))
    assert down == text
    assert up.count(OPEN) == 2


def test_no_blank_line_where_it_would_be_part_of_a_text() -> None:
    up = stashed("seed: 1\nlast: |+\n  text\n")
    assert GLUED in up
    assert Document.parse(up, "c.yaml").data == {"last": "text\n"}


def test_a_text_at_the_very_end_is_refused() -> None:
    with pytest.raises(Refused, match="would swallow the stash"):
        stashed("seed: 1\nlast: |\n  text")


@pytest.mark.parametrize(
    ("damage", "line", "says"),
    [
        (lambda text: text.replace(CLOSE, ""), 3, "not opened and closed once"),
        (lambda text: text.replace("# [1 -> 2]", "# 1 -> 2"), 4, "neither a key's header"),
        (lambda text: text.replace("# [1 -> 2] seed", "#   x: 1\n# [1 -> 2] seed"), 4,
         "belongs to no key"),
        (lambda text: text.replace("#   seed: 42\n", ""), 4, "text is missing"),
        (lambda text: text.replace("[1 -> 2] seed", "[1 -> 2] seed..x"), 4, "not a path"),
        (lambda text: text.replace("seed after lr", "seed {after: lr}"), 4, ""),
    ],
)  # fmt: skip
def test_a_damaged_stash_is_refused(damage: object, line: int, says: str) -> None:
    text = stashed("lr: 1\nseed: 42\n")
    broken = damage(text)  # type: ignore[operator]
    assert broken != text
    with pytest.raises(Refused) as refusal:
        take(Document.parse(broken, "c.yaml"))
    assert refusal.value.line == line
    assert says in refusal.value.message
    assert refusal.value.help


def test_a_stash_is_taken_and_put_without_a_trace() -> None:
    for text in ("lr: 1\nseed: 42\n", "lr: 1\nseed: 42", "a: 1\n\n\nseed: 2\n", "seed: 1\n"):
        document = Document.parse(stashed(text), "c.yaml")
        taken = take(document)
        assert put(taken.document, taken.kept)[0].text == document.text
