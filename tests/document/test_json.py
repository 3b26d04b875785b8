"""JSON keeps its layout: commas, one entry a line, the file's own indentation."""

from __future__ import annotations

import json

import pytest

from cfgmig.document import Delete, Document, Insert, MoveTo, SetValue
from cfgmig.document.changes import Change
from cfgmig.errors import Refused

TALL = '{\n  "a": 1,\n  "b": {\n    "c": 2,\n    "d": [1, 2]\n  },\n  "e": null\n}\n'
ROWS: list[tuple[str, list[Change], str]] = [
    (TALL, [MoveTo(("a",), ("z",))], TALL.replace('"a"', '"z"')),
    (TALL, [Delete(("e",))], TALL.replace(',\n  "e": null', "")),
    (TALL, [Delete(("a",)), Delete(("b", "c"))],
     '{\n  "b": {\n    "d": [1, 2]\n  },\n  "e": null\n}\n'),
    (TALL, [Insert(("f",), {"g": [3], "h": {}})],
     TALL.replace("null", 'null,\n  "f": {\n    "g": [3],\n    "h": {}\n  }')),
    (TALL, [MoveTo(("b", "c"), ("n", "m", "c"))],
     '{\n  "a": 1,\n  "b": {\n    "d": [1, 2]\n  },\n  "e": null,\n'
     '  "n": {\n    "m": {\n      "c": 2\n    }\n  }\n}\n'),
    (TALL, [MoveTo(("b",), ("b", "inner"))],
     '{\n  "a": 1,\n  "b": {\n    "inner": {\n      "c": 2,\n      "d": [1, 2]\n    }\n  },\n'
     '  "e": null\n}\n'),
    (TALL, [SetValue(("b", "d", 0), float("nan")), Insert(("b", "d", 2), "x")],
     TALL.replace("[1, 2]", '[NaN, 2, "x"]')),
    ('{"a": 1, "b": 2}', [Delete(("a",)), Insert(("c",), "é")], '{"b": 2, "c": "\\u00e9"}'),
    ('{\n\t"a": 1\n}', [Insert(("b", "c"), 2)], '{\n\t"a": 1,\n\t"b": {\n\t\t"c": 2\n\t}\n}'),
    ('{"a": {"b": {"c": 1}}}', [MoveTo(("a", "b"), ("a",))], '{"a": {"c": 1}}'),
    ('{"a": 1}', [Delete(("a",))], "{}"),
    ("{}", [Insert(("a",), 1)], '{\n  "a": 1\n}'),
]  # fmt: skip


@pytest.mark.parametrize(("before", "changes", "after"), ROWS)
def test_layout(before: str, changes: list[Change], after: str) -> None:
    document = Document.parse(before, "a.json")
    assert document.edit(changes).document.text == after
    assert document.edit([SetValue(at, node.value) for at, node in document.scalars()]).edits == ()


def test_reads_as_the_json_module() -> None:
    text = '{"a": [NaN, -Infinity, 1E5, -0, 1.5e-3, "\\ud83d\\ude00"], "": {}, "b": true}'
    assert repr(Document.parse(text, "a.json").data) == repr(json.loads(text))
    assert Document.parse(text, "a.json").comments() == []


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ('{"a": 1,}', "not-json", (1, 9)),
        ('{"a": 1,\n "a": 2}', "duplicate-key", (2, 2)),
        ("", "not-json", (1, 1)),
        ('{"a": 01}', "not-json", (1, 8)),
        ("{'a': 1}", "not-json", (1, 2)),
        ('["\n"]', "not-json", (1, 3)),
        ("[1] 2", "not-json", (1, 5)),
        ("[" * 5000, "too-deep", (1, 201)),
        ('{"a":' * 5000, "too-deep", (1, 1001)),
    ],
)
def test_refused(text: str, kind: str, place: tuple[int, int]) -> None:
    with pytest.raises(Refused) as caught:
        Document.parse(text, "a.json")
    assert (caught.value.kind, caught.value.line, caught.value.column) == (kind, *place)
