"""The table of 25 canonical configs, read without names and comments: keys alone must do."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.content.tools import data, detected, errors, head, migrate, parse

VERSIONS = {
    "5.5": "5.5.2",
    "5.6": "5.6.0",
    "5.7": "5.7.0",
    "5.8": "5.8.0",
    "5.9": "5.9.0",
    "5.9.2": "5.9.2",
    "5.10.0": "5.10.0",
    "5.10.1": "5.10.1",
    "5.11": "5.11.0",
    "5.11 fast_test": "5.11.0",
    "5.11.11 ale": "5.11.11",
    "5.11.11 rtx": "5.11.11",
    "5.12": "5.12.0",
    "5.12.1": "5.12.1",
    "5.12.3": "5.12.3",
    "5.12.4": "5.12.4",
    "5.12.4 fixed": "5.12.4.1",
    "5.12.4 grok": "5.12.4",
    "5.12.5 relaxedA": "5.12.5",
    "5.12.5 scratchD": "5.12.5",
    "5.12.5 gradckpt": "5.12.5",
    "5.12.5 adloss": "5.12.5",
    "5.12.5 adlr": "5.12.5",
    "5.12.5 foundation": "foundation",
    "manifold val-opt": "manifold",
}
OPEN = {
    "foundation": {("checkpoints", "missing")},
    "manifold": {("loss.radial", "missing"), ("checkpoints.save_dir", "missing")},
}


@pytest.fixture(scope="module")
def table(corpus: Path) -> dict[str, Any]:
    file = corpus.parent / "families" / "ternary_vae_config_keys.tsv"
    if not file.is_file():
        pytest.skip("the table of keys is not at hand")
    rows = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    names = rows[0][1:]
    configs: dict[str, Any] = {name: {} for name in names}
    for key, *values in rows[1:]:
        for name, value in zip(names, values, strict=False):
            if value:
                _put(configs[name], key.split("."), json.loads(value))
    return configs


def _put(config: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        config = config.setdefault(key, {})
    config[path[-1]] = value


def test_the_table_is_whole(table: dict[str, Any]) -> None:
    assert set(table) == set(VERSIONS)


@pytest.mark.parametrize("name", VERSIONS)
def test_a_column(name: str, table: dict[str, Any]) -> None:
    version = VERSIONS[name]
    text = io.StringIO()
    YAML().dump(table[name], text)
    document = parse(text.getvalue())
    found = detected(document)
    assert (found.verdict, found.best and found.best.version) == ("detected", version)
    assert errors(document, version) == []
    after = migrate(document, version, head()).document
    assert set(errors(after, head())) == OPEN.get(version, set())
    back = migrate(parse(after.to_bytes()), head(), version, stamp=False).document
    assert data(back) == table[name]
