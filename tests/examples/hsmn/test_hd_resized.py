"""Bundles of checkpoints whose size was changed, and codebooks beside rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from cfgmig.converting import Request, convert, opened, route
from cfgmig.project import find_project
from cfgmig.routing import Goal
from examples.common.flow import Stop
from examples.hsmn.data.grammar import text
from examples.hsmn.flow_data import Material, Part
from examples.hsmn.hd import Encoder, convolve, position_keys, unitary
from examples.hsmn.hd.encoder import drawn_dim, resized, resized_keys
from examples.hsmn.hd.stream import sequences
from examples.hsmn.model import build
from examples.hsmn.saving import fed, hold_codebook
from examples.hsmn.tokenizer import PAD, AdaptiveQWT
from examples.hsmn.tokenizer.codebook import Codebook
from tests.conftest import ROOT
from tests.examples.hsmn.train_helpers import SMALL, merged

torch.set_num_threads(1)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize(("old", "new"), [(8, 16), (8, 9), (9, 10), (9, 32), (64, 65), (65, 130)])
def test_growth_goes_with_convolution_and_keeps_inner_products(old: int, new: int) -> None:
    a, b, key = drawn(old), drawn(old), unitary(drawn(old))
    wide, other = resized(a, new), resized(b, new)
    assert wide @ other == pytest.approx(float(a @ b), abs=1e-12)
    bound = resized(convolve(a, key), new)
    assert torch.allclose(bound, convolve(wide, resized_keys(key, new)), atol=1e-12)
    assert torch.allclose(resized(wide, old), a, atol=1e-12)
    assert torch.allclose(resized_keys(resized_keys(key, new), old), key, atol=1e-12)


def test_another_size_is_another_number_of_samples() -> None:
    """A sum of slow waves, read at more points."""
    t8, t20 = (torch.arange(n, dtype=torch.float64) / n * 2 * torch.pi for n in (8, 20))
    slow, wide = ((1 + (2 * t).cos() - 3 * (3 * t).sin()) for t in (t8, t20))
    assert torch.allclose(resized(slow, 20), wide * (8 / 20) ** 0.5, atol=1e-12)
    assert torch.allclose(resized_keys(slow, 20), wide * 8 / 20, atol=1e-12)


def test_the_same_size_is_the_same_bundle() -> None:
    a = drawn(3, 16)
    assert resized(a, 16) is a
    assert torch.allclose(resized_keys(a, 16), a)
    plain, told = (Encoder(400, 64, 4, drawn_dim=size) for size in (None, 64))
    assert torch.equal(plain([5, 6]), told([5, 6]))
    assert torch.equal(plain.keys, told.keys)


@pytest.mark.parametrize("keys", ["unitary", "gaussian"])
@pytest.mark.parametrize(("old", "new"), [(64, 128), (65, 128), (64, 65), (128, 64), (129, 64)])
def test_bundles_of_the_old_size_in_the_new_one(old: int, new: int, keys: Any) -> None:
    before = Encoder(400, old, 4, keys=keys, ctqw_steps=1)
    after = Encoder(400, new, 4, keys=keys, ctqw_steps=1, drawn_dim=old)
    for ids in ([7], [300, 2, 399, 7]):
        made = after(ids)
        assert made.shape == (new,)
        assert torch.allclose(made, resized(before(ids).double(), new).float(), atol=1e-6)
        assert made.norm() == pytest.approx(float(before(ids).norm()), abs=1e-6)
    assert after([]).shape == (new,)
    assert drawn_dim(after.keys, 512, 42, keys) == old
    assert drawn_dim(before.keys, 512, 42, keys) == old


def test_keys_of_another_seed_or_kind_are_refused() -> None:
    keys = position_keys(2, 4032, 400, 42, "unitary")
    for seed, kind in ((43, "unitary"), (42, "gaussian")):
        with pytest.raises(ValueError, match=f"seed {seed} draws as {kind}"):
            drawn_dim(keys, 400, seed, kind)


class Trained:
    """A small model that was trained for some steps on bundles, as a file."""

    def __init__(self, folder: Path) -> None:
        self.config = merged(SMALL, {"model": {"adapter": {"hd_dim": 96}}})
        self.path = folder / "old.safetensors"
        paragraphs = text(10).split("\n\n")
        tokenizer = AdaptiveQWT(380)
        tokenizer.learn(paragraphs, min_freq=3, workers=1)
        self.rows = [row for row in sequences(paragraphs, tokenizer, 8) if len(row) > 3][:48]
        self.ids = tokenizer.vocab_size
        torch.manual_seed(0)
        model = build(self.plain(self.config), self.ids)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        bundles = self.bundles(Encoder(self.ids, 96, 8))
        for _ in range(20):
            optimizer.zero_grad()
            self.loss(model, bundles).backward()
            optimizer.step()
        self.before = float(self.loss(model, bundles).detach())
        about = {"config": json.dumps(self.config)}
        save_file(model.state_dict(), self.path, about)

    def plain(self, config: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in config.items() if key != "schema_version"}

    def bundles(self, encoder: Encoder) -> Tensor:
        return torch.stack([encoder(row) for row in self.rows])

    def loss(self, model: Any, bundles: Tensor) -> Tensor:
        labels = torch.full((len(self.rows), 8), PAD)
        for at, row in enumerate(self.rows):
            labels[at, : len(row)] = torch.tensor(row)
        logits = model(bundles)
        return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD)

    def converted(self, size: int) -> tuple[Any, dict[str, Tensor]]:
        change = {
            "model": {"adapter": {"hd_dim": size}},
            "tokenizer": {"active_vocab_size": self.ids},
        }
        config, target = merged(self.config, change), self.path.with_name(f"{size}.safetensors")
        with opened(str(self.path)) as checkpoint:
            convert(route(checkpoint, find_project(ROOT), Request(Goal(config=config))), target)
        tensors = load_file(target)
        model = build(self.plain(config), self.ids)
        model.load_state_dict(tensors)
        return model, tensors


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("trained"))


@pytest.mark.parametrize("size", [128, 160, 192])
def test_a_grown_checkpoint_has_the_same_loss_on_the_same_text(trained: Trained, size: int) -> None:
    model, tensors = trained.converted(size)
    found = drawn_dim(tensors["hd.position_keys"], trained.ids, 42)
    assert found == 96
    encoder = Encoder(trained.ids, size, 8, drawn_dim=found)
    assert torch.allclose(encoder.keys, tensors["hd.position_keys"], atol=1e-6)
    with torch.no_grad():
        after = float(trained.loss(model, trained.bundles(encoder)))
        anew = float(trained.loss(model, trained.bundles(Encoder(trained.ids, size, 8))))
    assert trained.before < 0.9 * torch.log(torch.tensor(float(trained.ids)))
    assert after == pytest.approx(trained.before, abs=2e-5)
    assert anew > trained.before + 0.05  # drawn anew, they are another code


def test_a_shrunk_checkpoint_reads_cut_bundles_best(trained: Trained) -> None:
    model, tensors = trained.converted(64)
    found = drawn_dim(tensors["hd.position_keys"], trained.ids, 42)
    assert found == 96
    with torch.no_grad():
        cut = float(trained.loss(model, trained.bundles(Encoder(trained.ids, 64, 8, drawn_dim=96))))
        anew = float(trained.loss(model, trained.bundles(Encoder(trained.ids, 64, 8))))
    assert trained.before < cut < anew


def checkpoint(path: Path, rows: int, source: str = "tokenizer", name: str = "dense.bias") -> Path:
    config = {"model": {"vocab_source": source}}
    save_file({f"head.{name}": torch.zeros(rows)}, path, {"config": json.dumps(config)})
    return path


def book(ids: int) -> Codebook:
    count = ids - 362
    return Codebook(tuple(f"w{at:03}".encode() for at in range(count)), (9,) * count)


@pytest.mark.parametrize(
    ("rows", "ids", "source", "fine"),
    [
        (400, 400, "tokenizer", True),
        (400, 401, "tokenizer", False),
        (400, 399, "tokenizer", False),
        (400, 399, "config", True),
        (400, 401, "config", False),
    ],
)
def test_a_codebook_of_other_rows_is_refused(
    rows: int, ids: int, source: str, fine: bool, tmp_path: Path
) -> None:
    path = checkpoint(tmp_path / "a.safetensors", rows, source)
    if fine:
        hold_codebook(path, book(ids))
        return
    with pytest.raises(Stop, match=f"rows for {rows} ids, and its codebook has {ids}") as stop:
        hold_codebook(path, book(ids))
    assert stop.value.exit_code == 3
    assert "cfgmig checkpoint convert" in str(stop.value)


def test_rows_that_no_tensor_counts_are_not_refused(tmp_path: Path) -> None:
    hold_codebook(checkpoint(tmp_path / "a.safetensors", 9, name="output_proj.U"), book(400))


def test_what_a_run_is_fed_is_known_by_every_number() -> None:
    parts = [Part(torch.ones(2, 3), torch.ones(2, dtype=torch.long)) for _ in range(2)]
    given = Material(AdaptiveQWT(362), parts[0], parts[1], 0.0, 1.0, "", {})
    assert fed(given) == fed(given._replace(digest="other"))
    changed = parts[1]._replace(inputs=parts[1].inputs + torch.eye(2, 3) * 1e-6)
    assert fed(given) != fed(given._replace(held_out=changed))
