"""Generation: its five phases against their definitions, sampling, and whole runs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from examples.hsmn.generation import Settings, encode_context, generate, kept, phases, sample
from examples.hsmn.generation.entanglement import (
    _projection,
    bond_entropies,
    entangle,
    weights,
)
from examples.hsmn.generation.qsg import sinusoids
from examples.hsmn.generation.refining import amplify, cohere, oracle, refine, superpose
from examples.hsmn.hd import Encoder
from examples.hsmn.model import Architecture, build
from schemas.hsmn.search import Qsg

IDS = Architecture(
    vocab_size=40,
    hidden_dim=16,
    blocks=("spatial", "attention", "moe"),
    heads=4,
    latent_dim=8,
    experts=2,
    head_qubits=4,
)
BUNDLES = replace(IDS, hd_dim=64, sample_length=6)
QUICK = Settings(bond_dim=3)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


# Phase 1.


def entropies_of_the_whole_state(context: Tensor, bond: int) -> list[float]:
    """Of each cut, from the singular values of the state written out in full."""
    length, width = context.shape
    sites = (context.double() @ _projection(width, bond)).view(length, bond, 4, bond).numpy()
    amplitudes = {}
    for states in product(range(4), repeat=length):
        vector = np.eye(bond)[0]
        for site, state in zip(sites, states, strict=True):
            vector = vector @ site[:, state]
        amplitudes[states] = vector[0]
    whole = np.array([amplitudes[states] for states in product(range(4), repeat=length)])
    found = []
    for cut in range(1, length):
        values = np.linalg.svd(whole.reshape(4**cut, -1), compute_uv=False) ** 2
        shares = values / values.sum()
        shares = shares[shares > 1e-15]
        found.append(float(-(shares * np.log(shares)).sum()))
    return found


@pytest.mark.parametrize("bond", [1, 2, 3])
def test_bond_entropies_are_those_of_the_whole_state(bond: int) -> None:
    context = torch.randn(2, 5, 6)
    found = bond_entropies(context, bond)
    assert found.shape == (2, 4)
    for row in range(2):
        expected = entropies_of_the_whole_state(context[row], bond)
        assert found[row].tolist() == pytest.approx(expected, abs=1e-7)
    assert found.max() <= math.log(bond) + 1e-9


def test_importance_is_a_softmax_of_the_bonds_around_a_position() -> None:
    found = weights(torch.tensor([[0.2, 1.0]]))
    raised = [math.exp(0.2), math.exp(0.6), math.exp(1.0)]
    assert found.tolist() == [pytest.approx([one / sum(raised) for one in raised])]
    assert weights(torch.empty(2, 0)).tolist() == [[1.0], [1.0]]


def test_each_vector_gets_the_weighted_mean_of_all() -> None:
    context = torch.randn(2, 5, 6)
    found = entangle(context, 2)
    mean = sum(found.importance[:, t, None] * context[:, t] for t in range(5))
    for t in range(5):
        assert torch.allclose(found.context[:, t], (context[:, t] + mean).float(), atol=1e-6)
    single = entangle(context[:, :1], 2)
    assert torch.allclose(single.context, 2 * context[:, :1])


# Phases 2 to 5.


def test_superposition_adds_what_is_retrieved() -> None:
    x, vocabulary = torch.randn(1, 2, 5), torch.randn(7, 5)
    found = superpose(x, vocabulary, beta=2.5)
    for n in range(2):
        alike = [2.5 * cosine(x[0, n].numpy(), row) for row in vocabulary.numpy()]
        raised = np.exp(alike)
        retrieved = raised / raised.sum() @ vocabulary.numpy()
        assert found.positions[0, n].numpy() == pytest.approx(x[0, n].numpy() + retrieved, abs=1e-5)
        energy = 0.5 - math.log(raised.sum()) / 2.5
        assert found.energy[0, n].item() == pytest.approx(energy, abs=1e-5)


@pytest.mark.parametrize("reach", [-1, 0, 1, 9])
def test_coherence_averages_within_its_reach(reach: int) -> None:
    x = torch.randn(1, 4, 5)
    found = cohere(x, reach)
    for i in range(4):
        near = [j for j in range(4) if reach < 0 or abs(i - j) <= reach]
        scores = np.exp([(x[0, i] @ x[0, j]).item() / math.sqrt(5) for j in near])
        expected = scores / scores.sum() @ x[0, near].numpy()
        assert found[0, i].numpy() == pytest.approx(expected, abs=1e-5)


def test_amplification_raises_what_fits_and_keeps_the_mean() -> None:
    x, vocabulary = torch.randn(1, 2, 5), torch.randn(7, 5)
    fits = oracle(x, vocabulary)
    expected = (1 + cosine(x[0, 1].numpy(), vocabulary[3].numpy())) / 2
    assert fits[0, 1, 3].item() == pytest.approx(expected, abs=1e-6)
    found = amplify(torch.zeros(1, 2, 7), fits, iterations=3, strength=1.5)
    assert torch.allclose(found, 4.5 * (fits - fits.mean(-1, keepdim=True)), atol=1e-6)
    assert torch.equal(found.argmax(-1), fits.argmax(-1))
    assert torch.equal(amplify(found, fits, 0, 1.5), found)


def test_refinement_reads_three_neighbours_on_each_side() -> None:
    logits, vocabulary = torch.randn(1, 6, 7), torch.randn(7, 5)
    now = logits[0].numpy().astype(float)
    for _ in range(2):
        raised = np.exp(now)
        expected = raised / raised.sum(-1, keepdims=True) @ vocabulary.numpy()
        means = [
            np.mean([expected[m] for m in range(6) if 0 < abs(n - m) <= 3], axis=0)
            for n in range(6)
        ]
        now = now + np.array(means) @ vocabulary.numpy().T / math.sqrt(5)
    assert refine(logits, vocabulary, 2)[0].numpy() == pytest.approx(now, rel=1e-4, abs=1e-4)
    assert torch.equal(refine(logits, vocabulary, 0), logits)
    assert torch.equal(refine(logits[:, :1], vocabulary, 2), logits[:, :1])


# Sampling.

LOGITS = torch.log(torch.tensor([0.1, 0.5, 0.05, 0.35]))


@pytest.mark.parametrize(
    ("top_k", "top_p", "stay"),
    [
        (None, 1.0, [0, 1, 2, 3]),
        (2, 1.0, [1, 3]),
        (9, 1.0, [0, 1, 2, 3]),
        (None, 0.5, [1]),
        (None, 0.51, [1, 3]),
        (None, 0.84, [1, 3]),
        (None, 0.86, [0, 1, 3]),
        (None, 0.001, [1]),
        # Of the two that stay, renormalised, the first alone has 0.588.
        (2, 0.58, [1]),
        (2, 0.6, [1, 3]),
    ],
)
def test_the_nucleus_is_the_smallest_set_that_reaches_p(
    top_k: int | None, top_p: float, stay: list[int]
) -> None:
    found = kept(LOGITS.expand(2, 4), top_k, top_p)
    for row in found:
        assert torch.isfinite(row).nonzero().flatten().tolist() == stay
        assert torch.equal(row[stay], LOGITS[stay])


def test_draws_follow_the_probabilities_that_stay() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = sample(LOGITS.expand(8000, 4), top_p=0.86, generator=generator)
    shares = torch.bincount(drawn, minlength=4) / 8000
    assert shares.tolist() == pytest.approx([0.1 / 0.95, 0.5 / 0.95, 0, 0.35 / 0.95], abs=0.02)
    cold = sample(LOGITS.expand(500, 4), temperature=0.01)
    assert cold.unique().tolist() == [1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"top_k": 0}, "top_k 0 leaves no id"),
        ({"top_p": 0.0}, r"top_p 0\.0 is not"),
        ({"top_p": 1.1}, r"top_p 1\.1 is not"),
        ({"temperature": 0.0}, r"temperature 0\.0 is not above 0"),
        ({"temperature": math.nan}, "temperature nan"),
    ],
)
def test_settings_that_leave_nothing_are_errors(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample(LOGITS.expand(2, 4), **fields)


# Whole runs.


def bundles() -> Tensor:
    encoder = Encoder(40, 64, 6)
    return torch.stack([encoder([1, 2, 3, 4]), encoder([9, 8, 7, 6, 5])])


def test_ids_are_continued_and_bundles_answered() -> None:
    ids = torch.randint(40, (2, 5), dtype=torch.int32)
    found = generate(build(IDS).eval(), ids, 7, QUICK)
    assert found.shape == (2, 12)
    assert torch.equal(found[:, :5], ids.long())
    answer = generate(build(BUNDLES).eval(), bundles(), 7, QUICK)
    assert answer.shape == (2, 7)
    assert answer.dtype == torch.int64
    assert 0 <= answer.min() <= answer.max() < 40


def test_a_context_is_ids_or_bundles_and_nothing_else() -> None:
    ids, model = build(IDS), build(BUNDLES)
    assert encode_context(ids, torch.zeros(2, 5, dtype=torch.int64)).shape == (2, 5, 16)
    assert encode_context(model, bundles()).shape == (2, 6, 16)
    single = build(replace(BUNDLES, expand="none"))
    assert encode_context(single, bundles()).shape == (2, 1, 16)
    assert generate(single, bundles(), 3, QUICK).shape == (2, 3)
    for one, x in ((ids, bundles()), (model, torch.zeros(2, 64, dtype=torch.int64))):
        with pytest.raises(ValueError, match="got"):
            encode_context(one, x)


def test_the_same_generator_draws_the_same() -> None:
    model, x = build(BUNDLES).eval(), bundles()
    runs = [
        generate(model, x, 9, QUICK, torch.Generator().manual_seed(seed)).tolist()
        for seed in (3, 3, 4)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_top_p_is_applied() -> None:
    model, x = build(BUNDLES).eval(), bundles()
    best = phases(model, x, 6, QUICK).refined.argmax(-1)
    narrow = replace(QUICK, top_p=1e-6)
    for seed in range(3):
        drawn = generate(model, x, 6, narrow, torch.Generator().manual_seed(seed))
        assert torch.equal(drawn, best)
    wide = generate(model, x, 6, replace(QUICK, top_p=1.0), torch.Generator().manual_seed(0))
    assert not torch.equal(wide, best)


def test_every_phase_and_every_setting_tells() -> None:
    model, x = build(BUNDLES).eval(), bundles()
    base = Settings(bond_dim=3, coherence_range=1)
    first = phases(model, x, 6, base)
    assert first.entangled.entropy.shape == (2, 5)
    assert first.superposed.energy.shape == (2, 6)
    assert first.coherent.shape == (2, 6, 16)
    assert first.amplified.shape == first.refined.shape == (2, 6, 40)
    changes = {
        "bond_dim": 2,
        "coherence_range": 2,
        "grover_iterations": 1,
        "jacobi_iterations": 1,
        "hopfield_beta": 3.0,
        "amplification_strength": 1.0,
    }
    for name, value in changes.items():
        other = phases(model, x, 6, replace(base, **{name: value}))
        assert not torch.allclose(first.refined, other.refined, atol=1e-6), name


def test_the_vectors_of_ids_are_the_table_or_the_dense_head() -> None:
    table, heads = build(IDS), build(BUNDLES)
    assert table.embed is not None
    assert torch.equal(table.vocabulary(), table.embed.token.weight)
    assert torch.equal(heads.vocabulary(), heads.head.dense.weight.T)
    two = build(replace(IDS, embedding="dual_path", embedding_active=10, embedding_hd=32))
    assert torch.equal(two.vocabulary(), two.head.dense.weight.T)
    without = build(replace(BUNDLES, dense_fallback=False))
    with pytest.raises(ValueError, match="no vector for every id"):
        generate(without, bundles(), 2, QUICK)


def test_nothing_cannot_be_generated() -> None:
    with pytest.raises(ValueError, match="0 new positions are none"):
        generate(build(IDS), torch.zeros(1, 3, dtype=torch.int64), 0)


def test_settings_are_those_of_a_config() -> None:
    section = Qsg(bond_dim=8, top_p=0.5, amplification_strength=2.0)
    assert Settings.from_config(section) == Settings(
        bond_dim=8, top_p=0.5, amplification_strength=2.0
    )
    assert Settings.from_config(Qsg()) == Settings()


@pytest.mark.parametrize("width", [5, 6])
def test_places_have_sines_and_cosines(width: int) -> None:
    found = sinusoids(4, width)
    for t, i in product(range(4), range(width)):
        angle = t / 10_000 ** (2 * (i // 2) / width)
        expected = math.cos(angle) if i % 2 else math.sin(angle)
        assert found[t, i].item() == pytest.approx(expected, abs=1e-5)
