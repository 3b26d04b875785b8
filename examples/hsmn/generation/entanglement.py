"""Phase 1: which positions of a context hold it together, by the entropy of a matrix product state.

Shapes: B sequences, L positions, D model width, X bond dimension.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

PHYSICAL = 4
"""States of one site."""

_SEED = 0
_TINY = torch.finfo(torch.float64).tiny


class Entangled(NamedTuple):
    """`context` [B, L, D], `entropy` of each bond in nats [B, L - 1], `importance` [B, L]."""

    context: Tensor
    entropy: Tensor
    importance: Tensor


def entangle(context: Tensor, bond_dim: int) -> Entangled:
    """The context, and to each vector the mean of all, weighted with their importance.

    Site i has the tensor reshape(x_i W) [X, 4, X], with a fixed random W, since generation has
    no parameters of its own. The importance is a softmax over positions of the mean entropy of
    the bonds left and right.
    """
    entropy = bond_entropies(context, bond_dim)
    importance = weights(entropy)
    summary = torch.einsum("bl,bld->bd", importance.to(context.dtype), context)
    return Entangled(context + summary.unsqueeze(1), entropy, importance)


def weights(entropy: Tensor) -> Tensor:
    """Importance [B, L] of the positions between bonds [B, L - 1]; the ends have one bond."""
    if entropy.shape[1] == 0:
        return entropy.new_ones(len(entropy), 1)
    left = torch.cat((entropy[:, :1], entropy), 1)
    right = torch.cat((entropy, entropy[:, -1:]), 1)
    return ((left + right) / 2).softmax(-1)


def bond_entropies(context: Tensor, bond_dim: int) -> Tensor:
    """Von Neumann entropy across every bond, float64 [B, L - 1], between 0 and ln X.

    The squared Schmidt coefficients of a bond are the eigenvalues of the product of its left
    and right environments (Schollwoeck, Annals of Physics 326, 2011, section 4), here of the
    symmetric sqrt(left) right sqrt(left).
    """
    sites = _sites(context.double(), bond_dim)
    left, right = _environments(sites), _environments(sites.flip(1).transpose(2, 4)).flip(1)
    values, vectors = torch.linalg.eigh(left)
    root = vectors * values.clamp_min(0).sqrt().unsqueeze(-2)
    spectrum = torch.linalg.eigvalsh(root.transpose(-1, -2) @ right @ root).clamp_min(0)
    share = spectrum / spectrum.sum(-1, keepdim=True).clamp_min(_TINY)
    return -torch.special.xlogy(share, share).sum(-1)


def _sites(context: Tensor, bond_dim: int) -> Tensor:
    """[B, L, X, 4, X]."""
    width = context.shape[-1]
    flat = context @ _projection(width, bond_dim)
    return flat.unflatten(-1, (bond_dim, PHYSICAL, bond_dim))


@lru_cache(maxsize=4)
def _projection(width: int, bond_dim: int) -> Tensor:
    generator = torch.Generator().manual_seed(_SEED)
    shape = (width, bond_dim * PHYSICAL * bond_dim)
    drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
    return drawn / width**0.5


def _environments(sites: Tensor) -> Tensor:
    """What lies left of each bond, [B, L - 1, X, X]; scaled to trace 1 at every site."""
    batch, length, bond = sites.shape[:3]
    now = sites.new_zeros(batch, bond, bond)
    # The chain is open: it begins in one state.
    now[:, 0, 0] = 1
    found = []
    for site in sites.unbind(1)[: length - 1]:
        now = torch.einsum("bij,bisk,bjsl->bkl", now, site, site)
        trace = now.diagonal(dim1=-2, dim2=-1).sum(-1).clamp_min(_TINY)
        now = now / trace[:, None, None]
        found.append(now)
    return torch.stack(found, 1) if found else sites.new_empty(batch, 0, bond, bond)
