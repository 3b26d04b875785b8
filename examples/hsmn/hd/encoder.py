"""From a row of ids to a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .binding import bind, spread, unitary
from .tables import BaseTable, Keys, Kind, kind_of, position_keys

LEAST_NORM = 1e-8
LARGEST, WIDEST, STEP = 4096, 16_384, 64
"""Dimensions of tables that cut keys are looked for in: all, and further ones in steps."""
EMPTY = 1e-5
"""Of the strongest bin: what a bin has at least that holds anything."""


class Encoder:
    """Binds the vector of each id to the key of its place, and sums.

    bundle = spread(sum_i E[id_i] * P[i] / its norm), * the circular convolution. Computed in
    float64 and given as float32.

    Args:
        vocab_size: ids that have a vector.
        hd_dim: dimensions of a bundle.
        length: positions that have a key.
        seed: of vectors and keys.
        keys: `unitary`, which unbinding inverts exactly, or `gaussian` as the old corpus has.
        ctqw_steps: low-pass steps over the finished bundle; the old corpus took 3.
        base_table: None for what the old corpus took: lazy above 65,536 ids.
        drawn_dim: dimensions that the tables are drawn with, where a model's bundles were resized
            after it was trained (`drawn_dim` tells): bundles are made in this size, and resized.
            None: `hd_dim`.
    """

    def __init__(
        self,
        vocab_size: int,
        hd_dim: int,
        length: int,
        *,
        seed: int = 42,
        keys: Keys = "unitary",
        ctqw_steps: int = 0,
        base_table: Kind | None = None,
        drawn_dim: int | None = None,
    ) -> None:
        self.hd_dim, self.length, self.ctqw_steps = hd_dim, length, ctqw_steps
        drawn = drawn_dim or hd_dim
        self.base = BaseTable(vocab_size, drawn, seed, kind_of(vocab_size, base_table))
        self.keys = position_keys(length, drawn, vocab_size, seed, keys)
        self._exact_keys = self.keys.double()
        if drawn != hd_dim:
            self.keys = resized_keys(self._exact_keys, hd_dim).float()

    def __call__(self, ids: Sequence[int]) -> Tensor:
        """The bundle of ids, float32 [hd].

        Raises:
            ValueError: there are more ids than keys, or one has no vector.
        """
        if len(ids) > self.length:
            raise ValueError(f"{len(ids)} ids exceed the {self.length} positions that have keys")
        if ids and (min(ids) < 0 or max(ids) >= self.base.vocab_size):
            raise ValueError(
                f"ids {min(ids)} to {max(ids)} are not all within the {self.base.vocab_size} "
                "that have vectors"
            )
        if not ids:
            return torch.zeros(self.hd_dim)
        bundle = bind(self.base.rows(ids).double(), self._exact_keys[: len(ids)])
        norm = bundle.norm()
        if norm > LEAST_NORM:
            bundle = bundle / norm
        return resized(spread(bundle, self.ctqw_steps), self.hd_dim).float()


def resized(bundle: Tensor, size: int) -> Tensor:
    """Bundles [..., hd] in another size and as long: their spectra padded with zeros, or cut off.

    sqrt(size/hd) irfft(spectrum, size), the highest bin of an even smaller size times 1/sqrt(2)
    or sqrt(2), because it stands for one bin there and for two elsewhere. Padding keeps inner
    products, and goes with convolution by `resized_keys`; a cut loses what it cuts.
    """
    old, few = bundle.shape[-1], min(bundle.shape[-1], size)
    if size == old:
        return bundle
    spectra = torch.fft.rfft(bundle)[..., : few // 2 + 1] * (size / old) ** 0.5
    if few % 2 == 0:
        spectra[..., -1] *= 0.5**0.5 if size > old else 2**0.5
    made = torch.fft.irfft(spectra, n=size)
    lengths = (one.norm(dim=-1, keepdim=True) for one in (bundle, made))
    before, after = lengths
    return made * (before / after.clamp_min(LEAST_NORM))


def resized_keys(keys: Tensor, size: int) -> Tensor:
    """Keys [..., hd] in another size, with the same spectrum as far as both go.

    Of a cut, the highest bin of an even size has room for a sign only, and keeps its magnitude.
    """
    spectra = torch.fft.rfft(keys)[..., : size // 2 + 1].clone()
    if size % 2 == 0 and size < keys.shape[-1]:
        last = spectra[..., -1]
        sign = torch.where(last.real < 0, -1.0, 1.0).to(last.real.dtype)
        spectra[..., -1] = (sign * last.abs()).to(last.dtype)
    return torch.fft.irfft(spectra, n=size)


def drawn_dim(keys: Tensor, vocab_size: int, seed: int, kind: Keys = "unitary") -> int:
    """The dimensions that a checkpoint's position keys [length, hd] were drawn with.

    hd itself, unless a conversion resized them: bundles have to be made in that size then.

    Raises:
        ValueError: no table of that seed and kind gives these keys.
    """
    length, size = keys.shape
    for drawn in _candidates(keys, seed, kind):
        made = position_keys(length, drawn, vocab_size, seed, kind).double()
        if _alike(resized_keys(made, size), keys.double()):
            return drawn
    raise ValueError(
        f"the position keys are not those that seed {seed} draws as {kind} ones: bundles of "
        "these settings are not what the checkpoint was trained on"
    )


def _candidates(keys: Tensor, seed: int, kind: Keys) -> Iterator[int]:
    """Sizes that keys may have been drawn with, the likelier first."""
    import numpy as np

    size, spectra = keys.shape[1], torch.fft.rfft(keys.double())
    strength = spectra.abs().amax(0)
    bins = int((strength > EMPTY * strength.max()).nonzero()[-1]) + 1
    last = spectra[:, bins - 1]
    # The highest bin of an even size is real.
    odd = bool(last.imag.abs().max() > EMPTY * last.abs().max())
    yield size
    yield 2 * (bins - 1) + odd
    # A cut leaves no trace in the bins. The first key is the beginning of one row of numbers.
    numbers = torch.from_numpy(np.random.default_rng((seed, 1)).standard_normal(WIDEST))
    first = keys[0].double()
    sizes = {*range(LARGEST + 1), *range(0, WIDEST + 1, STEP)} - {*range(size + 1)}
    for drawn in sorted(sizes, key=lambda n: (n % size > 0, n % STEP > 0, n)):
        row = numbers[:drawn]
        if _alike(resized_keys(unitary(row) if kind == "unitary" else row, size), first):
            yield drawn


def _alike(made: Tensor, keys: Tensor) -> bool:
    """Whether both are the same but for their scale, which falls out of bundles."""
    likeness = (made * keys).sum() / (made.norm() * keys.norm()).clamp_min(LEAST_NORM)
    return bool(likeness > 1 - EMPTY)
