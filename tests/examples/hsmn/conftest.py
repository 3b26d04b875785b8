from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch


@pytest.fixture(autouse=True)
def repeatable() -> Iterator[None]:
    """The same weights each time; one thread, from which small nets lose nothing."""
    torch.manual_seed(0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def config() -> dict[str, Any]:
    """A small config of the head version that takes bundles."""
    return {
        "model": {
            "hidden_dim": 64,
            "num_reasoning_blocks": 6,
            "num_moe_experts": 4,
            "context_window": 128,
            "input": {"kind": "hd_bundle", "dtype": "float32"},
            "adapter": {"hd_dim": 256, "expand": "unbind"},
            "blocks": {
                "attention": {"num_heads": 4, "num_kv_heads": 2, "latent_dim": 16},
                "wlam": {"num_heads": 4, "kernel_size": 5},
                "moe": {"inner_dim": 128},
            },
        },
        "tokenizer": {"active_vocab_size": 512, "max_vocab_size": 512},
        "data": {"hd": {"sample_length": 16, "ctqw_steps": 0, "keys": "unitary"}},
    }
