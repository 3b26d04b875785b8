"""The whole model: causal with ids, its tensors, what it takes, that it learns."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from examples.hsmn.hd import Encoder, HdCorpus, Settings
from examples.hsmn.model import Hsmn, build
from examples.hsmn.model.building import PATTERNS

from .model_helpers import BUNDLES, SMALL

# Causality.


def reads(model: Hsmn, ids: Tensor) -> Tensor:
    """Whether the logits of position t depend on the input vector of position s: bool [t, s]."""
    assert model.embed is not None
    entered = model.embed(ids).detach().requires_grad_()
    h = model.embed_norm(entered)
    for block in model.blocks:
        h = block(h)
    # Weights must differ from id to id: a normed vector's plain sum has no gradient.
    logits = (model.head(model.out_norm(h)) * torch.randn(model.architecture.vocab_size)).sum(-1)
    rows = []
    for t in range(ids.shape[1]):
        (gradient,) = torch.autograd.grad(logits[:, t].sum(), entered, retain_graph=True)
        rows.append((gradient != 0).any(-1).any(0))
    return torch.stack(rows)


VARIANTS: list[dict[str, Any]] = [
    {},
    *({"blocks": (name, name)} for name in PATTERNS["mamba_timecrystal_wlam_moe_hybrid"]),
    {"wavelet_taps": 4, "blocks": ("wlam",)},
    {"head": "dense", "blocks": ("spatial", "wlam", "moe") * 2},
    {"embedding": "dual_path", "embedding_hd": 32, "embedding_active": 10},
]


@pytest.mark.parametrize("fields", VARIANTS, ids=str)
@pytest.mark.parametrize("length", [1, 2, 7, 8])
def test_with_ids_no_position_reads_a_later_one(fields: dict[str, Any], length: int) -> None:
    model = build(replace(SMALL, **fields))
    found = reads(model, torch.randint(40, (3, length)))
    assert not found.triu(1).any()
    assert found.diagonal().all()


def test_the_hybrid_reads_all_that_came_before() -> None:
    found = reads(build(SMALL), torch.randint(40, (3, 8)))
    assert torch.equal(found, torch.ones(8, 8, dtype=torch.bool).tril())


def test_a_change_of_a_later_id_changes_no_earlier_logit() -> None:
    model = build(SMALL).eval()
    ids = torch.randint(40, (2, 12))
    other = ids.clone()
    other[:, 7] = (ids[:, 7] + 1) % 40
    before, after = model(ids), model(other)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7], after[:, 7])
    # A prefix alone gives the logits of the prefix.
    assert torch.allclose(model(ids[:, :5]), before[:, :5], atol=1e-5)


@pytest.mark.parametrize("name", ["spatial", "wlam", "moe"])
def test_without_causality_these_blocks_do_read_later_positions(name: Any) -> None:
    model = build(replace(SMALL, blocks=(name,), causal=False))
    assert reads(model, torch.randint(40, (3, 8))).triu(1).any()


def test_only_bundles_make_a_model_that_is_not_causal() -> None:
    assert SMALL.is_causal
    assert not BUNDLES.is_causal
    assert replace(BUNDLES, expand="cleanup").is_causal
    assert not replace(SMALL, causal=False).is_causal


# Names and buffers.


def test_the_tensors_have_the_agreed_names() -> None:
    state = {name: tuple(tensor.shape) for name, tensor in build(BUNDLES).state_dict().items()}
    expected = {
        "adapter.projection.weight": (32, 16),
        "adapter.projection.bias": (16,),
        "adapter.position.weight": (9, 16),
        "embed_norm.weight": (16,),
        "blocks.5.norm.scale": (16,),
        "blocks.5.norm.bias": (16,),
        "blocks.5.angle": (),
        "out_norm.bias": (16,),
        "head.input_proj.weight": (16, 16),
        "head.vqc_params": (2, 4, 3),
        "head.entangle_params": (2, 3),
        "head.fallback_weight": (),
        "head.output_proj.weight": (16, 40),
        "head.output_proj.bias": (40,),
        "head.dense.weight": (16, 40),
        "head.dense.bias": (40,),
        "hd.base_seed": (),
        "hd.position_keys": (9, 32),
    }
    assert expected.items() <= state.items()
    assert not any(name.startswith("embed.") for name in state)
    token = {name: tuple(tensor.shape) for name, tensor in build(SMALL).state_dict().items()}
    assert token["embed.token.weight"] == (40, 16)
    assert not any(name.startswith(("adapter.", "hd.")) for name in token)
    shared = [name for name in state if name.startswith(("blocks.", "head.", "out_norm."))]
    assert [token[name] for name in shared] == [state[name] for name in shared]


def test_a_model_has_the_keys_of_its_corpus() -> None:
    corpus = HdCorpus(Settings(vocab_size=40, hd_dim=32, sample_length=9, seed=5))
    model = build(replace(BUNDLES, seed=5))
    assert model.hd is not None
    assert torch.equal(model.hd.position_keys, corpus.encoder.keys)
    assert int(model.hd.base_seed) == 5
    gaussian = build(replace(BUNDLES, seed=5, keys="gaussian"))
    assert gaussian.hd is not None
    assert not torch.equal(gaussian.hd.position_keys, corpus.encoder.keys)


# Inputs and expansions.


def test_bundles_become_sequences() -> None:
    bundles = torch.randn(3, 32)
    assert build(BUNDLES)(bundles).shape == (3, 9, 40)
    assert build(replace(BUNDLES, expand="broadcast"))(bundles).shape == (3, 9, 40)
    assert build(replace(BUNDLES, expand="none"))(bundles).shape == (3, 1, 40)
    with pytest.raises(ValueError, match="broadcast without positions"):
        build(replace(BUNDLES, expand="broadcast", adapter_position=False))


def test_clean_up_is_the_model_of_ids_behind_the_item_memory() -> None:
    of = replace(SMALL, hd_dim=1024, sample_length=9, expand="cleanup")
    model, token = build(of), build(SMALL)
    missing = model.load_state_dict(token.state_dict(), strict=False)
    assert missing.missing_keys == ["hd.base_seed", "hd.position_keys", "hd.base_vectors"]
    encoder = Encoder(40, 1024, 9)
    ids = torch.randint(40, (4, 9))
    bundles = torch.stack([encoder(row) for row in ids.tolist()])
    assert torch.equal(model(bundles), token(ids))


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(2, 32, dtype=torch.int64),
        torch.zeros(2, 32, dtype=torch.float64),
        torch.zeros(2, 31),
        torch.zeros(2, 3, 32),
    ],
    ids=lambda x: f"{x.dtype} {list(x.shape)}",
)
def test_what_is_no_bundle_is_refused(x: Tensor) -> None:
    with pytest.raises(ValueError, match=r"bundles are float32 \[batch, 32\]; got"):
        build(BUNDLES)(x)


def test_what_are_no_ids_is_refused() -> None:
    for x in (torch.zeros(2, 32), torch.zeros(4, dtype=torch.int64)):
        with pytest.raises(ValueError, match=r"ids are integers \[batch, length\]; got"):
            build(SMALL)(x)


def test_a_sequence_does_not_depend_on_its_neighbours_in_the_batch() -> None:
    bundles, ids = torch.randn(4, 32), torch.randint(40, (4, 11))
    for model, x in ((build(BUNDLES), bundles), (build(SMALL), ids)):
        model.eval()
        assert torch.allclose(model(x)[2:3], model(x[2:3]), atol=1e-5)


def test_every_parameter_has_a_gradient() -> None:
    for of, x in ((BUNDLES, torch.randn(2, 32)), (SMALL, torch.randint(40, (2, 9)))):
        model = build(of)
        model(x).square().mean().backward()
        without = [name for name, one in model.named_parameters() if one.grad is None]
        assert not without


# Learning.


def test_it_learns_whole_sequences_from_bundles() -> None:
    corpus = HdCorpus(Settings(vocab_size=40, hd_dim=128, sample_length=6))
    drawn = torch.randint(3, 40, (64, 6), generator=torch.Generator().manual_seed(0))
    for row in drawn.tolist():
        corpus.add(row)
    of = replace(BUNDLES, hd_dim=128, sample_length=6, blocks=("spatial", "latent", "moe"))
    model = build(of)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for epoch in range(30):
        for bundles, labels in corpus.batches(32, seed=epoch):
            logits = model(bundles).flatten(0, 1)
            loss = nn.functional.cross_entropy(logits, labels.flatten(), ignore_index=2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(40), abs=0.5)
    assert losses[-1] < 0.5
