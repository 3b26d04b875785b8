"""HS501-HS506: who may set what, and what the search and the optimizer take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from ..profiles import MANAGED
from . import read
from .estimators import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

RATES: dict[str, tuple[float, float]] = {
    "adam": (1e-5, 1e-3),
    "adamw": (1e-5, 3e-4),
    "sophiag": (1e-5, 1e-4),
    "lion": (1e-5, 1e-4),
    "qiao": (1e-5, 5e-4),
    "grover": (1e-5, 5e-4),
    "sympflow": (1e-5, 5e-4),
    "sympflowqng": (1e-5, 2e-4),
}
"""By optimizer: the learning rates that the old search drew from."""
FROZEN = (
    "param_budget",
    "context_window",
    "sequence_length",
    "vocab_size",
    "curriculum_id",
    "curriculum_datasets",
    "hf_dataset_name",
    "sweep_id",
)
"""What stays as it is through a search: its limits, its data, its name."""


@rule(
    code="HS501",
    name="request-sets-what-the-search-decides",
    severity="warning",
    summary="A request sets a vocabulary, an HD dimension or the HD switch.",
    explanation="""
    Vocabulary and HD dimensions follow from the budget and are drawn by the search (QAHPO); HD
    streaming is the architecture and no option. So a page has no control for them and a request no
    field. The old server still took vocab_size and active_vocab_size, and old pages had a slider
    of 8,000 to 256,000 ids. A trial may say all of it: there it is what was drawn. Turning HD
    streaming off is an edit by hand, of a file that is no request.
    """,
    valid=(
        Example("profile: request\nbudget: {param_budget: 100000000}\n"),
        Example("profile: trial\ntokenizer: {active_vocab_size: 512}\n"),
        Example("lr_min: 1.0e-5\nvocab_size: null\n", version="flat-v2"),
    ),
    invalid=(
        Example(
            "profile: request\ntokenizer:\n  active_vocab_size: 512\n  min_freq: 5\n",
            fixed="profile: request\ntokenizer:\n  min_freq: 5\n",
        ),
        Example("lr_min: 1.0e-5\nvocab_size: 128000\nuse_hd_streaming: false\n", "flat-v2"),
        Example("ui:\n  maxVocabSize: 128000\n", version="1"),
    ),
)
def managed(config: Config) -> Iterator[Problem]:
    if config.version == "1":
        for key in read.section(config, "ui"):
            yield Problem(
                "ui",
                f"{str(key)[:40]} is a control for what the search decides",
                "remove `ui`",
                read.dropping("ui"),
                part="key",
            )
            break
    if read.profile(config) != "request":
        return
    for path in MANAGED:
        if config.get(path) is not None:
            yield Problem(
                path,
                f"{path} is decided by the search, not by a request",
                f"remove `{path}`",
                read.dropping(path),
            )


@rule(
    code="HS502",
    name="rate-outside-its-range",
    severity="warning",
    summary="A flat file's learning rate is outside the range of its optimizer.",
    explanation="""
    The old search drew rates by optimizer: 1e-5 to 1e-3 for adam, to 3e-4 for adamw, to 1e-4 for
    sophiag and lion, to 2e-4 for sympflowqng, to 5e-4 for qiao, grover and sympflow. Each sweep on
    record says 1e-3 with sympflowqng or sophiag, five and ten times the limit: the value comes from
    the request's lr_max, and every trial overrides it. Files in sections are free: the small model
    of bundles was trained at 3e-3.
    """,
    valid=(Example("optimizer: adamw\nlearning_rate: 0.0001\n", version="flat-v2"),),
    invalid=(Example("optimizer: sympflowqng\nlearning_rate: 0.001\n", version="flat-v2"),),
)
def rate_range(config: Config) -> Iterator[Problem]:
    rate = read.number(config, "learning_rate") if read.is_flat(config) else None
    optimizer = read.text(config, "optimizer")
    low, high = RATES.get(optimizer, (1e-5, 3e-4))
    if rate and not low <= rate <= high:
        yield Problem(
            "learning_rate",
            f"learning_rate {rate:g} is outside {low:g} to {high:g},"
            f" the range of {optimizer[:20] or 'an unnamed optimizer'}",
            f"set `learning_rate` within {low:g} to {high:g}",
        )


@rule(
    code="HS503",
    name="rate-as-text",
    severity="error",
    summary="A learning rate is a text that only looks like a number.",
    explanation="""
    The old request has lr_min and lr_max as texts ("1e-5", "1e-3"), curricula have "1e-4", and YAML
    1.1 readers make a text of a bare 1e-4 where YAML 1.2 makes a number. Code that compares or
    multiplies it fails late, or compares texts by their letters. The fix writes the number.
    """,
    valid=(Example("learning_rate: 0.0001\n", version="flat-v2"),),
    invalid=(
        Example('learning_rate: "3e-4"\n', "flat-v2", fixed="learning_rate: 0.0003\n"),
        Example("lr_max: fast\n", version="flat-v2"),
    ),
)
def rate_as_text(config: Config) -> Iterator[Problem]:
    for key in ("learning_rate", "lr_min", "lr_max"):
        path = read.place(config, key)
        said = None if path is None else config.get(path)
        if path is None or not isinstance(said, str):
            continue
        try:
            rate = float(said[:40])
        except ValueError:
            rate = 0.0
        good = 0 < rate < LARGEST
        yield Problem(
            path,
            f"{key} is the text {said[:40]!r}",
            f"set `{path}: {rate!r}`" if good else f"set `{path}` to a number",
            read.setting(config, path, rate, safe=True) if good else None,
        )


@rule(
    code="HS504",
    name="gradients-clipped-away",
    severity="error",
    summary="max_grad_norm is below 0.1.",
    explanation="""
    Gradient norms of the old runs were about 470 to 500 before clipping to 1. The retry logic
    halves max_grad_norm after a loss of NaN and stops at 0.1; no run went below that.
    """,
    valid=(Example("training: {max_grad_norm: 0.1}\n"),),
    invalid=(
        Example("training:\n  max_grad_norm: 0.05\n", fixed="training:\n  max_grad_norm: 0.1\n"),
        Example("max_grad_norm: 0.01\n", version="flat-v2"),
    ),
)
def clipped_away(config: Config) -> Iterator[Problem]:
    path = read.place(config, "max_grad_norm")
    norm = None if path is None else read.number(config, path)
    if path is not None and norm is not None and norm < 0.1:
        yield Problem(
            path,
            f"max_grad_norm {norm:g} is below 0.1",
            f"set `{path}: 0.1` or more",
            read.setting(config, path, 0.1),
        )


@rule(
    code="HS505",
    name="unknown-optimizer",
    severity="error",
    summary="The optimizer is none that the family has.",
    explanation="""
    Known are adam, adamw, sophiag, lion, qiao, grover, sympflow and sympflowqng. The search copies
    whatever name the request's list begins with into each of its trials, so a typing error costs a
    whole search.
    """,
    valid=(Example("training: {optimizer: adamw}\n"), Example("training: {optimizer: null}\n")),
    invalid=(
        Example("training: {optimizer: adamW}\n"),
        Example("optimizer: sgd\n", version="flat-v2"),
    ),
)
def unknown_optimizer(config: Config) -> Iterator[Problem]:
    path = read.place(config, "optimizer")
    said = "" if path is None else read.text(config, path)
    if path is not None and said and said not in RATES:
        yield Problem(
            path,
            f"optimizer {said[:40]!r} is unknown",
            f"one of {', '.join(RATES)}",
        )


@rule(
    code="HS506",
    name="search-backwards",
    severity="error",
    summary="The end of a range of the search is not beyond its beginning.",
    explanation="""
    The temperature falls from initial to final (2.0 to 0.1): exchanged, selection gets more random
    the longer the search takes. Learning rates are drawn on a logarithmic scale between lr_min and
    lr_max, and between exchanged ends there is nothing to draw.
    """,
    valid=(Example("qahpo: {initial_temperature: 2.0, final_temperature: 0.1}\n"),),
    invalid=(
        Example("qahpo: {initial_temperature: 0.1, final_temperature: 2.0}\n"),
        Example("qahpo: {lr_min: 0.001, lr_max: 0.0001}\n"),
        Example(
            "qahpo_initial_temperature: 1.0\nqahpo_final_temperature: 1.0\n", version="flat-v6"
        ),
    ),
)
def backwards(config: Config) -> Iterator[Problem]:
    pairs = (
        ("qahpo_final_temperature", "qahpo_initial_temperature"),
        ("lr_min", "lr_max"),
    )
    for small, large in pairs:
        paths = [read.place(config, key) or key for key in (small, large)]
        least, most = (read.number(config, path) for path in paths)
        if least is not None and most is not None and least >= most:
            yield Problem(
                paths[0],
                f"{small} {least:g} is not below {large} {most:g}",
                f"set `{paths[0]}` below `{paths[1]}`",
            )


rules = (
    managed,
    rate_range,
    rate_as_text,
    clipped_away,
    unknown_optimizer,
    backwards,
)
