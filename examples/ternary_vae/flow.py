"""From a config to a run that may start: validate, weigh, build, load, and measure coverage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from examples.common import flow
from examples.common.flow import Say, Source, Stop, Validated

from .metrics import evaluating, recovered
from .models import ProjectedVAE, build, read_state
from .operations import all_trits

if TYPE_CHECKING:
    from schemas.ternary_vae.v5_12_5 import Config

LEAST = 0.05
"""Coverage below which a run does not start: nothing was loaded, or weights that know nothing."""
GOOD = 0.95


class Ready(NamedTuple):
    """A config, the model with its weights in it, where they come from, and what they cover."""

    config: Config
    validated: Validated
    model: ProjectedVAE
    source: Source | None
    coverage: float


def prepare(
    path: Path, say: Say, *, seed: int, epochs: int | None = None, anyway: bool = False
) -> Ready:
    """All that comes before the first step.

    Args:
        path: the config, of any version that cfgmig upgrades to the head.
        say: takes what there is to tell.
        seed: of the parts that start afresh.
        epochs: instead of those of the config.
        anyway: go on in spite of errors, and of a coverage that is too low.

    Raises:
        Stop: the config has errors, its checkpoint does not load, or reconstructs nothing.
        cfgmig.CfgmigError: a file cannot be read, or is refused.
    """
    from schemas.ternary_vae.v5_12_5 import Config

    validated = flow.validate(path, Config, say, anyway=anyway)
    config: Config = validated.config  # type: ignore[assignment]
    if epochs is not None:
        training = config.training.model_copy(update={"epochs": epochs})
        config = config.model_copy(update={"training": training})
    source = _weigh(path, config, validated, say, anyway=anyway)
    torch.manual_seed(seed)
    model = build(config.model)
    if source is not None:
        load_parts(model, source)
    coverage = coverage_of(model)
    say(f"initial coverage {coverage:.4%} ({_said(coverage)})")
    if coverage < LEAST and not anyway:
        raise Stop(
            f"initial coverage is {coverage:.4%}, below {LEAST:.0%}: these weights reconstruct "
            "nothing, and the frozen parts never will\n"
            f"  help: find others with `{flow.compatible(path)}`"
        )
    return Ready(config, validated, model, source, coverage)


def _said(coverage: float) -> str:
    if coverage >= GOOD:
        return "as it should be"
    return "low" if coverage >= LEAST else "critical"


def _weigh(
    path: Path, config: Config, validated: Validated, say: Say, *, anyway: bool
) -> Source | None:
    frozen = config.frozen_checkpoint
    if frozen is None or frozen.path is None:
        if not anyway:
            raise Stop(
                "no checkpoint is named; encoders and decoder would stay random\n"
                f"  help: find one with `{flow.compatible(path)}`"
            )
        say("no checkpoint is named: encoders and decoder stay random")
        return None
    file = flow.find(frozen.path, path, validated.project.root)
    return flow.weigh(file, config.model_dump(mode="json"), validated, say)


def load_parts(model: ProjectedVAE, source: Source) -> None:
    """Load the components that the config asks for, and nothing else.

    Raises:
        Stop: tensors of such a component are missing or do not fit, in spite of the count.
    """
    tensors, _ = read_state(source.path)
    needed = [one.component for one in source.weighed.counts if one.needed]
    own = model.state_dict()
    wanted = [name for name in own if name.partition(".")[0] in needed]
    missing = [name for name in wanted if name not in tensors]
    if missing or not wanted:
        raise Stop(f"{source.path} lacks {missing[0] if missing else 'what is asked for'}", 3)
    model.load_state_dict({**own, **{name: tensors[name] for name in wanted}}, strict=True)


@torch.no_grad()
def coverage_of(model: ProjectedVAE) -> float:
    """`cov_mu`: the share of operations that come back whole from A's means."""
    rows = all_trits(next(model.parameters()).device)
    with evaluating(model):
        return recovered(model.decode_A(model.encode(rows).mu_A), rows)
