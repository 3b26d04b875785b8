"""The operations of each revision explain exactly how one schema became the next."""

from __future__ import annotations

import pytest

from cfgmig.migration import Add, Operation
from cfgmig.migration.on_fields import unexplained
from cfgmig.migration.revision import Revision
from cfgmig.schema.compile import compiled
from tests.content_hsmn.tools import family, golden, graph, head, migrate, read, version_of


@pytest.mark.parametrize("revision", graph().revisions, ids=lambda one: one.path.stem)
def test_nothing_is_unexplained(revision: Revision) -> None:
    assert revision.revises is not None
    before = compiled(family(), revision.revises).fields
    after = compiled(family(), revision.revision).fields
    assert unexplained(revision.config, before, after) == []


@pytest.mark.parametrize("revision", graph().revisions, ids=lambda one: one.path.stem)
def test_a_revision_has_a_sentence_for_users(revision: Revision) -> None:
    assert revision.summary.endswith(".")
    assert len(revision.summary) <= 100


def test_every_operation_fires_on_a_golden_file() -> None:
    fired = set()
    for file in golden():
        done = migrate(read(file), version_of(file), head()).done
        fired |= {(one.revision, one.operation.describe()) for one in done}
    idle = [
        f"{revision.path.stem}: {operation.describe()}"
        for revision in graph().revisions
        for operation in revision.config
        if not silent_upward(operation) and (revision.path.stem, operation.describe()) not in fired
    ]
    assert idle == [], "\n".join(idle)


def silent_upward(operation: Operation) -> bool:
    """Whether it only says something of the schema."""
    return isinstance(operation, Add) and operation.implicit
