"""Distributed checkpoints as several ranks of torch write them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import open_checkpoint

pytest.importorskip("torch", reason="torch is the reference here")
pytestmark = pytest.mark.slow


def _rank(rank: int, world: int, folder: str) -> None:
    import os

    import torch
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    dcp: Any = import_module("torch.distributed.checkpoint")
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29571"}
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}.lock", rank=rank, world_size=world
    )
    mesh = init_device_mesh("cpu", (world,))
    whole = torch.arange(35, dtype=torch.float32).reshape(5, 7)
    placed = {"rows": Shard(0), "columns": Shard(1), "copies": Replicate()}
    state = {name: distribute_tensor(whole, mesh, [how]) for name, how in placed.items()}
    dcp.save({**state, "numbers": torch.arange(9), "epoch": 2}, checkpoint_id=folder)
    dist.destroy_process_group()


@pytest.mark.parametrize("world", [1, 2, 4])
def test_any_number_of_ranks(world: int, tmp_path: Path) -> None:
    import torch

    processes: Any = import_module("torch.multiprocessing")
    processes.spawn(_rank, args=(world, str(tmp_path / "c")), nprocs=world)
    whole = torch.arange(35, dtype=torch.float32).numpy().tobytes()
    with open_checkpoint(tmp_path / "c") as checkpoint:
        assert len(checkpoint.files) == world
        for name in ("rows", "columns", "copies"):
            assert checkpoint.read(name) == whole
        assert checkpoint.read("numbers") == torch.arange(9).numpy().tobytes()
        assert len(checkpoint.pieces("columns")) == world
        assert checkpoint.metadata["epoch"] == 2
