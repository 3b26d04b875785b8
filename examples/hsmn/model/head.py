"""From vectors to logits: Born probabilities of a rotated state, or one matrix."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Dense


class QuantumHead(nn.Module):
    """Logits of the probabilities of a state of 2^qubits amplitudes, beside a dense head.

    a = x W_i / |x W_i|; per layer a *= exp(i mean rz) (mean cos(rx/2) - 0.1 i mean sin(rx/2))
    mean cos(ry/2), then a = (1 - m) a + m roll(a, 1) with m = mean sigmoid(entangle); of the
    real part p = a^2 / sum a^2. Logits: s (p W_o + b_o) + (1 - s) dense(x), s =
    sigmoid(fallback_weight). The formulas of version 4. The rotations of a layer multiply a real
    state by one complex number, which falls out of p: only the mixing weights m train.

    Args:
        width: D.
        vocab_size: V.
        layers: rotation layers.
        qubits: logarithm of the inner width.
        dense: mix in the dense head.
        factor_rank: rank of a factored output matrix, which has no bias; None: not factored.
        total_vocab: rows of that matrix, of which the first V give logits.

    Raises:
        ValueError: the factored matrix has fewer rows than the vocabulary.
    """

    def __init__(
        self,
        width: int,
        vocab_size: int,
        layers: int,
        qubits: int,
        *,
        dense: bool,
        factor_rank: int | None = None,
        total_vocab: int | None = None,
    ) -> None:
        super().__init__()
        inner, self.vocab_size = 2**qubits, vocab_size
        self.input_proj = Dense(width, inner, bias=False)
        self.vqc_params = nn.Parameter(torch.rand(layers, qubits, 3) - 0.5)
        self.entangle_params = nn.Parameter(torch.full((layers, qubits - 1), 0.5))
        if factor_rank is None:
            self.output_proj: nn.Module = Dense(inner, vocab_size)
        else:
            self.output_proj = FactoredOutput(inner, vocab_size, factor_rank, total_vocab)
        self.dense = Dense(width, vocab_size) if dense else None
        if dense:
            self.fallback_weight = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] to [..., V]."""
        logits: Tensor = self.output_proj(self.probabilities(x))
        if self.dense is None:
            return logits
        return torch.lerp(self.dense(x), logits, torch.sigmoid(self.fallback_weight))

    def probabilities(self, x: Tensor) -> Tensor:
        """The Born probabilities, [..., D] to [..., 2^qubits]."""
        state = functional.normalize(self.input_proj(x), dim=-1)
        real, imaginary = state, torch.zeros_like(state)
        for turns, bonds in zip(self.vqc_params, self.entangle_params, strict=True):
            rx, ry, rz = turns.unbind(-1)
            angle, size = rz.mean(), (ry / 2).cos().mean()
            along, across = (rx / 2).cos().mean(), -0.1 * (rx / 2).sin().mean()
            c = size * (angle.cos() * along - angle.sin() * across)
            d = size * (angle.sin() * along + angle.cos() * across)
            real, imaginary = c * real - d * imaginary, d * real + c * imaginary
            # The mean of no bond, of a single qubit, is no number.
            mix = torch.sigmoid(bonds).mean() if len(bonds) else bonds.new_zeros(())
            real = (1 - mix) * real + mix * real.roll(1, -1)
            imaginary = (1 - mix) * imaginary + mix * imaginary.roll(1, -1)
        born = real.square()
        tiny = torch.finfo(born.dtype).tiny
        return born / born.sum(-1, keepdim=True).clamp_min(tiny)


class FactoredOutput(nn.Module):
    """p V^T U^T with U [total, rank] and V [rank, inner], the first rows of U only."""

    def __init__(
        self, inner: int, vocab_size: int, rank: int, total_vocab: int | None = None
    ) -> None:
        super().__init__()
        total = vocab_size if total_vocab is None else total_vocab
        if total < vocab_size:
            raise ValueError(f"{total} rows are fewer than a vocabulary of {vocab_size}")
        self.vocab_size = vocab_size
        self.U = nn.Parameter(torch.empty(total, rank))
        self.V = nn.Parameter(torch.empty(rank, inner))
        nn.init.xavier_uniform_(self.U)
        nn.init.xavier_uniform_(self.V)

    def forward(self, p: Tensor) -> Tensor:
        """[..., inner] to [..., V]."""
        return p @ self.V.T @ self.U[: self.vocab_size].T


class DenseHead(nn.Module):
    """One matrix."""

    def __init__(self, width: int, vocab_size: int) -> None:
        super().__init__()
        self.dense = Dense(width, vocab_size)

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] to [..., V]."""
        logits: Tensor = self.dense(x)
        return logits
