"""A config that trains in a second, as a file, for tests that start whole runs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from examples.hsmn.data.grammar import text
from tests.conftest import ROOT

SMALL: dict[str, Any] = {
    "schema_version": "hsmn/5",
    "profile": "trial",
    "model": {
        "hidden_dim": 32,
        "num_reasoning_blocks": 6,
        "num_moe_experts": 2,
        "context_window": 8,
        "adapter": {"hd_dim": 128, "expand": "unbind"},
        "lm_head": {"vqc_qubits": 4},
        "blocks": {
            "attention": {"num_heads": 4, "num_kv_heads": 2, "latent_dim": 4},
            "wlam": {"num_heads": 4, "kernel_size": 3},
            "moe": {"inner_dim": 16},
            "latent": {"thought_steps": 1},
            "spatial": {"mamba_state_dim": 4},
        },
    },
    "tokenizer": {"active_vocab_size": 380, "max_vocab_size": 380, "min_freq": 3},
    "data": {
        "text": "text.txt",
        "hd": {"sample_length": 8, "reservoir_size": 48, "keys": "unitary", "ctqw_steps": 0},
    },
    "budget": {"param_budget": 100_000, "estimator": "exact"},
    "training": {
        "optimizer": "adamw",
        "learning_rate": 0.003,
        "batch_size": 8,
        "steps": 9,
    },
    "provenance": {"trial_id": "small"},
}
PARAGRAPHS = 20


def merged(data: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy with values replaced, key by key through all sections."""
    out = copy.deepcopy(data)
    for key, value in change.items():
        nested = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if nested else value
    return out


def config_file(folder: Path, change: dict[str, Any] | None = None) -> Path:
    """The config and its text below a folder."""
    (folder / "text.txt").write_text(text(PARAGRAPHS))
    path = folder / "config.json"
    path.write_text(json.dumps(merged(SMALL, change or {}), indent=2))
    return path


def environment() -> dict[str, str]:
    """One thread, so that a run repeats bit for bit."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(), text=True, stdout=pipe, stderr=pipe
    )


def entries(folder: Path) -> list[dict[str, Any]]:
    """The journal without what no two runs have in common."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    left_out = ("seconds", "peak_memory_mb")
    return [{key: value for key, value in one.items() if key not in left_out} for one in lines]
