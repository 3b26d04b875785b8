"""What a model is worth, and what exactly each number means.

Three things were called coverage, two richness, three the distance correlation, and each of
them with drawn latents or with means. So no number is stored without the id of its definition:
`{"coverage": 1.0, "definitions": {"coverage": "cov_mu"}}`. An id is a key of `DEFINITIONS`,
then qualifiers after slashes: `richness/hyperbolic/mean`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from .geometry import Curvature, distance, distance_to_origin
from .models import AnyModel, AppetitiveVAE, DualVAE, ProjectedVAE
from .operations import (
    LEVELS,
    TRITS,
    N,
    all_trits,
    all_valuations,
    index,
    level_counts,
    pair_valuation,
)

Unit = Literal["hyperbolic", "euclidean"]

DEFINITIONS = {
    "cov_mu": "share of the 19,683 operations that decoder A gives back whole from A's mean",
    "cov_mu_B": "the same through encoder and decoder B",
    "cov_logits": "the same for the logits that the model itself gives",
    "cov_prior": "share that occurs among classes drawn from decoded draws of N(0, 1)",
    "hierarchy": "Spearman correlation of valuation and radius over all operations",
    "hierarchy_norm": "the same with the Euclidean norm of the latent, before any projection",
    "richness": "mean over the ten levels of the population variance of radii in a level",
    "richness_ratio": "richness over the richness before training",
    "level_radius": "mean radius of the level",
    "dist_corr_radii": "Spearman of |r_i - r_j| and |v_i - v_j| over pairs of 1,000 operations",
    "dist_corr_points": "the same with Euclidean distances between points on the ball",
    "dist_corr_geodesic": "Pearson of geodesic and target distance over 2,000 pairs, as in 5.11",
    "Q_radii": "dist_corr_radii + 1.5 |hierarchy|",
    "Q_points": "dist_corr_points + 1.5 |hierarchy|",
    "composite": "-hierarchy of A - 0.5 training loss, as in 5.11",
}
QUALIFIERS = {
    "mean": "of the encoder's means",
    "sampled": "of drawn latents",
    "hyperbolic": "radius is the distance to the origin",
    "euclidean": "radius is the Euclidean norm",
}
"""Of an id; a number is how many draws were made."""


def is_known(definition: str) -> bool:
    """Whether an id means something."""
    base, *rest = definition.split("/")
    return base in DEFINITIONS and all(part in QUALIFIERS or part.isdigit() for part in rest)


@dataclass
class Metrics:
    """Numbers by name, and for each the id of its definition."""

    values: dict[str, float] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, definition: str, value: float | Tensor) -> None:
        """Keep a number.

        Raises:
            ValueError: there is no such definition.
        """
        if not is_known(definition):
            raise ValueError(f"{definition} is no definition of a metric ({name})")
        self.values[name] = float(value)
        self.definitions[name] = definition

    def value(self, name: str, definition: str) -> float:
        """A number, if it is what is meant.

        Raises:
            KeyError: there is none of that name.
            ValueError: it has another definition.
        """
        if self.definitions[name] != definition:
            raise ValueError(f"{name} is {self.definitions[name]} here, not {definition}")
        return self.values[name]

    def record(self) -> dict[str, Any]:
        """As it is stored; what is no number (a correlation of constants) is null."""
        numbers = {k: v if math.isfinite(v) else None for k, v in self.values.items()}
        return {**numbers, "definitions": dict(self.definitions)}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Metrics:
        """Read what `record` gave.

        Raises:
            ValueError: a number lacks a definition, or has one that is not known.
        """
        found = cls()
        definitions = record.get("definitions", {})
        for name, value in record.items():
            if name == "definitions":
                continue
            if name not in definitions:
                raise ValueError(f"{name} is stored without a definition")
            found.put(name, definitions[name], math.nan if value is None else value)
        return found


def _correlates(x: Tensor, y: Tensor) -> bool:
    """Whether a correlation exists: all values finite, and neither side constant."""
    sides = (x, y)
    return all(len(one) > 1 and one.isfinite().all() and (one != one[0]).any() for one in sides)


def pearson(x: Tensor, y: Tensor) -> float:
    """Pearson correlation of [n] and [n]; nan where one of them is constant or not finite."""
    from scipy.stats import pearsonr

    if not _correlates(x, y):
        return math.nan
    return float(pearsonr(x.double().cpu().numpy(), y.double().cpu().numpy()).statistic)


def spearman(x: Tensor, y: Tensor) -> float:
    """Spearman's rho: Pearson's correlation of average ranks (Kendall, Gibbons 1990, chapter 3).

    nan where one of [n] and [n] is constant or not finite. It does not depend on how many
    threads numpy has, as pearsonr's last bit does; a resumed run is compared bit for bit.
    """
    from scipy.stats import spearmanr

    if not _correlates(x, y):
        return math.nan
    return float(spearmanr(x.cpu().numpy(), y.cpu().numpy()).statistic)


def hierarchy_ceiling() -> float:
    """The strongest hierarchy without equal radii: -sqrt(1 - sum(t^3 - t) / (N^3 - N)).

    t are the ten level sizes, which tie the valuations (Kendall, Gibbons 1990, chapter 3).
    With equal radii inside each level the hierarchy reaches -1 instead.
    """
    tied = sum(t**3 - t for t in level_counts().tolist())
    return -math.sqrt(1 - tied / (N**3 - N))


def level_means(radii: Tensor, valuations: Tensor) -> Tensor:
    """Mean radius of each level: float64 [10] of [n] and [n]; nan for a level without members."""
    counts = torch.bincount(valuations, minlength=LEVELS)
    return torch.bincount(valuations, radii.double(), minlength=LEVELS) / counts


def level_variances(radii: Tensor, valuations: Tensor) -> Tensor:
    """Population variance of the radii in each level: float64 [10]; 0 for fewer than two."""
    off = radii.double() - level_means(radii, valuations)[valuations]
    counts = torch.bincount(valuations, minlength=LEVELS).clamp_min(1)
    return torch.bincount(valuations, off.square(), minlength=LEVELS) / counts


def richness(radii: Tensor, valuations: Tensor) -> float:
    """A tenth of the sum of the levels' variances; level 9 has one member and adds nothing."""
    return float(level_variances(radii, valuations).sum()) / LEVELS


def quality(correlation: float, hierarchy: float) -> float:
    """Q = distance correlation + 1.5 |hierarchy|, as defined in 5.11."""
    return correlation + 1.5 * abs(hierarchy)


def composite(hierarchy_a: float, train_loss: float) -> float:
    """The score by which 5.11 chose its best file; a curriculum that grows the loss lowers it."""
    return -hierarchy_a - 0.5 * train_loss


def richness_ratio(after: float, before: float) -> float:
    """Richness over that of the fresh projection, as in 5.12; both of one definition."""
    return after / (before + 1e-10)


def recovered(logits: Tensor, rows: Tensor) -> float:
    """The share of trits [n, 9] whose most likely classes, of logits [n, 9, 3], are all right."""
    return float(((logits.argmax(-1) - 1) == rows.long()).all(-1).double().mean())


def _of_all_pairs(points: Tensor, count: int, generator: torch.Generator) -> float:
    """Spearman of |x_i - x_j| and |v_i - v_j| over all pairs of some operations.

    Args:
        points: [19683, D], of all operations.
        count: operations that are drawn.
    """
    chosen = torch.randperm(N, generator=generator)[:count].to(points.device)
    levels = all_valuations(points.device)[chosen].to(points.dtype)
    return spearman(nn.functional.pdist(points[chosen]), nn.functional.pdist(levels.unsqueeze(1)))


def dist_corr_radii(radii: Tensor, count: int, generator: torch.Generator) -> float:
    """`DEFINITIONS["dist_corr_radii"]` for the radii [19683] of all operations."""
    return _of_all_pairs(radii.unsqueeze(1), count, generator)


def dist_corr_points(points: Tensor, count: int, generator: torch.Generator) -> float:
    """`DEFINITIONS["dist_corr_points"]` for the points [19683, D] of all operations."""
    return _of_all_pairs(points, count, generator)


def dist_corr_geodesic(
    points: Tensor, generator: torch.Generator, c: Curvature = 1.0, count: int = 2000
) -> float:
    """Pearson's correlation of geodesic distance and 3 exp(-v(|i-j|) / 3), as in 5.11."""
    i, j = torch.randint(N, (2, count), generator=generator).to(points.device)
    i, j = i[i != j], j[i != j]
    target = 3 * torch.exp(-pair_valuation(i, j).double() / 3)
    return pearson(distance(points[i], points[j], c), target)


@torch.no_grad()
def coverage_of_prior(
    decode: nn.Module, latent: int, draws: int, generator: torch.Generator, part: int = 16384
) -> float:
    """The share of operations that draws from the prior hit, as 5.5 to 5.10 counted coverage.

    It says little: at 195,000 draws uniformly random trits hit 1 - exp(-195000/19683) = 99.995 %.

    Args:
        decode: latents [n, D] to logits [n, 9, 3].
    """
    seen = torch.zeros(N, dtype=torch.bool)
    place = next((parameter.device for parameter in decode.parameters()), torch.device("cpu"))
    for begin in range(0, draws, part):
        z = torch.randn(min(part, draws - begin), latent, generator=generator)
        shares = decode(z.to(place)).softmax(-1).reshape(-1, 3).cpu()
        drawn = torch.multinomial(shares, 1, generator=generator)
        seen[index(drawn.view(-1, TRITS) - 1)] = True
    return float(seen.double().mean())


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Without dropout and without gradients, and afterwards as it was before."""
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was)


class _Asked(NamedTuple):
    """What `measure` was asked for."""

    sample: bool
    unit: Unit
    pairs: int
    seed: int


def measure(
    model: AnyModel,
    *,
    sample: bool = False,
    unit: Unit = "hyperbolic",
    pairs: int = 1000,
    seed: int = 0,
    prior_draws: int = 0,
) -> Metrics:
    """All metrics of a model of any generation, over all 19,683 operations.

    Args:
        model: on one device; not wrapped.
        sample: draw latents, as the old evaluations did, instead of taking means.
        unit: of radii; the correlation of radii and its Q are Euclidean, as they always were.
        pairs: operations whose pairs a distance correlation is taken over; 0 leaves them out.
        seed: of everything that is drawn here.
        prior_draws: for dual VAEs, draws of `cov_prior`; 0 leaves it out.
    """
    if isinstance(model, AppetitiveVAE):
        model = model.base
    rows = all_trits(next(model.parameters()).device)
    found = Metrics()
    with evaluating(model):
        latents = model.encode(rows)
        found.put("coverage", "cov_mu", recovered(model.decode_A(latents.mu_A), rows))
        if isinstance(model, ProjectedVAE):
            _of_ball(found, model, rows, _Asked(sample, unit, pairs, seed))
            return found
        for side, mu in (("A", latents.mu_A), ("B", latents.mu_B)):
            hierarchy = spearman(all_valuations(), mu.double().cpu().norm(dim=-1))
            found.put(f"hierarchy_norm_{side}", "hierarchy_norm/mean", hierarchy)
        if isinstance(model, DualVAE):
            decoded = model.decoder_B(latents.mu_B)
            found.put("coverage_B", "cov_mu_B", recovered(decoded, rows))
            _of_prior(found, model, prior_draws, seed)
    return found


def _of_ball(found: Metrics, model: ProjectedVAE, rows: Tensor, asked: _Asked) -> None:
    drawing = torch.Generator(rows.device).manual_seed(asked.seed)
    out = model(rows, sample=asked.sample, generator=drawing)
    kind = "sampled" if asked.sample else "mean"
    found.put("coverage_logits", f"cov_logits/{kind}", recovered(out.logits_A, rows))
    generator = torch.Generator().manual_seed(asked.seed)
    curvatures = float(model.curvature("A")), float(model.curvature("B"))
    for side, points, c in zip("AB", (out.z_A_hyp, out.z_B_hyp), curvatures, strict=True):
        # On the CPU in float64, so that equal points give equal numbers on any device.
        points = points.double().cpu()
        radii = points.norm(dim=-1)
        if asked.unit == "hyperbolic":
            radii = distance_to_origin(points, c)
        _of_radii(found, side, radii, asked.unit, kind)
        if asked.pairs:
            _of_pairs(found, side, points, asked.pairs, generator, kind)


def _of_radii(found: Metrics, side: str, radii: Tensor, unit: Unit, kind: str) -> None:
    levels = all_valuations(radii.device)
    found.put(f"hierarchy_{side}", f"hierarchy/{kind}", spearman(levels, radii))
    found.put(f"richness_{side}", f"richness/{unit}/{kind}", richness(radii, levels))
    means = level_means(radii, levels)
    for level in (0, LEVELS - 1):
        found.put(f"r_v{level}_{side}", f"level_radius/{unit}/{kind}", means[level])


def _of_pairs(
    found: Metrics, side: str, points: Tensor, pairs: int, generator: torch.Generator, kind: str
) -> None:
    """The comprehensive correlation and Q of either side; the quick ones of B only."""
    hierarchy = found.values[f"hierarchy_{side}"]
    correlation = dist_corr_points(points, pairs, generator)
    found.put(f"dist_corr_{side}", f"dist_corr_points/{kind}", correlation)
    found.put(f"Q_{side}", f"Q_points/{kind}", quality(correlation, hierarchy))
    if side == "B":
        correlation = dist_corr_radii(points.norm(dim=-1), pairs, generator)
        found.put("dist_corr", f"dist_corr_radii/euclidean/{kind}", correlation)
        found.put("Q", f"Q_radii/euclidean/{kind}", quality(correlation, hierarchy))


def _of_prior(found: Metrics, model: DualVAE, draws: int, seed: int) -> None:
    if not draws:
        return
    generator = torch.Generator().manual_seed(seed)
    for side, decoder in (("A", model.decoder_A), ("B", model.decoder_B)):
        share = coverage_of_prior(decoder, model.latent, draws, generator)
        found.put(f"coverage_prior_{side}", f"cov_prior/{draws}", share)
