"""The processes of one run, as `torchrun` starts them; one process is a run of one rank.

Every rank sees its rows of each batch and all ranks' points: losses over pairs need the whole
batch. So the loss is computed on gathered rows in every process, each keeps the gradient of
its own rows, and the gradients of the parameters are summed. The result is that of a single
process up to the order of floating-point sums.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Ranks:
    """Which process of how many this is, and where it computes."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def rows(self, whole: Tensor) -> Tensor:
        """The rows of this rank, of a tensor that every rank has: every `world`-th one."""
        return whole[self.rank :: self.world]

    def gather(self, own: Tensor, total: int) -> Tensor:
        """All ranks' rows [total, ...] in the order of the whole batch, differentiable."""
        if self.world == 1:
            return own
        gathered: Tensor = _Gather.apply(own, total, self.rank, self.world)
        return gathered

    def everywhere(self, value: Tensor) -> Tensor:
        """A parameter that every rank uses for the whole batch: each counts a share of it.

        Without this the sum over ranks would have its gradient once per rank.
        """
        if self.world == 1:
            return value
        shared: Tensor = _Share.apply(value, self.world)
        return shared

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every rank's gradients the sum over all ranks."""
        if self.world == 1:
            return
        grads = [one.grad for one in parameters if one.grad is not None]
        if not grads:
            return
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        torch.distributed.all_reduce(flat)
        at = 0
        for grad in grads:
            grad.copy_(flat[at : at + grad.numel()].view_as(grad))
            at += grad.numel()

    def share(self, value: Any) -> Any:
        """The first rank's value, in every rank; plain data only."""
        if self.world == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box, 0)
        return box[0]

    def close(self) -> None:
        """End the communication of this process."""
        if self.world > 1:
            torch.distributed.destroy_process_group()


class _Gather(torch.autograd.Function):
    """Rows of all ranks; the gradient goes back to the rank's own rows only.

    Every rank computes the same loss of the same rows, so each has the whole gradient of its
    own rows already, and nothing is summed here.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, total: int, rank: int, world: int) -> Tensor:
        ctx.place = (rank, world)
        most = -(-total // world)
        padded = own.new_zeros(most, *own.shape[1:])
        padded[: len(own)] = own
        pieces = [torch.empty_like(padded) for _ in range(world)]
        torch.distributed.all_gather(pieces, padded)
        return torch.stack(pieces, 1).flatten(0, 1)[:total]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        rank, world = ctx.place
        return grad[rank::world].contiguous(), None, None, None


class _Share(torch.autograd.Function):
    """The same value; its gradient divided by the number of ranks."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, world: int) -> Tensor:
        ctx.world = world
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad / ctx.world, None


def own_rank() -> int:
    """Which process of a run this is, also before the run has joined the others."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes this run has, also before it has joined them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def start(cuda_device: int = 0) -> Ranks:
    """Join the other processes if `torchrun` started several: NCCL on GPUs, else gloo.

    Raises:
        ValueError: there is no such GPU.
    """
    world, rank = world_size(), own_rank()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = pick_device(cuda_device + local, torch.cuda.device_count())
    if device.type == "cuda":
        # NCCL sends plain data through the current device: without this, all ranks use GPU 0.
        torch.cuda.set_device(device)
    if world > 1:
        backend = "nccl" if device.type == "cuda" else "gloo"
        torch.distributed.init_process_group(backend, rank=rank, world_size=world)
    return Ranks(rank, world, device)


def pick_device(wanted: int, available: int) -> torch.device:
    """The GPU of that number, or the CPU on a machine without any.

    Raises:
        ValueError: there are GPUs, but not that many.
    """
    if not available:
        return torch.device("cpu")
    if wanted >= available:
        raise ValueError(f"GPU {wanted} is asked for, and there are {available}, from 0 on")
    return torch.device("cuda", wanted)


class SharedDropout(nn.Module):
    """Dropout whose mask is drawn for the batch of all ranks; each takes its own rows.

    Every rank has the same random state, so a run of several processes drops what a run of one
    would. Inverted dropout (Srivastava et al. 2014, section 10): what stays is divided by 1 - p.
    """

    def __init__(self, p: float, ranks: Ranks) -> None:
        super().__init__()
        self.p, self.ranks = p, ranks
        self.total: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        """[B, ...] to the same; B are this rank's rows."""
        if not self.training or self.p == 0:
            return x
        total = self.total if self.total is not None else len(x)
        kept = torch.rand(total, *x.shape[1:], device=x.device) >= self.p
        return x * self.ranks.rows(kept) / (1 - self.p)


def device_name(device: torch.device) -> str:
    """The device in words."""
    if device.type != "cuda":
        return "CPU"
    name: str = torch.cuda.get_device_name(device)
    return name


def share_dropout(model: nn.Module, ranks: Ranks) -> list[SharedDropout]:
    """Put `SharedDropout` in the place of every dropout of a model; names of tensors stay."""
    put: list[SharedDropout] = []
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Dropout):
                new = SharedDropout(child.p, ranks).train(child.training)
                setattr(module, name, new)
                put.append(new)
    return put
