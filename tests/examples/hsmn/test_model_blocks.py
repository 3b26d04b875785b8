"""Each block against its definition, written out position by position."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
from torch import Tensor, nn

from examples.hsmn.model.attention import LatentAttention, WaveletBlock
from examples.hsmn.model.embedding import DualPathEmbedding
from examples.hsmn.model.experts import ExpertBlock
from examples.hsmn.model.head import FactoredOutput, QuantumHead
from examples.hsmn.model.layers import Dense, QuantumNorm
from examples.hsmn.model.spatial import SpatialBlock
from examples.hsmn.model.timecrystal import LatentBlock, TimeCrystalBlock
from examples.hsmn.model.whole import Residual

BATCH, LENGTH, WIDTH = 2, 7, 8


def close(found: Tensor, expected: Tensor) -> bool:
    return found.shape == expected.shape and torch.allclose(found, expected, atol=1e-5, rtol=1e-4)


def stirred(module: nn.Module) -> nn.Module:
    """Every parameter drawn, so that none is invisible because it starts at 0 or 1."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)
    return module


def given() -> Tensor:
    return torch.randn(BATCH, LENGTH, WIDTH)


def normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    spread = centred.square().mean(-1, keepdim=True)
    return centred / (spread + norm.eps).sqrt() * norm.weight + norm.bias


# Layers.


def test_dense_weights_are_input_by_output() -> None:
    layer = stirred(Dense(3, 5))
    x = torch.randn(4, 3)
    assert layer.weight.shape == (3, 5)
    assert close(layer(x), torch.einsum("bi,io->bo", x, layer.weight) + layer.bias)
    assert Dense(3, 5, bias=False).bias is None


def test_the_norm_makes_vectors_of_length_one() -> None:
    norm = QuantumNorm(3)
    assert close(norm(torch.tensor([[3.0, 0.0, 4.0]])), torch.tensor([[0.6, 0.0, 0.8]]))
    assert norm(torch.zeros(1, 3)).tolist() == [[0.0, 0.0, 0.0]]
    nn.init.constant_(norm.scale, 2.0)
    nn.init.constant_(norm.bias, 1.0)
    assert close(norm(torch.tensor([[3.0, 0.0, 4.0]])), torch.tensor([[2.2, 1.0, 2.6]]))


def test_a_residual_turns_between_the_two() -> None:
    block = Residual(Dense(WIDTH, WIDTH), WIDTH)
    x = given()
    turned = block.body(block.norm(x))
    assert close(block(x), (x + turned) / math.sqrt(2))
    nn.init.constant_(block.angle, 0.3)
    assert close(block(x), math.cos(0.3) * x + math.sin(0.3) * turned)


# Spatial.


@pytest.mark.parametrize("causal", [True, False])
def test_the_spatial_block_is_a_selective_scan_of_weighted_paths(causal: bool) -> None:
    paths, states, inner = 3, 4, 2 * WIDTH
    block = stirred(SpatialBlock(WIDTH, states, paths, causal=causal))
    x = given()
    both = x @ block.in_proj.weight
    u, z = both[..., :inner], both[..., inner:]
    # Four taps; the last is the present one, or the second but last.
    before = 3 if causal else 1
    y = torch.zeros(BATCH, LENGTH, inner)
    for t in range(LENGTH):
        taken = block.conv.bias.clone().expand(BATCH, inner)
        for tap in range(4):
            at = t - before + tap
            if 0 <= at < LENGTH:
                taken = taken + block.conv.weight[:, 0, tap] * u[:, at]
        y[:, t] = taken * torch.sigmoid(taken) * z[:, t]
    low = y @ block.x_proj.weight
    rank = math.ceil(WIDTH / 16)
    dt, into, out = low[..., :rank], low[..., rank : rank + states], low[..., rank + states :]
    dt = torch.log1p(torch.exp(dt @ block.dt_proj.weight + block.dt_proj.bias))
    born = block.amplitudes_real**2 + block.amplitudes_imag**2
    total = torch.zeros(BATCH, LENGTH, inner)
    for k in range(paths):
        step = dt * (1 + 0.1 * (k - paths / 2) / paths)
        state = torch.zeros(BATCH, inner, states)
        for t in range(LENGTH):
            now = step[:, t, :, None]
            fed = now * y[:, t, :, None] * into[:, t, None]
            state = torch.exp(now * -block.A_log.exp()) * state + fed
            total[:, t] += born[k] / born.sum() * (state * out[:, t, None]).sum(-1)
    assert close(block(x), (total + block.D * y) @ block.out_proj.weight)


# Time crystal.


def test_the_time_crystal_is_leapfrog_of_its_energy() -> None:
    block = stirred(TimeCrystalBlock(WIDTH))
    x = given()
    half = WIDTH // 2

    def forces(q: Tensor, p: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        q, p = q.detach().requires_grad_(), p.detach().requires_grad_()
        one = torch.tanh(block.first(torch.cat((q, p, now), -1)))
        energy = block.third(torch.tanh(block.second(one))).sum()
        by_q, by_p = torch.autograd.grad(energy, (q, p))
        return by_q, by_p

    q = p = torch.zeros(BATCH, half)
    states = []
    for t in range(LENGTH):
        p = p - 0.01 * forces(q, p, x[:, t])[0]
        q = q + 0.02 * forces(q, p, x[:, t])[1]
        p = p - 0.01 * forces(q, p, x[:, t])[0]
        states.append(torch.cat((q, p), -1))
    expected = block.output_projection(block.output(torch.stack(states, 1)))
    assert close(block(x), expected)
    assert states[-1].abs().max() > 0.01


def test_latent_thoughts_repeat_one_layer() -> None:
    block = stirred(LatentBlock(WIDTH, 3, 2))
    x = given()
    h = x
    for _ in range(2):
        raised = block.thought_up(normed(h, block.thought_norm))
        raised = raised * 0.5 * (1 + torch.erf(raised / math.sqrt(2)))
        h = h + block.thought_down(raised)
    assert block.thought_up.weight.shape == (WIDTH, 3 * WIDTH)
    assert close(block(x), normed(h, block.output_norm))


# Attention.


def attended(block: LatentAttention, x: Tensor, heads: int, kv_heads: int) -> Tensor:
    """Running sums of phi(k) v^T and phi(k), head by head."""
    size = x.shape[-1] // heads

    def feature(values: Tensor) -> Tensor:
        return torch.where(values > 0, values + 1, values.exp())

    q = block.q_proj(x)
    through = block.kv_compress.weight @ block.kv_expand.weight
    k, v = block.k_proj(x) @ through, block.v_proj(x) @ through
    out = torch.zeros_like(x)
    for head in range(heads):
        mine = slice(head * size, (head + 1) * size)
        shared = head // (heads // kv_heads)
        theirs = slice(shared * size, (shared + 1) * size)
        for row in range(len(x)):
            sums, weights = torch.zeros(size, size), torch.zeros(size)
            for t in range(x.shape[1]):
                key = feature(k[row, t, theirs])
                sums, weights = sums + torch.outer(key, v[row, t, theirs]), weights + key
                query = feature(q[row, t, mine])
                out[row, t, mine] = query @ sums / (query @ weights)
    return normed(x + block.out_proj(out), block.norm)


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (4, 4), (2, 1), (1, 1)])
def test_attention_is_a_ratio_of_running_sums(heads: int, kv_heads: int) -> None:
    block = stirred(LatentAttention(WIDTH, heads, kv_heads, 3))
    x = given()
    assert close(block(x), attended(block, x, heads, kv_heads))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("taps", [1, 3, 4])
def test_the_wavelet_block_takes_every_second_place_and_rebuilds(taps: int, causal: bool) -> None:
    block = stirred(WaveletBlock(WIDTH, taps, LatentAttention(WIDTH, 2, 1, 3), causal=causal))
    x = given()

    def filtered(values: Tensor, layer: nn.Conv1d, kernel: int) -> Tensor:
        before = kernel - 1 if causal else kernel - 1 - kernel // 2
        out = torch.zeros(BATCH, values.shape[1], layer.out_channels)
        for t in range(values.shape[1]):
            for tap in range(kernel):
                at = t - before + tap
                if 0 <= at < values.shape[1]:
                    if layer.groups > 1:
                        out[:, t] += layer.weight[:, 0, tap] * values[:, at]
                    else:
                        out[:, t] += values[:, at] @ layer.weight[:, :, tap].T
        return out if layer.bias is None else out + layer.bias

    bands = filtered(x, block.analysis, taps)[:, ::2]
    low, high = block.low(bands[..., :WIDTH]), filtered(bands[..., WIDTH:], block.high, 3)
    joined = torch.zeros_like(low)
    for j in range(low.shape[1]):
        seen = high[:, : j + 1] if causal else high
        scores = (seen @ low[:, j, :, None]).squeeze(-1) / math.sqrt(WIDTH)
        joined[:, j] = low[:, j] + (scores.softmax(-1)[..., None] * seen).sum(1)
    both = torch.cat((joined, high), -1)
    raised = torch.stack([both[:, t // 2] for t in range(LENGTH)], 1)
    expected = normed(x + filtered(raised, block.synthesis, taps), block.norm)
    assert close(block(x), expected)


# Experts.


def expert(block: ExpertBlock, number: int, x: Tensor) -> Tensor:
    raised = x @ block.up[number]
    return (raised * 0.5 * (1 + torch.erf(raised / math.sqrt(2)))) @ block.down[number]


def test_experts_choose_positions_within_each_sequence() -> None:
    block = stirred(ExpertBlock(WIDTH, 3, 5, causal=False))
    x = given()
    expected = torch.zeros_like(x)
    for row in range(BATCH):
        scores = block.router(x[row])
        for number in range(3):
            # int(1.25 * 7 / 3) positions.
            best = sorted(range(LENGTH), key=lambda t: -scores[t, number].item())[:2]
            gates = scores[best, number].softmax(0)
            for gate, t in zip(gates, best, strict=True):
                expected[row, t] += gate * expert(block, number, x[row, t])
    assert close(block(x), expected)


def test_positions_choose_two_experts() -> None:
    block = stirred(ExpertBlock(WIDTH, 4, 5, causal=True))
    x = given()
    expected = torch.zeros_like(x)
    for row in range(BATCH):
        for t in range(LENGTH):
            scores = block.router(x[row, t])
            best = sorted(range(4), key=lambda number: -scores[number].item())[:2]
            for gate, number in zip(scores[best].softmax(0), best, strict=True):
                expected[row, t] += gate * expert(block, number, x[row, t])
    assert close(block(x), expected)


@pytest.mark.parametrize("causal", [True, False])
def test_more_experts_than_positions_or_just_one(causal: bool) -> None:
    one, many = (
        stirred(ExpertBlock(WIDTH, 1, 5, causal=causal)),
        ExpertBlock(WIDTH, 9, 5, causal=causal),
    )
    x = torch.randn(1, 1, WIDTH)
    assert close(one(x), expert(one, 0, x))
    assert many(x).shape == x.shape


# Embedding and head.


def test_rare_ids_have_codes_and_frequent_ones_rows() -> None:
    embedding = stirred(DualPathEmbedding(5000, WIDTH, active=6, hd_dim=32))
    ids = torch.tensor([[3, 4711, 6, 3]])
    rows = []
    for place, one in enumerate(ids[0].tolist()):
        if one < 6:
            code = embedding.token.weight[one] @ embedding.lift.weight
        else:
            code = torch.zeros(32)
            for i in range(8):
                code = code + embedding.char_basis[(one >> 5 * i) % 256] * embedding.place_basis[i]
            code = code / code.norm()
        key = embedding.base_position.roll(place)
        bound = torch.stack(
            [
                sum((code[j] * key[(t - j) % 32] for j in range(32)), torch.zeros(()))
                for t in range(32)
            ]
        )
        y = embedding.projection(bound / bound.norm())
        for _ in range(3):
            y = y / 2 + (y.roll(1) + y.roll(-1)) / 4
        rows.append(y)
    assert close(embedding(ids)[0], torch.stack(rows))
    assert not torch.allclose(embedding(ids)[0, 0], embedding(ids)[0, 3], atol=1e-3)


def test_the_head_measures_a_rotated_state() -> None:
    head = stirred(QuantumHead(WIDTH, 11, layers=2, qubits=3, dense=True))
    x = torch.randn(5, WIDTH)
    state = x @ head.input_proj.weight
    state = (state / state.norm(dim=-1, keepdim=True)).to(torch.complex64)
    for turns, bonds in zip(head.vqc_params, head.entangle_params, strict=True):
        rx, ry, rz = (turns[:, axis] for axis in range(3))
        state = state * cmath.exp(1j * rz.mean().item())
        state = state * ((rx / 2).cos().mean() - 0.1j * (rx / 2).sin().mean())
        state = state * (ry / 2).cos().mean()
        mix = bonds.sigmoid().mean()
        state = (1 - mix) * state + mix * torch.roll(state, 1, -1)
    born = state.real**2 / (state.real**2).sum(-1, keepdim=True)
    assert close(head.probabilities(x), born)
    share = 1 / (1 + math.exp(-head.fallback_weight.item()))
    measured = born @ head.output_proj.weight + head.output_proj.bias
    dense = x @ head.dense.weight + head.dense.bias
    assert close(head(x), share * measured + (1 - share) * dense)


def test_rotations_fall_out_of_the_probabilities() -> None:
    head = stirred(QuantumHead(WIDTH, 11, layers=2, qubits=3, dense=True))
    x = torch.randn(5, WIDTH)
    before = head.probabilities(x)
    nn.init.uniform_(head.vqc_params, -1, 1)
    assert close(head.probabilities(x), before)
    nn.init.uniform_(head.entangle_params, 2, 3)
    assert not torch.allclose(head.probabilities(x), before, atol=1e-3)


def test_a_head_without_dense_part_or_with_one_qubit() -> None:
    head = QuantumHead(WIDTH, 11, layers=1, qubits=1, dense=False)
    x = torch.randn(2, 3, WIDTH)
    assert close(head.probabilities(x).sum(-1), torch.ones(2, 3))
    assert close(head(x), head.output_proj(head.probabilities(x)))
    assert torch.isfinite(head(torch.zeros(1, WIDTH))).all()


def test_a_factored_head_reads_its_first_rows() -> None:
    output = FactoredOutput(4, 6, 2, total_vocab=9)
    p = torch.rand(3, 4)
    assert close(output(p), (p @ output.V.T @ output.U.T)[:, :6])
    assert (output.U.shape, output.V.shape) == ((9, 2), (2, 4))
