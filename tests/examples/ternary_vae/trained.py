"""A small config on real weights, as files, for tests that start whole runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

from .probes import BASE

SMALL: dict[str, Any] = {
    **BASE,
    "schema_version": "ternary_vae/5.12.5",
    "frozen_checkpoint": {
        "path": "v5_5.safetensors",
        "encoder_to_load": "both",
        "decoder_to_load": "decoder_A",
    },
    "training": {
        "epochs": 4,
        "batch_size": 64,
        "patience": 3,
        "min_epochs": 1,
        "eval_every": 2,
        "save_every": 2,
        "use_stratified": True,
        "scheduler": {"type": "cosine_annealing"},
    },
    "homeostasis": {"enabled": True, "warmup_epochs": 1, "hysteresis_epochs": 1},
}


def config_file(folder: Path, **sections: Any) -> Path:
    """A config below a folder; sections replace those of `SMALL`, key by key."""
    data = json.loads(json.dumps(SMALL))
    for name, values in sections.items():
        data[name] = {**data.get(name, {}), **values} if isinstance(values, dict) else values
    path = folder / "config.json"
    path.write_text(json.dumps(data, indent=2))
    return path


def environment() -> dict[str, str]:
    """One thread, so that a run repeats bit for bit."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "examples.ternary_vae.train", *map(str, arguments), "--no-live"]


def start(*arguments: object) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command(*arguments), cwd=ROOT, env=environment(), text=True, stdout=pipe, stderr=pipe
    )
