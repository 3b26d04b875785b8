"""The trainer of 5.5: two coupled VAEs from scratch, as its configs describe the run.

`train` hands configs of 5.5 to it. Its best file is the one with the lowest validation loss, as
it was then: a KL warm-up makes that loss rise, so best is an early file and latest the good one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.common.checkpoints import save_state, stopped, write
from examples.common.flow import Stop, interrupted, keep_earlier_run
from examples.common.flow import validate as checked
from examples.common.journal import Journal
from examples.common.live import number
from examples.common.ranks import world_size

from .dual_run import VERSION, DualRun, Plan, begin, count_coverage, train_epoch, validate
from .metrics import measure
from .operations import all_trits

VERSIONS = ("5.5.0", "5.5.1", VERSION)
"""Those that this trainer reads; older ones are upgraded in memory."""
STATE = "latest.resume"


def run(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    """What `train` does with a config of 5.5.

    Raises:
        Stop: the config has errors, an option is not for 5.5, there is nothing to resume, or a
            run that could be continued would be written over.
    """
    from schemas.ternary_vae.v5_5_2 import Config

    _refuse_what_it_lacks(args)
    validated = checked(args.config, Config, say, anyway=args.anyway)
    config: Config = validated.config  # type: ignore[assignment]
    if args.validate_only:
        return 0
    folder = args.out or validated.project.root / config.checkpoint_dir
    try:
        started = begin(config, args.seed)
    except ValueError as error:
        raise Stop(f"{args.config}: {error}", 2) from error
    if not args.resume:
        keep_earlier_run(folder / STATE, overwrite=args.overwrite)
    try:
        train(started, folder, say, until=args.epochs, resume=args.resume)
    except KeyboardInterrupt as error:
        raise interrupted(folder / STATE) from error
    return 0


def _refuse_what_it_lacks(args: argparse.Namespace) -> None:
    """An option that did nothing would be a promise that is not kept."""
    for name in ("steps", "stop_on_drop", "unfreeze"):
        if getattr(args, name) is not None:
            option = name.replace("_", "-")
            raise Stop(f"--{option} is for configs of 5.11 and later, not for {args.config}", 2)
    if world_size() > 1:
        raise Stop("5.5 trains in one process; start it without `torchrun`", 2)


def train(
    run: DualRun,
    folder: Path,
    say: Callable[[str], None],
    *,
    until: int | None = None,
    resume: bool = False,
) -> None:
    """Train to the end, to the early stop, or `until` so many epochs are done.

    Raises:
        Stop: there is nothing to resume, or the run has diverged.
    """
    rows, journal, c = all_trits(), Journal(folder / "metrics.jsonl"), run.config
    state = folder / STATE
    if resume:
        run.restore(stopped(state))
        journal.rewind(run.epoch - 1)
    else:
        journal.restart()
        journal.write({"event": "start", "seed": run.seed, "schema": f"ternary_vae/{VERSION}"})
    while run.epoch < min(c.total_epochs, until or c.total_epochs) and run.waited < c.patience:
        began = time.perf_counter()
        mean, now, lambda3 = train_epoch(run, rows)
        val = validate(run, rows, now, lambda3)
        if run.epoch % c.coverage_check_interval == 0:
            count_coverage(run)
        if c.model.adaptive_scheduling:
            run.lambdas.update(run.balance.ratio, *run.prior)
        run.epoch += 1
        entry = _entry(run, mean, val, now, time.perf_counter() - began)
        journal.write(entry)
        run.waited = 0 if val < run.best else run.waited + 1
        if val < run.best:
            run.best = val
            _save(run, folder / "best.safetensors", entry)
        if run.epoch % c.checkpoint_freq == 0:
            _save(run, folder / f"epoch_{run.epoch}.safetensors", entry)
        _save(run, folder / "latest.safetensors", entry)
        save_state(state, run.state())
        if run.epoch % c.log_interval == 0:
            found = entry["metrics"]
            say(
                f"epoch {run.epoch - 1:>3}  loss {mean:.4f}  val {val:.4f}  "
                f"coverage {number(found['coverage'])}  B {number(found['coverage_B'])}"
            )


def _entry(run: DualRun, loss: float, val: float, now: Plan, seconds: float) -> dict[str, Any]:
    metrics = measure(run.model, seed=run.seed)
    for side, share in zip("AB", run.prior, strict=True):
        definition = f"cov_prior/{run.config.eval_num_samples}"
        metrics.put(f"coverage_prior_{side}", definition, share)
    return {
        "epoch": run.epoch - 1,
        "loss": loss,
        "val_loss": val,
        "betas": list(now.betas),
        "rho": now.rho,
        "temperatures": list(now.temperatures),
        "lambdas": [run.lambdas.lambda1, run.lambdas.lambda2, now.lambda3],
        "rates": {"all": run.optimizer.param_groups[0]["lr"]},
        "metrics": metrics.record(),
        "seconds": round(seconds, 3),
    }


def _save(run: DualRun, path: Path, entry: dict[str, Any]) -> None:
    run.model.get_buffer("grad_norm_A_ema").fill_(run.balance.ema_a)
    run.model.get_buffer("grad_norm_B_ema").fill_(run.balance.ema_b)
    metadata = {
        "epoch": run.epoch - 1,
        "metrics": entry["metrics"],
        "val_loss": entry["val_loss"],
        "config": {
            "schema_version": f"ternary_vae/{VERSION}",
            **run.config.model_dump(mode="json"),
        },
        "cfgmig": {"family": "ternary_vae", "version": VERSION},
        "provenance": {"made_by": "examples.ternary_vae.train", "seed": run.seed},
    }
    write(path, run.model.state_dict(), metadata)
