"""A document and plain data under the same plan: the same data, and the same bytes back."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.document import Document
from cfgmig.migration import STASH, Remove
from cfgmig.migration.on_data import apply_plan
from cfgmig.migration.operations import Operation
from cfgmig.migration.plan import make_plan
from cfgmig.migration.site import Site
from cfgmig.migration.values import same_content
from tests.migration.demo import chain, migrate
from tests.migration.test_laws import DATA, leaves, words

ABOVE = st.sampled_from(["", "", "", "\n", "# about it\n", "\n# a title\n", "\n# one\n# two\n"])
BEHIND = st.sampled_from(["", "", "", "  # why", "   # so"])


@st.composite
def texts(draw: st.DrawFn, data: Any) -> str:
    """`data` as YAML that a person could have written."""
    lines = [draw(st.sampled_from(["", "# The run.\n\n", "# The run.\n"]))]
    for key, value in data.items():
        lines.append(draw(ABOVE))
        if isinstance(value, dict):
            lines.append(f"{key}:{draw(BEHIND)}\n")
            for name, item in value.items():
                above = draw(ABOVE).replace("#", "  #")
                lines.append(f"{above}  {name}: {_spelled(item)}{draw(BEHIND)}\n")
        else:
            lines.append(f"{key}: {_spelled(value)}{draw(BEHIND)}\n")
    text = "".join(lines)
    text = text.removesuffix("\n") if draw(st.booleans()) else text
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_data_and_document_agree(draws: st.DataObject) -> None:
    data = draws.draw(DATA)
    text = draws.draw(texts(data))
    configs: list[list[Operation]] = []
    now, site = data, Site()
    for _ in range(draws.draw(st.integers(1, 3))):
        config: list[Operation] = []
        for _ in range(draws.draw(st.integers(0, 3))):
            if leaves(now):
                config.append(draws.draw(words(now)))
                now = apply_plan(make_plan(chain(config[-1:]), "1", "2"), now, site=site)
        configs.append(config)
    graph = chain(*configs)
    goal = graph.heads[0]
    if not now:
        return
    up = migrate(text, graph)
    assert same_content(up.document.data, now)
    assert up.document.text.endswith("\n") == text.endswith("\n")
    down = migrate(up.document, graph, f"{goal}>1")
    assert same_content(down.document.data, data)
    assert _comments(down.document) == _comments(Document.parse(text, "c.yaml"))
    if not any(isinstance(one, Remove) and one.restore is not STASH for c in configs for one in c):
        # A lone blank line is not worth a note in the file; all else is where it was.
        assert _lines(down.document.text) == _lines(text)


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _comments(document: Document) -> list[str]:
    return sorted(comment.text.strip() for comment in document.comments())
