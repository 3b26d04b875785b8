"""Optimizer state that follows the weights: real training goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cfgmig.converting import Request, convert, opened, route
from cfgmig.moments import Followed, follow
from cfgmig.project import Project
from cfgmig.routing import Goal
from checkpoint_tools.plan import Concat, Expr, Init, Permute, Repeat, Slice, Take, Type
from checkpoint_tools.writing import TensorAt
from tests.checkpoints.demo_weights import build

torch = pytest.importorskip("torch", reason="the optimizers are torch's")

from tests.checkpoints.demo_nets import New, Old, train  # noqa: E402  needs torch

Optimizer = Callable[[Any], Any]
OPTIMIZERS: dict[str, Optimizer] = {
    "AdamW": lambda net: torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.1),
    "amsgrad": lambda net: torch.optim.Adam(net.parameters(), lr=0.01, amsgrad=True),
    "SGD": lambda net: torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9),
    "plain SGD": lambda net: torch.optim.SGD(net.parameters(), lr=0.1),
    "RMSprop": lambda net: torch.optim.RMSprop(net.parameters(), lr=0.01, momentum=0.5),
    "named": lambda net: torch.optim.AdamW(net.named_parameters(), lr=0.01),
    "groups": lambda net: torch.optim.AdamW(
        [
            {"params": list(children(net)[0].parameters()), "lr": 0.02, "name": "first"},
            {"params": [p for one in children(net)[1:] for p in one.parameters()], "lr": 0.01},
        ]
    ),
    "matrices apart": lambda net: torch.optim.AdamW(
        [
            {"params": [(n, p) for n, p in net.named_parameters() if p.ndim > 1]},
            {"params": [(n, p) for n, p in net.named_parameters() if p.ndim < 2], "lr": 0.5},
        ],
        lr=0.01,
    ),
}


def children(net: Any) -> list[Any]:
    return list(net.children())


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(tmp_path_factory.mktemp("net"))


def trained(make: Optimizer, path: Path) -> tuple[Any, Any]:
    torch.manual_seed(5)
    old = Old()
    optimizer = make(old)
    train(old, optimizer, 3, seed=1)
    torch.save({"model": old.state_dict(), "optimizer": optimizer.state_dict()}, path)
    return old, optimizer


def brought(source: Path, target: Path, project: Project, to: str | None = None) -> Any:
    with opened(str(source)) as checkpoint:
        made = route(checkpoint, project, Request(Goal(to), "torch"))
        convert(made, target)
    return made


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_bit_by_bit(name: str, net: Project, tmp_path: Path) -> None:
    make = OPTIMIZERS[name]
    old, optimizer = trained(make, tmp_path / "a.pt")
    made = brought(tmp_path / "a.pt", tmp_path / "b.pt", net)
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert not made.notes
    torch.manual_seed(99)
    new = New()
    other = make(new)
    new.load_state_dict(found["model_state_dict"], strict=True)
    assert list(new.state_dict()) == list(found["model_state_dict"])
    other.load_state_dict(found["optim"])
    assert train(new, other, 4, seed=2) == train(old, optimizer, 4, seed=2)


def test_without_its_state_training_goes_another_way(net: Project, tmp_path: Path) -> None:
    """What the test above would not notice, it could not prove."""
    make = OPTIMIZERS["AdamW"]
    old, optimizer = trained(make, tmp_path / "a.pt")
    brought(tmp_path / "a.pt", tmp_path / "b.pt", net)
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    new = New()
    other = make(new)
    new.load_state_dict(found["model_state_dict"], strict=True)
    expected = train(old, optimizer, 4, seed=2)
    losses = train(new, other, 4, seed=2)
    assert losses[0] == expected[0]
    assert losses[1:] != expected[1:]


@pytest.mark.parametrize("name", ["AdamW", "SGD", "named", "plain SGD"])
def test_up_and_down_again(name: str, net: Project, tmp_path: Path) -> None:
    old, optimizer = trained(OPTIMIZERS[name], tmp_path / "a.pt")
    brought(tmp_path / "a.pt", tmp_path / "b.pt", net)
    brought(tmp_path / "b.pt", tmp_path / "c.pt", net, "1.0")
    found = torch.load(tmp_path / "c.pt", weights_only=True)
    again = Old()
    other = OPTIMIZERS[name](again)
    again.load_state_dict(found["model"], strict=True)
    other.load_state_dict(found["optimizer"])
    assert train(again, other, 4, seed=2) == train(old, optimizer, 4, seed=2)


def test_by_way_of_safetensors(net: Project, tmp_path: Path) -> None:
    old, optimizer = trained(OPTIMIZERS["AdamW"], tmp_path / "a.pt")
    with opened(str(tmp_path / "a.pt")) as checkpoint:
        convert(route(checkpoint, net, Request()), tmp_path / "b.safetensors")
    made = brought(tmp_path / "b.safetensors", tmp_path / "c.pt", net)
    assert not made.notes
    found = torch.load(tmp_path / "c.pt", weights_only=True)
    new = New()
    other = OPTIMIZERS["AdamW"](new)
    new.load_state_dict(found["model_state_dict"], strict=True)
    other.load_state_dict(found["optim"])
    assert train(new, other, 4, seed=2) == train(old, optimizer, 4, seed=2)


def test_tied_parameters_are_one(net: Project, tmp_path: Path) -> None:
    torch.manual_seed(5)
    old, new = Old(), New()
    for one in (old, new):
        one.layers[1]["attn"]["out"] = one.layers[0]["attn"]["out"]
    optimizer, other = (OPTIMIZERS["AdamW"](one) for one in (old, new))
    train(old, optimizer, 3, seed=1)
    torch.save({"model": old.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
    assert not brought(tmp_path / "a.pt", tmp_path / "b.pt", net).notes
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    new.load_state_dict(found["model_state_dict"], strict=True)
    other.load_state_dict(found["optim"])
    assert train(new, other, 4, seed=2) == train(old, optimizer, 4, seed=2)


def test_a_mapping_that_is_not_clear_is_left_empty(net: Project, tmp_path: Path) -> None:
    old = Old()
    # The two of one shape could be either layer's: only q, k and v stand alone.
    optimizer = torch.optim.SGD([old.layers[1]["attn"]["out"].weight], lr=0.1, momentum=0.9)
    train(old, optimizer, 1, seed=1)
    torch.save({"model": old.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
    made = brought(tmp_path / "a.pt", tmp_path / "b.pt", net)
    assert made.notes == ("`optim` is left empty: its group 0 of 1 parameters fits in 2 places",)
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert found["optim"] == {}
    assert len(found["model_state_dict"]) == 16


# Without files ------------------------------------------------------------------------------

SHAPES: dict[str, tuple[int, ...]] = {"a.w": (4, 2), "a.b": (4,), "n.w": (3,), "z.w": (2, 2)}


def optimizer(
    *groups: list[str], shapes: Mapping[str, tuple[int, ...]] = SHAPES, **more: Any
) -> tuple[dict[str, Any], dict[str, Type]]:
    """An optimizer with these groups of parameters, and the types of all tensors."""
    types = {name: Type("float32", shape) for name, shape in shapes.items()}
    state: dict[int, Any] = {}
    listed: list[dict[str, Any]] = []
    for group in groups:
        numbers = list(range(len(state), len(state) + len(group)))
        for number, name in zip(numbers, group, strict=True):
            state[number] = {"step": TensorAt(f"o.{number}.step"), "m": TensorAt(f"o.{number}.m")}
            types[f"o.{number}.step"] = Type("float32", ())
            types[f"o.{number}.m"] = types[name]
        listed.append({"params": numbers, "lr": 0.1, **more})
    return {"state": state, "param_groups": listed}, types


def followed(
    given: tuple[dict[str, Any], dict[str, Type]],
    after: Mapping[str, Expr],
    shapes: Mapping[str, tuple[int, ...]] = SHAPES,
) -> Followed | str:
    return follow(given[0], "optim", given[1], {name: name for name in shapes}, after)


SAME: dict[str, Expr] = {name: Take(name) for name in SHAPES}


def test_moments_are_made_as_the_parameters_are() -> None:
    after: dict[str, Expr] = {
        "first": Slice(Take("a.w"), 0, 0, 1),
        "rest": Slice(Take("a.w"), 0, 1, 4),
        "a.b": Take("a.b"),
        "both": Concat((Take("n.w"), Take("n.w")), 0),
        "z.w": Permute(Take("z.w"), (1, 0)),
    }
    found = followed(optimizer(list(SHAPES)), after)
    assert isinstance(found, Followed)
    assert found.outputs["optim.state.0.m"] == Slice(Take("o.0.m"), 0, 0, 1)
    assert found.outputs["optim.state.1.m"] == Slice(Take("o.0.m"), 0, 1, 4)
    assert found.outputs["optim.state.1.step"] == Take("o.0.step")
    assert found.outputs["optim.state.2.m"] == Take("o.1.m")
    assert found.outputs["optim.state.3.m"] == Concat((Take("o.2.m"), Take("o.2.m")), 0)
    assert found.outputs["optim.state.4.m"] == Permute(Take("o.3.m"), (1, 0))
    assert found.tree["param_groups"] == [{"params": [0, 1, 2, 3, 4], "lr": 0.1}]
    assert found.tree["state"][1]["m"] == TensorAt("optim.state.1.m")
    assert found.fresh == ()


def test_numbers_that_are_computed_lose_their_state() -> None:
    after: dict[str, Expr] = {
        **SAME,
        "n.w": Repeat(Take("n.w"), 2, 0),
        "n.x": Init("float32", (1,)),
    }
    found = followed(optimizer(list(SHAPES)), after)
    assert isinstance(found, Followed)
    assert found.fresh == ("n.w", "n.x")
    assert set(found.tree["state"]) == {0, 1, 3}
    assert found.tree["param_groups"][0]["params"] == [0, 1, 2, 3, 4]


def test_what_is_dropped_leaves_no_gap() -> None:
    after = {name: expr for name, expr in SAME.items() if name != "a.b"}
    found = followed(optimizer(list(SHAPES)), after)
    assert isinstance(found, Followed)
    assert found.tree["param_groups"][0]["params"] == [0, 1, 2]
    assert found.outputs["optim.state.1.m"] == Take("o.2.m")


def test_groups_keep_their_parameters() -> None:
    after: dict[str, Expr] = {"a.new": Init("float32", (1,)), **SAME}
    found = followed(optimizer(["a.w", "a.b"], ["n.w", "z.w"]), after)
    assert isinstance(found, Followed)
    assert [group["params"] for group in found.tree["param_groups"]] == [[0, 1, 2], [3, 4]]
    assert found.outputs["optim.state.1.m"] == Take("o.0.m")
    unclear = followed(
        optimizer(["a.w", "a.b"], ["n.w", "z.w"]), {**SAME, "new": Init("float32", (1,))}
    )
    assert unclear == "no one group of it is where new belongs"


def test_a_label_settles_what_shapes_do_not() -> None:
    shapes = {"body.w": (2,), "head.w": (2,)}
    same: dict[str, Expr] = {name: Take(name) for name in shapes}
    given = optimizer(["head.w"], shapes=shapes)
    assert followed(given, same, shapes) == "its group 0 of 1 parameters fits in 2 places"
    given[0]["param_groups"][0]["name"] = "head"
    found = followed(given, same, shapes)
    assert isinstance(found, Followed)
    assert found.outputs["optim.state.0.m"] == Take("o.0.m")
    assert found.tree["param_groups"][0]["params"] == [0]


def test_names_of_parameters_are_believed_and_renewed() -> None:
    shapes = {"body.w": (2,), "head.w": (2,)}
    given = optimizer(["head.w"], shapes=shapes)
    given[0]["param_groups"][0]["param_names"] = ["head.w"]
    after: dict[str, Expr] = {
        "body.w": Take("body.w"),
        "lm.0": Slice(Take("head.w"), 0, 0, 1),
        "lm.1": Slice(Take("head.w"), 0, 1, 2),
    }
    found = followed(given, after, shapes)
    assert isinstance(found, Followed)
    assert found.tree["param_groups"][0]["param_names"] == ["lm.0", "lm.1"]
    given[0]["param_groups"][0]["param_names"] = ["of another model"]
    assert followed(given, after, shapes) == "its group 0 of 1 parameters fits in 2 places"


@pytest.mark.parametrize(
    "odd",
    [
        3,
        {},
        {"state": {}, "param_groups": {}},
        {"state": {0: 1}, "param_groups": []},
        {"state": {}, "param_groups": [{"params": ["a"]}]},
        {"state": {}, "param_groups": [{"lr": 1}]},
        {"state": {}, "param_groups": [{"params": [0, 1, 2, 3, 4, 5, 6]}]},
    ],
)
def test_what_is_no_optimizer_of_torch(odd: Any) -> None:
    types = {name: Type("float32", shape) for name, shape in SHAPES.items()}
    assert isinstance(follow(odd, "o", types, {name: name for name in SHAPES}, SAME), str)


def test_another_shape_is_another_model() -> None:
    given = optimizer(list(SHAPES))
    given[1]["o.2.m"] = Type("float32", (7,))
    assert followed(given, SAME) == "its group 0 of 4 parameters fits nowhere"


def test_buffers_are_no_parameters() -> None:
    shapes = {"a.w": (2,), "bn.running_mean": (2,), "bn.running_var": (2,), "z.w": (2,)}
    found = followed(
        optimizer(["a.w", "z.w"], shapes=shapes),
        {name: Take(name) for name in ("z.w", "a.w")},
        shapes,
    )
    assert isinstance(found, Followed)
    assert found.outputs["optim.state.0.m"] == Take("o.1.m")
    assert np.array_equal(list(found.tree["state"]), [0, 1])
