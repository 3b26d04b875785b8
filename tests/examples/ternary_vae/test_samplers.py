from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch import Tensor

from examples.ternary_vae.operations import N
from examples.ternary_vae.samplers import Batches, Shuffled, Stratified, quotas

from .losses_helpers import v3

ALL = torch.arange(N)
SIZES = [13122, 4374, 1458, 486, 162, 54, 18, 6, 2, 1]
KINDS = [Shuffled, Stratified]


def epoch(sampler: Batches) -> list[list[int]]:
    return [batch.tolist() for batch in sampler]


def levels(batch: list[int]) -> list[int]:
    counts = [0] * 10
    for n in batch:
        counts[v3(n)] += 1
    return counts


def test_quotas_of_the_shipped_recipes() -> None:
    # 5.12: 128 of 512 for six levels, 384 in proportion to 13122 : 4374 : 1458 : 486.
    assert quotas(SIZES, 512, 0.25) == [259, 86, 29, 10, 22, 22, 21, 21, 21, 21]
    # 5.11: 102 of 512, 17 for each level.
    assert quotas(SIZES, 512, 0.2) == [277, 92, 31, 10, 17, 17, 17, 17, 17, 17]


@pytest.mark.parametrize(
    ("sizes", "share", "expected"),
    [
        ([90, 0, 10, 0, 0, 0], 0.5, [9, 0, 1, 0, 0, 0]),
        ([0, 0, 0, 0, 4, 1], 0.2, [0, 0, 0, 0, 5, 5]),
        ([1, 1, 0, 0, 0, 7], 0.31, [4, 3, 0, 0, 0, 3]),
        ([1, 1, 0, 0, 0, 7], 0.0, [5, 5, 0, 0, 0, 0]),
        ([1, 1, 0, 0, 0, 7], 1.0, [0, 0, 0, 0, 0, 10]),
    ],
)
def test_quotas_where_levels_are_missing(
    sizes: list[int], share: float, expected: list[int]
) -> None:
    assert quotas(sizes, 10, share) == expected


def test_every_stratified_batch_has_its_quotas() -> None:
    batches = epoch(Stratified(ALL, 512, 0))
    assert len(batches) == 39
    assert {tuple(levels(batch)) for batch in batches} == {
        (259, 86, 29, 10, 22, 22, 21, 21, 21, 21)
    }
    assert all(batch != sorted(batch, key=v3) for batch in batches)


def test_low_levels_come_without_replacement_until_they_are_used_up() -> None:
    drawn = [n for batch in epoch(Stratified(ALL, 512, 0)) for n in batch if v3(n) < 4]
    often = torch.bincount(torch.tensor(drawn), minlength=N)
    for level, rows in enumerate([259, 86, 29, 10]):
        counts = often[[n for n in range(N) if v3(n) == level]]
        least = 39 * rows // SIZES[level]
        assert int(counts.min()) >= least
        assert int(counts.max()) <= least + 1


def test_a_shuffled_epoch_has_every_operation_once() -> None:
    batches = epoch(Shuffled(ALL, 512, 0))
    assert [len(batch) for batch in batches] == [512] * 38 + [227]
    flat = [n for batch in batches for n in batch]
    assert flat != sorted(flat)
    assert sorted(flat) == list(range(N))


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_given_operations_are_drawn(kind: type[Batches]) -> None:
    some = torch.arange(0, N, 7)
    sampler = kind(some, 100, 0)
    assert len(sampler) == 29 == len(epoch(sampler))
    assert {n % 7 for batch in sampler for n in batch.tolist()} == {0}


@pytest.mark.parametrize("kind", KINDS)
def test_epochs_differ_and_seeds_repeat_them(kind: type[Batches]) -> None:
    one, same, other = kind(ALL, 512, 1), kind(ALL, 512, 1), kind(ALL, 512, 2)
    first, second = epoch(one), epoch(one)
    assert first != second
    assert [epoch(same), epoch(same)] == [first, second]
    assert epoch(other) != first


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_together_draw_the_batch_of_one_process(kind: type[Batches], world: int) -> None:
    alone = kind(ALL, 512, 5)
    ranks = [kind(ALL, 512, 5, rank, world) for rank in range(world)]
    for whole, *parts in islice(zip(alone, *ranks, strict=True), 39):
        joined = torch.empty_like(whole)
        for rank, part in enumerate(parts):
            joined[rank::world] = part
        assert torch.equal(joined, whole)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 1, 17, 38, 39, 40, 78])
def test_a_resumed_sampler_goes_on_as_if_nothing_had_happened(
    kind: type[Batches], after: int
) -> None:
    def stream(sampler: Batches) -> list[Tensor]:
        return [batch for _ in range(4) for batch in sampler]

    whole = stream(kind(ALL, 512, 3))
    stopped = kind(ALL, 512, 3)
    taken = 0
    while taken < after:
        for _ in islice(stopped, after - taken):
            taken += 1
    resumed = kind(ALL, 512, 99)
    resumed.load_state_dict(stopped.state_dict())
    rest = [batch for _ in range(3) for batch in resumed][: 117 - after]
    wanted = whole[after : after + len(rest)]
    assert len(rest) >= 39
    assert all(torch.equal(a, b) for a, b in zip(rest, wanted, strict=True))


def test_a_saved_state_does_not_change_later() -> None:
    sampler = Shuffled(ALL, 512, 3)
    iterator = iter(sampler)
    next(iterator)
    state = sampler.state_dict()
    before = state["generator"].clone(), state["done"]
    list(iterator)
    list(sampler)
    assert torch.equal(state["generator"], before[0])
    assert state["done"] == before[1] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ALL, 512, 0, 2, 2), "rank 2"),
        ((ALL, 1, 0, 0, 2), "leaves nothing"),
        ((ALL[:0], 512, 0), "no operation"),
        ((ALL, 512, 0, 0, 1, 1.5), "share"),
    ],
)
def test_what_cannot_be_sampled_is_refused(
    arguments: tuple[Tensor, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Stratified(*arguments)
