"""Beside another span editor, yaml-edit: the bytes agree, or the reason is known.

Classes of disagreement: "blank" (which run of blank lines goes), "comment" (whose a comment is),
"data" (its result reads as something else: ours is checked by ruamel.yaml).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from cfgmig.document import Delete, Document, Insert, MoveTo
from cfgmig.document.verify import reference, same
from cfgmig.errors import Refused

yaml_edit = pytest.importorskip("yaml_edit")


def theirs(text: str, kind: str, path: tuple[str, ...]) -> str | None:
    document = yaml_edit.Document.parse(text)
    mapping = document.as_mapping()
    for name in path[:-1]:
        mapping = mapping.get_mapping(name)
        if mapping is None:
            return None
    if kind == "rename":
        mapping.rename_key(path[-1], "renamed_key")
    elif kind == "delete":
        mapping.remove(path[-1])
    else:
        mapping.set("new_key", 5)
    return str(document)


def explain(ours: str, other: str) -> str:
    def lines(text: str, comments: bool) -> list[str]:
        kept = [line.strip() for line in text.split("\n") if line.strip()]
        return kept if comments else [line for line in kept if not line.startswith("#")]

    if lines(ours, True) == lines(other, True):
        return "blank"
    if sorted(lines(ours, False)) == sorted(lines(other, False)):
        return "comment"
    try:
        return "layout" if same(reference(ours), reference(other)) else "data"
    except Refused:
        return "data"


def test_beside_yaml_edit(corpus: Path) -> None:
    rng = Random(5)
    found: Counter[tuple[str, str]] = Counter()
    for file in sorted(corpus.glob("*/configs/*.yaml")):
        text = file.read_text()
        try:
            document = Document.parse(text, file.name)
        except Refused:
            continue
        known = [p for p, _ in document.scalars() if len(p) < 3 and all(type(s) is str for s in p)]
        for kind in ("rename", "delete", "insert"):
            path = tuple(str(part) for part in rng.choice(known))
            change = {
                "rename": MoveTo(path, (*path[:-1], "renamed_key")),
                "delete": Delete(path, prune=False),
                "insert": Insert((*path[:-1], "new_key"), 5),
            }[kind]
            other = theirs(text, kind, path)
            ours = document.edit([change]).document.text
            found[kind, "same" if ours == other else explain(ours, other or "")] += 1
    assert found["rename", "same"] > 40
    assert found["delete", "same"] + found["delete", "comment"] + found["delete", "blank"] > 45
    assert found["insert", "same"] + found["insert", "comment"] + found["insert", "blank"] > 45
    assert sum(count for (_, why), count in found.items() if why == "data") <= 2, found
