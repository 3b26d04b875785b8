"""Recurrences and attention against the plain forms they replace, values and gradients.

The plain forms hold everything for every position, or a weight for every pair of positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional

from examples.hsmn.model import adapter, attention, build, scanning
from examples.hsmn.model.attention import LatentAttention, WaveletBlock, linear_attention
from examples.hsmn.model.layers import in_parts
from examples.hsmn.model.leapfrog import Energy, leapfrog
from examples.hsmn.model.scanning import diagonal_scan

from .model_helpers import BUNDLES, SMALL
from .test_model import reads

LENGTHS = [1, 2, 3, 4, 7, 9]
BATCH, CHANNELS, STATES, WIDTH = 2, 6, 3, 8


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 3, so that short sequences have several and a part of one."""
    monkeypatch.setattr(scanning, "KEPT_EVERY", 3)
    monkeypatch.setattr(attention, "CHUNK", 3)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def agree(
    found: Callable[..., Tensor], expected: Callable[..., Tensor], given: Sequence[Tensor]
) -> None:
    """Equal values, and equal gradients of a weighted sum in everything given."""
    values, wanted = found(*given), expected(*given)
    assert torch.allclose(values, wanted, rtol=1e-9, atol=1e-12)
    weights = torch.randn_like(values)
    ours = torch.autograd.grad((values * weights).sum(), given)
    theirs = torch.autograd.grad((wanted * weights).sum(), given, materialize_grads=True)
    assert any(one.abs().max() > 1e-3 for one in theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-11)


# The state space.


def by_doubling(decay: Tensor, fed: Tensor) -> Tensor:
    """h_t = decay_t h_(t-1) + fed_t, all [B, L, ...]; Hillis and Steele, 1986."""
    reach = 1
    while reach < fed.shape[1]:
        carried = decay[:, reach:] * fed[:, :-reach]
        fed = torch.cat((fed[:, :reach], fed[:, reach:] + carried), 1)
        decay = torch.cat((decay[:, :reach], decay[:, reach:] * decay[:, :-reach]), 1)
        reach *= 2
    return fed


def whole_scan(step: Tensor, drive: Tensor, into: Tensor, out: Tensor, rates: Tensor) -> Tensor:
    decay = torch.exp(-step.unsqueeze(-1) * rates)
    fed = drive.unsqueeze(-1) * into.unsqueeze(2)
    return torch.einsum("blmn,bln->blm", by_doubling(decay, fed), out)


def scanned(length: int) -> list[Tensor]:
    step, drive = drawn(BATCH, length, CHANNELS), drawn(BATCH, length, CHANNELS)
    into, out = drawn(BATCH, length, STATES), drawn(BATCH, length, STATES)
    rates = drawn(CHANNELS, STATES)
    for one in (step, rates):
        one.data.abs_()
    return [step, drive, into, out, rates]


@pytest.mark.parametrize("length", LENGTHS)
def test_the_scan_is_that_of_the_whole_tensors(length: int) -> None:
    given = scanned(length)
    agree(diagonal_scan, whole_scan, given)
    # A state that is forgotten at once, and one that never is.
    given[0].data[:, ::2], given[4].data[0] = 800.0, 0.0
    agree(diagonal_scan, whole_scan, given)


def test_the_gradient_of_the_scan_is_that_of_differences() -> None:
    assert torch.autograd.gradcheck(diagonal_scan, scanned(5))


# The energy.


def by_force(driven: Tensor, inward: Tensor, second: Tensor, bias: Tensor, third: Tensor) -> Tensor:
    """Every force of every move from q and p themselves, by autograd through all of them."""
    half = len(inward) // 2
    q = p = driven.new_zeros(len(driven), half)

    def force(now: Tensor) -> Tensor:
        one = torch.tanh(torch.cat((q, p), -1) @ inward + now)
        two = torch.tanh(one @ second + bias)
        return ((1 - one**2) * (((1 - two**2) * third) @ second.T)) @ inward.T

    states = []
    for now in driven.unbind(1):
        p = p - 0.15 * force(now)[:, :half]
        q = q + 0.3 * force(now)[:, half:]
        p = p - 0.15 * force(now)[:, :half]
        states.append(torch.cat((q, p), -1))
    return torch.stack(states, 1)


def moved(driven: Tensor, *energy: Tensor) -> Tensor:
    return leapfrog(driven, Energy(*energy), 0.3)


def driving(length: int) -> list[Tensor]:
    square = (drawn(WIDTH, WIDTH), drawn(WIDTH, WIDTH))
    return [drawn(BATCH, length, WIDTH), *square, drawn(WIDTH), drawn(WIDTH)]


@pytest.mark.parametrize("length", LENGTHS)
def test_leapfrog_is_that_of_every_force(length: int) -> None:
    agree(moved, by_force, driving(length))


def test_the_gradient_of_leapfrog_is_that_of_differences() -> None:
    assert torch.autograd.gradcheck(moved, driving(3))


# Attention.


def of_all_pairs(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = (q @ k.transpose(-1, -2)).tril()
    return weights @ v / weights.sum(-1, keepdim=True)


@pytest.mark.parametrize("length", LENGTHS)
def test_attention_in_chunks_is_that_of_all_pairs(length: int) -> None:
    q, k, v = (drawn(BATCH, 2, length, 4) for _ in range(3))
    for one in (q, k):
        one.data.abs_()
    agree(linear_attention, of_all_pairs, (q, k, v))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("length", LENGTHS)
def test_the_wavelet_block_reads_high_places_by_a_softmax_of_all_pairs(
    length: int, causal: bool
) -> None:
    low = LatentAttention(WIDTH, 2, 1, 3)
    block = WaveletBlock(WIDTH, 3, low, causal=causal).double()

    def whole(x: Tensor) -> Tensor:
        def filtered(values: Tensor, layer: nn.Conv1d) -> Tensor:
            before = (2, 0) if causal else (1, 1)
            return layer(functional.pad(values.transpose(1, 2), before)).transpose(1, 2)

        bands = filtered(x, block.analysis)[:, ::2]
        low, high = block.low(bands[..., :WIDTH]), filtered(bands[..., WIDTH:], block.high)
        scores = low @ high.transpose(1, 2) / math.sqrt(WIDTH)
        if causal:
            later = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        both = torch.cat((low + scores.softmax(-1) @ high, high), -1)
        raised = both.repeat_interleave(2, 1)[:, :length]
        return block.norm(x + filtered(raised, block.synthesis))

    agree(block, whole, [drawn(BATCH, length, WIDTH)])


# The whole.


@pytest.mark.parametrize("length", LENGTHS)
def test_no_position_reads_a_later_one_over_the_edges_of_chunks(length: int) -> None:
    found = reads(build(SMALL), torch.randint(40, (2, length)))
    assert torch.equal(found, torch.ones(length, length, dtype=torch.bool).tril())


def held(work: Callable[[], Tensor]) -> tuple[int, int]:
    """Numbers that are kept for the gradient: in all, and in the largest tensor."""
    sizes: dict[int, int] = {}

    def keep(one: Tensor) -> Tensor:
        sizes[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes() // one.itemsize
        return one

    with saved_tensors_hooks(keep, lambda one: one):
        out = work()
    del out
    return sum(sizes.values()), max(sizes.values())


def test_what_is_held_grows_with_the_length_and_holds_no_state_of_every_position(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scanning, "KEPT_EVERY", 16)
    monkeypatch.setattr(attention, "CHUNK", 64)
    # Wide states, so that the largest tensor would be that of the scan if there were one.
    model = build(replace(SMALL, state_dim=64))
    weights = sum(one.numel() for one in model.parameters())
    (short, _), (long, largest) = (
        held(lambda size=size: model(torch.randint(40, (2, size)))) for size in (256, 512)
    )
    assert 1.8 < (long - weights) / (short - weights) < 2.1
    inner, paths = 2 * SMALL.hidden_dim, SMALL.paths
    assert largest < 2 * 512 * paths * inner * 64
    assert largest < 2 * SMALL.heads * 512**2


@pytest.mark.parametrize("rows", [0, 1, 2, 5, 7, 8])
def test_a_loss_in_parts_is_that_of_the_whole(rows: int) -> None:
    head, wanted = drawn(4, 9), torch.randint(9, (7,))
    seen: list[int] = []

    def losses(part: Tensor, labels: Tensor) -> Tensor:
        seen.append(len(part))
        return functional.cross_entropy(part @ head, labels, reduction="none", ignore_index=3)

    def parted(hidden: Tensor, _: Tensor) -> Tensor:
        return torch.cat(in_parts(losses, rows, hidden, wanted))

    agree(parted, lambda hidden, _: losses(hidden, wanted), [drawn(7, 4), head])
    assert max(seen[: -(-7 // max(rows, 1))]) == min(max(rows, 1), 7)


def test_an_adapter_unbinds_a_part_of_the_positions_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build(replace(BUNDLES, hd_dim=512, sample_length=64))
    assert model.adapter is not None
    bundles, keys = torch.randn(8, 512), torch.randn(64, 512)
    whole = model.adapter(bundles, keys)
    _, largest = held(lambda: model.adapter(bundles, keys))
    assert largest == 8 * 64 * 512
    monkeypatch.setattr(adapter, "HELD", 8 * 512 * 5)
    assert torch.allclose(model.adapter(bundles, keys), whole, atol=1e-6)
    _, largest = held(lambda: model.adapter(bundles, keys))
    assert largest == 64 * 512  # the keys
