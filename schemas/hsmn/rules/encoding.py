"""HS108-HS115: what of a sequence survives in a bundle, and where texts come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Fix, Problem, rule

from . import read
from .modes import EXPAND
from .shapes import label_mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

KEYS, STEPS = "data.hd.keys", "data.hd.ctqw_steps"
LAZY = 65_536
"""Above this many ids the old code drew base vectors per id, from another generator."""
SOURCES = ("hf_dataset_name", "curriculum_id", "curriculum_datasets")


def _expansion(config: Config) -> str:
    """How this file's adapter expands bundles; empty when no adapter gets any."""
    adapter = read.section(config, "model.adapter")
    if not adapter or not read.streams_bundles(config):
        return ""
    return read.text(config, EXPAND) or "unbind"


@rule(
    code="HS108",
    name="positions-all-alike",
    severity="error",
    summary="expand: broadcast repeats one vector, and no position is added to it.",
    explanation="""
    Broadcasting copies the projected bundle to each of the S positions. Without the learnt position
    vector all S outputs are the same, so the model predicts one distribution for the whole
    sequence, whatever it learns.
    """,
    since="2",
    valid=(Example("model:\n  adapter: {hd_dim: 128, expand: broadcast}\n"),),
    invalid=(
        Example(
            "model:\n  adapter:\n    hd_dim: 128\n    expand: broadcast\n    position: none\n",
            fixed="model:\n  adapter:\n    hd_dim: 128\n    expand: broadcast\n"
            "    position: learned\n",
        ),
    ),
)
def all_alike(config: Config) -> Iterator[Problem]:
    where = "model.adapter.position"
    if _expansion(config) == "broadcast" and read.text(config, where) == "none":
        yield Problem(
            where,
            "broadcast without a position makes every position of a sequence the same",
            f"set `{where}: learned`",
            read.setting(config, where, "learned"),
        )


@rule(
    code="HS109",
    name="bundles-that-do-not-generalise",
    severity="warning",
    summary="Broadcast, or Gaussian keys: training loss falls, held-out loss does not.",
    explanation="""
    Measured with 6 blocks, 512 ids and a unigram entropy of 4.878 on held-out text. Unbinding with
    unitary keys and hd_dim 1024 reaches 0.589 there. With Gaussian keys, hd_dim 256, 4 blocks and
    3 ctqw steps, unbinding ends at 5.369 and broadcasting at 5.181, while their training losses
    fall to 1.082 and 3.117: they learn the training texts by heart. A unitary key has |FFT| = 1 in every bin, so its conjugate
    undoes the binding exactly and crosstalk is flat. Other keys mean another corpus: encode it
    again.
    """,
    since="2",
    valid=(
        Example("model:\n  adapter: {hd_dim: 128}\ndata:\n  hd: {keys: unitary, ctqw_steps: 0}\n"),
    ),
    invalid=(
        Example(
            "model:\n  adapter:\n    hd_dim: 128\n    expand: broadcast\n"
            "data:\n  hd:\n    keys: gaussian\n",
            fixed="model:\n  adapter:\n    hd_dim: 128\n    expand: unbind\n"
            "data:\n  hd:\n    keys: unitary\n",
        ),
        Example("model:\n  adapter: {hd_dim: 128}\n"),
    ),
)
def does_not_generalise(config: Config) -> Iterator[Problem]:
    expansion = _expansion(config)
    if not expansion or expansion == "none":
        return
    wrong = []
    if expansion == "broadcast":
        wrong.append(("expand: broadcast", EXPAND, "unbind"))
    if read.text(config, KEYS) in ("", "gaussian"):
        wrong.append(("Gaussian keys", KEYS, "unitary"))
    if wrong:
        fixes = [read.setting(config, path, new) for _, path, new in wrong]
        path = next((path for _, path, _ in wrong if config.has(path)), "model.adapter")
        yield Problem(
            path,
            f"{' and '.join(name for name, _, _ in wrong)}: training loss falls, held-out"
            " loss stays above the unigram entropy (5.18 and 5.37 over 4.88)",
            " and ".join(f"set `{path}: {new}`" for _, path, new in wrong)
            + "; encode the corpus again",
            Fix(tuple(change for fix in fixes for change in fix.changes), safe=False),
        )


@rule(
    code="HS110",
    name="spread-before-decoding",
    severity="warning",
    summary="The low-pass spread removes what the adapter is to decode.",
    explanation="""
    Each ctqw step multiplies bin w of a bundle by (1 + cos w) / 2. Three steps (the default) leave
    an eighth in the middle of the spectrum and exactly nothing in the Nyquist bin, and unbinding
    cannot bring it back. Measured with unitary keys and hd_dim 1024: training loss 0.051 with three
    steps, 0.009 without. Growing hd_dim of trained weights is exact without the spread only.
    """,
    since="2",
    valid=(Example("model:\n  adapter: {hd_dim: 128}\ndata:\n  hd: {ctqw_steps: 0}\n"),),
    invalid=(
        Example(
            "model:\n  adapter:\n    hd_dim: 128\ndata:\n  hd:\n    ctqw_steps: 3\n",
            fixed="model:\n  adapter:\n    hd_dim: 128\ndata:\n  hd:\n    ctqw_steps: 0\n",
        ),
        Example("model:\n  adapter: {hd_dim: 128}\n"),
    ),
)
def spread(config: Config) -> Iterator[Problem]:
    said = read.number(config, STEPS)
    steps = 3 if said is None and config.get(STEPS) is None else said
    if steps and _expansion(config) in ("unbind", "cleanup"):
        default = "" if said else " (the default)"
        yield Problem(
            STEPS if config.has(STEPS) else "model.adapter",
            f"ctqw_steps {steps:g}{default} removes high frequencies that"
            f" {_expansion(config)} needs (training loss 0.051 against 0.009)",
            f"set `{STEPS}: 0` and encode the corpus again",
            read.setting(config, STEPS, 0),
        )


@rule(
    code="HS111",
    name="too-small-to-clean-up",
    severity="warning",
    summary="The bundle has too few dimensions for an exact clean-up of its sequence.",
    explanation="""
    The clean-up takes the id whose base vector is closest to an unbound position, and preserves a
    model's function only if it always finds the right one. Measured share of right ids with 512 of
    them: unitary keys, hd_dim 1024: 1.00 at 16 positions, 0.82 at 64; hd_dim 256: 0.83 at 16;
    Gaussian keys, hd_dim 1024: 0.66 at 16. Rule of thumb: unitary keys and 64 dimensions per
    position.
    """,
    since="3",
    valid=(
        Example(
            "model:\n  adapter: {hd_dim: 1024, expand: cleanup}\n"
            "data:\n  hd: {sample_length: 16, keys: unitary, ctqw_steps: 0}\n"
        ),
    ),
    invalid=(
        Example(
            "model:\n  adapter: {hd_dim: 1024, expand: cleanup}\n"
            "data:\n  hd: {sample_length: 64, keys: unitary}\n"
        ),
    ),
)
def cleanup_capacity(config: Config) -> Iterator[Problem]:
    dim, length = read.bundle_dim(config), read.sequence(config)
    if _expansion(config) != "cleanup" or dim is None or length is None:
        return
    unitary = read.text(config, KEYS) == "unitary"
    if dim < 64 * length or not unitary:
        keys = "unitary" if unitary else "Gaussian"
        yield Problem(
            "model.adapter.hd_dim",
            f"clean-up of {length} positions needs unitary keys and about {64 * length:,}"
            f" dimensions; there are {dim:,} and {keys} keys",
            f"raise `model.adapter.hd_dim` or lower `data.hd.sample_length`; `{KEYS}: unitary`",
        )


@rule(
    code="HS112",
    name="bundles-of-nothing",
    severity="error",
    summary="Bundles are to be made, and no text is named to make them of.",
    explanation="""
    The stream needs a dataset, a curriculum or a text. Without one the old loader took its 20
    sample sentences and, without a word, returned the dataset of tokens, while the runner still
    built the model of bundles: a second way to feed int32 ids of shape (batch, sequence) to an
    input of float32 (batch, hd_dim).
    """,
    valid=(
        Example("data:\n  text: data/tales.txt\n"),
        Example("hd_dim: 128\nhf_dataset_name: tales\n", version="flat-v2"),
        Example("profile: request\n"),
    ),
    invalid=(
        Example("model:\n  hidden_dim: 64\n"),
        Example("hd_dim: 128\nuse_hd_streaming: true\n", version="flat-v2"),
    ),
)
def no_text(config: Config) -> Iterator[Problem]:
    named = any(read.value(config, key) for key in SOURCES) or config.get("data.text")
    if named or not read.streams_bundles(config) or read.is_open(config):
        return
    path = read.place(config, "hf_dataset_name") or ""
    other = "" if read.is_flat(config) else " or `data.text`"
    yield Problem(
        "data" if config.has("data") and not read.is_flat(config) else "",
        "HD bundles are on, and the file names no dataset, curriculum or text to make them of",
        f"set `{path}`{other}",
    )


@rule(
    code="HS113",
    name="base-table-unsaid",
    severity="warning",
    summary="Above 65,536 ids the base vectors come from another generator, and nothing says so.",
    explanation="""
    The old code drew one dense table up to 65,536 ids, and above that a vector per id from a
    generator seeded with seed + id. The two tables are different random tables: a vocabulary that
    crosses the limit changes every bundle of the corpus, and a checkpoint that was trained on one
    kind cannot read the other. Write down which one is in force. The fix changes nothing else.
    """,
    valid=(
        Example("tokenizer:\n  active_vocab_size: 65536\n"),
        Example("tokenizer:\n  active_vocab_size: 80000\ndata:\n  hd: {base_table: lazy}\n"),
    ),
    invalid=(
        Example(
            "tokenizer:\n  active_vocab_size: 80000\ndata:\n  hd:\n    seed: 1\n",
            fixed="tokenizer:\n  active_vocab_size: 80000\ndata:\n  hd:\n    seed: 1\n"
            "    base_table: lazy\n",
        ),
    ),
)
def base_table(config: Config) -> Iterator[Problem]:
    path, ids = read.vocabulary(config)
    where = "data.hd.base_table"
    if read.is_flat(config) or ids is None or not read.streams_bundles(config):
        return
    if ids > LAZY and config.get(where) is None:
        yield Problem(
            path,
            f"with {ids:,} ids (more than {LAZY:,}) base vectors are drawn per id,"
            " and the file does not say so",
            f"add `{where}: lazy`, which is what is in force",
            read.setting(config, where, "lazy", safe=True),
        )


@rule(
    code="HS114",
    name="padding-counts-in-the-loss",
    severity="warning",
    summary="The loss counts padding as if it were text.",
    explanation="""
    Labels of whole sequences are filled up with the padding id 2, and so is most of a short text.
    The old code masked nothing: predicting padding is easy, so the loss falls for a reason that
    has nothing to do with text. Its packed rows were filled with 0, the unknown sign, which has
    the same effect and hides it better.
    """,
    since="2",
    valid=(Example("training:\n  loss: {ignore_index: 2}\n"),),
    invalid=(
        Example(
            "training:\n  loss:\n    ignore_index: null\n",
            fixed="training:\n  loss:\n    ignore_index: 2\n",
        ),
    ),
)
def padding(config: Config) -> Iterator[Problem]:
    where = "training.loss.ignore_index"
    if label_mode(config) != "full_sequence" or not config.has(where):
        return
    said = config.get(where)
    if said != 2:
        yield Problem(
            where,
            f"padding is id 2, and the loss ignores {'nothing' if said is None else repr(said)}",
            f"set `{where}: 2`",
            read.setting(config, where, 2),
        )


@rule(
    code="HS115",
    name="loss-that-sees-the-future",
    severity="warning",
    summary="A token model of the old code: its next-token loss is no measure of quality.",
    explanation="""
    The old blocks are not causal: wavelets and convolutions are centred, experts choose tokens over
    the whole batch, state bus and Hamiltonian blocks take means over the sequence. So the model
    sees the token that it is asked for. A prototype with these blocks reached 0.04 nats in 400
    steps on text with a unigram entropy of 4.9. Losses of such a trial do not compare with those
    of a causal model.
    """,
    valid=(Example('trial_id: "1"\nhd_dim: 128\n', version="flat-v2"),),
    invalid=(Example('trial_id: "1"\nactive_vocab_size: 8000\n', version="flat-v6"),),
)
def sees_the_future(config: Config) -> Iterator[Problem]:
    if not read.is_flat(config) or read.profile(config) != "trial":
        return
    if not read.streams_bundles(config):
        yield Problem(
            "trial_id",
            "this trial trained a token model with blocks that see the future (0.04 nats on text"
            " of entropy 4.9)",
            "train again with causal blocks before comparing its loss with anything",
        )


rules = (
    all_alike,
    does_not_generalise,
    spread,
    cleanup_capacity,
    no_text,
    base_table,
    padding,
    sees_the_future,
)
