"""Holographic bundles: binding, tables, the corpus of a stream, and what a model makes of one."""

from .binding import bind, convolve, spread, unbind, unitary
from .corpus import HdCorpus, Settings
from .encoder import Encoder
from .stream import fill, prepare, text_of
from .tables import position_keys

__all__ = [
    "Encoder", "HdCorpus", "Settings", "bind", "convolve", "fill", "position_keys", "prepare",
    "spread", "text_of", "unbind", "unitary",
]  # fmt: skip
