"""Holographic reduced representations: sums of circular convolutions, and their inverses.

Plate, "Holographic Reduced Representations" (IEEE Trans. Neural Networks 6, 1995). Vectors lie
in the last dimension, hd.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-8
"""Keeps the inverse of a key finite in bins that it hardly has."""

LEAST_NORM = 1e-12


def convolve(a: Tensor, b: Tensor) -> Tensor:
    """Circular convolution [..., hd]: Re IFFT(FFT(a) FFT(b)); Plate 1995, section II."""
    return torch.fft.irfft(torch.fft.rfft(a) * torch.fft.rfft(b), n=a.shape[-1])


def bind(items: Tensor, keys: Tensor) -> Tensor:
    """A sequence as one vector [..., hd]: the sum of items [..., S, hd] bound to keys [S, hd].

    The sum is taken of spectra, so one inverse transform is enough.
    """
    spectrum = (torch.fft.rfft(items) * torch.fft.rfft(keys)).sum(-2)
    return torch.fft.irfft(spectrum, n=items.shape[-1])


def unbind(bundle: Tensor, keys: Tensor) -> Tensor:
    """What each key [S, hd] finds in a bundle [..., hd]: [..., S, hd].

    Re IFFT(FFT(x) conj(K) / (|K|^2 + eps)), K = FFT(key). With a unitary key this is the exact
    inverse of binding, and what other positions add is spread evenly over all bins. With a
    gaussian key the bins that it hardly has blow up what other positions add.
    """
    spectra = torch.fft.rfft(keys)
    inverse = spectra.conj() / (spectra.abs().square() + EPSILON)
    return torch.fft.irfft(torch.fft.rfft(bundle).unsqueeze(-2) * inverse, n=bundle.shape[-1])


def unitary(keys: Tensor) -> Tensor:
    """Keys [..., hd] with the same phases, and magnitude 1 in every bin: Re IFFT(F / |F|)."""
    spectra = torch.fft.rfft(keys)
    return torch.fft.irfft(spectra / spectra.abs().clamp_min(EPSILON), n=keys.shape[-1])


def spread(x: Tensor, steps: int) -> Tensor:
    """`steps` times x <- x/2 + (roll(x, 1) + roll(x, -1))/4 along the last dimension.

    The old code's "continuous-time quantum walk"; a low-pass filter with the response
    ((1 + cos w)/2)^steps, which is 0 in the highest bin.
    """
    for _ in range(steps):
        x = x / 2 + (x.roll(1, -1) + x.roll(-1, -1)) / 4
    return x


def found(bundle: Tensor, keys: Tensor) -> Tensor:
    """What each key [S, hd] finds in bundles [B, hd], of length 1: [B, S, hd].

    Unitary keys find vectors of length 1 anyway; gaussian ones of any length.
    """
    return functional.normalize(unbind(bundle, keys), dim=-1, eps=LEAST_NORM)


def clean_up(bundle: Tensor, keys: Tensor, base: Tensor) -> Tensor:
    """The id at each position [B, S]: that of the base vector [V, hd] most alike.

    argmax_v u_s E_v / |E_v|, the item memory of Plate 1995, section III. It gives the ids that
    were bound where hd is large enough for S: 64 S with unitary keys and some 500 ids.
    """
    items = functional.normalize(base, dim=-1, eps=LEAST_NORM)
    return (found(bundle, keys) @ items.T).argmax(-1)
