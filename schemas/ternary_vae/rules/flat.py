"""TV601-TV608: the flat files of 5.5 to 5.10, whose settings stand at the top level."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from .read import fmt, number, setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

OPERATIONS = 19_683
SPLITS = ("train_split", "val_split", "test_split")
PERCENTAGES = (
    "target_coverage_percent",
    "target_recon_accuracy",
    "continuous_feedback.coverage_threshold",
)
COVERAGES = PERCENTAGES[0], PERCENTAGES[2]
"""Settings in percent, and those of them that are compared with the sampled coverage."""

LAST = "5.10.1"


@rule(
    code="TV601",
    name="splits-sum",
    severity="error",
    summary="train_split, val_split and test_split do not sum to 1.",
    explanation="""
    The three are shares of the 19,683 operations: less than 1 leaves operations out that no
    figure mentions, more than 1 asks for operations that do not exist. The old schema wanted a sum
    of 1 within 0.001 and stopped the run otherwise.
    """,
    until=LAST,
    valid=(
        Example("train_split: 0.8\nval_split: 0.1\ntest_split: 0.1\n", version="5.5.0"),
        Example("train_split: 0.8\n", version="5.5.0"),
    ),
    invalid=(Example("train_split: 0.8\nval_split: 0.2\ntest_split: 0.1\n", version="5.5.0"),),
)
def splits_sum(config: Config) -> Iterator[Problem]:
    shares = [number(config, path) for path in SPLITS]
    total = sum(share for share in shares if share is not None)
    if None not in shares and abs(total - 1) > 0.001:
        yield Problem(
            SPLITS[0],
            f"the three splits sum to {fmt(float(total))}, not 1",
            "usual: `train_split: 0.8`, `val_split: 0.1`, `test_split: 0.1`",
        )


@rule(
    code="TV602",
    name="rho-order",
    severity="error",
    summary="model.rho_min is not below model.rho_max.",
    explanation="""
    rho is the share of the other encoder's latent that a decoder gets. It rises from rho_min (0.1)
    over 0.3 to rho_max (0.7) in four phases; needed is 0 <= rho_min < rho_max <= 1.
    """,
    until=LAST,
    valid=(Example("model:\n  rho_min: 0.1\n  rho_max: 0.7\n", version="5.5.0"),),
    invalid=(Example("model:\n  rho_min: 0.7\n  rho_max: 0.1\n", version="5.5.0"),),
)
def rho_order(config: Config) -> Iterator[Problem]:
    low, high = number(config, "model.rho_min"), number(config, "model.rho_max")
    if low is not None and high is not None and low >= high:
        yield Problem(
            "model.rho_min",
            f"rho_min {fmt(low)} is not below rho_max {fmt(high)}",
            "usual: `model.rho_min: 0.1`, `model.rho_max: 0.7`",
        )


@rule(
    code="TV603",
    name="fraction-in-percent",
    severity="error",
    summary="A fraction is written where these versions mean percent.",
    explanation="""
    Up to 5.10 coverage and accuracy are in percent: 99.7, not 0.997. A target of 0.997 percent is
    met by the first evaluation, and a coverage_threshold of 0.92 puts the ranking weight at
    its full value from the start. From 5.11 on it is the other way round (TV205). The fix multiplies by
    100.
    """,
    until=LAST,
    valid=(Example("target_coverage_percent: 99.7\n", version="5.5.0"),),
    invalid=(
        Example(
            "target_coverage_percent: 0.997\n",
            version="5.5.0",
            fixed="target_coverage_percent: 99.7\n",
        ),
        Example("continuous_feedback:\n  coverage_threshold: 0.92\n", version="5.9.0"),
    ),
)
def fraction_in_percent(config: Config) -> Iterator[Problem]:
    for path in PERCENTAGES:
        value = number(config, path)
        if value is not None and 0 < value <= 1:
            percent = round(value * 100, 10)
            yield Problem(
                path,
                f"{fmt(value)} is read as {fmt(value)} %; up to 5.10 coverage is in percent",
                f"set `{path}: {percent}`",
                setting(path, percent),
            )


@rule(
    code="TV604",
    name="log-interval-unit",
    severity="info",
    summary="log_interval does not fit the unit that it has in this version.",
    explanation="""
    Up to 5.10.0 log_interval counts epochs, in 5.10.1 batches (62 per epoch at a batch size of 256
    and the usual split of 0.8), from 5.11 on, as logging.print_every, epochs again. A 1 that was copied into 5.10.1 prints a line per batch; a 20
    copied back prints every 20 epochs, or never in a short run.
    """,
    until=LAST,
    valid=(
        Example("log_interval: 1\ntotal_epochs: 300\n", version="5.5.0"),
        Example("log_interval: 20\ntotal_epochs: 300\n", version="5.10.1"),
    ),
    invalid=(
        Example("log_interval: 1\ntotal_epochs: 300\n", version="5.10.1"),
        Example("log_interval: 20\ntotal_epochs: 300\n", version="5.10.0"),
    ),
)
def log_interval(config: Config) -> Iterator[Problem]:
    every = number(config, "log_interval")
    if every is None:
        return
    if config.version == LAST and every < 5:
        yield Problem(
            "log_interval",
            f"log_interval counts batches since 5.10.1: a line every {fmt(every)} of 62 per epoch",
            "set `log_interval: 62` for about one line per epoch",
        )
    elif config.version != LAST and every >= 20:
        yield Problem(
            "log_interval",
            f"log_interval counts epochs up to 5.10.0: a line every {fmt(every)} epochs",
            "set `log_interval: 1` for a line per epoch",
        )


@rule(
    code="TV605",
    name="after-the-last-epoch",
    severity="warning",
    summary="A phase or a learning rate is set for an epoch after the last one.",
    explanation="""
    total_epochs was shortened and the schedule was not: the last phase and the low learning rates
    never come. Of phase_transitions only ultra_exploration_start is read, so only that is looked
    at, together with the steps of optimizer.lr_schedule. Epochs count from 0.
    """,
    until=LAST,
    valid=(
        Example(
            "total_epochs: 400\nphase_transitions:\n  ultra_exploration_start: 250\n",
            version="5.5.0",
        ),
    ),
    invalid=(
        Example(
            "total_epochs: 50\noptimizer:\n  lr_schedule:\n    - epoch: 0\n      lr: 0.001\n    - epoch: 100\n      lr: 0.0005\n",
            version="5.10.1",
        ),
        Example(
            "total_epochs: 50\nphase_transitions:\n  ultra_exploration_start: 250\n",
            version="5.10.1",
        ),
    ),
)
def after_the_last_epoch(config: Config) -> Iterator[Problem]:
    epochs = number(config, "total_epochs")
    if epochs is None:
        return
    steps = config.get("optimizer.lr_schedule")
    for index in range(len(steps) if isinstance(steps, list) else 0):
        start = number(config, f"optimizer.lr_schedule[{index}].epoch")
        if start is not None and start >= epochs:
            yield Problem(
                f"optimizer.lr_schedule[{index}].epoch",
                f"this learning rate and those after it never come: {fmt(epochs)} epochs",
                f"lower the epochs of the schedule below {fmt(epochs)}",
            )
            break
    path = "phase_transitions.ultra_exploration_start"
    start = number(config, path)
    if start is not None and start >= epochs:
        yield Problem(
            path,
            f"the last phase never starts: training ends after {fmt(epochs)} epochs",
            f"lower `{path}` below {fmt(epochs)}, or raise `total_epochs`",
        )


@rule(
    code="TV606",
    name="ranking-loss-twice",
    severity="error",
    summary="padic_losses.ranking_loss and its flat namesakes have different values.",
    explanation="""
    5.10.1 files carry the three settings of the ranking loss twice, as ranking_loss.{margin,
    n_triplets, weight} and as ranking_margin, ranking_n_triplets, ranking_loss_weight. The code
    reads the flat ones. The fix gives the section the values that count, so nothing changes; if the
    section's are meant, put them into the flat keys.
    """,
    since="5.10.1",
    until=LAST,
    valid=(
        Example(
            "padic_losses:\n  ranking_margin: 0.1\n  ranking_loss:\n    margin: 0.1\n",
            version="5.10.1",
        ),
    ),
    invalid=(
        Example(
            "padic_losses:\n  ranking_margin: 0.1\n  ranking_loss:\n    margin: 0.2\n",
            version="5.10.1",
            fixed="padic_losses:\n  ranking_margin: 0.1\n  ranking_loss:\n    margin: 0.1\n",
        ),
    ),
)
def ranking_loss_twice(config: Config) -> Iterator[Problem]:
    for flat, nested in (
        ("ranking_margin", "margin"),
        ("ranking_n_triplets", "n_triplets"),
        ("ranking_loss_weight", "weight"),
    ):
        path, read = f"padic_losses.ranking_loss.{nested}", f"padic_losses.{flat}"
        value, counts = number(config, path), number(config, read)
        if value is not None and counts is not None and value != counts:
            yield Problem(
                path,
                f"{nested} is {fmt(value)} here and {fmt(counts)} in {flat}, which is what is read",
                f"set `{path}: {fmt(counts)}`, or `{read}: {fmt(value)}`",
                setting(path, counts, safe=True),
            )


@rule(
    code="TV607",
    name="best-file-of-warm-up",
    severity="info",
    summary="With a KL warm-up the trainer's best.pt is a snapshot of its first epochs.",
    explanation="""
    best.pt has the lowest validation loss. During beta_warmup_epochs the KL term grows and with it
    that loss, so the lowest value is that of epoch 3 to 6: measured 13 % coverage in best.pt, 100 %
    in latest.pt of the same run. Without warm-up and with batch_size 256 the loss falls to the end
    (100 % at epoch 18) and best.pt is as good as its name.
    """,
    until=LAST,
    valid=(
        Example("vae_a:\n  beta_warmup_epochs: 0\n", version="5.5.1"),
        Example("total_epochs: 400\n", version="5.5.0"),
    ),
    invalid=(
        Example(
            "vae_a:\n  beta_warmup_epochs: 50\nvae_b:\n  beta_warmup_epochs: 50\n",
            version="5.5.1",
        ),
    ),
)
def best_of_warm_up(config: Config) -> Iterator[Problem]:
    paths = ("vae_a.beta_warmup_epochs", "vae_b.beta_warmup_epochs")
    lengths = {path: number(config, path) or 0 for path in paths}
    path = max(lengths, key=lambda key: lengths[key])
    if lengths[path] > 6:
        yield Problem(
            path,
            f"{fmt(lengths[path])} epochs of KL warm-up: best.pt will be a file of the first epochs",
            "freeze latest.pt of this run in later versions, not best.pt",
        )


@rule(
    code="TV608",
    name="coverage-out-of-reach",
    severity="warning",
    summary="The evaluation draws too few samples for the coverage that is asked for.",
    explanation="""
    Coverage up to 5.10 means: draw eval_num_samples latent vectors, decode, count the different
    operations, divide by 19,683. With S samples even a perfect model shows at most
    1 - exp(-S / 19683) on average: 2.5 % for 500, 92.1 % for 50,000, 99.995 % for 195,000. A target
    or threshold above that is never met, and feedback that waits for it never switches.

    The other way round, 195,000 samples show 99.9 % after one epoch of a model that reconstructs
    13 % of its inputs. This coverage cannot be compared with that of 5.11 and later.
    """,
    until=LAST,
    valid=(Example("eval_num_samples: 195000\ntarget_coverage_percent: 99.7\n", version="5.5.0"),),
    invalid=(
        Example("eval_num_samples: 500\ntarget_coverage_percent: 99.7\n", version="5.10.1"),
        Example(
            "eval_num_samples: 1000\ncontinuous_feedback:\n  coverage_threshold: 92.0\n",
            version="5.10.0",
        ),
    ),
)
def coverage_out_of_reach(config: Config) -> Iterator[Problem]:
    samples = number(config, "eval_num_samples")
    if samples is None or samples <= 0:
        return
    most = 100 * (1 - exp(-samples / OPERATIONS))
    wanted = {path: number(config, path) or 0 for path in COVERAGES}
    beyond = [path for path, value in wanted.items() if most < value <= 100]
    if beyond:
        names = " and ".join(f"{path} {fmt(wanted[path])}" for path in beyond)
        yield Problem(
            "eval_num_samples",
            f"{fmt(samples)} samples show at most {most:.1f} % of all operations: out of reach is "
            f"{names}",
            "set `eval_num_samples: 195000`, or lower the target",
        )


rules = (
    splits_sum,
    rho_order,
    fraction_in_percent,
    log_interval,
    after_the_last_epoch,
    ranking_loss_twice,
    best_of_warm_up,
    coverage_out_of_reach,
)
