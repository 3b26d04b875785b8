"""Optimisers by the words of configs; the Riemannian ones come from geoopt where it is installed.

geoopt's RiemannianAdam (Becigneul and Ganea, ICLR 2019) treats parameters that lie on a manifold
apart, and all others as Adam does. A model without such parameters gets torch's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer


class Chosen(NamedTuple):
    """An optimizer and what is to be said of it."""

    optimizer: Optimizer
    said: str


def is_on_manifold(parameter: nn.Parameter) -> bool:
    """Whether geoopt would treat it apart: its own parameters carry their manifold."""
    return hasattr(parameter, "manifold")


def choose(
    groups: list[dict[str, Any]], rate: float, decay: float, riemannian: str | None
) -> Chosen:
    """AdamW, or for `adam` and `sgd` the Riemannian optimizer of that name.

    Adam and SGD add the decay to the gradient, AdamW does not (Loshchilov and Hutter 2019).

    Raises:
        ImportError: a parameter lies on a manifold, and geoopt is not installed.
    """
    if riemannian is None:
        return Chosen(torch.optim.AdamW(groups, lr=rate, weight_decay=decay), "AdamW")
    curved = any(is_on_manifold(one) for one in _parameters(groups))
    try:
        with warnings.catch_warnings():
            # geoopt compiles its helpers on import in a way that torch has deprecated.
            warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
            from geoopt import optim as geoopt
    except ImportError:
        if curved:
            raise
        kind = torch.optim.Adam if riemannian == "adam" else torch.optim.SGD
        said = f"{kind.__name__}; geoopt is not installed, and nothing here lies on a manifold"
        return Chosen(kind(groups, lr=rate, weight_decay=decay), said)
    kind = geoopt.RiemannianAdam if riemannian == "adam" else geoopt.RiemannianSGD
    return Chosen(kind(groups, lr=rate, weight_decay=decay), f"{kind.__name__} of geoopt")


def _parameters(groups: list[dict[str, Any]]) -> Iterable[nn.Parameter]:
    return (one for group in groups for one in group["params"])
