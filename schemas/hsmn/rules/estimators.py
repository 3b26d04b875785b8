"""How many parameters a config means, counted in four ways, and what a budget leaves for ids.

Three estimators exist in the history of the family, and their numbers for one config differ
up to 73 times (16,621,696, 393,458,688 and 5,393,774 for one entry of the old log of refused
trials), so a number means something only beside the name of its estimator. `v1`,
`v2` and `head` read the flat names and fill in what a file does not say, each its own way.
`exact` counts the tensors of the model as it is built here.

Every function is a closed form. The flat ones take a mapping from flat key to value and
read what is no positive integer as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CAP = 300_000
"""Ids at most, in every commit of the old code; 128,000 in the first account of it."""
FLOOR = 8000
"""Ids at least, whatever the budget, in the old formula."""
BASE = 362
"""Ids before any is learnt: 10 special ones, 32 of offset, 256 bytes, a buffer of 64."""
LARGEST = 10**12
"""No number of a config that means anything is larger."""


def base_vocabulary(byte_offset: int = 32) -> int:
    """Ids of a tokenizer that has learnt nothing: max(362, byte_offset + 256 + 64)."""
    return max(BASE, byte_offset + 320)


def affordable(
    budget: int,
    width: int,
    hd_dim: int | None = None,
    *,
    hyperdimensional: bool = True,
    overhead: float = 0.5,
) -> int:
    """Ids that the old formula finds a budget to allow, before its floor and its cap.

    eb = int(B (1 - f)) parameters are for ids. With the hyperdimensional embedding an id
    costs d = hd_dim or 8 E of them and the projection d E: (eb - d E) // d, which may be
    negative. With one plain table an id costs E.
    """
    share = int(budget * (1 - overhead))
    if not hyperdimensional:
        return share // width
    dim = hd_dim or 8 * width
    return (share - dim * width) // dim


def bounded(raw: int, cap: int = CAP, floor: int = FLOOR) -> int:
    """The old formula's answer: at least the floor, at most the cap, whatever came out."""
    return max(floor, min(raw, cap))


def whole(flat: Mapping[str, Any], *keys: str) -> int | None:
    """The first of the keys that holds a positive integer of reasonable size."""
    found = (positive(flat.get(key)) for key in keys)
    return next((value for value in found if value), None)


def positive(value: Any) -> int | None:
    """The value if it is a positive integer of reasonable size."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < LARGEST else None


def stack(flat: Mapping[str, Any], default: int = 8) -> int:
    """Blocks of a flat file, of a reasonable number."""
    return min(whole(flat, "num_reasoning_blocks") or default, 10_000)


def _terms(flat: Mapping[str, Any], width: int) -> dict[str, int]:
    """What v1 and v2 count per block: sums of squares of the width, and the scan's state."""
    square = width * width
    return {
        "spatial": 8 * square + 2 * (whole(flat, "mamba_state_dim") or 64) * width,
        "timecrystal": 8 * square,
        "latent": 12 * square,
        "wlam": 4 * square,
    }


def count_v1(flat: Mapping[str, Any]) -> int:
    """The first estimator: 2 V E for ids, and the six blocks times ceil(n / 6)."""
    width = whole(flat, "embedding_dim", "hidden_dim") or 512
    experts = whole(flat, "num_moe_experts") or 8
    terms = _terms(flat, width)
    moe = experts * 8 * width * width + width * experts
    rounds = -(-stack(flat) // 6)
    ids = whole(flat, "vocab_size") or 65_536
    return 2 * ids * width + rounds * (sum(terms.values()) + terms["spatial"] + moe)


def count_v2(flat: Mapping[str, Any]) -> int:
    """The second: V hd + hd E for ids, each block counted, a head without the vocabulary.

    It charges a table of V x hd also where bundles come in and there is no such table.
    """
    width = whole(flat, "embedding_dim", "hidden_dim") or 512
    plain = flat.get("use_hyperdimensional_embedding") is False
    budget, dim = whole(flat, "param_budget"), whole(flat, "hd_dim")
    ids = whole(flat, "vocab_size")
    if ids is None:
        ids = 32_000
        if budget:
            ids = bounded(affordable(budget, width, dim, hyperdimensional=not plain))
    hd = dim or 8 * width
    table = ids * width if plain else ids * hd + hd * width
    experts = whole(flat, "num_moe_experts") or 8
    moe = experts * (whole(flat, "td_moe_tucker_rank") or 16) * 5 * width
    if flat.get("use_td_moe") is False:
        moe = experts * 8 * width * width + width * experts
    terms = _terms(flat, width) | {"moe": moe}
    order = ("spatial", "timecrystal", "latent", "spatial", "wlam", "moe")
    body = sum(terms[order[i % 6]] for i in range(stack(flat)))
    quantum = flat.get("use_quantum_lm_head") is not False
    return table + body + (width * 128 + 1024 if quantum else width * ids)


def _head_blocks(flat: Mapping[str, Any], width: int, hd: int) -> list[int]:
    """The blocks as `head` counts them, with tensor-train ranks, in the order of the stack."""
    state = whole(flat, "mamba_state_dim") or 16
    modes = whole(flat, "floquet_modes", "majorana_floquet_period") or 16
    taps = whole(flat, "wavelet_kernel_size") or 4
    paths, depth = whole(flat, "qhd_num_paths") or 2, whole(flat, "qhd_entanglement_depth") or 2
    copies, dim = whole(flat, "superposition_dim") or 4, whole(flat, "hd_dim_moe") or 512
    experts = whole(flat, "num_moe_experts") or 8
    ranks = flat.get("tt_ffn_ranks")
    second = ranks[1] if isinstance(ranks, list) and len(ranks) > 1 else None
    rank = positive(second) or 8
    wide = (whole(flat, "ff_expansion") or 4) * width
    square = width * width
    projection = 2 * width * hd if width != hd else 0
    skip = {"dense": hd * hd, "learned_scalar": 1, "identity": 0}
    topology = flat.get("qhd_entanglement_topology")
    spatial = (
        state
        + 2 * hd * state
        + hd
        + skip.get(str(flat.get("skip_connection_type")), hd)
        + projection
        + 2 * paths
        + depth * paths
        + (paths * paths if topology in (None, "walk") else 0)
    )
    timecrystal = modes * hd + modes + modes * modes + projection
    kalman = 2 * (4 * width + 4 * 32) + 32 * 32 + 32 + width
    latent = (width * rank + rank * wide + wide) + (wide * rank + rank * width + width) + 4 * width
    attention = 4 * 8 * width + width
    wlam = 4 * taps * square + 2 * width + 3 * 8 * (width // 8)
    moe = copies * (16 * width + 16 * wide) * 2 + 2 * copies * dim + width * experts + experts
    moe += 2 * width * dim if dim != width else 0
    wrapper = 2 * square + width + 8 + 1
    bare = (
        spatial,
        timecrystal + kalman,
        latent + attention,
        attention,
        wlam + attention,
        moe,
    )
    return [one + wrapper for one in bare]


def count_head(flat: Mapping[str, Any]) -> int:
    """The last one: tensor trains throughout, and a table of positions of L x E.

    It sees the embedding's width where that differs from the model's, and explodes on long
    contexts: at 1,048,576 tokens the positions alone are more than all the rest.
    """
    width = whole(flat, "embedding_dim", "hidden_dim") or 512
    hd = whole(flat, "hd_dim") or 4096
    length = whole(flat, "max_seq_len", "context_window") or 4096
    ids = whole(flat, "active_vocab_size", "vocab_size") or 32_000
    active = whole(flat, "hd_active_vocab_size") or ids
    table = active * 8 + 8 * width + 256 * hd + 64 * hd + hd * width + length * width
    blocks = _head_blocks(flat, width, hd)
    body = sum(blocks[i % 6] for i in range(stack(flat)))
    layers = whole(flat, "vqc_layers", "vqc_max_layers") or 2
    qubits = min(whole(flat, "vqc_qubits") or 8, 40)
    inner: int = 2**qubits
    head = width * inner + 3 * layers * qubits + layers * (qubits - 1)
    head += inner * 8 + 8 * ids + ids + (8 * width + 8 * ids + ids) + 1
    return table + body + head


class Sizes(NamedTuple):
    """What fixes the tensors of the model; the defaults are the schema's.

    What comes in is one of three: bundles of `hd_dim` for an adapter; ids for the dual-path
    embedding, whose HD side has `dual_hd` and which has `rows` rows (None: one per id); else ids
    for a table. `inner` None is `expansion` times the width.
    """

    width: int
    ids: int
    blocks: int = 6
    experts: int = 8
    inner: int | None = None
    heads: int = 8
    kv_heads: int = 2
    latent: int = 64
    expansion: int = 4
    taps: int = 5
    wavelet_heads: int = 8
    state: int = 16
    paths: int = 2
    qubits: int = 8
    layers: int = 2
    quantum: bool = True
    dense: bool = True
    factor_rank: int | None = None
    total_ids: int | None = None
    hd_dim: int | None = None
    dual_hd: int | None = None
    rows: int | None = None
    length: int = 512
    bias: bool = True
    positions: bool = True
    only_spatial: bool = False


def block_counts(of: Sizes) -> dict[str, int]:
    """Parameters of each type of block, without its norm and its angle."""
    d, inner, n = of.width, 2 * of.width, of.state
    rank, wide = -(-d // 16), of.expansion * d
    expert = of.inner or wide
    scan = inner * (rank + 2 * n) + rank * inner + inner + inner * n
    return {
        "spatial": 2 * d * inner + 5 * inner + scan + inner + 2 * of.paths + inner * d,
        "timecrystal": 5 * d * d + 5 * d + 1,
        "latent": 2 * d * wide + wide + 5 * d,
        "attention": _attention(of, of.heads),
        "wlam": 4 * of.taps * d * d + _attention(of, of.wavelet_heads) + 6 * d,
        "moe": d * of.experts + of.experts + 2 * of.experts * d * expert,
    }


def _attention(of: Sizes, heads: int) -> int:
    """2 (D^2 + D) + 2 (D kd + kd) + 2 kd latent + 2 D, with kd = D kv_heads / heads."""
    d, kd = of.width, of.width * of.kv_heads // heads
    return 2 * (d * d + d) + 2 * (d * kd + kd) + 2 * kd * of.latent + 2 * d


def _entry(of: Sizes) -> int:
    """Parameters of what comes first: adapter, dual-path embedding or table of ids."""
    d = of.width
    if of.hd_dim:
        return of.hd_dim * d + d * of.bias + of.length * d * of.positions
    if of.dual_hd:
        rows = of.ids if of.rows is None else min(of.rows, of.ids)
        return rows * d + 2 * d * of.dual_hd + d + of.dual_hd
    return of.ids * d


def cost_of_an_id(of: Sizes) -> int:
    """Parameters that one more id takes: its columns of the head, its row of the table."""
    rest = of.dual_hd and of.rows is not None and of.rows <= of.ids
    table = 0 if of.hd_dim or rest else of.width
    if not of.quantum:
        return table + of.width + 1
    # a factored matrix has a row for every id there can ever be, so one more costs none
    column = 0 if of.factor_rank else 2**of.qubits + 1
    return table + column + (of.width + 1 if of.dense else 0)


def head_count(of: Sizes) -> int:
    """Parameters of the head: 256 D + 62 + 256 V + V + D V + V + 1 for 8 qubits, 2 layers."""
    d, v, inner = of.width, of.ids, 2**of.qubits
    if not of.quantum:
        return d * v + v
    turns: int = of.layers * (4 * of.qubits - 1)
    out = inner * v + v
    if of.factor_rank:
        out = (of.total_ids or CAP) * of.factor_rank + of.factor_rank * inner
    return int(d * inner + turns + out + (d * v + v + 1 if of.dense else 0))


def exact_parts(of: Sizes) -> dict[str, int]:
    """Parameters of what comes in, of the blocks and all norms, and of the head."""
    d = of.width
    counts = block_counts(of)
    order = ("spatial",) if of.only_spatial else tuple(counts)
    body = sum(counts[order[i % len(order)]] + 2 * d + 1 for i in range(of.blocks))
    return {"entry": _entry(of), "blocks": 4 * d + body, "head": head_count(of)}


def count_exact(of: Sizes) -> int:
    """Every parameter of the model that is built here, tensor by tensor."""
    return sum(exact_parts(of).values())


def exact_cap(budget: int, of: Sizes, overhead: float = 0.5) -> int:
    """Ids for which the tensors that grow with them take at most (1 - f) of the budget.

    (256 + D + 2) V parameters in HD mode, D V more with a table of ids. No floor: below
    the base vocabulary a budget is an error and no reason to exceed it.
    """
    cost = cost_of_an_id(of)
    return int(budget * (1 - overhead)) // cost if cost else CAP


FLAT: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "v1": count_v1,
    "v2": count_v2,
    "head": count_head,
}
"""The estimators of the old code, by the name that a config gives them."""
