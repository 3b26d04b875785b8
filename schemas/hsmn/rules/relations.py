"""HS601-HS607: values that belong together, and what a file says beside its settings."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from cfgmig.paths import format_path
from cfgmig.schema.rules import Example, Problem, rule

from . import read
from .read import fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

ORDERED = (
    ("chunk_stride", "chunk_size", True),
    ("local_attention_window_min", "local_attention_window_max", False),
    ("vqc_min_layers", "vqc_max_layers", False),
    ("hopfield_beta_min", "hopfield_beta_max", False),
    ("qao_final_temp", "qao_initial_temp", False),
    ("state_bus_slots", "state_bus_max_slots", True),
)
"""The smaller, the larger, and whether they may be equal."""
RANKS = (
    ("hd_gradient_bandwidth", "hd_dim", 2),
    ("hd_gradient_rank", "hd_dim", 4),
    ("flash_linear_augment_rank", "hidden_dim", 8),
    ("latent_kv_dim", "hidden_dim", 1),
)
"""The first is at most the second divided by the third."""
MEBI = 1024 * 1024
TABLES = (
    ("hd_sample_length", "hd_dim", 50 * MEBI, "position keys"),
    ("memory_slots", "memory_slot_dim", 100 * MEBI, "memory slots"),
)
"""Rows, columns, the most bytes of float32, and what it is."""


def _pair(config: Config, first: str, second: str) -> tuple[str, float, float] | None:
    """The path of the first key, and both numbers."""
    one, two = read.place(config, first), read.place(config, second)
    if one is None or two is None:
        return None
    left, right = read.number(config, one), read.number(config, two)
    return None if left is None or right is None else (one, left, right)


@rule(
    code="HS601",
    name="limits-out-of-order",
    severity="error",
    summary="A lower limit is not below its upper one.",
    explanation="""
    Six pairs that the old search puts in order before it starts a trial: chunk stride and size,
    smallest and largest attention window, layers of the circuits, beta of the Hopfield memory,
    final and initial temperature of the annealing, slots of the state bus. A file that was edited
    by hand does not go through that pass.
    """,
    valid=(Example("chunk_stride: 64\nchunk_size: 64\n", version="flat-v6"),),
    invalid=(
        Example("chunk_stride: 65\nchunk_size: 64\n", version="flat-v6"),
        Example("vqc_min_layers: 4\nvqc_max_layers: 4\n", version="flat-v2"),
        Example("qao_initial_temp: 0.1\nqao_final_temp: 10.0\n", version="flat-v2"),
    ),
)
def out_of_order(config: Config) -> Iterator[Problem]:
    for small, large, may_equal in ORDERED:
        found = _pair(config, small, large)
        if found is None or found[1] < found[2] or (may_equal and found[1] == found[2]):
            continue
        path, least, most = found
        yield Problem(
            path,
            f"{small} {fmt(least)} is not below {large} {fmt(most)}",
            f"set `{small}` {'to at most' if may_equal else 'below'} `{large}`",
        )


@rule(
    code="HS602",
    name="slot-does-not-divide",
    severity="error",
    summary="memory_slot_dim is not a multiple of memory_num_heads.",
    explanation="""
    Each head of the memory reads its share of a slot, so the slot must divide evenly. The old search
    lowers the number of heads until it does; the fix takes the largest divisor that is not above
    the number in the file.
    """,
    valid=(Example("memory_slot_dim: 64\nmemory_num_heads: 4\n", version="flat-v6"),),
    invalid=(
        Example(
            "memory_slot_dim: 64\nmemory_num_heads: 6\n",
            version="flat-v6",
            fixed="memory_slot_dim: 64\nmemory_num_heads: 4\n",
        ),
    ),
)
def slots_divide(config: Config) -> Iterator[Problem]:
    slot, heads = read.whole(config, "memory_slot_dim"), read.whole(config, "memory_num_heads")
    if slot is None or heads is None or slot % heads == 0:
        return
    good = next(one for one in range(min(heads, slot, 4096), 0, -1) if slot % one == 0)
    yield Problem(
        "memory_num_heads",
        f"{fmt(heads)} heads do not divide a slot of {fmt(slot)} (remainder {slot % heads})",
        f"set `memory_num_heads: {good}`",
        read.setting(config, "memory_num_heads", good),
    )


@rule(
    code="HS603",
    name="rank-beyond-its-dimension",
    severity="error",
    summary="A rank or an inner width is larger than its dimension allows.",
    explanation="""
    hd_gradient_bandwidth is at most hd_dim / 2, hd_gradient_rank at most hd_dim / 4,
    flash_linear_augment_rank at most hidden_dim / 8, and the latent of keys and values at most
    hidden_dim: a latent of 256 behind a width of 64 compresses nothing and only adds parameters.
    Four trials of v2 have exactly that. The fix takes the largest allowed value.
    """,
    valid=(
        Example("hidden_dim: 64\nlatent_kv_dim: 64\n", version="flat-v2"),
        Example("model: {hidden_dim: 64, blocks: {attention: {latent_dim: 16}}}\n"),
    ),
    invalid=(
        Example(
            "hidden_dim: 64\nlatent_kv_dim: 256\n",
            version="flat-v2",
            fixed="hidden_dim: 64\nlatent_kv_dim: 64\n",
        ),
        Example("model: {hidden_dim: 64, blocks: {attention: {latent_dim: 65}}}\n"),
        Example("hd_dim: 128\nhd_gradient_rank: 33\n", version="flat-v6"),
    ),
)
def rank_beyond(config: Config) -> Iterator[Problem]:
    for key, of, part in RANKS:
        found = _pair(config, key, of)
        whole = read.whole(config, of)
        if found is None or whole is None or found[1] <= whole // part:
            continue
        most = whole // part
        said = of if part == 1 else f"{of} / {part}"
        yield Problem(
            found[0],
            f"{key} {fmt(found[1])} is above {said}, {fmt(most)}",
            f"set `{found[0]}: {most}`",
            read.setting(config, found[0], most) if most else None,
        )


@rule(
    code="HS604",
    name="table-too-large",
    severity="error",
    summary="Position keys or memory slots take more bytes than they may.",
    explanation="""
    Position keys are sample_length x hd_dim float32 numbers and may take 50 MiB; the memory's slots
    may take 100 MiB. With 1,048,576 positions and hd_dim 12,288 the keys alone were 48 GB, which is
    why the sample length became a setting of its own, 512 by default.
    """,
    valid=(Example("hd_sample_length: 512\nhd_dim: 4096\n", version="flat-v3"),),
    invalid=(
        Example("hd_sample_length: 2048\nhd_dim: 12288\n", version="flat-v3"),
        Example(
            "model: {adapter: {hd_dim: 4096}}\ndata:\n  hd: {sample_length: 4096}\n",
        ),
    ),
)
def table_too_large(config: Config) -> Iterator[Problem]:
    for rows, columns, most, name in TABLES:
        count, wide = read.whole(config, rows), read.whole(config, columns)
        if count is None or wide is None or 4 * count * wide <= most:
            continue
        path = read.place(config, rows) or ""
        yield Problem(
            path,
            f"{name} of {fmt(count)} x {fmt(wide)} take {4 * count * wide / MEBI:,.0f} MiB, more than"
            f" {most // MEBI}",
            f"set `{path}` to {most // (4 * wide)} or less",
        )


_READ = """
    active_vocab_size barren_plateau_monitor barren_plateau_recovery_lr_scale
    barren_plateau_threshold batch_size context_window curriculum_id entropy_reg_weight
    ff_expansion galore_rank galore_scale galore_update_proj_gap hd_active_vocab_size
    hd_dim_embedding hd_dim_moe hd_dim_spatial hd_dim_timecrystal
    hd_optimizer_compression_ratio hf_dataset_name hidden_dim hqe_ctqw_steps
    learning_rate num_moe_experts num_reasoning_blocks optimizer param_budget
    qalrc_annealing_power qalrc_entropy_smoothing qalrc_tunneling_probability
    qhpm_crystallization_threshold qhpm_max_directions qng_damping sequence_length
    sweep_id sympflow_friction sympflow_mass sympflow_step_size
    use_hyperdimensional_embedding use_qhpm_crystallization use_quantum_lm_head
    use_quantum_natural_gradient use_tensor_galore vocab_sample_size weight_decay
    wlam_kernel_size wlam_num_heads
"""
LIVE = frozenset(_READ.split())
"""Keys of a trial that some code of v6 reads; the others only fill the file."""


@rule(
    code="HS605",
    name="keys-that-nothing-reads",
    severity="info",
    summary="A trial of v4 to v6 has keys that no code reads.",
    explanation="""
    Of the 252 keys of a real trial of v6 only 46 reach the model, the data or the optimizer; 206
    are read by nobody at run time, ten of them by the estimator alone. ReasoningModule takes any
    keyword and drops it: of 167 parameters that the runner passes none reaches a block. So a search
    over them compares noise. The upgrade keeps what has no place below `legacy_extra`.
    """,
    valid=(Example("hidden_dim: 64\nneuromorphic_tau: 10.0\n", version="flat-v6"),),
    invalid=(
        Example('trial_id: "1"\nhidden_dim: 64\nneuromorphic_tau: 10.0\n', version="flat-v6"),
    ),
)
def unread(config: Config) -> Iterator[Problem]:
    late = config.version in ("flat-v4", "flat-v6")
    if not late or not isinstance(config.data, dict) or read.profile(config) != "trial":
        return
    live = LIVE | {"target_vocab_size"} if config.version == "flat-v4" else LIVE
    dead = [str(key) for key in config.data if key not in live]
    first = next((key for key in dead if key not in ("trial_id", "_trial_id")), "")
    if first:
        yield Problem(
            "",
            f"{len(dead)} of {len(config.data)} keys are read by no code, {first[:40]} for one",
            "nothing to do: a run did not depend on these values",
            part="key",
        )


@rule(
    code="HS606",
    name="date-left-empty",
    severity="warning",
    summary="created_at is an empty text.",
    explanation="""
    The training config that the old server wrote beside a search has created_at "", which is
    neither a date nor nothing: whoever sorts files by it puts them first, whoever parses it fails.
    Write null, or a date like 2026-01-14T12:00:00.
    """,
    valid=(Example("created_at: null\n", version="flat-v6"),),
    invalid=(
        Example('created_at: ""\n', version="flat-v6", fixed="created_at: null\n"),
        Example('provenance:\n  created_at: ""\n'),
    ),
)
def empty_date(config: Config) -> Iterator[Problem]:
    path = read.place(config, "created_at") or "provenance.created_at"
    if config.get(path) == "":
        yield Problem(
            path,
            "created_at is an empty text, neither a date nor null",
            f"set `{path}: null`",
            read.setting(config, path, None, safe=True),
        )


@rule(
    code="HS607",
    name="number-that-is-none",
    severity="error",
    summary="A value is infinite or not a number.",
    explanation="""
    The old search wrote NaN for "skipped, above the budget" and Infinity for "failed" into the same
    fields as losses (tuner_memory/index.json). Neither is JSON: strict readers refuse the whole
    file, and others carry the value on into means and minima. The upgrade makes them null and says
    so.
    """,
    valid=(Example("best_loss: 4.2\n", version="flat-v6"),),
    invalid=(
        Example(
            "best_loss: .inf\n",
            version="flat-v6",
            fixed="best_loss: null\n",
        ),
        Example("provenance: {best_loss: .nan}\n"),
    ),
)
def not_a_number(config: Config) -> Iterator[Problem]:
    for path, said in _floats(config.data, (), 0):
        yield Problem(
            path,
            f"{path[-60:]} is {said}, which no strict reader of JSON takes",
            f"set `{path}: null`" if path.isascii() else "write null",
            read.setting(config, path, None),
        )


def _floats(data: Any, path: tuple[str | int, ...], depth: int) -> Iterator[tuple[str, float]]:
    """Every number that is none, in mappings of text keys, four levels deep."""
    if isinstance(data, float) and not isfinite(data) and path:
        yield format_path(path), data
    if isinstance(data, dict) and depth < 4:
        for key, inner in data.items():
            if isinstance(key, str):
                yield from _floats(inner, (*path, key), depth + 1)


rules = (
    out_of_order,
    slots_divide,
    rank_beyond,
    table_too_large,
    unread,
    empty_date,
    not_a_number,
)
