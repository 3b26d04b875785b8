from __future__ import annotations

from dataclasses import replace

from torch import nn

from examples.hsmn.model import Architecture

SMALL = Architecture(
    vocab_size=40,
    hidden_dim=16,
    heads=4,
    wavelet_heads=4,
    kv_heads=2,
    latent_dim=8,
    experts=4,
    expert_dim=24,
    state_dim=4,
    head_qubits=4,
)
BUNDLES = replace(SMALL, hd_dim=32, sample_length=9)


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
