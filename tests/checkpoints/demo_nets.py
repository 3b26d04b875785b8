"""The demo family's models of 1.0 and 3.0 for torch, which compute the same bit by bit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checkpoints.demo_weights import CLASSES, INNER, SIZE, WORDS


class Weight(nn.Module):
    """A matrix under the name `weight`."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(*shape) / 2)


class Aux(Weight):
    """A head that nothing computes with any more."""

    def __init__(self) -> None:
        super().__init__(CLASSES, SIZE)
        self.bias = nn.Parameter(torch.zeros(CLASSES))


class Old(nn.Module):
    """Version 1.0."""

    def __init__(self, layers: int = 2) -> None:
        super().__init__()
        self.embed = Weight(WORDS, SIZE)
        self.layers = nn.ModuleList(nn.ModuleDict({"attn": self.block()}) for _ in range(layers))
        self.norm = nn.BatchNorm1d(SIZE)
        self.proj = Weight(SIZE, INNER)
        self.head = Weight(WORDS, INNER)
        self.aux = Aux()

    def block(self) -> nn.Module:
        return nn.ModuleDict({"qkv": Weight(3 * SIZE, SIZE), "out": Weight(SIZE, SIZE)})

    def parts(self) -> list[Tensor]:
        return [self.embed.weight, self.proj.weight, self.head.weight]

    def attention(self, block: Any) -> tuple[Tensor, Tensor]:
        return block["qkv"].weight, block["out"].weight

    def forward(self, words: Tensor) -> Tensor:
        embed, proj, head = self.parts()
        x = functional.embedding(words, embed)
        for layer in self.layers:
            qkv, out = self.attention(layer["attn"])  # type: ignore[index]
            q, k, v = (x @ qkv.t()).chunk(3, -1)
            x = x + torch.softmax(q @ k.transpose(1, 2), -1) @ v @ out.t()
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return torch.tanh(x @ proj) @ head.t()


class New(Old):
    """Version 3.0: the same sums in the same order, from other tensors."""

    def __init__(self, layers: int = 2) -> None:
        nn.Module.__init__(self)
        self.tok_embed = Weight(WORDS, SIZE)
        self.layers = nn.ModuleList(nn.ModuleDict({"attn": self.block()}) for _ in range(layers))
        self.norm = nn.BatchNorm1d(SIZE)
        self.proj = Weight(INNER, SIZE)
        self.lm_head = Weight(WORDS, INNER)

    def block(self) -> nn.Module:
        return nn.ModuleDict({name: Weight(SIZE, SIZE) for name in ("q", "k", "v", "out")})

    def parts(self) -> list[Tensor]:
        proj = self.proj.weight.t().contiguous()
        return [self.tok_embed.weight, proj, self.lm_head.weight]

    def attention(self, block: Any) -> tuple[Tensor, Tensor]:
        qkv = torch.cat([block[name].weight for name in "qkv"])
        return qkv, block["out"].weight.t().contiguous()


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, seed: int) -> list[bytes]:
    """The losses of some steps, as the bits that they are."""
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(steps):
        words = torch.randint(0, WORDS, (3, 7), generator=draw)
        logits = model(words[:, :-1])
        loss = functional.cross_entropy(logits.reshape(-1, WORDS), words[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach().numpy().tobytes())
    return losses
