"""Our own configs, one of each version and dialect: their upgrades were read by people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cfgmig.migration import Grade
from tests.content.tools import (
    data,
    errors,
    further,
    golden,
    head,
    migrate,
    parse,
    plan,
    version_of,
)

FILES = golden()
OPEN = {
    "manifold": [("loss.radial", "missing"), ("checkpoints.save_dir", "missing")],
    "foundation": [("checkpoints", "missing")],
}


def test_there_is_one_for_each_version_and_dialect() -> None:
    from tests.content.tools import family

    assert sorted(file.stem for file in FILES) == sorted(family().names)


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_up(file: Path) -> None:
    before = parse(file.read_bytes(), file.name)
    assert errors(before, file.stem) == []
    after = migrate(before, file.stem, head()).document
    body, kept = _split(after.to_bytes())
    read, read_kept = _split(file.with_suffix(".head.yaml").read_bytes())
    assert body == read
    assert kept == read_kept
    assert errors(after, head()) == OPEN.get(file.stem, [])


def _split(content: bytes) -> tuple[bytes, list[str]]:
    """The config, and what its stash keeps: steps, paths and texts, but not the places."""
    body, _, stash = content.partition(b"# >>> cfgmig stash")
    kept = []
    for line in stash.decode().splitlines()[1:]:
        header = re.match(r"# \[\S+ -> \S+\] \S+(?: = .*)?", line)
        if header is None:
            kept.append(line)
        elif " moved, " not in line:
            kept.append(header[0])
    return body, kept


@pytest.mark.parametrize("file", [*FILES, *further()], ids=lambda one: one.stem)
def test_down(file: Path) -> None:
    before, version = parse(file.read_bytes(), file.name), version_of(file)
    up = migrate(before, version, head(), stamp=False).document
    down = migrate(parse(up.to_bytes(), file.name), head(), version, stamp=False).document
    assert data(down) == before.data
    if plan(version, head()).grade is Grade.EXACT or file.stem in BYTES:
        assert down.to_bytes() == file.read_bytes()
    again = migrate(parse(down.to_bytes(), file.name), version, head(), stamp=False).document
    assert data(again) == data(up)


BYTES = {
    "5.5.2", "5.6.0", "5.7.0", "5.8.0", "5.10.0", "5.10.1", "5.11.0", "5.11.11", "5.12.0",
    "5.12.1", "5.12.2", "5.12.3", "5.12.4", "5.12.4.1", "5.12.5", "cli", "foundation", "manifold",
}  # fmt: skip
"""Files that come back byte for byte, although their plans promise less."""
