"""TV111-TV117: do the named architecture and the named weights go together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from ..matrix import (
    ALIASES,
    IMPROVED,
    LATENT,
    NEVER_EXISTED,
    PARTIAL,
    architectures,
    checkpoint_tag,
    matrix,
)
from .frozen import FILE, MODEL
from .read import (
    architecture,
    class_name,
    frozen_path,
    is_file,
    name_path,
    needs_frozen,
    number,
    path_key,
    setting,
    settings,
    text,
    weights_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

COVERAGE = {
    ("v5_12_1", "best_Q.pt"): 0.191,
    ("v5_12_3", "best_Q.pt"): 0.192,
    ("homeostatic_rich", "latest.pt"): 0.00005,
    ("v5_12_4_fixed", "best_Q.pt"): 0.0001,
    ("v5_12_4_extended", "best_Q.pt"): 0.0001,
}
"""Files with a known low coverage; v5_5/best.pt has its own rule."""


def _file(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _checkpoint(path: str) -> str:
    return f"frozen_checkpoint:\n  path: {path}\n"


@rule(
    code="TV111",
    name="unknown-architecture",
    severity="error",
    summary="model.name is no class of this family.",
    explanation="""
    The old validator let every unknown name pass as compatible with everything, and the trainers
    never read the name at all.

    TernaryVAEV5_12 stands in the old compatibility table as a class that needs no frozen weights.
    No commit ever contained such a class: V5.12 files build TernaryVAEV5_11_PartialFreeze, which
    does need them. The fix writes that name.
    """,
    valid=(
        Example(MODEL),
        Example("model:\n  name: TernaryVAEV5_11_OptionC\n", version="5.11.0"),
    ),
    invalid=(
        Example("model:\n  name: TernaryVAEV5_12\n", fixed=MODEL),
        Example("model:\n  name: TernaryVAEV5_11_PartialFreez\n", fixed=MODEL),
        Example("model:\n  name: ResNet50\n"),
    ),
)
def unknown_architecture(config: Config) -> Iterator[Problem]:
    key = name_path(config)
    name = text(config, key)
    known = (*architectures(), *ALIASES)
    if not name or name in known:
        return
    if name.startswith(NEVER_EXISTED):
        near: str | None = PARTIAL
        message = f"no class {name} was ever written"
    else:
        from difflib import get_close_matches

        near = next(iter(get_close_matches(name, known, 1)), None)
        message = f"no architecture is called {name!r}"
    yield Problem(
        key,
        message,
        f"set `{key}: {near}`" if near else "one of " + ", ".join(architectures()),
        setting(key, near) if near else None,
    )


@rule(
    code="TV112",
    name="checkpoint-clash",
    severity="error",
    summary="The checkpoint's version does not fit the architecture as it is.",
    explanation="""
    `cfgmig matrix` has the whole table, with reasons. The version is read from the path's folders.

    v5_5 files of the "simplified" kind hold the same weights under other keys; loaded with
    strict=False they match 0 of 26 tensors without a word (reproduced: coverage stays random).
    Files of the grokking trainer (v5_12_4_fixed, v5_12_4_extended) hold improved components, whose
    shapes clash with the frozen type; strict=False does not help, PyTorch raises on a size mismatch whatever it is set to.
    """,
    valid=(
        Example(MODEL + _checkpoint("checkpoints/v5_12_4/best_Q.pt")),
        Example(MODEL + _checkpoint("somewhere/else.pt")),
    ),
    invalid=(
        Example(MODEL + _checkpoint("checkpoints/v5_5_simplified/latest.pt")),
        Example(MODEL + _checkpoint("checkpoints/v5_12_4_extended/best_Q.pt")),
    ),
)
def checkpoint_clash(config: Config) -> Iterator[Problem]:
    path, name = frozen_path(config), architecture(config)
    tag = checkpoint_tag(path) if path else None
    row = matrix.lookup(name, tag) if tag and name != IMPROVED else None
    if row is not None and row.loads != "yes":
        best = weights_for(config)
        yield Problem(
            path_key(config),
            f"{name} cannot load {tag} weights: {row.reason}",
            (f"{row.help}; or " if row.loads == "convert" else "") + best.help,
            best.fix,
        )


@rule(
    code="TV113",
    name="improved-with-frozen-type-weights",
    severity="error",
    summary="The improved encoder or decoder cannot take the tensors of this checkpoint.",
    explanation="""
    `encoder_type: improved` inserts LayerNorm layers, so the second Linear layer is encoder.4 with
    128 rows where the frozen type has encoder.4 with 64: a size mismatch, which PyTorch raises
    even under strict=False. Nearly all known checkpoints from v5_5 to v5_12_5 are of the frozen type,
    also v5_12_4/best_Q.pt: its 113,957 elements are those of the frozen type; improved would be 115,941.
    The trainer that wrote it never read the two keys. So the config that is commonly copied,
    improved with v5_12_4, never loaded anywhere; the one script that builds improved components
    caught the error and trained on from random weights to coverage 0.0001.

    Set both types to frozen: that is what those runs trained. To really get improved components,
    convert the weights first: a plain rename keeps 30 % coverage, LayerNorms calibrated on the
    19,683 inputs keep 99.97 %, and a few epochs of fine-tuning do the rest.
    """,
    valid=(
        Example(
            "model:\n  name: TernaryVAEV5_11_PartialFreeze\n  encoder_type: frozen\n  decoder_type: frozen\n"
            + _checkpoint("checkpoints/v5_12_4/best_Q.pt")
        ),
        Example(
            "model:\n  name: TernaryVAEV5_11_PartialFreeze\n  encoder_type: improved\n"
            + _checkpoint("converted/improved.pt")
        ),
    ),
    invalid=(
        Example(
            "model:\n  name: TernaryVAEV5_11_PartialFreeze\n  encoder_type: improved\n  decoder_type: improved\n"
            + _checkpoint("checkpoints/v5_12_4/best_Q.pt"),
            fixed="model:\n  name: TernaryVAEV5_11_PartialFreeze\n  encoder_type: frozen\n  decoder_type: frozen\n"
            + _checkpoint("checkpoints/v5_12_4/best_Q.pt"),
        ),
        Example(
            "model:\n  name: TernaryVAEV5_11_PartialFreeze\n  encoder_type: improved\n"
            + _checkpoint("checkpoints/v5_5/latest.pt"),
            version="5.12.4",
            fixed="model:\n  name: TernaryVAEV5_11_PartialFreeze\n  encoder_type: frozen\n"
            + _checkpoint("checkpoints/v5_5/latest.pt"),
        ),
    ),
)
def improved_with_frozen_type(config: Config) -> Iterator[Problem]:
    path = frozen_path(config)
    tag = checkpoint_tag(path) if path else None
    row = matrix.lookup(IMPROVED, tag) if tag and architecture(config) == IMPROVED else None
    if row is None or row.loads == "yes":
        return
    keys = ("model.encoder_type", "model.decoder_type")
    improved = [key for key in keys if text(config, key) == "improved"]
    yield Problem(
        improved[0],
        f"{path} holds frozen-type tensors; they do not fit an improved "
        + " and ".join(key[6:13] for key in improved),
        "set " + ", ".join(f"`{key}: frozen`" for key in improved) + ", or convert the weights",
        settings(dict.fromkeys(improved, "frozen"), config),
    )


@rule(
    code="TV114",
    name="v5-5-best-checkpoint",
    severity="warning",
    summary="v5_5/best.pt is the wrong file of that run; latest.pt is the right one.",
    explanation="""
    The V5.5 trainer keeps as best the epoch with the lowest validation loss. Its KL warm-up makes
    that loss rise for 50 epochs, so best.pt is a snapshot of epoch 3 to 6, before the decoder
    works. Measured on one run: best.pt 13.0 % coverage, latest.pt 100.0 %. The released run has its
    best at epoch 3 as well.

    The old documents and the old automatic repair name best.pt; both are mistaken. Other
    weights are another run, so the fix is never applied unasked.
    """,
    valid=(Example(MODEL + FILE), Example(MODEL + _checkpoint("checkpoints/v5_11/best.pt"))),
    invalid=(
        Example(
            _checkpoint("checkpoints/v5_5/best.pt"),
            fixed=_checkpoint("checkpoints/v5_5/latest.pt"),
        ),
        Example(
            _checkpoint("checkpoints/v5_5/best.pt"),
            files=("checkpoints/v5_5/best.pt", "checkpoints/v5_5/latest.pt"),
            fixed=_checkpoint("checkpoints/v5_5/latest.pt"),
        ),
    ),
)
def v5_5_best(config: Config) -> Iterator[Problem]:
    path, key = frozen_path(config), path_key(config)
    if _file(path) == "best.pt" and checkpoint_tag(path) in ("v5_5", "v5_5_simplified"):
        latest = path.removesuffix("best.pt") + "latest.pt"
        best = weights_for(config)
        if best.file is None and (is_file(config, latest) or not is_file(config, path)):
            best = best._replace(help=f"set `{key}: {latest}`", fix=setting(key, latest))
        yield Problem(
            key,
            f"{path} is a snapshot of the first epochs: 13 % coverage, latest.pt has 100 %",
            best.help,
            best.fix,
        )


@rule(
    code="TV115",
    name="low-coverage-checkpoint",
    severity="warning",
    summary="The frozen weights are known to reconstruct badly.",
    explanation="""
    The weights stay frozen, so the coverage of the file is the coverage of the run. Stored results
    of the released files: v5_12_1/best_Q.pt 19.1 % (decoder_A was trained along), v5_12_3/best_Q.pt 19.2 %,
    homeostatic_rich/latest.pt 0.005 % (its best.pt 100 %), v5_12_4_fixed and v5_12_4_extended about
    0.01 % (the grokking trainer never loaded anything). best_Q.pt is chosen by Q alone, which is blind to reconstruction.

    If the file was retrained since, measure its coverage and silence this line.
    """,
    valid=(Example(_checkpoint("checkpoints/v5_12_4/best_Q.pt")),),
    invalid=(Example(_checkpoint("checkpoints/v5_12_1/best_Q.pt")),),
)
def low_coverage(config: Config) -> Iterator[Problem]:
    path = frozen_path(config)
    tag = checkpoint_tag(path) if path else None
    coverage = COVERAGE.get((tag, _file(path))) if tag else None
    if coverage is not None:
        best = weights_for(config)
        yield Problem(
            path_key(config),
            f"{path} is known to reconstruct {coverage:.4g} of all operations, for good once frozen",
            best.help,
            best.fix,
        )


@rule(
    code="TV116",
    name="latent-dim",
    severity="error",
    summary="No known checkpoint has this latent_dim.",
    explanation="""
    All known checkpoints have 16 latent dimensions, and encoders and decoder_A come from one. With
    another number fc_mu, fc_logvar and decoder.0 clash and nothing loads. The old fast-test config
    has 8 and therefore no weights at all: it ran through, and reconstructed one operation of
    19,683. To be fast, lower training.epochs and the number of pairs, not latent_dim.
    """,
    valid=(
        Example("model:\n  name: TernaryVAEV5_11\n  latent_dim: 16\n"),
        Example("model:\n  latent_dim: 8\n", version="5.5.0"),
    ),
    invalid=(
        Example(
            "model:\n  name: TernaryVAEV5_11\n  latent_dim: 8\n",
            fixed="model:\n  name: TernaryVAEV5_11\n  latent_dim: 16\n",
        ),
    ),
)
def latent_dim(config: Config) -> Iterator[Problem]:
    width = number(config, "model.latent_dim")
    if width is not None and width != LATENT and needs_frozen(config):
        yield Problem(
            "model.latent_dim",
            f"{class_name(config)} takes its encoders from a checkpoint, and all have latent_dim "
            f"{LATENT}, not {width}",
            f"set `model.latent_dim: {LATENT}`",
            setting("model.latent_dim", LATENT),
        )


@rule(
    code="TV117",
    name="lenient-loading",
    severity="warning",
    summary="strict_loading: false hides that nothing was loaded.",
    explanation="""
    With strict=False PyTorch drops every tensor whose key it does not expect. Measured on a file of
    the simplified layout and on one from a compiled model: no tensor loaded, no exception, coverage
    one of 19,683. It does not help with shapes either: a size mismatch raises all the same. Let the
    loader pick encoder_A, encoder_B and decoder_A by name, and be strict about those.
    """,
    valid=(Example("frozen_checkpoint:\n  strict_loading: true\n", version="foundation"),),
    invalid=(
        Example(
            "frozen_checkpoint:\n  strict_loading: false\n",
            version="foundation",
            fixed="frozen_checkpoint:\n  strict_loading: true\n",
        ),
    ),
)
def lenient_loading(config: Config) -> Iterator[Problem]:
    path = "frozen_checkpoint.strict_loading"
    if config.get(path) is False:
        yield Problem(
            path,
            "strict_loading: false loads what matches, which may be nothing, without a word",
            f"set `{path}: true`",
            setting(path, True),
        )


rules = (
    unknown_architecture,
    checkpoint_clash,
    improved_with_frozen_type,
    v5_5_best,
    low_coverage,
    latent_dim,
    lenient_loading,
)
