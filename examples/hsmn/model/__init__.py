"""The model: bundles or ids in, logits of every position out."""

from .building import Architecture, architecture, build
from .whole import Hsmn

__all__ = ["Architecture", "Hsmn", "architecture", "build"]
