"""Typed reading, positions and comments; two event sources that build the same tree."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Document, Position, subset_reader, yaml_events, yaml_tree
from cfgmig.document.node import Node
from cfgmig.document.scalars import plain_value
from cfgmig.document.source import decode
from cfgmig.document.verify import reference, same
from cfgmig.errors import Refused

from .generate import yaml_text

SPELLINGS = [
    "1", "-1", "+1", "0", "00", "017", "0o17", "0x1F", "0b101", "1_000", "1.5", "1.", ".5", "-.5",
    "1e3", "1e-4", "1E+5", "1.5e3", ".5e3", ".5e+3", ".inf", "-.Inf", ".NAN", ".nan", "-.nan",
    "inf", "nan", "true", "True", "TRUE", "tRue", "yes", "No", "on", "~", "null", "Null", "NULL",
    "nUll", "=", "<<", "2001-01-01", "2001-1-1", "2001-12-14T21:59:43.10-05:00",
    "2001-01-01T00:00:00Z", "2001-13-01", "1:30", "0o8", "08", "0x", "1e", "1.2.3", "5.11.0",
    "e5", "1__0", "_1", "-_", "+", "-", ".", "-.", "0b12", "2001-01-01x", "12e03",
]  # fmt: skip


def shape(node: Node | None) -> Any:
    if node is None:
        return None
    return (
        node.kind, node.start, node.inner, node.end, node.style, node.tag, node.anchor, node.raw,
        node.content, [(shape(e.key), shape(e.value), e.at) for e in node.entries],
        [shape(item) for item in node.items], node.target and node.target.start,
    )  # fmt: skip


def both_trees_agree(text: bytes | str) -> None:
    fast = yaml_events.libyaml()
    if fast is None:
        pytest.skip("PyYAML has no libyaml here")
    source = decode(text, "a.yaml")
    first = yaml_tree.build(source, fast)
    second = yaml_tree.build(source, yaml_events.pure())
    assert [shape(root) for root in first.roots] == [shape(root) for root in second.roots]


@pytest.mark.parametrize("text", SPELLINGS)
def test_plain_scalars_read_as_in_yaml_1_2(text: str) -> None:
    try:
        expected = reference(f"[{text}]" if text in ("-", "+") else text)
    except Refused:
        return  # ruamel.yaml has no value for it: nothing to compare with
    found = plain_value(text)
    assert same(found, expected[0] if isinstance(expected, list) else expected)


@given(st.text("0123456789abcdefxoEe_+-.:TZ ", max_size=12))
def test_any_plain_scalar(text: str) -> None:
    text = text.strip()
    try:
        expected = reference(f"k: {text}\n")
        document = Document.parse(f"k: {text}\n", "a.yaml")
    except Refused:
        return
    if isinstance(expected, dict) and isinstance(document.data, dict):
        assert same(document.data, expected)


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_generated_documents(seed: int) -> None:
    text = yaml_text(Random(seed))
    document = Document.parse(text.encode(), "a.yaml")
    expected = reference(document.text)
    assert same(document.data, expected)
    assert document.to_bytes().decode() == text
    both_trees_agree(text)
    found = subset_reader.read(document.text)
    assert found is subset_reader.DECLINED or same(found, expected)


SUBSET_ALPHABET = st.sampled_from(
    ["a", "b:", ": ", "- ", "\n", "  ", "    ", "#", " # c", "1", "0.5", "'x'", '"y"', "[", "]",
     "{", "}", ", ", "|", ">", "&a", "*a", "!t", "k: v", "\n- ", "\n  ", "~", "true", "<<", "%",
     "---", "\t", "é", "\\", "?", "|-\n  t", "-"]
)  # fmt: skip


@given(st.lists(SUBSET_ALPHABET, max_size=14).map("".join))
@settings(max_examples=400, deadline=None)
def test_what_the_subset_reader_accepts_it_reads_right(text: str) -> None:
    found = subset_reader.read(text)
    if found is not subset_reader.DECLINED:
        assert same(found, reference(text)), text


def test_merge_keys_and_aliases() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  y: 5\n  <<: [*a, *b]\nd: *a\n"
    data = Document.parse(text, "a.yaml").data
    assert same(data, reference(text))
    assert data["d"] is data["a"]


def test_tags_of_an_application_read_as_their_content() -> None:
    text = "a: !ref <x>\nb: !new:mod {k: !!int '3'}\nc: !!binary aGk=\nd: !!set {x, y}\n"
    document = Document.parse(text, "a.yaml")
    assert document.data == {"a": "<x>", "b": {"k": 3}, "c": b"hi", "d": {"x", "y"}}
    node = document.node(("a",))
    assert node is not None
    assert (node.tag, node.raw) == ("!ref", "<x>")


def test_positions_are_counted_in_code_points() -> None:
    document = Document.parse('é: {b: "ü", c: }\r\nlist:\r\n- x: 1\r\n', "a.yaml")
    assert document.position(()) == Position(1, 1, 1, 1)
    assert document.position(("é", "b")) == Position(1, 5, 1, 6)
    assert document.position(("é", "b"), "value") == Position(1, 8, 1, 11)
    assert document.position(("é", "c"), "value") == Position(1, 13, 1, 14)
    assert document.position(("list", 0, "x", "gone")) == Position(3, 3, 3, 4)
    assert document.position(("list", 0)) == Position(3, 3, 3, 7)


def test_paths_and_scalars() -> None:
    document = Document.parse("2: a\ntrue: b\nx: [~, {y: 2}]\n", "a.yaml")
    assert document.has(("2",))
    assert document.get(("x", 1, "y")) == 2
    assert document.get(("True",)) == "b"
    assert document.get(("x", 5), "?") == "?"
    assert [(path, node.value) for path, node in document.scalars()] == [
        (("2",), "a"), (("True",), "b"), (("x", 0), None), (("x", 1, "y"), 2),
    ]  # fmt: skip


def test_comments() -> None:
    text = "# one\na: 'x # no'  # two\nb: |  # three\n  # no\nc: [1,  # four\n  2]#five\n"
    found = Document.parse(text, "a.yaml").comments()
    assert [comment.text for comment in found] == ["# one", "# two", "# three", "# four", "#five"]
    assert [comment.line for comment in found] == [1, 2, 3, 5, 6]


def test_several_documents_are_read_but_not_edited() -> None:
    document = Document.parse("a: 1\n---\nb: 2  # x\n", "a.yaml")
    assert (document.count, document.data) == (2, {"a": 1})
    assert [comment.text for comment in document.comments()] == ["# x"]


def test_real_files(corpus: Path) -> None:
    accepted = refused = 0
    for path in sorted(corpus.glob("*/configs/*.y*ml")):
        try:
            document = Document.parse(path.read_bytes(), path.name)
        except Refused:
            refused += 1
            continue
        expected = reference(document.text)
        assert same(document.data, expected), path
        both_trees_agree(path.read_bytes())
        found = subset_reader.read(document.text)
        accepted += found is not subset_reader.DECLINED
        assert found is subset_reader.DECLINED or same(found, expected), path
    assert accepted > 40
    assert refused == 1  # its key stands twice
