"""HS301-HS309: HD dimensions against the width, and the widths and lengths said twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from . import read
from .read import fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

MOST, BEFORE, LEAST = 4096, 12_288, 64
"""The largest HD dimension from v6 on and before it, and the smallest."""
LAYERS = ("spatial", "timecrystal", "moe")


def _hd(config: Config) -> tuple[str, int] | None:
    """Path and value of the HD dimension that the file says."""
    path, dim = read.place(config, "hd_dim"), read.whole(config, "hd_dim")
    return None if path is None or dim is None else (path, dim)


def _most(config: Config) -> int:
    """The largest HD dimension of this file's version."""
    is_late = config.version == "5" or config.has("active_vocab_size")
    return MOST if is_late else BEFORE


@rule(
    code="HS301",
    name="hd-dim-is-no-multiple",
    severity="error",
    summary="hd_dim is not a multiple of hidden_dim.",
    explanation="""
    The embedding layer of the old code raises for it, its kernel folds hd_dim into groups of the
    model's width, and the search keeps the rule everywhere. A dense projection alone would not need
    it. Real case: ed48d074/t2 came out of the retry logic with hd_dim 896 and width 1232, because
    that halves hd_dim and shrinks the width without looking again; the next multiple is 1232. The
    fix takes the next multiple, or the one before where that is beyond the largest dimension of the
    version; it changes the corpus.
    """,
    valid=(
        Example("model: {hidden_dim: 64, adapter: {hd_dim: 1024}}\n"),
        Example("hidden_dim: 64\nhd_dim: 192\n", version="flat-v2"),
    ),
    invalid=(
        Example(
            "hidden_dim: 1232\nhd_dim: 896\n",
            version="flat-v2",
            fixed="hidden_dim: 1232\nhd_dim: 1232\n",
        ),
        Example(
            "model:\n  hidden_dim: 1000\n  adapter:\n    hd_dim: 4090\n",
            fixed="model:\n  hidden_dim: 1000\n  adapter:\n    hd_dim: 4000\n",
        ),
        Example("model: {hidden_dim: 64}\ndata:\n  hd: {hd_dim: 100}\n", version="1"),
    ),
)
def no_multiple(config: Config) -> Iterator[Problem]:
    found, width = _hd(config), read.whole(config, "hidden_dim")
    if found is None or width is None or found[1] % width == 0:
        return
    path, dim = found
    good = read.next_multiple(dim, width, _most(config))
    yield Problem(
        path,
        f"hd_dim {fmt(dim)} is not a multiple of hidden_dim {fmt(width)} (remainder {dim % width})",
        f"set `{path}: {good}`" if good else "lower `hidden_dim`: no multiple is small enough",
        read.setting(config, path, good) if good else None,
    )


@rule(
    code="HS302",
    name="layer-dim-is-no-multiple",
    severity="warning",
    summary="An HD dimension of a layer is not a multiple of hidden_dim.",
    explanation="""
    From v4 on layers have HD dimensions of their own. The builder rounds the embedding's up to the
    next multiple of the width without a word: 128 with width 512 becomes 512 (trials 2add627d and
    153587c9). It leaves the other three as they are; from version 5 on the rule is the same for
    all four: 768 with width 512 becomes 1024.
    """,
    valid=(
        Example("model: {hidden_dim: 512, hd_dims: {embedding: 512, spatial: 1536}}\n"),
        Example("hidden_dim: 512\nhd_dim_embedding: 512\nhd_dim_moe: 768\n", version="flat-v6"),
    ),
    invalid=(
        Example(
            "hidden_dim: 512\nhd_dim_embedding: 128\n",
            version="flat-v4",
            fixed="hidden_dim: 512\nhd_dim_embedding: 512\n",
        ),
        Example(
            "model:\n  hidden_dim: 512\n  hd_dims:\n    moe: 768\n",
            fixed="model:\n  hidden_dim: 512\n  hd_dims:\n    moe: 1024\n",
        ),
    ),
)
def layer_no_multiple(config: Config) -> Iterator[Problem]:
    width = read.whole(config, "hidden_dim")
    layers = ("embedding", *LAYERS) if config.version == "5" else ("embedding",)
    for key in (f"hd_dim_{layer}" for layer in layers):
        path, dim = read.place(config, key), read.whole(config, key)
        if path is None or dim is None or width is None or dim % width == 0:
            continue
        good = read.next_multiple(dim, width, _most(config))
        yield Problem(
            path,
            f"{fmt(dim)} is not a multiple of hidden_dim {fmt(width)}"
            + (f"; the builder takes {fmt(good)}" if good else ""),
            f"set `{path}: {good}`" if good else "lower `hidden_dim`",
            read.setting(config, path, good) if good else None,
        )


@rule(
    code="HS303",
    name="hd-dim-is-no-power-of-two",
    severity="warning",
    summary="hd_dim is not a power of two.",
    explanation="""
    The embedding layer of the old code rounds hd_dim up to the next power of two where the width
    divides that, and keeps the configured value where it does not, so two files that say 1536 can
    build different models. Bundles and adapter use the value as it stands. The Fourier transforms
    of the binding are fastest for powers of two. Five trials on record have 1536 or 192.
    """,
    valid=(
        Example("model: {adapter: {hd_dim: 1024}}\n"),
        Example("hidden_dim: 64\nhd_dim: 512\n", version="flat-v2"),
    ),
    invalid=(
        Example("hidden_dim: 64\nhd_dim: 1536\n", version="flat-v2"),
        Example("model: {hidden_dim: 1232, adapter: {hd_dim: 1232}}\n"),
    ),
)
def no_power(config: Config) -> Iterator[Problem]:
    found, width = _hd(config), read.whole(config, "hidden_dim")
    if found is None or found[1] & (found[1] - 1) == 0:
        return
    path, dim = found
    above = 1 << dim.bit_length()
    near = [one for one in (above >> 1, above) if width is None or one % width == 0]
    rounded = width is not None and above % width == 0
    yield Problem(
        path,
        f"hd_dim {fmt(dim)} is no power of two; the old embedding"
        + (f" makes it {fmt(above)}" if rounded else " takes it as it is"),
        f"set `{path}` to {' or '.join(map(str, near))}"
        if near
        else f"hidden_dim {width} divides no power of two near: nothing to do, or another width",
    )


@rule(
    code="HS304",
    name="hd-dim-out-of-range",
    severity="error",
    summary="hd_dim is outside what the version knows.",
    explanation="""
    The search's lists begin at 64 and end at 12,288 before v6 and at 4,096 from v6 on. A rule of
    thumb for bundles that can be decoded exactly is 64 dimensions per position (HS111), so fewer
    than 64 hold not even one.
    """,
    valid=(
        Example("model: {adapter: {hd_dim: 64}}\n"),
        Example("hd_dim: 12288\n", version="flat-v3"),
    ),
    invalid=(
        Example("model: {adapter: {hd_dim: 8192}}\n"),
        Example("hd_dim: 32\n", version="flat-v2"),
    ),
)
def out_of_range(config: Config) -> Iterator[Problem]:
    found, most = _hd(config), _most(config)
    if found is not None and not LEAST <= found[1] <= most:
        yield Problem(
            found[0],
            f"hd_dim {fmt(found[1])} is outside {LEAST} to {fmt(most)}",
            f"set `{found[0]}` within {LEAST} to {most}",
        )


@rule(
    code="HS305",
    name="hd-dim-clamped-later",
    severity="warning",
    summary="hd_dim is above 4,096, which later versions and the memory estimate do not take.",
    explanation="""
    The memory estimator clamps hd_dim to 4,096, so what it says of larger ones is too little, and
    from v6 on the search's list ends there. Trial 62f9dd93 has 12,288. At 1,048,576 positions its
    keys alone would take 48 GB, which is why hd_sample_length was introduced. The upgrade to
    version 5 clamps the dimensions of layers.
    """,
    valid=(Example("hd_dim: 4096\n", version="flat-v4"),),
    invalid=(
        Example("hd_dim: 12288\n", version="flat-v4"),
        Example("model: {adapter: {hd_dim: 8192}}\n", version="2"),
    ),
)
def clamped_later(config: Config) -> Iterator[Problem]:
    found = _hd(config)
    if found is not None and MOST < found[1] <= _most(config):
        yield Problem(
            found[0],
            f"hd_dim {fmt(found[1])} is above {fmt(MOST)}: the memory estimate counts {fmt(MOST)}",
            f"set `{found[0]}` to {MOST} or less",
        )


@rule(
    code="HS306",
    name="hd-dim-below-width",
    severity="warning",
    summary="hd_dim is smaller than hidden_dim.",
    explanation="""
    The adapter projects hd_dim numbers to hidden_dim, so a smaller hd_dim limits the rank of all
    that the model gets to see: at most hd_dim directions of its width carry anything. One trial on
    record is like this (ed48d074/t2, 896 below 1232), after a retry that halved hd_dim.
    """,
    valid=(Example("model: {hidden_dim: 64, adapter: {hd_dim: 64}}\n"),),
    invalid=(Example("hidden_dim: 1232\nhd_dim: 896\n", version="flat-v2"),),
)
def below_width(config: Config) -> Iterator[Problem]:
    found, width = _hd(config), read.whole(config, "hidden_dim")
    if found is not None and width is not None and found[1] < width:
        yield Problem(
            found[0],
            f"hd_dim {fmt(found[1])} is smaller than hidden_dim {fmt(width)}",
            f"set `{found[0]}` to {width} or a multiple of it",
        )


@rule(
    code="HS307",
    name="two-widths",
    severity="error",
    summary="hidden_dim and embedding_dim differ.",
    explanation="""
    The builder makes a model of hidden_dim; estimators and the search's memory of what it has tried
    use embedding_dim, and both are drawn independently. Real files say 512 and 128, 512 and 1280,
    3072 and 64: the model that is judged is not the one that is built. For 153587c9 the last
    estimator counts 8,486,574 parameters with 128 and 32,892,078 with the 512 that are built. Keep
    hidden_dim. From version 5 on there is no other.
    """,
    valid=(
        Example("hidden_dim: 64\nembedding_dim: 64\n", version="flat-v2"),
        Example("model: {hidden_dim: 64}\n"),
    ),
    invalid=(
        Example(
            "hidden_dim: 512\nembedding_dim: 128\n", version="flat-v6", fixed="hidden_dim: 512\n"
        ),
        Example("model: {hidden_dim: 512, embedding_dim: 1280}\n", version="2"),
    ),
)
def two_widths(config: Config) -> Iterator[Problem]:
    path = read.place(config, "embedding_dim")
    seen, built = read.whole(config, "embedding_dim"), read.whole(config, "hidden_dim")
    if path is not None and seen is not None and built is not None and seen != built:
        yield Problem(
            path,
            f"embedding_dim {fmt(seen)} (what estimators see) is not hidden_dim {fmt(built)}"
            " (what is built)",
            f"remove `{path}`",
            read.dropping(path),
        )


@rule(
    code="HS308",
    name="two-lengths",
    severity="error",
    summary="sequence_length and context_window differ.",
    explanation="""
    The request's context_window is written to the search's file as sequence_length; trials take a
    context_window of 4,096 from a default of the tuner. Real trials say 16,384 and 4,096, or 32,768
    and 4,096. The loader reads context_window (and raises it to 8,192), the user meant
    sequence_length: nobody but the author can tell which one is right, so there is no fix. The
    upgrade to version 5 stops and asks with --prefer.
    """,
    valid=(
        Example("sequence_length: 4096\ncontext_window: 4096\n", version="flat-v2"),
        Example("model: {context_window: 128}\n"),
    ),
    invalid=(
        Example("sequence_length: 16384\ncontext_window: 4096\n", version="flat-v6"),
        Example("model: {sequence_length: 32768, context_window: 4096}\n", version="4"),
    ),
)
def two_lengths(config: Config) -> Iterator[Problem]:
    path = read.place(config, "context_window")
    asked, taken = read.whole(config, "sequence_length"), read.whole(config, "context_window")
    if path is not None and asked is not None and taken is not None and asked != taken:
        yield Problem(
            path,
            f"context_window {fmt(taken)} beside sequence_length {fmt(asked)}",
            "keep one of them; `cfgmig upgrade --prefer context_window` or"
            " `--prefer sequence_length` does it while upgrading",
        )


@rule(
    code="HS309",
    name="context-raised-in-silence",
    severity="warning",
    summary="The loader of v4 to v6 raises a context_window below 8,192 to that.",
    explanation="""
    The request of these versions takes 8,192 tokens at least, and the loader raises whatever is
    smaller without a word, so a trial that says 4,096 runs with 8,192: twice the activations that
    the memory estimate counts. Earlier versions take 128, and the canonical versions take what they
    are told.
    """,
    valid=(
        Example("context_window: 8192\n", version="flat-v6"),
        Example("context_window: 128\n", version="flat-v2"),
        Example("model: {context_window: 128}\n"),
    ),
    invalid=(Example("context_window: 4096\n", version="flat-v6"),),
)
def raised_in_silence(config: Config) -> Iterator[Problem]:
    window = read.whole(config, "context_window")
    if config.version in ("flat-v4", "flat-v6") and window is not None and window < 8192:
        yield Problem(
            "context_window",
            f"context_window {fmt(window)} is raised to 8,192 by the loader",
            "set `context_window: 8192` or more",
            read.setting(config, "context_window", 8192),
        )


rules = (
    no_multiple,
    layer_no_multiple,
    no_power,
    out_of_range,
    clamped_later,
    below_width,
    two_widths,
    two_lengths,
    raised_in_silence,
)
