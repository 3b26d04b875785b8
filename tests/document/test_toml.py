"""TOML: what is read, what each change does to the bytes, what is refused."""

from __future__ import annotations

import datetime
import tomllib

import pytest

from cfgmig.document import Delete, Document, Insert, MoveTo, Rewrite, SetValue
from cfgmig.document.changes import Change, Restore
from cfgmig.errors import Refused
from cfgmig.paths import Path

RUN = """\
# The run.

title = "first"  # shown

[model]
width = 64  # units
# layers of it
depth = 2

# How the weights are found.
[train.optim]
name = 'adam'
betas = [0.9, 0.999]

[train]
steps = 1_000

# of everything
seed = 0x2a
log = { every = 10, "to" = "runs" }
"""
FLAT = 'model.width = 64\nmodel.depth = 2\n\nrun."a b" = 1  # odd\n'
ITEMS = "[[layer]]\nsize = 1\n\n[[layer]]\nsize = 2\n[layer.act]\nname = 'relu'\n"
BRACES = "[[x]]\na = 1\n[t]\nb = {c.d = 1, e = 2}\n[t.sub]\nf = 3  # of f\n"
TALL = "list = [\n  1,  # one\n  2,\n]\n"

# Text, changes, and the lines that go and come.
ROWS: list[tuple[str, list[Change], list[str], list[str]]] = [
    # Rename: of a key, a table, a table in dotted keys, an entry in braces.
    (RUN, [MoveTo(("model", "width"), ("model", "hidden"))],
     ["width = 64  # units"], ["hidden = 64  # units"]),
    (RUN, [MoveTo(("train",), ("fit",))], ["[train.optim]", "[train]"], ["[fit.optim]", "[fit]"]),
    (RUN, [MoveTo(("train", "log", "to"), ("train", "log", "in it"))],
     ['log = { every = 10, "to" = "runs" }'], ['log = { every = 10, "in it" = "runs" }']),
    (FLAT, [MoveTo(("model",), ("net",))],
     ["model.width = 64", "model.depth = 2"], ["net.width = 64", "net.depth = 2"]),
    (ITEMS, [MoveTo(("layer",), ("block",))],
     ["[[layer]]", "[[layer]]", "[layer.act]"], ["[[block]]", "[[block]]", "[block.act]"]),
    # A table moves by its header; a key moves with its comments.
    (RUN, [MoveTo(("train", "optim"), ("optim",))], ["[train.optim]"], ["[optim]"]),
    (RUN, [MoveTo(("model", "depth"), ("train", "optim", "depth"))],
     ["# layers of it", "depth = 2"], ["# layers of it", "depth = 2"]),
    (RUN, [MoveTo(("train", "log", "every"), ("train", "every"))],
     ['log = { every = 10, "to" = "runs" }'], ['log = { "to" = "runs" }', "every = 10"]),
    (RUN, [MoveTo(("title",), ("train", "log", "title"))],
     ['title = "first"  # shown', 'log = { every = 10, "to" = "runs" }'],
     ["# shown", 'log = { every = 10, "to" = "runs", title = "first" }']),
    (FLAT, [MoveTo(("model", "width"), ("run", "width"))],
     ["model.width = 64"], ["run.width = 64"]),
    # Down and up where it stands.
    (RUN, [MoveTo(("model",), ("net", "model"))], ["[model]"], ["[net.model]"]),
    (RUN, [MoveTo(("model",), ("model", "net"))], ["[model]"], ["[model.net]"]),
    (FLAT, [MoveTo(("run", "a b"), ("run", "a b", "c"))],
     ['run."a b" = 1  # odd'], ['run."a b".c = 1  # odd']),
    ("x = { a = { b = 1 } }\n", [MoveTo(("x", "a", "b"), ("x", "a"))],
     ["x = { a = { b = 1 } }"], ["x = { a = 1 }"]),
    ("x = { a = 1 }\n", [MoveTo(("x", "a"), ("x", "a", "c"))],
     ["x = { a = 1 }"], ["x = { a = { c = 1 } }"]),
    ("[a]\nb = 1\n", [MoveTo(("a", "b"), ("a",))], ["[a]", "b = 1"], ["a = 1"]),
    ("[a]\n[a.b]\nc = 1\n", [MoveTo(("a", "b"), ("a",))], ["[a.b]"], []),
    # A table with a header becomes a value where no header can stand.
    (BRACES, [MoveTo(("t", "sub"), ("t", "b", "sub"))],
     ["b = {c.d = 1, e = 2}", "[t.sub]", "f = 3  # of f"],
     ["b = {c.d = 1, e = 2, sub = { f = 3 }}", "# of f"]),
    (BRACES, [MoveTo(("t", "sub"), ("x", 0, "sub"))],
     ["[t.sub]", "f = 3  # of f"], ["sub = { f = 3 }", "# of f"]),
    # The last key of a table takes its header along; what is written about it stays.
    ("[a]  # of a\nx = 1\n\n[b]\ny = 2\n", [MoveTo(("a", "x"), ("b", "x"))],
     ["[a]  # of a", "x = 1"], ["# of a", "x = 1"]),
    ("a = 1\n", [MoveTo(("a",), ("b", "c"))], ["a = 1"], ["[b]", "c = 1"]),
    # Delete.
    (RUN, [Delete(("model", "depth"))], ["# layers of it", "depth = 2"], []),
    (RUN, [Delete(("train", "seed"))], ["seed = 0x2a"], []),
    (RUN, [Delete(("train", "log", "every"))],
     ['log = { every = 10, "to" = "runs" }'], ['log = { "to" = "runs" }']),
    (FLAT, [Delete(("run", "a b"))], ["", 'run."a b" = 1  # odd'], []),
    ("[a.b]\nx = 1\n", [Delete(("a", "b"), prune=False)], ["[a.b]", "x = 1"], ["[a]"]),
    ("a.b = 1\n", [Delete(("a", "b"), prune=False)], ["a.b = 1"], ["a = {}"]),
    (TALL, [Delete(("list", 0))], ["  1,  # one"], []),
    # Insert: at the end of the table's own lines, never behind a table in it.
    (RUN, [Insert(("model", "heads"), 4)], [], ["heads = 4"]),
    (RUN, [Insert(("model", "head", "size"), 4)], [], ["[model.head]", "size = 4", ""]),
    (RUN, [Insert(("data",), {"path": "x", "split": {"test": 0.1}})],
     [], ["", "[data]", 'path = "x"', "", "[data.split]", "test = 0.1"]),
    (RUN, [Insert(("model", "a b"), [1.0, float("inf"), "it's"], comment="new")],
     [], ["# new", '"a b" = [1.0, inf, "it\'s"]']),
    (FLAT, [Insert(("model", "heads"), 4)], [], ["model.heads = 4"]),
    (ITEMS, [Insert(("layer", 0, "bias"), True)], [], ["bias = true"]),
    (TALL, [Insert(("list", 2), 3)], [], ["  3,"]),
    # Set: the spelling of what is the same stays.
    (RUN, [SetValue(("title",), 'a "b"')], ['title = "first"  # shown'],
     ["title = 'a \"b\"'  # shown"]),
    (RUN, [SetValue(("train", "optim", "name"), "sgd")], ["name = 'adam'"], ["name = 'sgd'"]),
    (RUN, [SetValue(("train", "optim", "betas"), [0.9, 0.95])],
     ["betas = [0.9, 0.999]"], ["betas = [0.9, 0.95]"]),
    (RUN, [SetValue(("model",), {"width": 64, "heads": 4})],
     ["# layers of it", "depth = 2"], ["heads = 4"]),
    (TALL, [SetValue(("list",), [1, 5])], ["  2,"], ["  5,"]),
    (RUN, [Rewrite(("train", "seed"), "42")], ["seed = 0x2a"], ["seed = 42"]),
    # Nothing to do.
    (RUN, [SetValue(("train", "seed"), 42), SetValue(("train", "steps"), 1000)], [], []),
    (RUN, [SetValue(("train", "log"), {"every": 10, "to": "runs"})], [], []),
    (RUN, [MoveTo(("model",), ("model",))], [], []),
]  # fmt: skip


def lines_that_differ(before: str, after: str) -> tuple[list[str], list[str]]:
    from difflib import ndiff

    found = list(ndiff(before.splitlines(), after.splitlines()))
    return [x[2:] for x in found if x[:1] == "-"], [x[2:] for x in found if x[:1] == "+"]


@pytest.mark.parametrize(("before", "changes", "gone", "come"), ROWS)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_lines(
    before: str, changes: list[Change], gone: list[str], come: list[str], eol: str
) -> None:
    document = Document.parse(before.replace("\n", eol), "a.toml")
    after = document.edit(changes).document.text
    assert after.count("\r\n") == (after.count("\n") if eol == "\r\n" else 0)
    out, new = lines_that_differ(before, after.replace("\r\n", "\n"))
    assert (sorted(out), sorted(new)) == (sorted(gone), sorted(come))


def test_where_lines_go() -> None:
    document = Document.parse(RUN, "a.toml")
    changes = [
        MoveTo(("model", "depth"), ("train", "optim", "depth")),
        MoveTo(("train", "seed"), ("seed",)),
        Insert(("model", "heads"), 4),
    ]
    assert (
        document.edit(changes).document.text
        == """\
# The run.

title = "first"  # shown
seed = 0x2a

[model]
width = 64  # units
heads = 4

# How the weights are found.
[train.optim]
name = 'adam'
betas = [0.9, 0.999]
# layers of it
depth = 2

[train]
steps = 1_000

# of everything
log = { every = 10, "to" = "runs" }
"""
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[a]\nx = 1\n", 'schema_version = "f/1"\n\n[a]\nx = 1\n'),
        ("# about\n[a]\nx = 1\n", '# about\nschema_version = "f/1"\n\n[a]\nx = 1\n'),
        ("# about\n\n[a]\nx = 1\n", '# about\n\nschema_version = "f/1"\n\n[a]\nx = 1\n'),
        ("# x\ny = 1\n[a]\n", '# x\nschema_version = "f/1"\ny = 1\n[a]\n'),
        ("x=1", 'schema_version = "f/1"\nx=1'),
        ("", 'schema_version = "f/1"\n'),
        ("x = 'y'\r\n", "schema_version = 'f/1'\r\nx = 'y'\r\n"),
    ],
)
def test_the_stamp_is_the_first_key(before: str, after: str) -> None:
    from cfgmig.migration.stamping import stamped

    document = Document.parse(before, "a.toml")
    new = stamped(document, "schema_version", "f/1").document
    assert new.text == after
    assert stamped(new, "schema_version", "f/1").edits == ()


def test_a_schemas_order_is_kept() -> None:
    orders: dict[Path, tuple[str, ...]] = {(): ("model", "data", "train"), ("model",): ("a", "b")}
    text = "[model]\nb = 1\n\n[train]\nx = 1\n"
    changes = [Insert(("model", "a"), 0), Insert(("data", "path"), "p")]
    edited = Document.parse(text, "a.toml").edit(changes, lambda path: orders.get(path, ()))
    expected = '[model]\na = 0\nb = 1\n\n[data]\npath = "p"\n\n[train]\nx = 1\n'
    assert edited.document.text == expected


def test_what_is_read() -> None:
    text = (
        '# one\na."b.c" = 1_000 # two\nd = 2024-01-31 07:32:00\n'
        "s = '''x # no'''\nt = \"#\"\n[x]  # three\n  y = [ # four\n]\n"
    )
    document = Document.parse(b"\xef\xbb\xbf" + text.encode(), "a.toml")
    assert document.kind == "toml"
    assert document.bom
    assert document.data == tomllib.loads(text)
    assert document.get(("d",)) == datetime.datetime(2024, 1, 31, 7, 32)
    assert [comment.text for comment in document.comments()] == [
        "# one", "# two", "# three", "# four",
    ]  # fmt: skip
    assert document.position(("a", "b.c"))[:2] == (2, 3)
    assert document.position(("x", "y"), "value")[:2] == (7, 7)
    assert document.position(("x", "z"))[:2] == (6, 2)
    assert [node.raw for _, node in document.scalars()] == [
        "1_000", "2024-01-31 07:32:00", "'''x # no'''", '"#"',
    ]  # fmt: skip
    assert document.to_bytes().endswith(text.encode())


@pytest.mark.parametrize(
    ("text", "kind", "place", "says"),
    [
        ("a = 1\nb = \n", "not-toml", (2, 5), "invalid value"),
        ("a = [1", "not-toml", (1, 7), "unclosed array"),
        ("[a\n", "not-toml", (1, 3), "table declaration"),
        ("a = 1\nb = 2\na = 3\n", "duplicate-key", (3, 1), "on line 1 and on line 3"),
        ("[a]\nx = 1\n[b]\n[a]\n", "duplicate-key", (4, 2), "on line 1 and on line 4"),
        ("[a]\nx = {y = 1, y = 2}\n", "duplicate-key", (2, 13), "given twice"),
        ("a.b = 1\n[a]\n", "not-toml", (2, 3), "cannot declare"),
        ("a = 'x\ny'\n", "not-toml", (1, 7), ""),
        ("x = " + "[" * 5000, "too-deep", (1, 1), "200 levels"),
        (".".join("a" * 300) + " = 1", "too-deep", (1, 402), "200 levels"),
        ("a = 1\rb = 2\n", "not-toml", (1, 6), ""),
        ("a = 1\0", "encoding", (1, 6), "NUL"),
    ],
)
def test_what_is_no_toml(text: str, kind: str, place: tuple[int, int], says: str) -> None:
    with pytest.raises(Refused) as caught:
        Document.parse(text, "a.toml")
    error = caught.value
    assert (error.kind, (error.line, error.column), error.file) == (kind, place, "a.toml")
    assert says in error.message


REFUSED: list[tuple[str, Change, str, int, str]] = [
    (RUN, Insert(("model", "bias"), None), "unsupported-shape", 5, "TOML has no null"),
    (RUN, SetValue(("title",), [1, None]), "unsupported-shape", 3, "TOML has no null"),
    (RUN, Delete(("model", "nope")), "not-found", 5, "there is no model.nope"),
    (RUN, SetValue(("modle", "width"), 1), "not-found", 1, "there is no modle.width"),
    (RUN, Insert(("title", "x"), 1), "key-collision", 3, "title is no table, so title.x has no"),
    (RUN, MoveTo(("train", "optim"), ("train",)), "key-collision", 15, "is there already"),
    (RUN, MoveTo(("title",), ("model",)), "key-collision", 5, "(line 3) cannot move: model is"),
    (RUN, Insert(("title",), 1), "key-collision", 3, "is there already (line 3)"),
    (RUN, Rewrite(("title",), "1\nx = 2"), "unsupported-shape", 3, "is not one value"),
    (TALL, SetValue(("list",), 5), "unsupported-shape", 1, "comments would change: ['# one']"),
    (TALL, MoveTo(("list", 0), ("x",)), "unsupported-shape", 2, "an item of a list cannot move"),
    (BRACES, Delete(("x", 0)), "unsupported-shape", 1, "the last table of its array"),
    (BRACES, Delete(("t", "b", "c", "d")), "unsupported-shape", 4, "a dotted key inside of braces"),
    (BRACES, Insert(("t", "b", "c", "g"), 1), "unsupported-shape", 4, "inside of braces"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "change", "kind", "line", "says"), REFUSED)
def test_what_cannot_be_edited(text: str, change: Change, kind: str, line: int, says: str) -> None:
    document = Document.parse(text, "a.toml")
    with pytest.raises(Refused) as caught:
        document.edit([change])
    error = caught.value
    assert (error.kind, error.line, error.file) == (kind, line, "a.toml")
    assert error.column
    assert says in error.message


CUTS: list[tuple[str, Path, str]] = [
    (RUN, ("model", "depth"), "# layers of it\ndepth = 2\n"),
    (RUN, ("train", "seed"), "seed = 0x2a\n"),
    (RUN, ("model",), "\n[model]\nwidth = 64  # units\n# layers of it\ndepth = 2\n"),
    (RUN, ("train", "log", "to"), ', "to" = "runs"'),
    (RUN, ("train", "log", "every"), "every = 10, "),
    ("x = {a = 1}\ny = { b = [1] }\n", ("y", "b", 0), "1"),
    (FLAT, ("model",), "model.width = 64\nmodel.depth = 2\n\n"),
    (FLAT, ("run", "a b"), '\nrun."a b" = 1  # odd\n'),
    (ITEMS, ("layer", 1), "\n[[layer]]\nsize = 2\n[layer.act]\nname = 'relu'\n"),
    (TALL, ("list", 0), "  1,  # one\n"),
    (TALL, ("list", 1), "  2,\n"),
    ("# a\n\n[a]\nx = 1\n# loose\n\n[b]", ("a", "x"), "[a]\nx = 1\n"),
]


@pytest.mark.parametrize(("text", "path", "taken"), CUTS)
@pytest.mark.parametrize("bare", [False, True])
def test_a_cut_goes_back_to_the_byte(text: str, path: Path, taken: str, bare: bool) -> None:
    text = text.rstrip() if bare else text
    document = Document.parse(text, "a.toml")
    cut = document.cut(path)
    assert cut.text == taken
    without = document.edit([Delete(path)]).document
    assert without.edit([Restore(cut)]).document.text == text
    if not isinstance(path[-1], int):
        with pytest.raises(Refused, match="there already"):
            document.edit([Restore(cut)])


def test_a_cut_that_would_not_know_its_table_is_refused() -> None:
    document = Document.parse("[a]\na.b = 1\n[a.c]\nc.c = 1\n", "a.toml")
    assert document.cut(("a", "a")).text == "a.b = 1\n"
    with pytest.raises(Refused, match="repeats the name of its table") as caught:
        document.cut(("a", "c", "c"), prune=False)
    assert (caught.value.line, caught.value.help) == (4, "write it below a header of its own")


def test_a_cut_finds_another_place_when_its_neighbours_are_gone() -> None:
    document = Document.parse(RUN, "a.toml")
    cut = document.cut(("train", "optim", "betas"))
    changes = [Delete(("train", "optim", "betas")), Delete(("train", "optim"))]
    back = document.edit([*changes, Restore(cut)]).document
    assert back.get(("train", "optim")) == {"betas": [0.9, 0.999]}
    assert back.text.endswith("\n\n[train.optim]\nbetas = [0.9, 0.999]\n")


@pytest.mark.parametrize(
    ("text", "path", "there", "after"),
    [
        ("[a]  # of a\n# own\nx = 1\n\n[b]\n", ("a", "x"), "[a]\ny = 2\n\n[b]\n",
         "[a]\ny = 2\n# of a\n# own\nx = 1\n\n[b]\n"),
        ("# of it\n[a.b]\nx = 1  # one\n\n[b]\n", ("a", "b"), "[a]\ny = 2\n\n[b]\n",
         "[a]\ny = 2\n\n# of it\n[a.b]\nx = 1  # one\n\n[b]\n"),
        ("a.b = 1  # one\nb = {}\n", ("a", "b"), "a.y = 2\nb = {}\n",
         "a.y = 2\na.b = 1  # one\nb = {}\n"),
        ("a = { b = 1 }  # one\nb = 1\n", ("a", "b"), "b = 1\n[a]\ny = 2\n",
         "b = 1\n[a]\ny = 2\n# one\nb = 1\n"),
    ],
)  # fmt: skip
def test_a_cut_goes_back_into_a_table_that_is_there_again(
    text: str, path: Path, there: str, after: str
) -> None:
    cut = Document.parse("z = 0\n" + text, "a.toml").cut(path)
    assert cut.at == path[:1]
    back = Document.parse("z = 0\n" + there, "a.toml").edit([Restore(cut)]).document
    assert back.text == "z = 0\n" + after


def test_notes_tell_what_stayed() -> None:
    text = "a = 1\n\n# Both of these.\nb = 2\nc = 3\n\n[d]\nx = 1\n# y = 2\n\n[e]\n"
    edited = Document.parse(text, "a.toml").edit([Delete(("b",)), Delete(("d",))])
    assert [(note.line, note.message) for note in edited.notes] == [
        (3, "kept: this comment may head more than the entry that stood below it"),
        (6, "kept: this comment stood in a section that is gone"),
    ]
    assert edited.document.text == "a = 1\n\n# Both of these.\nc = 3\n\n# y = 2\n\n[e]\n"
