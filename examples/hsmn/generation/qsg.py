"""Generates all new positions at once from a context of ids or bundles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ..model import Hsmn
from .entanglement import Entangled, entangle
from .refining import Superposed, amplify, cohere, oracle, refine, superpose
from .sampling import sample

if TYPE_CHECKING:
    from schemas.hsmn.search import Qsg


@dataclass(frozen=True, slots=True)
class Settings:
    """The section `qsg` of a config, as far as generation reads it.

    The old generator never used `bond_dim` and `hopfield_beta`, and never applied `top_p`.
    """

    bond_dim: int = 32
    coherence_range: int = 64
    grover_iterations: int = 3
    jacobi_iterations: int = 2
    hopfield_beta: float = 1.0
    amplification_strength: float = 1.5
    temperature: float = 1.0
    top_k: int = 50
    top_p: float = 0.9

    @classmethod
    def from_config(cls, section: Qsg) -> Settings:
        """Those of a config; `quality_threshold` was read by no code."""
        return cls(**section.model_dump(exclude={"quality_threshold"}))


class Phases(NamedTuple):
    """What each phase made. B sequences, L context positions, N new ones, V ids, D width."""

    entangled: Entangled
    superposed: Superposed
    coherent: Tensor
    """[B, N, D]"""
    amplified: Tensor
    """[B, N, V]"""
    refined: Tensor
    """[B, N, V]"""


def encode_context(model: Hsmn, x: Tensor) -> Tensor:
    """The model's vectors [B, L, D]; of a bundle L is what the adapter expands it to.

    Raises:
        ValueError: x is neither ids, integers [B, L], nor bundles, float32 [B, hd], or it is
            not the kind that the model takes.
    """
    return model.hidden(x)


def phases(model: Hsmn, x: Tensor, count: int, settings: Settings) -> Phases:
    """The five phases up to the logits of `count` new positions.

    Raises:
        ValueError: as `encode_context`; `count` is below 1; the model has no vector for every id.
    """
    if count < 1:
        raise ValueError(f"{count} new positions are none")
    vocabulary = model.vocabulary()
    entangled = entangle(encode_context(model, x), settings.bond_dim)
    last = entangled.context[:, -1:]
    places = sinusoids(count, last.shape[-1]).to(last)
    superposed = superpose(last + places, vocabulary, settings.hopfield_beta)
    coherent = cohere(superposed.positions, settings.coherence_range)
    amplified = amplify(
        model.head(coherent),
        oracle(coherent, vocabulary),
        settings.grover_iterations,
        settings.amplification_strength,
    )
    refined = refine(amplified, vocabulary, settings.jacobi_iterations)
    return Phases(entangled, superposed, coherent, amplified, refined)


@torch.no_grad()
def generate(
    model: Hsmn,
    x: Tensor,
    count: int,
    settings: Settings | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """New ids, drawn independently for each position.

    Args:
        model: is used as it is; call `eval()` before.
        x: context: ids [B, L] or bundles float32 [B, hd].
        count: new positions, N.
        settings: None for the defaults.
        generator: of the draw; None for torch's own.

    Returns:
        int64: [B, L + N] for ids, the context first; [B, N] for bundles, which are no ids.

    Raises:
        ValueError: as `phases` and `sampling.sample`.
    """
    chosen = settings or Settings()
    logits = phases(model, x, count, chosen).refined
    drawn = sample(
        logits,
        temperature=chosen.temperature,
        top_k=chosen.top_k,
        top_p=chosen.top_p,
        generator=generator,
    )
    return drawn if model.takes_bundles else torch.cat((x.long(), drawn), 1)


def sinusoids(length: int, width: int) -> Tensor:
    """Position codes [length, width]; Vaswani et al., NeurIPS 2017, section 3.5.

    Even dimension 2 i is sin(t / 10000^(2 i / width)), the odd one beside it the cosine.
    """
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(length).unsqueeze(1) * rates
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)[:, :width]
