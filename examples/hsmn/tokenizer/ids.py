"""Ids that are never learnt: 10 specials, 256 bytes, and a buffer that stays empty."""

from __future__ import annotations

SPECIALS = {
    "<unk>": 0, "<cls>": 1, "<pad>": 2, "<eos>": 3, "<sep>": 4,
    "<mask>": 5, "<think>": 6, "<pause>": 7, "<reflect>": 8, "<conclude>": 9,
}  # fmt: skip
UNK, CLS, PAD, EOS = (SPECIALS[name] for name in ("<unk>", "<cls>", "<pad>", "<eos>"))

BYTES = 256
BUFFER = 64
LEAST_BASE = 362
"""The old sum 10 + 32 + 256 + 64; it counts the specials twice, and files rely on it."""


def base_vocab(byte_offset: int = 32) -> int:
    """The first id that is learnt: max(362, byte_offset + 256 + 64).

    Raises:
        ValueError: bytes would begin among the specials.
    """
    if byte_offset < len(SPECIALS):
        raise ValueError(
            f"byte_offset {byte_offset} is below {len(SPECIALS)}, the number of special ids"
        )
    return max(LEAST_BASE, byte_offset + BYTES + BUFFER)
