"""How rules read a config that nobody has validated, in sections or flat, and write fixes.

A rule asks by flat key. Where the file has sections, the key is looked up at its place
there, in the version at hand; a key that has no place there is not looked for, because
what lies below `legacy_extra` is kept and no more. What is missing, null or of the wrong
type reads as nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.document import Delete, Insert, SetValue
from cfgmig.paths import parse_path
from cfgmig.schema.profile import profile_of
from cfgmig.schema.rules import Fix

from .. import places
from .estimators import LARGEST, Sizes, base_vocabulary, positive

if TYPE_CHECKING:
    from cfgmig.schema.rules import Config

VOCABULARY = ("active_vocab_size", "target_vocab_size", "vocab_size")
"""The names that a vocabulary has had, the latest first: the first one that is said holds."""
_OWN = {
    "flat-v1": "vocab_size",
    "flat-v2": "vocab_size",
    "flat-v3": "target_vocab_size",
    "flat-v4": "target_vocab_size",
    "flat-v6": "active_vocab_size",
    "1": "vocab_size",
    "2": "vocab_size",
    "3": "target_vocab_size",
    "4": "target_vocab_size",
    "5": "active_vocab_size",
}
_PLACES = (
    places.V6
    | places.V4
    | {
        "use_hd_streaming": "data.hd.enabled",
        "active_vocab_size": "tokenizer.active_vocab_size",
        "total_vocab_size": "tokenizer.total_vocab_size",
        "num_heads": "model.blocks.attention.num_heads",
        "num_kv_heads": "model.blocks.attention.num_kv_heads",
        "latent_kv_dim": "model.blocks.attention.latent_dim",
    }
)
_SUMS = {
    "vqc_layers": "model.lm_head.vqc_layers",
    "vqc_qubits": "model.lm_head.vqc_qubits",
    "wavelet_kernel_size": "model.blocks.wlam.kernel_size",
}
"""Places that only the estimators ask for, under the names that they know."""


def is_flat(config: Config) -> bool:
    """Whether the file is one of the old code: one level, one namespace."""
    return config.version.startswith("flat-")


def place(config: Config, key: str) -> str | None:
    """Where this file says what a flat file says under `key`; None where it cannot."""
    if is_flat(config):
        return key
    if config.version == "1" and key == "hd_dim":
        return places.V2[key]
    return _PLACES.get(key)


def value(config: Config, key: str, default: Any = None) -> Any:
    """What the file says under a flat key; `default` when it is missing or null."""
    path = place(config, key)
    found = None if path is None else config.get(path)
    return default if found is None else found


def whole(config: Config, key: str) -> int | None:
    """The positive integer under a flat key."""
    return positive(value(config, key))


def whole_at(config: Config, path: str) -> int | None:
    """The positive integer at a path."""
    return positive(config.get(path))


def number(config: Config, path: str) -> float | None:
    """The number at a path; a bool is none, nor is infinity or one beyond all reason."""
    found = config.get(path)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and abs(found) < LARGEST else None


def text(config: Config, path: str) -> str:
    """The text at `path`, else an empty one."""
    found = config.get(path)
    return found if isinstance(found, str) else ""


def section(config: Config, path: str) -> dict[str, Any]:
    """The mapping at `path`, else an empty one."""
    found = config.get(path)
    return found if isinstance(found, dict) else {}


def profile(config: Config) -> str:
    """`request`, `trial` or `sweep`, as the file says or shows; else nothing."""
    from .. import family

    if not isinstance(config.data, dict):
        return ""
    found = profile_of(config, family)
    return "" if found is None else found.name


def is_open(config: Config) -> bool:
    """Whether a search will still decide: the file is a request or a sweep."""
    return profile(config) in ("request", "sweep")


def vocabulary_key(config: Config) -> str:
    """The path under which files of this version say their vocabulary."""
    key = _OWN[config.version]
    return key if is_flat(config) else f"tokenizer.{key}"


def named_vocabularies(config: Config) -> dict[str, Any]:
    """Path and value of every vocabulary that the file names, the one that holds first."""
    paths = VOCABULARY if is_flat(config) else [f"tokenizer.{key}" for key in VOCABULARY]
    return {path: config.get(path) for path in paths if config.has(path)}


def vocabulary(config: Config) -> tuple[str, int | None]:
    """The vocabulary of the file and its path; None when it names none."""
    for path, said in named_vocabularies(config).items():
        if positive(said):
            return path, said
    return vocabulary_key(config), None


def base(config: Config) -> int:
    """Ids of this file's tokenizer before it learns any."""
    return base_vocabulary(whole(config, "qwt_byte_offset") or 32)


def streams_bundles(config: Config) -> bool:
    """Whether the data side of this file makes bundles.

    The runner's default was to, once it could; a flat file that names no HD key is older,
    and the code of v4 to v6 built models of tokens only.
    """
    if config.version in ("flat-v4", "flat-v6"):
        return False
    if config.version == "flat-v1":
        hints = ("use_hd_streaming", "hd_dim", "hd_reservoir_size")
        if not any(config.has(key) for key in hints):
            return False
    return value(config, "use_hd_streaming", True) is not False


def flat(config: Config) -> dict[str, Any]:
    """The file as a flat one, for the estimators; the vocabulary under each of its names."""
    if is_flat(config):
        return dict(config.data) if isinstance(config.data, dict) else {}
    found = dict(section(config, "legacy_extra"))
    for key in (*_PLACES, "hd_dim"):
        said = value(config, key)
        if said is not None:
            found[key] = said
    for key, path in _SUMS.items():
        if config.get(path) is not None:
            found[key] = config.get(path)
    found["use_hyperdimensional_embedding"] = text(config, "model.embedding.kind") != "plain"
    found["use_quantum_lm_head"] = text(config, "model.lm_head.kind") != "dense"
    found.setdefault("context_window", found.get("sequence_length"))
    _, ids = vocabulary(config)
    if ids is not None:
        found |= dict.fromkeys(("vocab_size", "active_vocab_size"), ids)
    return found


def sizes(config: Config, ids: int | None = None) -> Sizes | None:
    """What fixes the tensors of this file's model; None while width or ids are open.

    Args:
        config: a file in sections.
        ids: a vocabulary instead of the file's.
    """
    width, named = whole(config, "hidden_dim"), ids or vocabulary(config)[1]
    if is_flat(config) or width is None or named is None:
        return None
    found = Sizes(width, named, length=sequence(config) or 512)
    fields: dict[str, Any] = {name: positive(config.get(path)) for name, path in _FIELDS.items()}
    found = found._replace(**{name: said for name, said in fields.items() if said})
    adapter = section(config, "model.adapter")
    return found._replace(
        **_entry(config, width),
        blocks=min(found.blocks, 10_000),
        qubits=min(found.qubits, 40),
        quantum=text(config, "model.lm_head.kind") != "dense",
        dense=config.get("model.lm_head.dense_fallback") is not False,
        bias=adapter.get("use_bias") is not False,
        # one vector has one place: without an expansion there is nothing to tell apart
        positions=adapter.get("position") != "none" and adapter.get("expand") != "none",
        only_spatial=text(config, "model.block_pattern") == "mamba_only",
        total_ids=positive(config.get("model.lm_head.total_vocab_size"))
        or whole(config, "total_vocab_size"),
    )


def _entry(config: Config, width: int) -> dict[str, Any]:
    """What comes in first, in the words of `Sizes`; a clean-up looks ids up in a table."""
    kind = text(config, "model.input.kind")
    bundles = kind == "hd_bundle" if kind else streams_bundles(config)
    if bundles and config.version != "1":
        by_table = text(config, "model.adapter.expand") == "cleanup"
        return {} if by_table else {"hd_dim": bundle_dim(config) or 8 * width}
    embedding = section(config, "model.embedding")
    if not embedding or embedding.get("kind") == "plain":
        return {}
    own = whole_at(config, "model.hd_dims.embedding") or whole_at(config, "model.adapter.hd_dim")
    return {"dual_hd": own or 8 * width, "rows": positive(embedding.get("hd_active_vocab_size"))}


_FIELDS = {
    "blocks": "model.num_reasoning_blocks",
    "experts": "model.num_moe_experts",
    "inner": "model.blocks.moe.inner_dim",
    "heads": "model.blocks.attention.num_heads",
    "kv_heads": "model.blocks.attention.num_kv_heads",
    "latent": "model.blocks.attention.latent_dim",
    "expansion": "model.ff_expansion",
    "taps": "model.blocks.wlam.kernel_size",
    "wavelet_heads": "model.blocks.wlam.num_heads",
    "state": "model.blocks.spatial.mamba_state_dim",
    "paths": "model.blocks.spatial.qhd_num_paths",
    "qubits": "model.lm_head.vqc_qubits",
    "layers": "model.lm_head.vqc_layers",
    "factor_rank": "model.lm_head.factor_rank",
}


def bundle_dim(config: Config) -> int | None:
    """Dimensions of this file's bundles; version 1 and its files meant 1024 by silence."""
    said = whole(config, "hd_dim")
    return said or (1024 if config.version in ("1", "flat-v1", "flat-v2") else None)


def sequence(config: Config) -> int | None:
    """Tokens of one sequence: those of a bundle where bundles come in, else of the context.

    From version 3 on a file in sections that names no sample length means 512, whatever its
    window; before, and in the flat files, a bundle held no more than the window.
    """
    window = whole(config, "context_window") or whole(config, "sequence_length")
    if not streams_bundles(config):
        return window
    said = whole(config, "hd_sample_length")
    if said is not None or config.version in ("3", "4", "5"):
        return said or 512
    return min(512, window or 512)


def fraction(config: Config) -> float:
    """Share of the budget that is not for the vocabulary."""
    found = number(config, "budget.overhead_fraction")
    return found if found is not None and 0 <= found < 1 else 0.5


def setting(config: Config, path: str, new: Any, *, safe: bool = False) -> Fix:
    """A fix that writes one value, adding its key where there is none."""
    where = parse_path(path)
    change = SetValue(where, new) if config.has(path) else Insert(where, new)
    return Fix((change,), safe)


def dropping(path: str, *, safe: bool = False) -> Fix:
    """A fix that removes a key."""
    return Fix((Delete(parse_path(path)),), safe)


def fmt(found: float) -> str:
    """A number as a person writes it: groups of thousands for whole ones."""
    return f"{found:,}" if isinstance(found, int) else f"{found:.4g}"


def next_multiple(given: int, of: int, most: int) -> int | None:
    """The next multiple of `of` from `given` on, the one before at the limit; None for 0."""
    above = -(-given // of) * of
    found = above if above <= most else given // of * of
    return found or None
