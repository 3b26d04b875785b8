"""The three readings are those of the readers themselves."""

from __future__ import annotations

import datetime
import math
import string
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cfgmig.schema.readers import is_suspect, read, respell

NUMBERLIKE = st.text("0123456789._:eE+-xbo", min_size=1, max_size=8)
DATELIKE = st.from_regex(r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{2}:[0-9]{2})?\Z")
WORDS = st.sampled_from(["yes", "No", "ON", "off", "true", "False", "TRUE", "y", "n"])
SPECIAL = st.sampled_from(["null", "~", "=", ".inf", "-.INF", "+.inf", ".NaN"])
PLAIN = st.one_of(NUMBERLIKE, WORDS, SPECIAL, st.text(string.ascii_letters, min_size=1, max_size=5))


def kind(value: Any) -> tuple[str, Any]:
    if isinstance(value, datetime.date):
        return "date", None
    name = type(value).__name__
    return ("null" if value is None else name), repr(value) if name == "float" else value


def shown(reading: tuple[str, Any]) -> tuple[str, Any]:
    return ("date", None) if reading[0] == "date" else reading


def is_plain(text: str) -> bool:
    try:
        node = yaml.compose(f"k: {text}")
    except yaml.YAMLError:
        return False
    value = node.value[0][1] if isinstance(node, yaml.MappingNode) else None
    return isinstance(value, yaml.ScalarNode) and value.value == text


@settings(max_examples=400, deadline=None)
@given(PLAIN)
@example("1e-4")
@example("010")
@example("190:20:30.5")
@example("0b1_1")
@example("+.5e+3")
def test_as_pyyaml_reads(text: str) -> None:
    if not is_plain(text):
        return
    try:
        value = yaml.safe_load(f"k: {text}")["k"]
    except (yaml.YAMLError, ValueError):
        return
    assert shown(read(text).yaml11) == kind(value)


@settings(max_examples=150, deadline=None)
@given(PLAIN)
@example("1e-4")
@example("0o17")
@example("-.5")
def test_as_ruamel_reads(text: str) -> None:
    if not is_plain(text):
        return
    try:
        value = YAML(typ="safe", pure=True).load(f"k: {text}")["k"]
    except (YAMLError, ValueError):
        return
    assert shown(read(text).ruamel) == kind(value)


@settings(max_examples=300, deadline=None)
@given(PLAIN | DATELIKE)
def test_what_is_not_suspect_is_read_alike(text: str) -> None:
    if is_plain(text) and not is_suspect(text):
        assert read(text).agree


@settings(max_examples=300, deadline=None)
@given(NUMBERLIKE)
def test_respelling_keeps_the_value(text: str) -> None:
    spelling = respell(text)
    if spelling is not None:
        assert read(spelling).agree
        assert read(spelling).ruamel == read(text).ruamel
        assert math.isfinite(float(spelling)) or "e" in spelling.lower()


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("1e-4", "1.0e-4"),
        ("2.5e3", "2.5e+3"),
        ("1E5", "1.0E+5"),
        ("-3e-05", "-3.0e-05"),
        ("1_000", "1000"),
        ("0o17", "15"),
        ("-.5", "-0.5"),
        ("010", "10"),
        ("yes", None),
        ("12:30", None),
    ],
)
def test_spelling(text: str, spelling: str | None) -> None:
    assert respell(text) == spelling
