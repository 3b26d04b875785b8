"""Every word of a migration on a TOML file: up, down, and where there is nothing to do."""

from __future__ import annotations

import tomllib

import pytest

from cfgmig.document import Document
from cfgmig.errors import LossyError, Refused
from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    CopyOf,
    Default,
    Move,
    Operation,
    Regroup,
    Remove,
    Scale,
    Values,
)
from cfgmig.migration.stash import take
from cfgmig.migration.stash_lines import CLOSE, OPEN
from tests.migration.demo import chain, migrate, up_and_down

TEXT = """\
# The run.
title = "first"

[model]
width = 64  # units
# of layers
depth = 2

[train]
steps = 1_000
seed = 0x2a  # the answer

# How the weights are found.
[train.optim]
name = "adam"
lr = 3e-4
"""


def stash(*lines: str) -> str:
    return "\n".join(["", OPEN, *lines, CLOSE, ""])


def swap(*pairs: tuple[str, str]) -> str:
    text = TEXT
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


# An operation, and what the whole file is behind it.
WORDS: list[tuple[Operation, str]] = [
    (Move("model.width", "model.hidden"), swap(("width", "hidden"))),
    (Move("model", "net"), swap(("[model]", "[net]"))),
    (Move("train.optim", "optim"), swap(("[train.optim]", "[optim]"))),
    (Move("train", "fit"), swap(("[train]", "[fit]"), ("[train.optim]", "[fit.optim]"))),
    (Add("model.heads", 4), swap(("depth = 2\n", "depth = 2\nheads = 4\n"))),
    (Add("data", {"path": "x", "split": {"test": 0.1}}),
     TEXT + '\n[data]\npath = "x"\n\n[data.split]\ntest = 0.1\n'),
    (Add("model.size", CopyOf("model.width")), swap(("depth = 2\n", "depth = 2\nsize = 64\n"))),
    (Remove("train.seed", STASH),
     swap(("seed = 0x2a  # the answer\n", ""))
     + stash("# [1 -> 2] train.seed after steps", "#   seed = 0x2a  # the answer")),
    (Remove("model.depth", 2),
     swap(("# of layers\ndepth = 2\n", ""))
     + stash("# [1 -> 2] model.depth after width", "#   # of layers", "#   depth = 2")),
    (Remove("model", STASH),
     swap(("\n[model]\nwidth = 64  # units\n# of layers\ndepth = 2\n", ""))
     + stash("# [1 -> 2] model before train", "#", "#   [model]", "#   width = 64  # units",
             "#   # of layers", "#   depth = 2")),
    (Remove("train.optim", STASH),
     swap(('\n# How the weights are found.\n[train.optim]\nname = "adam"\nlr = 3e-4\n', ""))
     + stash("# [1 -> 2] train.optim after train", "#", "#   # How the weights are found.",
             "#   [train.optim]", '#   name = "adam"', "#   lr = 3e-4")),
    (Default("model.heads", 8, new=4),
     swap(("depth = 2\n", "depth = 2\nheads = 8  # pinned: the default changed in 2\n"))),
    (Convert("train.steps", Scale(0.001)),
     swap(("1_000", "1")) + stash("# [1 -> 2] train.steps = 1_000")),
    (Convert("train.optim.name", Values({"adam": "adamw", "sgd": "sgd"})),
     swap(('"adam"', '"adamw"'))),
]  # fmt: skip


@pytest.mark.parametrize(("word", "after"), WORDS, ids=lambda x: str(x)[:40])
def test_up_and_down(word: Operation, after: str) -> None:
    up, down = up_and_down(TEXT, chain([word]), name="a.toml")
    assert up == after
    assert down == TEXT


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_line_ends_survive(eol: str, final: bool) -> None:
    text = (TEXT if final else TEXT.rstrip("\n")).replace("\n", eol)
    words = [word for word, _ in WORDS[:4:3]] + [Remove("fit.seed", STASH)]
    up, down = up_and_down(text, chain(words), name="a.toml")
    assert down == text
    assert up.count("\r\n") == (up.count("\n") if eol == "\r\n" else 0)


NOTHING: list[Operation] = [
    Move("model.hidden", "model.units", optional=True),
    Remove("model.hidden", STASH, optional=True),
    Add("model.heads", 4, implicit=True),
    Default("model.depth", 8),
    Convert("model.hidden", Scale(2), optional=True),
    Convert("train.optim.name", Values({"adam": "adam", "sgd": "momentum"})),
]


@pytest.mark.parametrize("word", NOTHING, ids=str)
def test_nothing_to_do(word: Operation) -> None:
    done = migrate(TEXT, chain([word]), name="a.toml")
    assert done.document.text == TEXT
    assert done.edits == ()


def test_the_stamp() -> None:
    graph = chain([Move("model.width", "model.hidden")])
    up = migrate(TEXT, graph, name="a.toml", stamp="f/2").document.text
    assert up == swap(("title", 'schema_version = "f/2"\ntitle'), ("width", "hidden"))
    down = migrate(up, graph, "2>1", name="a.toml", stamp="f/1").document.text
    assert down == swap(("title", 'schema_version = "f/1"\ntitle'))
    again = migrate(down, graph, name="a.toml", stamp="f/2")
    assert again.document.text == up
    assert migrate(up, graph, "2>2", name="a.toml", stamp="f/2").edits == ()


def test_a_value_that_the_revision_knows_goes_and_comes_back() -> None:
    order = {"train": ("steps", "seed", "optim")}
    up, down = up_and_down(TEXT, chain([Remove("train.steps", 1000)]), name="a.toml", order=order)
    assert up.startswith(swap(("steps = 1_000\n", "")))
    assert tomllib.loads(down) == tomllib.loads(TEXT)
    assert down.index("steps") < down.index("seed")


def test_blank_lines_alone_are_not_worth_a_stash() -> None:
    up, down = up_and_down(TEXT, chain([Move("title", "train.title")]), name="a.toml")
    moved = ("the answer\n", 'the answer\ntitle = "first"\n')
    assert up == swap(('title = "first"\n', ""), moved)
    assert said(down) == said(TEXT)


def said(text: str) -> list[str]:
    """The lines that are not blank."""
    return [line for line in text.split("\n") if line.strip()]


FLAT = "# all\nwidth = 1  # w\nlr = 0.1\n\n# how long\nsteps = 3\n"


def test_a_flat_file_gets_tables_and_loses_them_again() -> None:
    table = {"width": "model.width", "lr": "optim.lr", "steps": "train.steps"}
    up, down = up_and_down(FLAT, chain([Regroup(table)]), name="a.toml")
    assert tomllib.loads(up) == {
        "model": {"width": 1}, "optim": {"lr": 0.1}, "train": {"steps": 3},
    }  # fmt: skip
    assert "[model]\nwidth = 1  # w\n" in up
    assert "\n\n[train]\n# how long\nsteps = 3\n" in up
    assert said(down) == said(FLAT)


def test_the_comments_of_an_emptied_table_stay() -> None:
    text = "x = 1\n\n# How.\n[optim]  # one key\nlr = 0.1\n\n[train]\nsteps = 3\n"
    up, down = up_and_down(text, chain([Move("optim.lr", "train.lr")]), name="a.toml")
    assert up.startswith("x = 1\n\n# How.\n# one key\n\n[train]\nsteps = 3\nlr = 0.1\n")
    assert down == text


REAL = """\
[build-system]
requires = ["hatchling"]

[tool.train]
epochs = 10
lr = 1e-3  # peak

[tool.train.model]
width = 64
# heads = 4

[[tool.train.data]]
path = "a.bin"
weight = 1

[[tool.train.data]]
path = "b.bin"
weight = 2  # more
"""


def test_tables_of_another_tools_file_and_arrays_of_tables() -> None:
    words = [
        Move("tool.train.lr", "tool.train.optim.lr"),
        Move("tool.train.data.*.weight", "tool.train.data.*.share"),
        Convert("tool.train.data.*.share", Scale(0.5)),
        Add("tool.train.data.*.shuffle", True),
        Remove("tool.train.model.width", STASH),
    ]
    up, down = up_and_down(REAL, chain(words), name="a.toml")
    assert down == REAL
    assert up == """\
[build-system]
requires = ["hatchling"]

[tool.train]
epochs = 10

# heads = 4

[[tool.train.data]]
path = "a.bin"
share = 0.5
shuffle = true

[[tool.train.data]]
path = "b.bin"
share = 1  # more
shuffle = true

[tool.train.optim]
lr = 1e-3  # peak
""" + stash(
        "# [1 -> 2] tool.train.data[0].share = 1",
        '# [1 -> 2] tool.train.model.width with tool.train.model after "tool.train" before '
        '"tool.train.data[0]" +1',
        "#   [tool.train.model]", "#   width = 64",
    )  # fmt: skip


def test_dotted_keys_come_back_beside_a_table_that_has_a_header_by_now() -> None:
    text = "[a]\nb.c.lr = 1  # one\nb.d.x = 2\nb.d.y = 3\n"
    words = [Remove("a.b.c.lr", STASH), Move("a.b.d", "new")]
    up, down = up_and_down(text, chain(words), name="a.toml")
    assert up.startswith("[new]\nx = 2\ny = 3\n")
    assert down == text


def test_a_default_pinned_in_braces_is_told_by_the_stash() -> None:
    up, down = up_and_down("m = { a = 1 }\n", chain([Default("m.b", 2, new=3)]), name="a.toml")
    assert up == "m = { a = 1, b = 2 }\n" + stash("# [1 -> 2] m.b pinned")
    assert down == "m = { a = 1 }\n"


def test_entries_of_braces() -> None:
    text = 'log = { every = 10, "to" = "runs" }  # all\n\n[a]\nb = { c = 1 }  # one\n'
    words = [Remove("log.to", STASH), Move("log.every", "log.steps"), Move("a.b.c", "a.c")]
    up, down = up_and_down(text, chain(words), name="a.toml")
    assert up.startswith("log = { steps = 10 }  # all\n\n[a]\n# one\nc = 1\n")
    assert down == text


def test_a_downgrade_after_an_edit_by_hand() -> None:
    graph = chain([Remove("train.seed", STASH), Move("model.width", "model.hidden")])
    up = migrate(TEXT, graph, name="a.toml").document.text
    edited = up.replace("steps = 1_000", "epochs = 5").replace("[model]", "# hm\n[model]")
    down = migrate(edited, graph, "2>1", name="a.toml").document
    assert down.get(("train", "seed")) == 42
    assert "seed = 0x2a  # the answer\n" in down.text
    assert "# hm\n[model]\nwidth = 64" in down.text
    assert "cfgmig stash" not in down.text


@pytest.mark.parametrize(
    ("word", "line", "says"),
    [
        (Add("model.bias", None), 4, "`model.bias` would be null in 2, and TOML has no null"),
        (Add("model.bias", {"x": [None]}), 4, "TOML has no null"),
        (Default("train.clip", None), 9, "`train.clip` would be null"),
        (Convert("title", Values({"first": None})), 2, "`title` would be null"),
        (Move("model.width", "title.x"), 5, "not a section"),
        (Move("model.width", "model.depth"), 5, "which is there too (line 7)"),
    ],
)
def test_what_is_refused(word: Operation, line: int, says: str) -> None:
    with pytest.raises(Refused) as caught:
        migrate(TEXT, chain([word]), name="a.toml")
    assert (caught.value.file, caught.value.line) == ("a.toml", line)
    assert says in caught.value.message
    assert caught.value.help


def test_without_a_stash_nothing_is_lost() -> None:
    with pytest.raises(LossyError) as caught:
        migrate(TEXT, chain([Remove("train.seed", STASH)]), name="a.toml", stash=False)
    assert caught.value.line == 11


def test_a_damaged_stash_is_refused() -> None:
    up = migrate(TEXT, chain([Remove("train.seed", STASH)]), name="a.toml").document.text
    for damage in (("#   seed = 0x2a", "#   seed = "), ("seed = 0x2a", "sead = 0x2a")):
        text = up.replace(*damage)
        assert text != up
        with pytest.raises(Refused, match=r"stash of|was kept"):
            migrate(text, chain([Remove("train.seed", STASH)]), "2>1", name="a.toml")
    with pytest.raises(Refused, match="opened and closed once"):
        take(Document.parse(up.replace(CLOSE, ""), "a.toml"))
