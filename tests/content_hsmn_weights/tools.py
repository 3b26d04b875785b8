"""What the tests of these weights share: small models, their tensors, one adaptation."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from cfgmig.migration import Beside
from cfgmig.migration.loader import load_adaptations
from cfgmig.migration.on_weights import StateDict, apply
from cfgmig.migration.revision import Adaptation, reversed_words
from cfgmig.migration.weights import Weights
from cfgmig.schema.layout import Net
from cfgmig.schema.solving import Match, identify
from examples.hsmn.hd.encoder import Encoder
from examples.hsmn.model import Architecture, Hsmn, build
from tests.conftest import ROOT
from tests.content.weights import Arrays, finished, shapes, started
from tests.content_hsmn.tools import family

torch.set_num_threads(1)

SMALL: dict[str, Any] = {
    "vocab_size": 400,
    "hidden_dim": 8,
    "heads": 2,
    "kv_heads": 2,
    "latent_dim": 3,
    "wavelet_heads": 4,
    "wavelet_taps": 5,
    "state_dim": 4,
    "experts": 3,
    "expert_dim": 10,
    "head_qubits": 4,
    "sample_length": 4,
    "dense_fallback": True,
}
ENTRIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "dual_path": {"embedding": "dual_path", "embedding_hd": 32, "embedding_active": 380},
    "adapter": {"hd_dim": 64},
    "gaussian": {"hd_dim": 65, "keys": "gaussian", "adapter_bias": False},
    "no_position": {"hd_dim": 64, "adapter_position": False},
    "cleanup": {"hd_dim": 256, "expand": "cleanup"},
}
HEADS: dict[str, dict[str, Any]] = {
    "quantum": {},
    "no_dense": {"dense_fallback": False},
    "factored": {"factor_rank": 5, "total_vocab": 420},
    "dense": {"head": "dense"},
}


def made(seed: int = 0, **settings: Any) -> Hsmn:
    """A small model whose parameters are all random, as far from their start as training brings."""
    torch.manual_seed(seed)
    model = build(Architecture(**{**SMALL, **settings}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model.eval()


def arrays(model: Hsmn) -> Arrays:
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


def loaded(tensors: Arrays, **settings: Any) -> Hsmn:
    """The model of these settings with these tensors, all of them and no others."""
    model = build(Architecture(**{**SMALL, **settings}))
    model.load_state_dict({n: torch.from_numpy(a.copy()) for n, a in tensors.items()})
    return model.eval()


def logits(model: Hsmn, x: Any) -> Any:
    with torch.no_grad():
        return model(torch.as_tensor(x)).numpy()


def sequences(count: int = 6, length: int = 4, below: int = 362) -> Any:
    return np.random.default_rng(5).integers(0, below, (count, length))


def bundles(ids: Any, hd_dim: int, vocab: int = 400, keys: Any = "unitary", **more: Any) -> Any:
    """Bundles as the trainer's encoder makes them, float32 [n, hd]."""
    encoder = Encoder(vocab, hd_dim, ids.shape[1], keys=keys, **more)
    return np.stack([encoder(row.tolist()).numpy() for row in ids])


@cache
def adaptations() -> dict[str, Adaptation]:
    found = load_adaptations(ROOT / "migrations" / "hsmn")
    return {one.name.partition("_")[2]: one for one in found}


def solved(tensors: dict[str, tuple[int, ...]]) -> Match:
    return identify(family().load_layouts().layouts, tensors).ranked[0]


def net(tensors: Arrays) -> Net:
    match = solved(shapes(tensors))
    assert match.exact, match.evidence
    return Net(match.layout.name, match.facts, match.dimensions, tensors.__getitem__)


def about(state: StateDict, sizes: dict[str, int], wanted: dict[str, Any]) -> Weights:
    match = solved(state.shapes)
    facts = {**match.facts, "layout": match.layout.name}
    return Weights(
        state.types,
        facts,
        match.dimensions,
        {**facts, **wanted},
        {**match.dimensions, **sizes},
    )


def words(name: str, tensors: Arrays, sizes: dict[str, int], **wanted: Any) -> Any:
    return on_tensors(name, about(started(tensors), sizes, wanted))


def on_tensors(name: str, state: Weights) -> Any:
    """An adaptation's operations without those on what lies beside the tensors."""
    found = adaptations()[name].weights(state)
    return found if found is None else [one for one in found if not isinstance(one, Beside)]


def adapted(
    name: str, tensors: Arrays, sizes: dict[str, int] | None = None, **wanted: Any
) -> tuple[Arrays, Arrays]:
    """The tensors after an adaptation, and what is kept beside them."""
    state = started(tensors)
    done = on_tensors(name, about(state, sizes or {}, wanted))
    assert done is not None
    apply(done, state, key=name, what=name)
    return finished(state, tensors)


def there_and_back(
    name: str, tensors: Arrays, sizes: dict[str, int] | None = None, **wanted: Any
) -> Arrays:
    """The tensors after an adaptation and its reverse, with what was kept."""
    state = started(tensors)
    done = on_tensors(name, about(state, sizes or {}, wanted))
    apply(done, state, key=name, what=name)
    apply(reversed_words(done), state, key=name, what=name)
    return finished(state, tensors)[0]


def forward() -> Any:
    return family().resolve(".forward")


def readings(one: Arrays, other: Arrays) -> dict[str, Any]:
    """What the probe says, by the first word of each reading."""
    return {found.what.split()[0]: found for found in forward().probe(net(one), net(other))}
