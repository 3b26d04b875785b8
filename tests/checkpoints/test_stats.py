"""Statistics with numpy and without it are the same, and those of torch."""

from __future__ import annotations

import math
import struct

import pytest

from cfgmig.cli import checkpoint_stats
from cfgmig.cli.checkpoint_stats import Tally

FLOATS = ("float64", "float32", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
SMALL = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu")


def both(data: bytes, dtype: str, each: int = 1 << 12) -> tuple[Tally, Tally]:
    plain, fast = Tally(), Tally()
    for at in range(0, len(data), each):
        checkpoint_stats._add_plainly(plain, data[at : at + each], dtype)
        checkpoint_stats._add_array(fast, data[at : at + each], dtype)
    return plain, fast


def agree(one: Tally, other: Tally) -> None:
    assert one.count == other.count
    for key, value in one.as_dict().items():
        assert value == pytest.approx(other.as_dict()[key], rel=1e-12, abs=1e-12, nan_ok=True), key


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_against_torch(dtype: str) -> None:
    pytest.importorskip("numpy", reason="numpy is what it is compared with")
    torch = pytest.importorskip("torch", reason="torch is what it is compared with")
    values = torch.randn(5000, generator=torch.Generator().manual_seed(7)) * 50
    values[values.abs() < 1] = 0
    values = values.to(getattr(torch, dtype))
    if dtype in FLOATS:
        values[:4] = torch.tensor([math.nan, math.inf, -math.inf, -0.0])
    plain, fast = both(values.view(torch.uint8).numpy().tobytes(), dtype)
    agree(plain, fast)
    real = values.double()
    finite = real[torch.isfinite(real)]
    assert plain.count == finite.numel()
    assert plain.zeros == int((values == 0).sum())
    assert (plain.nan, plain.inf) == ((1, 2) if dtype in FLOATS else (0, 0))
    assert (plain.min, plain.max) == (finite.min().item(), finite.max().item())
    assert plain.mean == pytest.approx(finite.mean().item())
    assert plain.std == pytest.approx(finite.std(correction=0).item())


@pytest.mark.parametrize("dtype", SMALL)
def test_eight_bits_are_torchs(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is what it is compared with")
    known = torch.arange(256, dtype=torch.uint8).view(getattr(torch, dtype)).double().tolist()
    for ours, theirs in zip(checkpoint_stats._table(dtype), known, strict=True):
        assert ours == theirs or (math.isnan(ours) and math.isnan(theirs))


def test_numbers_near_the_largest() -> None:
    pytest.importorskip("numpy", reason="numpy is what it is compared with")
    plain, fast = both(struct.pack("<6d", 1.7e308, 1.7e308, 1.7e308, -1.7e308, 0, 1), "float64")
    assert plain.mean == pytest.approx(5.6666667e307)
    assert fast.mean == pytest.approx(plain.mean)
    assert plain.inf == fast.inf == 0


def test_a_large_offset_does_not_cancel() -> None:
    data = struct.pack("<2000d", *(1e9 + at % 2 for at in range(2000)))
    found = Tally()
    for at in range(0, len(data), 800):
        checkpoint_stats._add_plainly(found, data[at : at + 800], "float64")
    assert found.std == pytest.approx(0.5, rel=1e-9)


def test_only_nan() -> None:
    found = Tally()
    checkpoint_stats._add_plainly(found, struct.pack("<2f", math.nan, math.inf), "float32")
    assert found.as_dict() == {
        "min": None,
        "max": None,
        "mean": None,
        "std": None,
        "zeros": 0,
        "nan": 1,
        "inf": 1,
    }
