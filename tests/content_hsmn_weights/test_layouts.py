"""What configs build and what files are: the layout against the torch models."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from cfgmig.project import find_project
from cfgmig.recognising import declarations
from cfgmig.schema.layout import choose, expected
from cfgmig.schema.solving import identify
from cfgmig.states import State
from cfgmig.weighing import weigh_state
from examples.hsmn.model import build
from tests.conftest import ROOT
from tests.content.weights import shapes
from tests.content_hsmn.tools import family
from tests.content_hsmn_weights.test_command import ADAPTER, CLEANUP, config
from tests.content_hsmn_weights.tools import adaptations, arrays, made

yaml = pytest.importorskip("yaml", reason="it reads the examples")
torch = pytest.importorskip("torch", reason="torch makes the models")

EXAMPLES = ROOT / "examples" / "hsmn" / "configs"


def model(**settings: Any) -> dict[str, Any]:
    """A small config with other settings of its model."""
    found = config(400, settings.pop("adapter", None))
    found["model"] |= settings
    return found


CONFIGS = {
    "ids": config(400),
    "an adapter": config(400, ADAPTER),
    "without bias": config(400, {**ADAPTER, "use_bias": False}),
    "without positions": config(400, {**ADAPTER, "position": "none"}),
    "broadcast": config(400, {**ADAPTER, "expand": "broadcast"}),
    "one position": config(400, {**ADAPTER, "expand": "none"}),
    "clean-up": config(400, CLEANUP),
    "one block": config(400, blocks=1),
    "three blocks": config(400, blocks=3),
    "24 blocks": config(400, ADAPTER, blocks=24),
    "spatial blocks": model(block_pattern="mamba_only", num_reasoning_blocks=3),
    "one spatial block": model(block_pattern="mamba_only", num_reasoning_blocks=1),
    "wide": config(400, width=48),
    "rows and codes": model(embedding={"kind": "dual_path", "hd_active_vocab_size": 380}),
    "rows": model(embedding={"kind": "dual_path"}, hd_dims={"embedding": 32}),
    "size of the adapter": model(
        adapter=ADAPTER,
        input={"kind": "token_ids", "dtype": "int32"},
        embedding={"kind": "dual_path"},
    ),
    "dense head": model(lm_head={"kind": "dense"}),
    "no fallback": model(lm_head={"dense_fallback": False, "vqc_layers": 1, "vqc_qubits": 3}),
    "factored": model(lm_head={"factor_rank": 5, "total_vocab_size": 420, "vqc_qubits": 1}),
    "by its input": model(
        adapter=ADAPTER, input={"kind": "token_ids", "dtype": "int32"}, embedding={"kind": "plain"}
    ),
    "small_bundles": EXAMPLES / "small_bundles.yaml",
    "small_tokens": EXAMPLES / "small_tokens.yaml",
}


def data_of(one: dict[str, Any] | Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(one.read_text()) if isinstance(one, Path) else one
    return data


def built(data: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    found = build({key: value for key, value in data.items() if key != "schema_version"})
    return {name: tuple(tensor.shape) for name, tensor in found.state_dict().items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_expects_what_torch_builds(name: str) -> None:
    data = data_of(CONFIGS[name])
    layouts = family().load_layouts()
    wanted, theirs = layouts.expect(data), built(data)
    ours: dict[str, tuple[int, ...]] = {}
    for component in layouts.layout(wanted.layout).components:
        ours |= expected(choose(component, wanted.facts), wanted.dimensions)
    assert ours == theirs
    weighed = weigh_state(layouts, wanted, State("", "model", theirs, {}))
    assert weighed.verdict == "loads"
    assert weighed.notes == ()
    match = identify(layouts.layouts, theirs).best
    assert match is not None
    assert match.exact
    for key, size in match.dimensions.items():
        assert wanted.dimensions[key] == size, key


@pytest.mark.parametrize("name", ["ids", "an adapter", "clean-up"])
def test_no_other_family_has_such_tensors(name: str) -> None:
    layouts = [one for found in declarations(find_project(ROOT)).values() for one in found.layouts]
    found = identify(layouts, built(data_of(CONFIGS[name])))
    assert found.verdict == "certain"
    assert found.ranked[0].layout.family == "hsmn"
    assert found.ranked[1].score < 0.1


@pytest.mark.parametrize(
    "data",
    [
        {"model": {"hidden_dim": 8}},
        {"model": {"hidden_dim": "wide"}},
        {},
        model(num_moe_experts=None),
        {**config(400), "data": {"hd": {"enabled": True}}},
        yaml.safe_load((EXAMPLES / "request.yaml").read_text()),
    ],
    ids=range(6),
)
def test_an_open_config_expects_nothing(data: dict[str, Any]) -> None:
    assert family().load_layouts().expect(data) is None


def test_deeper_models_than_any_search_draws() -> None:
    wanted = family().load_layouts().expect(config(400, blocks=25))
    blocks = family().load_layouts().layout("v5").components[2]
    with pytest.raises(KeyError):
        choose(blocks, wanted.facts)


BROADCAST = {**ADAPTER, "expand": "broadcast"}
DUAL = model(embedding={"kind": "dual_path"})


@pytest.mark.parametrize(
    ("before", "after", "verdict", "said"),
    [
        (config(400), config(370), "convert", "vocabulary, hd_dim and sample_length can"),
        (config(400), config(400, CLEANUP), "convert", "a clean-up finds the ids"),
        (config(400), config(400, ADAPTER), "convert", "an adapter is fitted to the table"),
        (config(400), config(400, BROADCAST), "convert", "an adapter starts afresh"),
        (DUAL, config(400, ADAPTER), "convert", "an adapter starts afresh"),
        (DUAL, config(400, CLEANUP), "partly", None),
        (DUAL, config(400), "loads", None),
        (config(400, ADAPTER), DUAL, "partly", None),
        (config(400, CLEANUP), config(400, ADAPTER), "convert", "an adapter is fitted"),
        (config(400, ADAPTER), config(400), "convert", "a row for each id is made"),
        (config(400), config(400, factor_rank=4), "convert", "a head can be factored"),
        (config(400), config(400, blocks=5), "loads", None),
        (config(400), config(400, blocks=7), "partly", None),
        (config(400), model(lm_head={"kind": "dense"}), "loads", None),
        (model(lm_head={"kind": "dense"}), config(400), "partly", None),
    ],
)
def test_the_way_from_one_to_another(
    before: dict[str, Any], after: dict[str, Any], verdict: str, said: str | None
) -> None:
    layouts = family().load_layouts()
    weighed = weigh_state(layouts, layouts.expect(after), State("", "model", built(before), {}))
    assert weighed.verdict == verdict
    assert (said or "") in (weighed.help or "")
    assert (said is None) == (weighed.help is None)


def test_every_adaptation_changes_what_a_layout_tells() -> None:
    told = set()
    for component in family().load_layouts().layout("v5").components:
        for variant in component.variants:
            told |= variant.facts.keys()
            told |= {size for shape in variant.tensors.values() for size in shape}
    assert {key for one in adaptations().values() for key in one.settings} <= told
    kinds = {name: one.guarantee.kind for name, one in adaptations().items()}
    assert kinds == {
        "vocabulary": "preserving",
        "larger_bundles": "preserving",
        "smaller_bundles": "structural",
        "clean_up": "preserving",
        "length": "structural",
        "adapter": "structural",
        "fresh_adapter": "structural",
        "factored_head": "structural",
        "whole_head": "preserving",
    }


def test_a_loss_tells_how_good_a_file_is() -> None:
    judge = family().load_layouts().judge
    tokenizer = {"config": {"tokenizer": {"active_vocab_size": 512}}}
    held, trained = ({"metrics": {key: 0.6}} for key in ("held_out_loss", "loss"))
    assert judge("v5", held).rank > judge("v5", trained).rank > judge("v5", {}).rank
    assert judge("v5", {"loss": 0.5}).rank > judge("v5", trained).rank
    nothing = judge("v5", {**tokenizer, "loss": math.log(512)})
    assert nothing.rank < judge("v5", {}).rank
    assert nothing.reason == "loss 6.238 is that of 512 ids alike, ln 512: it learnt nothing"
    assert judge("v5", {**tokenizer, "loss": 4.0}).rank > 0
    for odd in (True, "low", float("nan"), None):
        assert judge("v5", {"loss": odd}).reason == "no loss is stored"


def test_components_by_what_they_are() -> None:
    found = identify(family().load_layouts().layouts, shapes(arrays(made(hd_dim=64))))
    assert found.best is not None
    assert found.best.facts == {
        "input": "hd_bundle",
        "cleanup": False,
        "adapter_bias": True,
        "adapter_position": True,
        "num_reasoning_blocks": 6,
        "block_pattern": "mamba_timecrystal_wlam_moe_hybrid",
        "lm_head": "quantum",
        "dense_fallback": True,
        "factored": False,
    }
    sizes = {"vocab": 400, "hd_dim": 64, "length": 4, "hidden": 8, "experts": 3, "kv_latent": 3}
    assert sizes.items() <= found.best.dimensions.items()
