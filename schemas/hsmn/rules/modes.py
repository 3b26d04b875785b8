"""HS101-HS107: what goes in, what comes out, and what it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Fix, Problem, rule

from . import read
from .shapes import label_mode, shapes, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

ENABLED, INPUT, ADAPTER = "data.hd.enabled", "model.input", "model.adapter"
EXPAND, LABELS = "model.adapter.expand", "data.hd.label_mode"
DTYPES = {"hd_bundle": "float32", "token_ids": "int32"}
_SMALL = "model:\n  hidden_dim: 64\n"


def _place(config: Config, *paths: str) -> str:
    """The first of the paths that the file has, else the whole file."""
    return next((path for path in paths if config.has(path)), "")


@rule(
    code="HS101",
    name="bundles-for-a-token-model",
    severity="error",
    summary="The data side makes bundles, and the model reads them as token ids.",
    explanation="""
    HD streaming was on by default before any model had an adapter. The stream makes one float32
    bundle of shape (batch, hd_dim) per text; a model of tokens reads its second axis as the length
    of a sequence and makes logits of shape (batch, hd_dim, vocabulary), while the label is the last
    id of the text: (batch,). With batch 64, hd_dim 128 and 128,000 ids that is (64, 128, 128000)
    against (64,), and PyTorch says "Expected target size [64, 128000], got [64]" - after 4.2 GB
    of logits. No value of this file can help: its version has no adapter.
    """,
    until="1",
    valid=(
        Example("data:\n  hd:\n    enabled: false\n", version="1"),
        Example("vocab_size: 512\nhidden_dim: 64\n", version="flat-v1"),
    ),
    invalid=(
        Example(
            "model:\n  hidden_dim: 64\ntokenizer:\n  vocab_size: 128000\n"
            "data:\n  hd:\n    hd_dim: 128\ntraining:\n  batch_size: 64\n",
            version="1",
        ),
    ),
)
def bundles_for_tokens(config: Config) -> Iterator[Problem]:
    yield from _mismatch(config)


@rule(
    code="HS102",
    name="flat-bundles-for-a-token-model",
    severity="error",
    summary="A flat file of before v2 streams bundles for a model that reads tokens.",
    explanation="""
    The same as HS101, for the flat files of v0 and v1: the runner turned HD streaming on, the
    builder made a model of tokens. Logits of shape (batch, hd_dim, vocabulary) meet labels of
    shape (batch,): (64, 128, 128000) against (64,) with batch 64, hd_dim 128 and 128,000 ids. A
    bundle of floats that reaches an embedding first ends with a message about indices that are no
    integers instead. The upgrade gives the model an adapter and each bundle the ids of its text
    as labels.
    """,
    since="flat-v1",
    until="flat-v1",
    valid=(Example("use_hd_streaming: false\nvocab_size: 128000\n", version="flat-v1"),),
    invalid=(
        Example(
            "vocab_size: 128000\nuse_hd_streaming: true\nhd_dim: 128\nhidden_dim: 64\n"
            "batch_size: 64\nparam_budget: 1000000\n",
            version="flat-v1",
        ),
    ),
)
def flat_bundles_for_tokens(config: Config) -> Iterator[Problem]:
    yield from _mismatch(config)


def _mismatch(config: Config) -> Iterator[Problem]:
    found = shapes(config)
    if found.kind != "hd_bundle":
        return
    labels = written(found.labels) + (" of float32" if found.label_dtype == "float32" else "")
    yield Problem(
        _place(config, "use_hd_streaming", ENABLED, "hd_dim", "data.hd.hd_dim", "data.hd"),
        f"bundles {written(found.inputs)} are read as ids: logits {written(found.logits)}"
        f" against labels {labels}",
        "`cfgmig upgrade` this file: from version 2 on an adapter takes bundles, and the labels"
        " are the ids of the whole text",
    )


@rule(
    code="HS103",
    name="one-label-per-bundle",
    severity="error",
    summary="A bundle of a whole sequence has no label of that length.",
    explanation="""
    The adapter makes S vectors of a bundle, so the logits are (batch, S, vocabulary) and the labels
    must be the S ids of the text. `last_token` gives (batch,): the end sign for every text that was
    not cut, so there is nothing to learn. Three runs of the old code had such labels; their loss
    stayed at the logarithm of the vocabulary, 11.3061 for 81,316 ids (ln 81316 = 11.3061) after
    250 steps. `bundle` gives floats of shape (batch, hd_dim), which no cross-entropy takes. Both
    remain in the schema so that old files can be read. The corpus must be encoded again.
    """,
    since="2",
    valid=(Example("data:\n  hd:\n    label_mode: full_sequence\n"),),
    invalid=(
        Example(
            "data:\n  hd:\n    label_mode: last_token\n",
            fixed="data:\n  hd:\n    label_mode: full_sequence\n",
        ),
        Example("data:\n  hd:\n    label_mode: bundle\n", version="2"),
    ),
)
def one_label(config: Config) -> Iterator[Problem]:
    mode, found = label_mode(config), shapes(config)
    if found.kind == "hd_bundle" and mode in ("last_token", "bundle"):
        kind = "" if mode == "last_token" else " of float32"
        yield Problem(
            LABELS,
            f"label_mode {mode} gives labels {written(found.labels)}{kind}"
            f" against logits {written(found.logits)}",
            f"set `{LABELS}: full_sequence` and encode the corpus again",
            read.setting(config, LABELS, "full_sequence"),
        )


@rule(
    code="HS104",
    name="a-trial-that-cannot-learn",
    severity="warning",
    summary="A trial of v2 or v3 compares one vector per bundle with the text's last id.",
    explanation="""
    The code of these files projected a bundle to (batch, 1, width) and let the head drop the axis
    of length 1, so the shapes agree: logits (batch, vocabulary), labels (batch,). But the label of
    every text that was not cut is the end sign, and position is lost. All three trials with a log
    stayed at the logarithm of their vocabulary: 11.3146 to 11.3061 for 81,316 ids, 12.61 for
    300,000, 12.41 for 243,628. The upgrade changes adapter and labels.
    """,
    valid=(
        Example('hd_dim: 128\ntrial_id: "1"\nuse_hd_streaming: false\n', version="flat-v2"),
        Example('hd_dim: 128\nsweep_id: "1"\n', version="flat-v2"),
    ),
    invalid=(Example('hd_dim: 128\ntrial_id: "1"\n', version="flat-v2"),),
)
def cannot_learn(config: Config) -> Iterator[Problem]:
    if config.version not in ("flat-v2", "flat-v3") or read.profile(config) != "trial":
        return
    if not read.streams_bundles(config):
        return
    found = shapes(config)
    logits = written((found.logits[0], found.logits[-1]))
    yield Problem(
        _place(config, "use_hd_streaming", "hd_dim"),
        f"one vector per bundle, logits {logits}, and its label {written(found.labels)} is the"
        " text's last id: the loss stays at ln V",
        "`cfgmig upgrade` this file; a loss that it recorded says nothing about its settings",
    )


@rule(
    code="HS105",
    name="one-switch-four-places",
    severity="error",
    summary="HD switch, model input, adapter and embedding contradict each other.",
    explanation="""
    data.hd.enabled decides four things: the data side makes bundles, model.input is hd_bundle of
    float32, the model has an adapter, and it has no embedding (bundles are embeddings already).
    Where one of them disagrees, bundles of shape (batch, hd_dim) meet a table of ids or ids meet a
    projection. A request or a sweep may leave the adapter to the search, which decides its hd_dim.
    """,
    since="2",
    valid=(
        Example("model:\n  adapter: {hd_dim: 128}\n"),
        Example(
            "data:\n  hd: {enabled: false}\nmodel:\n  input: {kind: token_ids, dtype: int32}\n"
        ),
        Example("profile: request\nmodel:\n  hidden_dim: 64\n"),
    ),
    invalid=(
        Example(_SMALL),
        Example(
            "data:\n  hd:\n    enabled: false\nmodel:\n  input:\n    kind: hd_bundle\n"
            "    dtype: float32\n",
            fixed="data:\n  hd:\n    enabled: false\nmodel:\n  input:\n    kind: token_ids\n"
            "    dtype: int32\n",
        ),
        Example("model:\n  adapter: {hd_dim: 128}\n  embedding: {kind: plain}\n"),
    ),
)
def one_switch(config: Config) -> Iterator[Problem]:
    wanted = "hd_bundle" if read.streams_bundles(config) else "token_ids"
    yield from _inputs(config, wanted)
    if wanted != "hd_bundle":
        return
    if not read.section(config, ADAPTER) and not read.is_open(config):
        said = "" if config.has(ENABLED) else " (by default)"
        yield Problem(
            _place(config, ADAPTER, ENABLED, "model"),
            f"data.hd.enabled is on{said}, and the model has no adapter for bundles",
            "add `model.adapter` with an `hd_dim` that `hidden_dim` divides,"
            f" or set `{ENABLED}: false`",
        )
    if read.section(config, "model.embedding"):
        yield Problem(
            "model.embedding",
            "bundles are embeddings already; the model takes no ids to embed",
            "remove `model.embedding`",
            read.dropping("model.embedding"),
        )


def _inputs(config: Config, wanted: str) -> Iterator[Problem]:
    found = {key: read.text(config, f"{INPUT}.{key}") for key in ("kind", "dtype")}
    right = {"kind": wanted, "dtype": DTYPES[wanted]}
    wrong = [key for key in found if found[key] and found[key] != right[key]]
    if wrong:
        pairs = [read.setting(config, f"{INPUT}.{key}", right[key]).changes for key in wrong]
        silent = "" if config.has(ENABLED) else f" ({ENABLED} is on by default)"
        yield Problem(
            f"{INPUT}.{wrong[0]}",
            f"the data side makes {wanted} of {right['dtype']}{silent}, the model expects"
            f" {found['kind'] or wanted} of {found['dtype'] or right['dtype']}",
            f"set `{INPUT}: {{kind: {wanted}, dtype: {right['dtype']}}}` or change `{ENABLED}`",
            Fix(tuple(change for pair in pairs for change in pair), safe=False),
        )


@rule(
    code="HS106",
    name="adapter-without-bundles",
    severity="warning",
    summary="The model has an adapter, and nothing makes bundles for it.",
    explanation="""
    With data.hd.enabled off the model reads token ids, and the adapter is never built. Its hd_dim
    still counts in two places: as what the layers' HD dimensions fall back on, and in the old
    estimators, which charge a table of vocabulary times hd_dim for it. Files that were upgraded
    from v4 and v6 come out like this when they named an hd_dim, since their code had lost the mode.
    """,
    since="2",
    valid=(Example("model:\n  adapter: {hd_dim: 128}\n"),),
    invalid=(Example("data:\n  hd: {enabled: false}\nmodel:\n  adapter: {hd_dim: 128}\n"),),
)
def adapter_alone(config: Config) -> Iterator[Problem]:
    if read.section(config, ADAPTER) and not read.streams_bundles(config):
        yield Problem(
            ADAPTER,
            f"{ENABLED} is off, so nothing makes bundles for the adapter",
            f"remove `{ADAPTER}`, or set `{ENABLED}: true`",
            part="key",
        )


@rule(
    code="HS107",
    name="one-vector-for-a-sequence",
    severity="error",
    summary="expand: none leaves one vector where the labels are a whole sequence.",
    explanation="""
    Without an expansion the adapter makes (batch, 1, width) of a bundle, so the logits are
    (batch, 1, vocabulary) and cannot meet labels of shape (batch, S). It is right for a sample
    length of 1 only. The old code hid this: it dropped the axis of length 1 and compared with one
    id. `unbind` recovers S noisy vectors with the position keys; with unitary keys it reached a
    held-out loss of 0.589 against a unigram entropy of 4.878.
    """,
    since="2",
    valid=(
        Example("model:\n  adapter: {hd_dim: 128, expand: unbind}\n"),
        Example(
            "model:\n  adapter: {hd_dim: 128, expand: none}\ndata:\n  hd: {sample_length: 1}\n"
        ),
    ),
    invalid=(
        Example(
            "model:\n  adapter:\n    hd_dim: 128\n    expand: none\n",
            fixed="model:\n  adapter:\n    hd_dim: 128\n    expand: unbind\n",
        ),
    ),
)
def one_vector(config: Config) -> Iterator[Problem]:
    found = shapes(config)
    if found.kind != "hd_bundle" or label_mode(config) != "full_sequence":
        return
    if read.text(config, EXPAND) == "none" and found.labels[-1] != 1:
        yield Problem(
            EXPAND,
            f"expand: none gives logits {written(found.logits)}"
            f" against labels {written(found.labels)}",
            f"set `{EXPAND}: unbind`",
            read.setting(config, EXPAND, "unbind"),
        )


rules = (
    bundles_for_tokens,
    flat_bundles_for_tokens,
    one_label,
    cannot_learn,
    one_switch,
    adapter_alone,
    one_vector,
)
