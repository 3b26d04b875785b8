"""Small pictures without a plotting library: points on a disk, as PNG."""

from __future__ import annotations

import struct
import zlib

import torch
from torch import Tensor

BACKGROUND, EDGE = (255, 255, 255), (190, 190, 190)
COLOURS = (
    *((68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142)),
    *((31, 158, 137), (53, 183, 121), (110, 206, 88), (181, 222, 43), (230, 180, 20)),
)
"""Ten steps, dark to light, after Matplotlib's viridis (van der Walt and Smith 2015)."""


def disk(points: Tensor, steps: Tensor, size: int = 256) -> Tensor:
    """Points [n, 2] of the unit disk as a picture, uint8 [size, size, 3].

    Args:
        points: x to the right, y up, both from -1 to 1.
        steps: int64 [n], 0 to 9: the colour; higher ones are drawn later and larger.
        size: edge in pixels.
    """
    canvas = torch.tensor(BACKGROUND, dtype=torch.uint8).repeat(size, size, 1)
    half = (size - 1) / 2
    turn = torch.linspace(0, 2 * torch.pi, 8 * size)
    rim = torch.stack([turn.cos(), turn.sin()], 1)
    _put(canvas, rim, EDGE, half, 0)
    points, steps = points.detach().cpu().float(), steps.cpu()
    for step in range(len(COLOURS)):
        _put(canvas, points[steps == step], COLOURS[step], half, step // 3)
    return canvas


def _put(
    canvas: Tensor, points: Tensor, colour: tuple[int, int, int], half: float, reach: int
) -> None:
    """Squares of 2 reach + 1 pixels."""
    column = (half + points[:, 0] * half).round().long()
    row = (half - points[:, 1] * half).round().long()
    last = canvas.shape[0] - 1
    ink = torch.tensor(colour, dtype=torch.uint8)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            canvas[(row + down).clamp(0, last), (column + right).clamp(0, last)] = ink


def png(picture: Tensor) -> bytes:
    """A PNG file of a picture, uint8 [height, width, 3] (W3C, PNG specification, 2nd ed.)."""
    height, width, _ = picture.shape
    rows = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), picture.reshape(height, -1)], 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows.contiguous().numpy().tobytes(), 6)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def flat(points: Tensor) -> Tensor:
    """Points of a ball [n, D] on a disk [n, 2]: the radius is kept, the angle is that of the plane.

    The plane is spanned by the first two principal directions of the unit vectors (Pearson
    1901), so that hierarchies of radii look like what they are.
    """
    points = points.detach().double().cpu()
    radius = points.norm(dim=1, keepdim=True)
    directions = points / radius.clamp_min(1e-12)
    centred = directions - directions.mean(0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    plane = directions @ vectors[:, -2:].flip(1)
    return radius * plane / plane.norm(dim=1, keepdim=True).clamp_min(1e-12)
