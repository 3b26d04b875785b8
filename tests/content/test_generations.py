"""TernaryVAE's checkpoints from version to version: tensors, and what lies around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.errors import LossyError, Refused
from cfgmig.migration.on_data import apply as apply_to_data
from cfgmig.migration.on_weights import apply
from cfgmig.migration.revision import reversed_words
from cfgmig.schema.layout import choose, expected
from cfgmig.schema.solving import identify
from checkpoint_tools.plan import (
    LossError,
)
from tests.content.tools import family, plan
from tests.content.weights import (
    FROZEN,
    about,
    adaptations,
    adapted,
    arrays,
    assert_is,
    assert_same,
    finished,
    numbered,
    shapes,
    simplified,
    solved,
    started,
    touched,
    travelled,
)

np = pytest.importorskip("numpy", reason="numpy is what computes here")


@pytest.fixture(scope="module")
def files(corpus: Path) -> Path:
    return corpus / "ternary_vae/checkpoints"


@pytest.fixture(scope="module")
def table(corpus: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """Tensors of instantiated variants, in the order in which torch lists them."""
    path = corpus.parent / "families/ternary_vae_state_dicts.json"
    found = json.loads(path.read_text())
    return {
        name: {tensor: tuple(shape) for tensor, (shape, _) in one["tensors"].items()}
        for name, one in found.items()
    }


DUAL = {
    "v5_5": ["5.5.0", "5.5.1", "5.5.2", "5.6.0"],
    "v5_5_no_statenet": ["5.5.0", "5.6.0", "5.9.2"],
    "v5_6_statenet_v2": ["5.6.0", "5.8.0", "5.9.0", "5.9.2"],
    "v5_7": ["5.7.0"],
    "v5_10_statenet_v4_first": ["5.10.0"],
    "v5_10_statenet_v4": ["5.10.0", "5.10.1"],
    "v5_10_1_statenet_v5_20d": ["5.10.1"],
    "v5_10_statenet_v5": ["5.10.1"],
}


@pytest.mark.parametrize("variant", DUAL)
def test_encoders_and_decoder_a_get_to_5_11_and_beyond(variant: str, table: Any) -> None:
    one = numbered(table[variant])
    results = [travelled(one, origin, "5.12.5") for origin in DUAL[variant]]
    model, kept = results[0]
    assert len(model) == 26
    assert_same(model, {n: one[n] for n in one if n.startswith(FROZEN)} | model)
    assert all(model[name] is not None and (model[name] == one[name]).all() for name in model)
    assert_is(model, projection="none")
    for other, beside in results[1:]:
        assert_same(other, model)
        assert_same(beside, kept)
    # What left is kept, in the very step that has no place for it.
    left = {key.partition("/")[2] for key in kept}
    assert len(kept) == len(one) - 26
    if variant in ("v5_5", "v5_6_statenet_v2"):
        assert left == one.keys() - model.keys()
        assert all(key.startswith("5.10.1..5.11.0/") for key in kept)


@pytest.mark.parametrize("variant", DUAL)
def test_the_way_back_brings_all_of_it(variant: str, table: Any) -> None:
    one = numbered(table[variant])
    origin = "5.5.2" if variant == "v5_5" else DUAL[variant][-1]  # 5.6.0 takes either StateNet
    model, kept = travelled(one, origin, "5.12.5")
    back, rest = travelled(model, "5.12.5", origin, kept)
    assert not rest
    if variant == "v5_10_statenet_v4_first":  # the name of StateNet has changed for good
        back = {name.replace("state_net.", "statenet."): back[name] for name in back}
    assert back.keys() == one.keys()
    assert all((back[name] == one[name]).all() for name in one)


def test_no_way_back_without_what_was_kept(table: Any) -> None:
    model, _ = travelled(numbered(table["v5_5"]), "5.6.0", "5.12.5")
    with pytest.raises(Refused, match="`decoder_B` was kept beside the converted file"):
        travelled(model, "5.12.5", "5.10.1")


def test_simplified_names_become_those_of_every_other_file(table: Any) -> None:
    names = {simplified(name): name for name in table["v5_5"] if name.startswith(FROZEN)}
    one = numbered(table["v5_5_simplified"])
    assert names.keys() == one.keys()
    model, kept = travelled(one, "5.5.0", "5.12.5")
    assert not kept
    assert {name: model[name].tobytes() for name in model} == {
        names[name]: array.tobytes() for name, array in one.items()
    }


def test_appetites_leave_the_model_that_they_surround(table: Any) -> None:
    one = numbered(table["appetitive_v5_6_base"])
    model, kept = travelled(one, "5.6.0", "5.11.0")
    assert_is(model, projection="none")
    assert all((model[name] == one[f"base.{name}"]).all() for name in model)
    assert len(model) + len(kept) == len(one)


def test_the_first_statenet_gets_three_columns_of_zeros(table: Any) -> None:
    name = "state_net.encoder.0.weight"
    one = numbered(table["v5_5"])
    model, _ = travelled(one, "5.6.0", "5.8.0")
    assert_is(model, state_net="v2")
    assert (model[name][:, :9] == one[name]).all()
    assert not model[name][:, 9:].any()
    back, _ = travelled(model, "5.8.0", "5.5.2")
    assert_same(back, one)
    trained = touched(model, name)
    with pytest.raises((ValueError, LossError), match="elements beyond 9 are not 0"):
        travelled(trained, "5.8.0", "5.5.2")


@pytest.mark.parametrize("goal", ["v5.7", "v5.10"])
@pytest.mark.parametrize("variant", ["v5_5", "v5_6_statenet_v2", "v5_7"])
def test_another_generation_of_the_dual_vae(variant: str, goal: str, table: Any) -> None:
    one = numbered(table[variant])
    if solved(table[variant]).layout.name == goal:
        assert adapted(one, "generation", layout=goal) is None
        return
    model = adapted(one, "generation", layout=goal)
    assert_is(model, state_net="none")
    assert solved(shapes(model)).layout.name == goal
    parts = (*FROZEN, "decoder_B")
    assert all((model[n] == one[n]).all() for n in one if n.startswith(parts))
    fresh = {n: float(model[n]) for n in model.keys() - one.keys()}
    assert fresh.get("curvature", 2.0) == 2.0
    assert fresh.get("r_A_ema", 0.5) == 0.5


@pytest.mark.parametrize(
    "variant", ["v5_11_initial_commit_515435c9", "v5_11_optionC_dual_b48837bb"]
)
@pytest.mark.parametrize("config", [{}, {"curvature": 2.2}, {"model": {"curvature": 0.5}}])
def test_the_curvature_becomes_a_tensor(variant: str, config: Any, table: Any) -> None:
    one = numbered(table[variant])
    state = started(one)
    (step,) = plan("5.11.0", "5.11.11").steps
    words = step.revision.on_weights(about(state, {}, {})._replace(config=config), up=True)
    apply(words, state, key="x", what="x")
    model, _ = finished(state, one)
    assert_is(model, isp_c=True)
    new = model.keys() - one.keys()
    curvature = config.get("curvature", config.get("model", {}).get("curvature", 1.0))
    for name in new:
        assert name.endswith("manifold.isp_c")
        softplus = np.log1p(np.exp(np.float64(model[name])))
        assert softplus == pytest.approx(curvature, abs=1e-6)
    if curvature == 1.0:
        assert float(model[next(iter(new))]) == pytest.approx(0.5413249, abs=1e-6)
    back = started(model)
    apply(reversed_words(words), back, key="x", what="x")
    assert_same(finished(back, model)[0], one)


def test_versions_that_lack_a_part_refuse_it(table: Any) -> None:
    deep = numbered(table["v5_12_4_as_shipped"])
    same, kept = travelled(deep, "5.12.4", "5.11.11")
    assert_same(same, deep)
    assert not kept
    with pytest.raises(LossyError, match="1 hidden layer"):
        travelled(deep, "5.12.4", "5.11.0")
    with pytest.raises(LossyError, match="no improved encoders"):
        travelled(numbered(table["v5_12_4_improved"]), "5.12.4", "5.12.3")


def surrounded(data: Any, origin: str, goal: str) -> Any:
    for step in plan(origin, goal).steps:
        data = apply_to_data(step.revision.on_checkpoint(up=step.up), data)
    return data


def test_keys_of_state_dicts_follow_the_versions() -> None:
    one = {"epoch": 3, "model": {"a": 1}, "optimizer": {"state": {}}}
    first = surrounded(one, "5.5.0", "5.11.0")
    assert list(first) == ["epoch", "model_state", "optimizer_state"]
    last = surrounded(first, "5.11.0", "5.12.5")
    assert last == {"epoch": 3, "model_state_dict": {"a": 1}, "optimizer_state_dict": {"state": {}}}
    assert surrounded(last, "5.12.5", "5.5.0") == one
    assert surrounded({"epoch": 1}, "5.5.0", "5.12.5") == {"epoch": 1}


def test_the_hierarchy_has_one_name() -> None:
    old = {"metrics": {"radial_corr_A": -0.58, "radial_corr_B": -0.62, "distance_corr_A": 0.2}}
    new = surrounded(old, "5.11.11", "5.12.0")
    assert new == {"metrics": {"hierarchy_A": -0.58, "hierarchy_B": -0.62, "distance_corr_A": 0.2}}
    assert surrounded(new, "5.12.0", "5.11.11") == old
    both = {"metrics": {"radial_corr_A": -0.5, "hierarchy_A": -0.5}}
    assert surrounded(both, "5.11.11", "5.12.5") == both
    assert surrounded(both, "5.12.5", "5.11.11") == both


@pytest.mark.parametrize(
    ("data", "origin", "where", "definition"),
    [
        ({"coverage_A_history": [19659]}, "5.5.2", (), "cov_prior"),
        ({"coverage": 0.98}, "5.5.2", (), "cov_sampled"),
        ({"metrics": {"coverage": 1.0}}, "5.11.0", ("metrics",), "cov_mu"),
        ({"metrics": {"coverage": 1.0}}, "5.11.11", ("metrics",), "cov_mu"),
        ({"metrics": {"coverage": 1.0}}, "5.12.0", ("metrics",), "cov_mu"),
        ({"metrics": {"coverage": 0.19}}, "5.12.1", ("metrics",), "cov_logits"),
        ({"metrics": {"coverage": 0.19}}, "5.12.3", ("metrics",), "unknown"),
        ({"metrics": {"coverage": 1.0}}, "5.12.4", ("metrics",), "cov_mu"),
        ({"coverage": 0.1, "Q": 1.5}, "5.12.4.1", (), "cov_logits"),
    ],
)
def test_a_coverage_says_how_it_was_measured(
    data: Any, origin: str, where: tuple[str, ...], definition: str
) -> None:
    found = surrounded(data, origin, "5.12.5")
    for key in where:
        found = found[key]
    assert found["coverage_definition"] == definition


def test_another_role_is_explained(files: Path) -> None:
    """16 x 64 against 64 x 64: no widening."""
    layouts = family().load_layouts()
    shallow = solved(shapes(arrays(files / "v5_11_partial_freeze_best.pt")))
    config = {"model": {"projection_layers": 2, "use_dual_projection": True}}
    said = layouts.advise(layouts.expect(config), shallow.layout.name, shallow.facts)
    assert "direction_net.4 is the output layer in the file" in said
    assert "a hidden layer, before the output layer 8, in the model" in said
    assert "another role, not another width" in said
    explanation = adaptations()["projection_depth"].explanation
    assert "`projection.proj_A.direction_net.4.weight`, 16 x 64" in explanation
    same = {"model": {"projection_layers": 1, "use_dual_projection": True}}
    assert layouts.advise(layouts.expect(same), shallow.layout.name, shallow.facts) is None


def test_components_before_their_projection_are_a_layout(table: Any) -> None:
    found = identify(
        family().load_layouts().layouts,
        {name: shape for name, shape in table["v5_5"].items() if name.startswith(FROZEN)},
    )
    assert found.verdict == "certain"
    match = found.ranked[0]
    assert match.layout.name == "v5.11"
    assert match.facts == {"encoder_type": "frozen", "decoder_type": "frozen", "projection": "none"}
    assert match.versions == match.layout.versions
    assert "it has no projection: a run that loads it begins a new one" in match.evidence


def test_every_adaptation_changes_what_a_layout_tells() -> None:
    layouts = family().load_layouts()
    told = {"layout"}
    for layout in layouts.layouts:
        for component in layout.components:
            for variant in component.variants:
                told |= variant.facts.keys()
                told |= {s for shape in variant.tensors.values() for s in shape if type(s) is str}
    assert {key for one in adaptations().values() for key in one.settings} <= told


def test_a_single_isp_c_goes_with_a_single_projection() -> None:
    layout = family().load_layouts().layout("v5.11")
    component = next(one for one in layout.components if one.name == "manifold")
    for dual, name in ((True, "projection.proj_A"), (False, "projection")):
        chosen = choose(component, {"isp_c": True, "use_dual_projection": dual})
        assert f"{name}.manifold.isp_c" in expected(chosen, {})
