"""Models of every generation, composed of few parts.

All of them have `encode(x)`, which gives `Latents`, and `decode_A(z)`, which gives logits.
"""

from __future__ import annotations

from .building import AnyModel, architecture, build, build_dual, build_from
from .dual import AppetitiveVAE, DualOutput, DualVAE, Latents, SimplifiedOutput, SimplifiedVAE
from .loading import Loaded, load, read_state
from .projected import PARTS, Architecture, ProjectedOutput, ProjectedVAE

__all__ = [
    "PARTS",
    "AnyModel",
    "AppetitiveVAE",
    "Architecture",
    "DualOutput",
    "DualVAE",
    "Latents",
    "Loaded",
    "ProjectedOutput",
    "ProjectedVAE",
    "SimplifiedOutput",
    "SimplifiedVAE",
    "architecture",
    "build",
    "build_dual",
    "build_from",
    "load",
    "read_state",
]
