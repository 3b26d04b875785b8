"""Objects for torch to save: every dtype, every odd view, and plain data of all kinds."""

from __future__ import annotations

import argparse
import collections
import pathlib
from typing import Any

FLOATS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
WHOLE = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool")
COMPLEX = ("complex64", "complex128")


def tensors() -> dict[str, Any]:
    """One tensor of each dtype, and one of each kind of view."""
    import torch

    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) - 7.25
    made: dict[str, Any] = {name: base.to(getattr(torch, name)) for name in (*FLOATS, *COMPLEX)}
    for name in WHOLE:
        made[name] = torch.arange(24).reshape(4, 6).to(getattr(torch, name))
    tied = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    wide = torch.arange(1000, dtype=torch.float64)
    return made | {
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "none_left": torch.empty(3, 0, 2),
        "transposed": base.permute(2, 0, 1),
        "bf16_transposed": base.bfloat16().transpose(0, 2),
        "complex_transposed": base.to(torch.complex128).transpose(1, 2),
        "rows": base[1:],
        "columns": base[:, 1:3, ::2],
        "expanded": torch.ones(3, 1).expand(3, 4),
        "tied_one": tied,
        "tied_two": tied,
        "view_of_tied": tied[2:],
        "bloated": wide[500:510],
        "parameter": torch.nn.Parameter(torch.ones(2, 2)),
        "umlaut.gewicht_\u00e4": torch.zeros(2),
    }


def everything() -> dict[str, Any]:
    """A checkpoint as trainers write them."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    made: dict[str, Any] = {
        "epoch": 3,
        "best": float("inf"),
        "state": tensors(),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/a/b"), layers=[1, 2]),
        "nested": {"list": [1, torch.ones(2), {"deep": torch.zeros(1)}], 7: "seven"},
        "kinds": [torch.float32, torch.Size([1, 2]), torch.device("cuda", 1), {1, 2}, 1 + 2j],
        "more": [b"ab\xff", frozenset([1]), slice(1, 2), range(3), 2**80, -5, None, True],
        "defaults": collections.defaultdict(dict, {0: {"e": 1}}),
        "counter": collections.Counter("aab"),
        "rng": torch.get_rng_state()[:16].clone(),
    }
    try:
        import numpy as np
    except ImportError:
        return made
    made["numpy"] = {
        "f": np.float64(2.5),
        "i": np.int64(-3),
        "b": np.bool_(True),
        "s": np.str_("x"),
    }
    return made
