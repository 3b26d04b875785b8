from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small nets lose nothing by it; where cores are busy, two threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Of the module, so that its own fixtures have one thread, too."""
    with _one_thread():
        yield


@pytest.fixture(autouse=True)
def repeatable() -> None:
    """The same weights each time."""
    torch.manual_seed(0)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations that find the same each time, for runs whose numbers do not matter."""
    from examples.ternary_vae import evaluating, loop

    from .probes import metrics

    for module in (evaluating, loop):
        monkeypatch.setattr(module, "evaluate", lambda _: metrics({}))


@pytest.fixture(scope="session")
def checkpoints(corpus: Path) -> Path:
    """Real checkpoints of the family."""
    return corpus / "ternary_vae/checkpoints"


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 5.5 whose VAE A reconstructs everything, or nearly; made in two seconds."""
    from examples.ternary_vae.models import DualVAE
    from examples.ternary_vae.scratch import Recipe, save, train_side

    recipe = Recipe(epochs=5, batch_size=384, rate=6e-3, beta=0.01, free_bits=0.0)
    with _one_thread():  # fixtures of the session come before those of the module
        torch.manual_seed(0)
        model = DualVAE()
        train_side(model.encoder_A, model.decoder_A, recipe, 0)
    path = tmp_path_factory.mktemp("weights") / "v5_5.safetensors"
    save(path, model, {"recipe": {}, "seed": 0}, 4)
    return path


@pytest.fixture(scope="session")
def variants(corpus: Path) -> dict[str, dict[str, Any]]:
    """Every instantiated variant: its tensors, buffers and counts."""
    table = corpus.parent / "families/ternary_vae_state_dicts.json"
    if not table.is_file():
        pytest.skip("the table of state dicts is not at hand")
    found: dict[str, dict[str, Any]] = json.loads(table.read_text())
    return found


@pytest.fixture(scope="session")
def index(checkpoints: Path) -> dict[str, dict[str, Any]]:
    """What was measured on each real checkpoint when it was written."""
    return {row["file"]: row for row in json.loads((checkpoints / "index.json").read_text())}
