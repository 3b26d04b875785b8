"""HSMN: its config versions, oldest first, and what tells one from another."""

from __future__ import annotations

from cfgmig.schema import Family, Has, Lacks, Named, Says, Version

# What the dataclasses wrote has two sections, of which one is called like ours.
_DUMPED = (
    Has("model.max_seq_length", weight=0.4),
    Lacks("model.hidden_dim", weight=2.0),
    Lacks("tokenizer", weight=2.0),
    Lacks("data", weight=2.0),
    Lacks("budget", weight=2.0),
)
_GROUPED = (Has("model_config", weight=2.0), Has("hpo_runner", weight=1.0))
# A flat file says by its keys which era wrote it; when it was stored says nothing.
_VERSIONS = (
    Version(
        "1",
        ".v1:Config",
        "Bundles for a token model; the vocabulary grows until it is full.",
        evidence=(
            Lacks("model.adapter"),
            Lacks("model.input"),
            Lacks("tokenizer.max_vocab_size"),
            Lacks("tokenizer.derived_from"),
        ),
    ),
    Version(
        "2",
        ".v2:Config",
        "Adapter, labels for whole sequences, a vocabulary within the budget.",
        evidence=(Has("model.input", weight=1.0),),
    ),
    Version(
        "3",
        ".v3:Config",
        "The model takes the vocabulary that the tokenizer learnt.",
        evidence=(
            Has("tokenizer.target_vocab_size", weight=2.0),
            Lacks("model.hd_dims"),
            Lacks("tokenizer.vocab_size"),
        ),
    ),
    Version(
        "4",
        ".v4:Config",
        "HD dimensions per layer; the context window.",
        evidence=(
            Has("tokenizer.target_vocab_size", weight=2.0),
            Has("model.context_window", weight=1.0),
            Lacks("tokenizer.active_vocab_size"),
        ),
    ),
    Version(
        "5",
        ".v5:Config",
        "One vocabulary, one width, one length.",
        evidence=(
            Has("tokenizer.active_vocab_size", weight=2.0),
            Lacks("tokenizer.vocab_size"),
            Lacks("tokenizer.target_vocab_size"),
            Lacks("model.sequence_length"),
            Lacks("model.embedding_dim"),
        ),
    ),
    Version(
        "flat-v1",
        ".flat:V2",
        "The flat file of v0 and v1, which never capped its vocabulary.",
        dialect=True,
        evidence=(
            Lacks("context_window", weight=6.0),
            Lacks("use_quantum_tokenizer", weight=1.0),
            Says("vocab_size", "128000|256000|65536", weight=3.0),
            Named(r"(?<![A-Za-z0-9])v[01](?!\d)"),
        ),
    ),
    Version(
        "flat-v2",
        ".flat:V2",
        "The flat file of v2, whose vocabulary is vocab_size.",
        dialect=True,
        evidence=(
            Has("use_quantum_tokenizer", weight=1.0),
            Lacks("target_vocab_size"),
            Lacks("active_vocab_size"),
            Named(r"(?<![A-Za-z0-9])v2(?!\d)"),
        ),
    ),
    Version(
        "flat-v3",
        ".flat:V3",
        "The flat file of v3: a goal for the tokenizer, one HD dimension.",
        dialect=True,
        evidence=(
            Has("target_vocab_size", weight=1.0),
            Has("hd_sample_length", weight=2.0),
            Lacks("hd_dim_embedding"),
            Lacks("active_vocab_size"),
        ),
    ),
    Version(
        "flat-v4",
        ".flat:V4",
        "The flat file of v4: HD dimensions per layer, a stale vocab_size.",
        dialect=True,
        evidence=(
            Has("target_vocab_size", weight=1.0),
            Has("hd_dim_embedding", weight=1.0),
            Lacks("active_vocab_size"),
        ),
    ),
    Version(
        "flat-v6",
        ".flat:V6",
        "The flat file of v5 and v6, whose vocabulary is active_vocab_size.",
        dialect=True,
        evidence=(
            Has("active_vocab_size", weight=1.0),
            Lacks("target_vocab_size"),
            Says("loss_function", ".*", weight=2.0),
        ),
    ),
    Version(
        "dataclass-v1",
        ".dataclasses:V1",
        "The JSON of the Config dataclass up to v4: model and training, one vocabulary.",
        dialect=True,
        ruled=False,
        evidence=(*_DUMPED, Lacks("model.active_vocab_size", weight=2.0)),
    ),
    Version(
        "dataclass-v5",
        ".dataclasses:V5",
        "The JSON of the Config dataclass of v5 and v6: active and total vocabulary.",
        dialect=True,
        ruled=False,
        evidence=(*_DUMPED, Has("model.active_vocab_size", weight=1.0)),
    ),
    Version(
        "grouped-v2",
        ".grouped:V2",
        "A search's file in groups, around the keys of flat-v2.",
        dialect=True,
        ruled=False,
        evidence=(
            *_GROUPED,
            Lacks("model_config.target_vocab_size", weight=2.0),
            Lacks("model_config.active_vocab_size", weight=2.0),
        ),
    ),
    Version(
        "grouped-v4",
        ".grouped:V4",
        "A search's file in groups, around the keys of flat-v4.",
        dialect=True,
        ruled=False,
        evidence=(*_GROUPED, Has("model_config.target_vocab_size", weight=1.0)),
    ),
    Version(
        "grouped-v6",
        ".grouped:V6",
        "A search's file in groups, around the keys of flat-v6.",
        dialect=True,
        ruled=False,
        evidence=(*_GROUPED, Has("model_config.active_vocab_size", weight=1.0)),
    ),
)

family = Family(
    name="hsmn",
    title="HSMN",
    versions=_VERSIONS,
    rules=".rules",
    matrix=".matrix:matrix",
    layouts=".layouts:layouts",
    profiles=".profiles:profiles",
)
