"""Casts give torch's numbers, and the ledger of losses tells what happened to them."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoint_tools.plan import PlanError
from checkpoint_tools.plan.casts import FLOATING, WHOLE, Loss, cast, decode, is_exact, scalar
from checkpoint_tools.plan.expressions import Init
from checkpoint_tools.plan.initial import elements

np = pytest.importorskip("numpy", reason="numbers are computed with numpy")
torch = pytest.importorskip("torch", reason="torch is the reference here")

# Every bit pattern is cast here, signalling NaN among them.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

FLOATS = [name for name in FLOATING if "complex" not in name]


def raw(tensor: Any) -> bytes:
    flat = tensor.contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""


def numbers(dtype: str) -> Any:
    """Every number of a small type; of a large one, odd ones of all magnitudes."""
    kind = getattr(torch, dtype)
    if kind.itemsize == 1 and dtype != "bool":
        return torch.arange(256).to(torch.uint8).view(kind)
    if kind.itemsize == 2:
        return torch.arange(65536).to(torch.uint16).view(kind)
    if dtype in WHOLE:
        return torch.randint(0, 2, (500,)).to(kind)
    wide = torch.randn(20_000, dtype=torch.float64) * 10.0 ** torch.randint(-60, 60, (20_000,))
    mild = torch.randn(20_000, dtype=torch.float64) * 10.0 ** torch.randint(-9, 6, (20_000,))
    grid = torch.arange(65536).to(torch.uint16).view(torch.float16).double()
    between = (grid[1:] + grid[:-1]) / 2  # ties
    eighth = torch.arange(256).to(torch.uint8).view(torch.float8_e4m3fn).double()
    fifth = torch.arange(256).to(torch.uint8).view(torch.float8_e5m2).double()
    ties = torch.cat([(x[1:] + x[:-1]) / 2 for x in (eighth, fifth)])
    odd = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1e-45, 464.0, 65520])
    return torch.cat([wide, mild, grid, between, ties, odd.double()]).to(kind)


@pytest.mark.parametrize("new", FLOATS)
@pytest.mark.parametrize("old", FLOATS)
def test_floats_as_torch_casts_them(old: str, new: str) -> None:
    source = numbers(old)
    expected = source.to(getattr(torch, new))
    loss = Loss()
    made = cast(raw(source), old, new, loss)
    mine, its = decode(made, new), decode(raw(expected), new)
    same = (mine == its) & (np.signbit(mine) == np.signbit(its)) | np.isnan(mine) & np.isnan(its)
    assert same.all(), (source[~torch.from_numpy(same)][:5], mine[~same][:5], its[~same][:5])
    assert loss.elements == source.numel()
    was, now = source.double().numpy(), expected.double().numpy()
    both_nan = np.isnan(was) & np.isnan(now)
    assert loss.changed == int(((was != now) & ~both_nan).sum())
    burst = np.abs(was) > 464 if new == "float8_e4m3fn" else np.isfinite(was) & ~np.isfinite(now)
    assert loss.overflow == int(burst.sum())
    assert loss.underflow == int(((was != 0) & (now == 0)).sum())
    with np.errstate(all="ignore"):
        gap = np.abs(was - now)
    assert loss.max_abs == pytest.approx(gap[np.isfinite(gap)].max(initial=0), rel=1e-6)
    if is_exact(old, new):
        assert loss.changed == 0


@pytest.mark.parametrize("new", [*WHOLE, "float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("old", ["int8", "uint8", "int16", "uint16", "bool", "float16", "bfloat16"])
def test_whole_numbers_as_torch_casts_them_where_they_fit(old: str, new: str) -> None:
    source = numbers(old)
    loss = Loss()
    made = cast(raw(source), old, new, loss)
    mine = decode(made, new).astype("f8")
    was = source.double().numpy()
    if new in WHOLE and new != "bool":
        signed, bits = WHOLE[new]
        low, high = (-(2**bits) if signed else 0), 2**bits - 1
        fits = (np.trunc(np.nan_to_num(was, nan=2**70)) >= low) & (np.trunc(was) < float(high + 1))
        assert loss.overflow == int((~fits).sum())
        assert (np.clip(np.trunc(was[np.isfinite(was)]), low, high) == mine[np.isfinite(was)]).all()
        source, mine = source[torch.from_numpy(fits)], mine[fits]
    its = source.to(getattr(torch, new)).double().numpy()
    assert ((mine == its) | (np.isnan(mine) & np.isnan(its))).all()
    if is_exact(old, new):
        assert not loss.lost


def test_exactness_is_what_happens_to_every_number() -> None:
    small = ["int8", "uint8", "int16", "uint16", "float16", "bfloat16", "float8_e4m3fn",
             "float8_e5m2"]  # fmt: skip
    for old in small:
        source = raw(numbers(old))
        for new in (*WHOLE, *FLOATS):
            loss = Loss()
            before = decode(source, old)
            made = decode(cast(source, old, new, loss), new)
            same = (before == made) | (np.isnan(before) & np.isnan(made.astype("f8")))
            if new != "bool":
                assert is_exact(old, new) == same.all(), (old, new)


def test_large_whole_numbers_are_not_thought_equal() -> None:
    source = np.array([2**53 + 1, 2**62 + 1, -(2**53) - 1, 5, 2**53], "<i8")
    loss = Loss()
    cast(source.tobytes(), "int64", "float64", loss)
    assert (loss.changed, loss.max_abs, loss.overflow) == (3, 1.0, 0)
    loss = Loss()
    made = cast(np.array([2**63 + 1, 7], "<u8").tobytes(), "uint64", "int64", loss)
    assert np.frombuffer(made, "<i8").tolist() == [2**63 - 1, 7]
    assert (loss.changed, loss.overflow) == (1, 1)
    made = cast(np.array([1e300, -1e300, 2.0**63, 2.0**62]).tobytes(), "float64", "int64", loss)
    assert np.frombuffer(made, "<i8").tolist() == [2**63 - 1, -(2**63), 2**63 - 1, 2**62]


def test_a_planted_overflow() -> None:
    source = np.array([1.0, 70_000.0, 1e-9, 0.1], "<f4")
    loss = Loss()
    cast(source.tobytes(), "float32", "float16", loss)
    assert (loss.elements, loss.changed, loss.overflow, loss.underflow) == (4, 3, 1, 1)
    assert loss.max_abs == pytest.approx(2.44e-5, rel=0.01)


@pytest.mark.parametrize("dtype", [*FLOATING, *WHOLE])
def test_one_number(dtype: str) -> None:
    kind = getattr(torch, dtype)
    for value in (0, 1):
        assert scalar(value, dtype) == raw(torch.tensor([value]).to(kind))
    if dtype not in ("bool", "uint8", "uint16", "uint32", "uint64"):
        assert scalar(-2, dtype) == raw(torch.tensor([-2]).to(kind))
    if dtype in WHOLE:
        with pytest.raises(PlanError):
            scalar(0.5, dtype)


def test_random_numbers_are_the_same_everywhere_and_of_their_kind() -> None:
    normal = Init("float64", (20_000,), "normal", value=2.0, scale=3.0, seed=7)
    whole = elements(normal, 0, 20_000)
    assert whole == elements(normal, 0, 123) + elements(normal, 123, 20_000)
    array = np.frombuffer(whole, "<f8")
    assert abs(array.mean() - 2) < 0.1
    assert abs(array.std() - 3) < 0.1
    # Written down once: another machine, numpy or Python must not give other bytes.
    assert array[:3].tolist() == FIRST_NORMAL
    uniform = np.frombuffer(
        elements(Init("float64", (20_000,), "uniform", low=-1, high=2, seed=1), 0, 20_000), "<f8"
    )
    assert -1 <= uniform.min() < -0.99
    assert 1.99 < uniform.max() < 2
    other = elements(Init("float64", (20_000,), "normal", value=2, scale=3, seed=8), 0, 20_000)
    assert abs(np.corrcoef(array, np.frombuffer(other, "<f8"))[0, 1]) < 0.05
    eye = elements(Init("float32", (4, 3), "eye"), 0, 12)
    assert (np.frombuffer(eye, "<f4").reshape(4, 3) == np.eye(4, 3)).all()
    assert elements(Init("float32", (4, 3), "eye"), 5, 9) == eye[20:36]


FIRST_NORMAL = [1.8164890177600954, 0.793262726756053, 2.8255794466387707]
