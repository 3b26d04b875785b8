"""Runs that are small enough to be made hundreds of times, and what tells them apart."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from cfgmig.project import find_project
from examples.common.flow import Validated
from examples.common.ranks import Ranks
from examples.ternary_vae import evaluating, loop, showing
from examples.ternary_vae import run as run_module
from examples.ternary_vae.flow import Ready
from examples.ternary_vae.metrics import Metrics
from examples.ternary_vae.models import ProjectedVAE, build
from examples.ternary_vae.run import Options, Run, assemble, points_before
from examples.ternary_vae.saving import trains
from examples.ternary_vae.stepping import Averages, set_rates, train_epoch
from schemas.ternary_vae.v5_12_5 import Config

CPU = Ranks(0, 1, torch.device("cpu"))
BASE: dict[str, Any] = {
    "model": {
        "name": "TernaryVAEV5_11_PartialFreeze",
        "latent_dim": 16,
        "hidden_dim": 8,
        "max_radius": 0.95,
        "curvature": 1.0,
        "use_dual_projection": True,
    },
    "option_c": {"enabled": True},
    "homeostasis": {"enabled": False},
    "loss": {
        "rich_hierarchy": {},
        "radial": {"inner_radius": 0.1, "outer_radius": 0.9},
        "geodesic": {"n_pairs": 50},
        "rank": {"enabled": True, "n_pairs": 50},
    },
    "training": {"epochs": 4, "batch_size": 64},
    "data": {"use_full_dataset": False, "n_operations": 500},
    "checkpoints": {"save_dir": "here"},
}


def config(changes: Mapping[str, Any]) -> Config:
    """The base config with some values changed, by dotted path."""
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *above, key = path.split(".")
        section = data
        for name in above:
            section = section.setdefault(name, {})
        section[key] = value
    return Config.model_validate(data)


def assembled(changes: Mapping[str, Any], **options: Any) -> Run:
    """A run on random weights; the same ones each time."""
    wanted = config(changes)
    torch.manual_seed(0)
    model = build(wanted.model)
    settings: dict[str, Any] = {"seed": 1, "steps": 2, "live": False}
    with patch.object(run_module, "points_before", _points_before):
        return assemble(wanted, Options(**{**settings, **options}), CPU, model)


_POINTS: dict[str, torch.Tensor] = {}


def _points_before(model: ProjectedVAE, rows: torch.Tensor) -> torch.Tensor:
    """The same weights give the same points; computing them again is most of a small run."""
    key = repr(model.architecture)
    if key not in _POINTS:
        _POINTS[key] = points_before(model, rows)
    return _POINTS[key]


def digest(run: Run) -> str:
    """Names and bits of all of the model's tensors."""
    whole = sha256()
    for name, value in run.model.state_dict().items():
        whole.update(name.encode() + value.numpy().tobytes())
    return whole.hexdigest()


def trained(changes: Mapping[str, Any], epochs: int = 1, **options: Any) -> dict[str, Any]:
    """What some steps make of a run."""
    calls: list[Any] = []
    from examples.common import recompute

    original = recompute.torch_checkpoint.checkpoint

    def spy(function: Any, *args: Any, **settings: Any) -> Any:
        calls.append(sorted(settings.items()))
        return original(function, *args, **settings)

    def compiling(model: Any, **settings: Any) -> Any:
        calls.append(sorted(settings.items()))
        return model

    with (
        patch.object(recompute.torch_checkpoint, "checkpoint", spy),
        patch.object(torch, "compile", compiling),
    ):
        run = assembled(changes, **options)
        averages = [train_epoch(run, epoch) for epoch in range(epochs)]
    return {
        "state": digest(run),
        "losses": [one.loss for one in averages],
        "parts": [one.parts for one in averages],
        "rates": [one.rates for one in averages],
        "later": [run.schedule(epoch) for epoch in range(run.config.training.epochs)],
        "scaling": run.precision.state_dict(),
        "calls": calls,
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "steps": len(run.sampler),
    }


_DEFINED = {
    "coverage": "cov_mu",
    "hierarchy_A": "hierarchy/mean",
    "hierarchy_B": "hierarchy/mean",
    "richness_A": "richness/hyperbolic/mean",
    "richness_B": "richness/hyperbolic/mean",
    "r_v0_B": "level_radius/hyperbolic/mean",
    "r_v9_B": "level_radius/hyperbolic/mean",
    "dist_corr": "dist_corr_radii/euclidean/mean",
    "Q": "Q_radii/euclidean/mean",
}
_USUAL = {
    "coverage": 1.0,
    "hierarchy_A": -0.5,
    "hierarchy_B": -0.6,
    "richness_A": 0.01,
    "richness_B": 0.004,
    "r_v0_B": 0.9,
    "r_v9_B": 0.1,
    "dist_corr": 0.5,
    "Q": 1.4,
    "loss": 1.0,
}


def metrics(values: Mapping[str, float]) -> Metrics:
    """What an evaluation might have found."""
    found = Metrics()
    for name, definition in _DEFINED.items():
        found.put(name, definition, values.get(name, _USUAL[name]))
    return found


def course(**lists: Sequence[float]) -> list[dict[str, float]]:
    """Evaluations one after the other; values that are not named stay as usual."""
    count = max(len(values) for values in lists.values())
    return [
        {**_USUAL, **{name: values[min(at, len(values) - 1)] for name, values in lists.items()}}
        for at in range(count)
    ]


def judged(
    changes: Mapping[str, Any], evaluations: Sequence[Mapping[str, float]], **options: Any
) -> dict[str, Any]:
    """What a run's controllers make of a course of evaluations, without any training."""
    run = assembled(changes, **options)
    run.richness_before = 0.004
    seen: list[Any] = []
    for epoch, values in enumerate(evaluations):
        rates = set_rates(run, epoch)
        with patch.object(evaluating, "evaluate", lambda _, values=values: metrics(values)):
            found = evaluating.judge(run, epoch, Averages(1, values["loss"], 0.0, {}, rates))
        factors = run.adaptive_loss.factors(epoch) if run.adaptive_loss else {}
        tau = run.curriculum.tau(epoch) if run.curriculum else None
        seen.append((rates, found.alerts, found.is_best, found.is_over, factors, tau, trains(run)))
        if found.is_over:
            break
    targets = evaluating.reached(run, found.values)
    return json.loads(json.dumps({"seen": seen, "targets": targets}))


def written(changes: Mapping[str, Any], folder: Path, **options: Any) -> dict[str, Any]:
    """What a whole run of two epochs leaves behind and says, with made-up evaluations."""
    wanted = config({"training.epochs": 2, **changes})
    torch.manual_seed(0)
    ready = Ready(
        wanted,
        Validated(wanted, "ternary_vae", "5.12.5", find_project(Path(__file__).parent)),
        build(wanted.model),
        None,
        1.0,
    )
    lines: list[str] = []
    place = loop.places(ready, Options())
    chosen = Options(**{"seed": 1, "steps": 1, "live": False, "out": folder, **options})
    with (
        patch.object(loop, "evaluate", lambda _: metrics(_USUAL)),
        patch.object(run_module, "points_before", _points_before),
        patch.object(showing, "picture", lambda *_: torch.zeros(2, 2, 3, dtype=torch.uint8)),
    ):
        run = loop.start(ready, chosen, CPU, lines.append)
        with patch.object(evaluating, "evaluate", lambda _: metrics(_USUAL)):
            outcome = loop.train(run, ready, lines.append, "config")
    files = sorted(one.name.partition(".tfevents")[0] for one in folder.rglob("*") if one.is_file())
    entries = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {
        "files": files,
        "lines": lines,
        "epochs": outcome.epochs,
        "places": [str(one) for one in place],
        "start": {key: entries[0].get(key) for key in ("label", "optimizer")},
        "phases": [one.get("phase") for one in entries],
        "measured": sum("metrics" in one for one in entries),
        "targets": entries[-1]["targets"],
    }
