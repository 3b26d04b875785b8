from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfgmig.project import Project, find_project
from tests.conftest import ROOT

Shapes = Mapping[str, tuple[int, ...]]
Run = Callable[..., tuple[int, str, str]]


def write_safetensors(path: Path, tensors: Mapping[str, bytes], shapes: Shapes) -> Path:
    """A file of float32 tensors, without any library."""
    header: dict[str, Any] = {}
    at = 0
    for name, data in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(shapes[name]),
            "data_offsets": [at, at + len(data)],
        }
        at += len(data)
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))
    return path


def zeros(path: Path, shapes: Shapes) -> Path:
    """A file in which every element is 0."""
    data = {}
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        data[name] = bytes(4 * count)
    return write_safetensors(path, data, shapes)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `cfgmig checkpoint` in this process, in the repository: exit code, stdout, stderr."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: object) -> tuple[int, str, str]:
        from cfgmig.cli.main import run as command
        from cfgmig.errors import CfgmigError

        capfd.readouterr()
        try:
            code = command(["checkpoint", *map(str, arguments)])
        except CfgmigError as error:
            return error.exit_code, *capfd.readouterr()
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session")
def project() -> Project:
    return find_project(ROOT)


@pytest.fixture(scope="session")
def files(corpus: Path) -> Path:
    """Real checkpoints of one family."""
    return corpus / "ternary_vae/checkpoints"


@pytest.fixture(scope="session")
def variants(corpus: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shapes of every instantiated variant of one family."""
    table = corpus.parent / "families/ternary_vae_state_dicts.json"
    if not table.is_file():
        pytest.skip("the table of state dicts is not at hand")
    found = json.loads(table.read_text())
    return {
        name: {tensor: tuple(shape) for tensor, (shape, _) in one["tensors"].items()}
        for name, one in found.items()
    }
