"""What is cut can be put back, to the byte while its neighbours stand."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Cut, Delete, Document, Insert, MoveTo, Restore, SetValue
from cfgmig.errors import Refused
from cfgmig.paths import Path

from .generate import json_text, paths, yaml_text

TEXT = """\
# header

model:
  # dims
  dim: 16   # latent

  # curvature
  # of the ball
  c: 1.0
  # old: 2

train:
  lr: 1e-3

  phases:
    - name: a  # first
      n: 3
    - name: b
"""


def there_and_back(document: Document, wanted: list[Path], prune: bool) -> Document:
    cuts = [Cut.from_dict(json.loads(json.dumps(cut.to_dict()))) for cut in
            document.cuts(wanted, prune)]  # fmt: skip
    short = document.edit([Delete(path, prune) for path in wanted]).document
    return short.edit([Restore(cut) for cut in reversed(cuts)]).document


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize(
    "wanted",
    [
        [("model", "dim")],
        [("model", "c")],
        [("model", "dim"), ("model", "c")],
        [("model", "c"), ("model", "dim"), ("train", "lr")],
        [("model",)],
        [("train",)],
        [("train", "lr"), ("train", "phases")],
        [("train", "phases", 0)],
        [("train", "phases", 1)],
        [("train", "phases", 0, "name")],
        [("train", "phases", 1, "name")],
        [("model",), ("train",)],
    ],
)
def test_byte_for_byte(wanted: list[Path], prune: bool, end: str, eol: str) -> None:
    text = (TEXT.rstrip("\n") + end).replace("\n", eol)
    document = Document.parse(text, "a.yaml")
    back = there_and_back(document, wanted, prune).text
    assert back == (text if eol in back else text.replace("\r\n", "\n"))


def test_a_cut_says_what_leaves() -> None:
    cut = Document.parse(TEXT, "a.yaml").cut(("model", "c"))
    assert cut.text == "  # curvature\n  # of the ball\n  c: 1.0\n"
    assert cut.to_dict() == {
        "path": ["model", "c"], "text": cut.text, "before": ["dim"], "skip": 1, "key": 2,
        "indent": 2, "index": 1,
    }  # fmt: skip
    assert Cut.from_dict(cut.to_dict()) == cut


def test_a_section_that_goes_with_its_last_key() -> None:
    document = Document.parse("a: 1\n\nb:\n  # why\n  c: 2\n\nd: 3\n", "a.yaml")
    cut = document.cut(("b", "c"))
    assert cut.at == ("b",)
    short = document.edit([Delete(("b", "c"))]).document
    assert short.text == "a: 1\n\nd: 3\n"
    assert short.edit([Restore(cut)]).document.text == document.text
    grown = short.edit([Insert(("b", "x"), 1)]).document
    assert grown.edit([Restore(cut)]).document.text == (
        "a: 1\n\nd: 3\nb:\n  x: 1\n  # why\n  c: 2\n"
    )


def test_without_its_neighbours_it_goes_where_it_can() -> None:
    document = Document.parse("s:\n    a: 1\n    # about b\n    b: 2  # x\n    c: 3\n", "a.yaml")
    cut = document.cut(("s", "b"))
    other = Document.parse("s:\n  z: 1\n", "a.yaml")
    assert other.edit([Restore(cut)]).document.text == ("s:\n  z: 1\n  # about b\n  b: 2  # x\n")
    assert Document.parse("t: 1\n", "a.yaml").edit([Restore(cut)]).document.text == (
        "t: 1\ns:\n  # about b\n  b: 2  # x\n"
    )


def test_its_place_must_be_free() -> None:
    document = Document.parse("a: 1\nb: 2\n", "a.yaml")
    with pytest.raises(Refused) as caught:
        document.edit([Restore(document.cut(("a",)))])
    assert caught.value.kind == "key-collision"


def test_not_a_cut() -> None:
    with pytest.raises(ValueError, match="not a cut"):
        Cut.from_dict({"path": ["a"]})


def test_a_move_there_and_back_with_the_schema_order() -> None:
    document = Document.parse(TEXT.replace("  # old: 2\n", ""), "a.yaml")
    orders = {(): ("model", "geometry", "train"), ("model",): ("dim", "c")}
    for source in [("model", "c"), ("train",)]:
        target = ("geometry", "moved")
        there = document.edit([MoveTo(source, target)], lambda at: orders.get(at, ())).document
        assert there.text != document.text
        back = there.edit([MoveTo(target, source)], lambda at: orders.get(at, ())).document
        assert back.text == document.text


def survives(document: Document, rng: Random) -> None:
    known = paths(document.data)
    wanted = rng.sample(known, min(len(known), rng.choice([1, 1, 2, 3])))
    wanted = [p for p in wanted if not any(q != p and q[: len(p)] == p for q in wanted)]
    wanted = [p for p in wanted if not any(q != p and p[: len(q)] == q for q in wanted)]
    if len(wanted) > 1:
        wanted = [path for path in wanted if not isinstance(path[-1], int)]
    try:
        back = there_and_back(document, wanted, rng.random() < 0.7)
    except Refused:
        return
    assert list(back.data) == list(document.data)
    assert sorted(c.text for c in back.comments()) == sorted(c.text for c in document.comments())


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_generated(seed: int) -> None:
    rng = Random(seed)
    survives(Document.parse(yaml_text(rng), "a.yaml"), rng)
    text = json_text(rng)
    document = Document.parse(text, "a.json")
    wanted = rng.sample(paths(document.data), 1)
    assert there_and_back(document, wanted, prune=True).text == text


def test_real_files(corpus: FilePath) -> None:
    rng = Random(3)
    exact = total = 0
    for file in sorted(corpus.glob("*/configs/*.y*ml")):
        try:
            document = Document.parse(file.read_bytes(), file.name)
        except Refused:
            continue
        known = [path for path in paths(document.data) if not isinstance(path[-1], int)]
        for path in rng.sample(known, min(4, len(known))):
            total += 1
            exact += there_and_back(document, [path], prune=True).text == document.text
    assert exact == total > 150


def test_a_stash_survives_other_changes() -> None:
    document = Document.parse(TEXT, "a.yaml")
    cut = document.cut(("model", "c"))
    later = document.edit([Delete(("model", "c")), SetValue(("model", "dim"), 32)]).document
    later = later.edit([MoveTo(("train", "lr"), ("train", "rate"))]).document
    back = later.edit([Restore(cut)]).document
    assert back.text == TEXT.replace("16 ", "32 ").replace("lr:", "rate:")
