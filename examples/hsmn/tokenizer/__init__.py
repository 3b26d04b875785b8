"""Bytes and frequent n-grams of them as ids, learnt from a stream of texts."""

from .adaptive import AdaptiveQWT
from .codebook import Codebook
from .ids import CLS, EOS, PAD, SPECIALS, UNK, base_vocab

__all__ = ["CLS", "EOS", "PAD", "SPECIALS", "UNK", "AdaptiveQWT", "Codebook", "base_vocab"]
