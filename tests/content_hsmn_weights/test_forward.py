"""The numpy reference against the torch model, in every shape that a model has."""

from __future__ import annotations

from typing import Any

import pytest

from examples.hsmn.model import build
from tests.content.weights import shapes
from tests.content_hsmn_weights.test_command import ADAPTER, config
from tests.content_hsmn_weights.tools import (
    ENTRIES,
    HEADS,
    adapted,
    arrays,
    bundles,
    forward,
    logits,
    made,
    net,
    sequences,
    solved,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")
torch = pytest.importorskip("torch", reason="torch makes the models")

CASES = [
    *({"entry": entry} for entry in ENTRIES),
    *({"head": head} for head in HEADS),
    {"entry": "adapter", "head": "dense"},
    {"blocks": ("spatial",) * 3},
    {"blocks": ("spatial",)},
    {"experts": 1, "entry": "adapter"},
    {"paths": 1, "state_dim": 3, "wavelet_taps": 4, "entry": "adapter"},
    {"head_qubits": 1, "head_layers": 1},
]


def settings(case: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in case.items() if key not in ("entry", "head")}
    return {**ENTRIES[case.get("entry", "plain")], **HEADS[case.get("head", "quantum")], **rest}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_computes_what_torch_computes(case: dict[str, Any]) -> None:
    chosen = settings(case)
    model = made(**chosen)
    tensors, ids = arrays(model), sequences(length=4)
    size = chosen.get("hd_dim")
    x = ids if size is None else bundles(ids, size, keys=chosen.get("keys", "unitary"))
    ours, theirs = forward().run(net(tensors), x), logits(model, x)
    assert ours.shape == theirs.shape == (6, 4, 400)
    assert np.abs(ours - theirs).max() < 2e-5 * np.abs(theirs).max()
    assert theirs.std() > 0.05  # or nothing would be compared


@pytest.mark.parametrize("entry", [name for name in ENTRIES if "hd_dim" in ENTRIES[name]])
def test_it_encodes_as_the_trainer_does(entry: str) -> None:
    chosen, ids = ENTRIES[entry], sequences()
    found = forward().encoded(net(arrays(made(**chosen))), ids)
    theirs = bundles(ids, chosen["hd_dim"], keys=chosen.get("keys", "unitary"))
    assert np.abs(found - theirs).max() < 1e-6


UNTOLD = {
    "heads": {"attention": {"num_heads": 4, "num_kv_heads": 4, "latent_dim": 3}},
    "one head of keys": {"attention": {"num_heads": 2, "num_kv_heads": 1, "latent_dim": 3}},
    "heads of wavelets": {
        "attention": {"num_heads": 4, "num_kv_heads": 4, "latent_dim": 3},
        "wlam": {"num_heads": 8},
    },
    "passes": {"latent": {"thought_steps": 2}},
}


def built(data: dict[str, Any]) -> Any:
    """The torch model of a config, with all its numbers random."""
    torch.manual_seed(1)
    model = build({key: value for key, value in data.items() if key != "schema_version"})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model.eval()


def computed(data: dict[str, Any], x: Any) -> tuple[Any, Any]:
    """What the reference computes with a config, and without one."""
    blind = net(arrays(built(data)))
    return tuple(
        forward().run(forward()._told(one, one), x) for one in (blind._replace(config=data), blind)
    )


@pytest.mark.parametrize("adapter", [None, ADAPTER], ids=["ids", "bundles"])
@pytest.mark.parametrize("case", UNTOLD)
def test_what_no_tensor_tells_is_told_by_the_config(case: str, adapter: Any) -> None:
    data = config(400, adapter)
    data["model"]["blocks"] |= UNTOLD[case]
    x = sequences() if adapter is None else bundles(sequences(), 64)
    (ours, blind), theirs = computed(data, x), logits(built(data), x)
    assert np.abs(ours - theirs).max() < 2e-5 * np.abs(theirs).max()
    assert np.abs(blind - theirs).max() > 1e-3


@pytest.mark.parametrize("heads", [3, 16, 9])
def test_a_config_that_the_tensors_contradict_is_not_believed(heads: int) -> None:
    data = config(400, ADAPTER)
    bare, x = net(arrays(built(data))), bundles(sequences(), 64)
    data["model"]["blocks"]["attention"]["num_heads"] = heads
    data["model"]["adapter"] = {**ADAPTER, "expand": "cleanup"}
    one = bare._replace(config=data)
    ours, theirs = (forward().run(net, x) for net in (forward()._told(one, one), bare))
    assert (ours == theirs).all()


@pytest.mark.parametrize("expand", ["broadcast", "none"])
def test_bundles_are_expanded_as_the_config_says(expand: str) -> None:
    data = config(400, {**ADAPTER, "expand": expand})
    x = bundles(sequences(), 64)
    (ours, blind), theirs = computed(data, x), logits(built(data), x)
    assert ours.shape == theirs.shape == (6, 4 if expand == "broadcast" else 1, 400)
    assert np.abs(ours - theirs).max() < 2e-5 * np.abs(theirs).max()
    assert np.abs(blind[:, :1] - theirs[:, :1]).max() > 1e-3


@pytest.mark.parametrize("table", ["lazy", "dense"])
def test_bundles_are_made_as_the_config_says(table: str) -> None:
    data = config(400, ADAPTER)
    data["data"]["hd"] |= {"ctqw_steps": 2, "base_table": table}
    one = net(arrays(built(data)))._replace(config=data)
    theirs = bundles(sequences(), 64, ctqw_steps=2, base_table=table)
    assert np.abs(forward().encoded(forward()._told(one, one), sequences()) - theirs).max() < 1e-6


def test_the_other_file_tells_where_one_has_no_config() -> None:
    data = config(400, ADAPTER)
    data["model"]["blocks"] |= UNTOLD["heads"]
    bare = net(arrays(built(data)))
    told = bare._replace(config=data)
    pairs = [(bare, told), (told, bare), (told, told), (bare, bare)]
    assert [forward().probe(*pair)[0].deviation for pair in pairs] == [0, 0, 0, 0]
    other = config(400, ADAPTER)
    assert forward().probe(told, bare._replace(config=other))[0].deviation > 1e-3


@pytest.mark.parametrize("size", [64, 65])
@pytest.mark.parametrize("keys", ["unitary", "gaussian"])
def test_bundles_of_a_grown_checkpoint_are_the_old_ones(size: int, keys: str) -> None:
    one = arrays(made(hd_dim=size, keys=keys))
    for wide in (size + 1, 2 * size, 200):
        other, _ = adapted("larger_bundles", one, {"hd_dim": wide})
        assert forward().drawn_size(other["hd.position_keys"]) == size
        theirs = forward().resized(bundles(sequences(), size, keys=keys).astype("f8"), wide)
        assert np.abs(forward().encoded(net(other), sequences()) - theirs).max() < 1e-6
    assert forward().drawn_size(one["hd.position_keys"]) == size


@pytest.mark.parametrize("case", CASES, ids=str)
def test_its_layout_is_certain(case: dict[str, Any]) -> None:
    chosen = settings(case)
    match = solved(shapes(arrays(made(**chosen))))
    assert match.exact, match.evidence
    assert match.versions == ("5",)
    assert match.dimensions["hidden"] == 8
    assert match.facts["num_reasoning_blocks"] == len(chosen.get("blocks", range(6)))
