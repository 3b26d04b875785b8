"""New scalars read the same in PyYAML, ruamel.yaml and OmegaConf."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cfgmig.document.emit import Style, inline, scalar
from cfgmig.document.verify import reference, same

STYLE = Style(None, "\n")


class OmegaLoader(yaml.SafeLoader):
    """PyYAML as OmegaConf sets it up: more floats, no dates."""


OmegaLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if not tag.endswith(":timestamp")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
OmegaLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"""^(?:[-+]?[0-9](?:_?[0-9])*(?:\.[0-9_]*)?[eE][-+]?[0-9]+
        |[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
        |\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
        re.VERBOSE,
    ),
    list("-+0123456789."),
)

WORDS = [
    "yes", "no", "on", "off", "true", "null", "~", "=", "<<", "1e-4", "1e5", "1.5e3", "0o17",
    "017", "0x1F", "0b1", "1_000", "1:30", "12:30:45", ".5", "5.", ".inf", "-.inf", ".nan",
    "2001-01-01", "2001-01-01T00:00:00Z", "-", "--", "---", "...", "-x", "@x", "`x", "%x", "?x",
    "!x", "&x", "*x", "#x", "x#", "a#b", "a:b", "a:", ":", ":x", "{}", "[]", "[x", "{x", ",x",
    "|", ">", "'", "\"", "y", "n", "0", "08", "1.2.3", "v1.2",
]  # fmt: skip


def agreed(text: str, value: Any) -> None:
    for written in (f"k: {text}\n", f"k: [{text}]\n"):
        expected = {"k": [value]} if "[" in written[:4] else {"k": value}
        assert same(reference(written), expected), written
        assert same(yaml.safe_load(written), expected), written
        assert same(yaml.load(written, OmegaLoader), expected), written


@pytest.mark.parametrize("word", WORDS)
def test_words(word: str) -> None:
    agreed(scalar(word, STYLE, flow=True), word)
    for quote in "'\"":
        agreed(scalar(word, STYLE, quote=quote), word)


@given(st.text(max_size=20).filter(lambda text: "\ufeff" not in text))
def test_any_string(text: str) -> None:
    if any(0xD800 <= ord(ch) < 0xE000 for ch in text):
        return
    agreed(scalar(text, STYLE, flow=True), text)


@given(st.text("abc019.:-_+eE#xo ~\"'[]{},&*!|>%@`?=<", max_size=9))
def test_any_string_of_trouble(text: str) -> None:
    agreed(scalar(text, STYLE, flow=True), text)
    assert same(yaml.safe_load(f"k: {scalar(text, STYLE)}\n"), {"k": text})
    assert same(reference(f"k: {scalar(text, STYLE)}\n"), {"k": text})


@given(st.one_of(st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)))
def test_any_number(value: Any) -> None:
    agreed(scalar(value, STYLE), value)


def test_not_a_number() -> None:
    assert math.isnan(yaml.safe_load(scalar(math.nan, STYLE)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "1.0e-05"), (1e22, "1.0e+22"), (0.1, "0.1"), (3.0, "3.0"), (-1.5e-7, "-1.5e-07")],
)
def test_floats_have_a_dot_and_a_signed_exponent(value: float, text: str) -> None:
    assert scalar(value, STYLE) == text


def test_flow() -> None:
    value = {"a": [1, {"b": "x, y"}], "c": {}}
    assert inline(value, STYLE) == '{a: [1, {b: "x, y"}], c: {}}'
