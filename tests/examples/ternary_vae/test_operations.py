"""The data: indices, trits and valuations against plain integer arithmetic."""

from __future__ import annotations

import pytest
import torch

from examples.ternary_vae import operations
from examples.ternary_vae.operations import N


def digits(number: int) -> list[int]:
    found = []
    for _ in range(9):
        number, digit = divmod(number, 3)
        found.append(digit - 1)
    return found


def valuation(number: int) -> int:
    if number == 0:
        return 9
    k = 0
    while number % 3 == 0:
        number //= 3
        k += 1
    return k


def leading(row: list[int], value: int) -> int:
    count = 0
    for trit in row:
        if trit != value:
            break
        count += 1
    return count


def test_trits_are_the_digits_of_the_index() -> None:
    rows = operations.all_trits()
    assert (rows.shape, rows.dtype) == ((N, 9), torch.float32)
    assert rows.int().tolist() == [digits(n) for n in range(N)]
    assert torch.equal(operations.index(rows), torch.arange(N))
    assert len({tuple(row) for row in rows.int().tolist()}) == N


def test_valuations_count_factors_of_three_and_leading_minus_ones() -> None:
    found = operations.all_valuations().tolist()
    assert found == [valuation(n) for n in range(N)]
    assert found == [leading(digits(n), -1) for n in range(N)]


def test_level_counts() -> None:
    expected = [13122, 4374, 1458, 486, 162, 54, 18, 6, 2, 1]
    assert operations.level_counts().tolist() == expected
    mean = operations.all_valuations()[1:].double().mean()
    assert mean.item() == pytest.approx(0.49954, abs=5e-6)


def test_pairs_have_the_valuation_of_their_difference() -> None:
    i, j = torch.tensor([5, 0, 9, 100, 19682]), torch.tensor([5, 27, 0, 19, 1])
    expected = [valuation(abs(a - b)) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    assert operations.pair_valuation(i, j).tolist() == expected
    assert expected == [9, 3, 2, 4, 0]


def test_zeros_are_counted() -> None:
    rows = operations.all_trits()
    plain = [digits(n) for n in range(N)]
    assert operations.leading_zeros(rows).tolist() == [leading(row, 0) for row in plain]
    assert operations.zero_count(rows).tolist() == [row.count(0) for row in plain]


def test_classes_are_trits_from_zero() -> None:
    assert operations.classes(torch.tensor([[-1.0, 0.0, 1.0]])).tolist() == [[0, 1, 2]]


def test_tables_are_copies() -> None:
    operations.all_trits().zero_()
    operations.all_valuations().zero_()
    assert operations.all_trits()[0].tolist() == [-1.0] * 9
    assert operations.all_valuations()[0].item() == 9
