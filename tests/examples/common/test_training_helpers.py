from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from examples.common.optimisers import choose
from examples.common.precision import Precision
from examples.common.ranks import Ranks, SharedDropout, share_dropout, start
from examples.common.recompute import Recompute

CPU = torch.device("cpu")


def _net(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(dropout), nn.Linear(6, 2))


def _gradients(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    torch.manual_seed(1)
    net(x).square().sum().backward()
    return [one.grad.clone() for one in net.parameters() if one.grad is not None]


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("segments", [1, 2, 9])
def test_recomputing_gives_the_same_gradients_for_twice_the_work(
    reentrant: bool, segments: int
) -> None:
    """Also where no input asks for a gradient, which the older implementation does not like."""
    x = torch.randn(3, 4)
    usual = _gradients(_net(0.5), x)
    net, calls = _net(0.5), []
    net[0].register_forward_hook(lambda *_: calls.append(1))
    Recompute(segments, reentrant).wrap(net)
    for ours, theirs in zip(_gradients(net, x), usual, strict=True):
        assert torch.equal(ours, theirs)
    # A piece of one layer keeps its input, and torch sees that nothing is left to recompute.
    assert len(calls) == 2 or (segments == 9 and not reentrant)
    calls.clear()
    with torch.no_grad():
        net(x)
    assert len(calls) == 1


def test_dropout_is_repeated_only_if_the_random_state_is_kept() -> None:
    x = torch.randn(3, 4)
    usual = _gradients(_net(0.5), x)
    net = _net(0.5)
    Recompute(1, preserve_rng_state=False).wrap(net)
    assert not torch.equal(_gradients(net, x)[0], usual[0])


def test_tensor_names_stay() -> None:
    net = _net(0.3)
    names = list(net.state_dict())
    Recompute().wrap(net)
    share_dropout(net, Ranks(0, 1, CPU))
    assert list(net.state_dict()) == names


def test_ranks_drop_what_one_process_would() -> None:
    x, found = torch.ones(7, 5), torch.zeros(7, 5)
    torch.manual_seed(3)
    whole = SharedDropout(0.4, Ranks(0, 1, CPU))(x)
    for rank in range(3):
        ranks = Ranks(rank, 3, CPU)
        dropout = SharedDropout(0.4, ranks)
        dropout.total = 7
        torch.manual_seed(3)
        found[rank::3] = dropout(ranks.rows(x))
    assert torch.equal(found, whole)
    assert whole.unique().tolist() == [0.0, pytest.approx(1 / 0.6)]
    assert torch.equal(SharedDropout(0.4, Ranks(0, 1, CPU)).eval()(x), x)


def test_a_single_process_needs_no_group(monkeypatch: Any) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = start()
    assert (ranks.rank, ranks.world) == (0, 1)
    x = torch.randn(3, 2, requires_grad=True)
    assert ranks.gather(x, 3) is x
    assert ranks.share({"a": 1}) == {"a": 1}
    ranks.close()


@pytest.mark.parametrize(("dtype", "scales"), [("float16", True), ("bfloat16", False)])
def test_half_precision_computes_forward_only(dtype: str, scales: bool) -> None:
    precision = Precision(CPU, dtype, {"init_scale": 8.0})
    layer = nn.Linear(2, 2)
    with precision.autocast():
        out = layer(torch.ones(1, 2))
    assert out.dtype is getattr(torch, dtype)
    assert layer.weight.dtype is torch.float32
    assert precision.state_dict().get("scale") == (8.0 if scales else None)


def test_an_overflow_is_left_out_and_lowers_the_scale() -> None:
    precision = Precision(CPU, "float16", {"init_scale": 8.0, "backoff_factor": 0.25})
    layer = nn.Linear(2, 1)
    before = layer.weight.clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    precision.backward(layer(torch.full((1, 2), torch.inf)).sum())
    precision.step(optimizer, list(layer.parameters()), 1.0)
    assert torch.equal(layer.weight, before)
    assert precision.state_dict()["scale"] == 2.0
    other = Precision(CPU, "float16", {"init_scale": 8.0})
    other.load_state_dict(precision.state_dict())
    assert other.state_dict()["scale"] == 2.0


def test_gradients_are_clipped() -> None:
    layer = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    precision = Precision(CPU, None)
    precision.backward((layer(torch.ones(1, 1)) * 5).sum())
    norm = precision.step(torch.optim.SGD(layer.parameters(), lr=1.0), [layer.weight], 2.0)
    assert norm == pytest.approx(5.0)
    assert layer.weight.item() == pytest.approx(1 - 2)


def _steps(riemannian: str | None, without_geoopt: bool, monkeypatch: Any) -> tuple[Any, str]:
    import sys

    if without_geoopt:
        monkeypatch.setitem(sys.modules, "geoopt", None)
    net = _net()
    chosen = choose([{"params": list(net.parameters())}], 0.01, 0.1, riemannian)
    for _ in range(3):
        chosen.optimizer.zero_grad()
        net(torch.ones(2, 4)).square().sum().backward()
        chosen.optimizer.step()
    return net[0].weight.detach(), chosen.said


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_without_manifolds_the_riemannian_optimizer_is_the_usual_one(
    kind: str, monkeypatch: Any
) -> None:
    pytest.importorskip("geoopt")
    weight, said = _steps(kind, False, monkeypatch)
    assert said.endswith("of geoopt")
    usual, _ = _steps(kind, True, monkeypatch)
    torch.testing.assert_close(weight, usual, rtol=1e-5, atol=1e-7)


def test_without_geoopt_torch_steps_in_and_says_so(monkeypatch: Any) -> None:
    assert _steps("adam", True, monkeypatch)[1].startswith("Adam; geoopt is not installed")
    assert _steps(None, True, monkeypatch)[1] == "AdamW"
    parameter = nn.Parameter(torch.zeros(2))
    parameter.manifold = object()
    with pytest.raises(ImportError):
        choose([{"params": [parameter]}], 0.1, 0.0, "adam")
