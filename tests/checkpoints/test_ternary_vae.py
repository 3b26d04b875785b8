"""TernaryVAE: every variant and every real file is recognised as what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cfgmig.project import Project
from cfgmig.recognising import Recognised, recognise
from cfgmig.schema.layout import Judgement, Layouts
from cfgmig.schema.solving import identify
from cfgmig.states import State, model_state
from checkpoint_tools import open_checkpoint

Variants = dict[str, dict[str, tuple[int, ...]]]

V5_12 = ("5.12.0", "5.12.1", "5.12.2", "5.12.3", "5.12.4", "5.12.4.1", "5.12.5")
DEEP = ("5.11.11", *V5_12)
ANY = ("5.11.0", *DEEP)
FIRST = ("5.5.0", "5.5.1", "5.5.2", "5.6.0")
SECOND = ("5.6.0", "5.8.0", "5.9.0", "5.9.2")


def net(
    layers: int = 1,
    *,
    dual: bool = True,
    dropout: bool = False,
    controller: bool = True,
    isp: bool = True,
    improved: bool = False,
) -> dict[str, Any]:
    return {
        "projection_layers": layers,
        "use_dual_projection": dual,
        "projection_dropout": "> 0" if dropout else "0",
        "use_controller": controller,
        "isp_c": isp,
        "encoder_type": "improved" if improved else "frozen",
        "decoder_type": "improved" if improved else "frozen",
    }


SHIPPED = net(2, dropout=True)
TABLE: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "v5_5": ("v5.5", FIRST, {"state_net": "v1"}),
    "v5_5_no_statenet": ("v5.5", (*FIRST, *SECOND[1:]), {"state_net": "none"}),
    "v5_6_statenet_v1": ("v5.5", FIRST, {"state_net": "v1"}),
    "v5_6_statenet_v2": ("v5.6", SECOND, {"state_net": "v2"}),
    "v5_7": ("v5.7", ("5.7.0",), {"state_net": "v3"}),
    "v5_10_statenet_v4_first": ("v5.10", ("5.10.0",), {"state_net": "v4", "buffers": 8}),
    "v5_10_1_statenet_v5_20d": ("v5.10", ("5.10.1",), {"state_net": "v5, 20 inputs"}),
    "v5_10_statenet_v4": ("v5.10", ("5.10.0", "5.10.1"), {"state_net": "v4", "buffers": 11}),
    "v5_10_statenet_v5": ("v5.10", ("5.10.1",), {"state_net": "v5, 21 inputs"}),
    "appetitive_v5_6_base": ("v5.6 appetitive", ("5.6.0",), {"state_net": "v2"}),
    "v5_5_simplified": ("v5.5 simplified", FIRST[:3], {}),
    "v5_11_initial_commit_515435c9": ("v5.11", ("5.11.0",), net(dual=False, isp=False)),
    "v5_11_optionC_initial_single": ("v5.11", ("5.11.0",), net(dual=False, isp=False)),
    "v5_11_optionC_dual_b48837bb": ("v5.11", ("5.11.0",), net(isp=False)),
    "v5_11_single_1layer": ("v5.11", ANY, net(dual=False, controller=False)),
    "v5_11_single_1layer_controller": ("v5.11", ANY, net(dual=False)),
    "v5_11_single_1layer_dropout": ("v5.11", ANY, net(dual=False, dropout=True, controller=False)),
    "v5_11_dual_1layer": ("v5.11", ANY, net(controller=False)),
    "v5_11_dual_1layer_controller": ("v5.11", ANY, net()),
    "v5_11_dual_1layer_dropout_controller": ("v5.11", ANY, net(dropout=True)),
    "v5_11_dual_1layer_dropout_controller_learnc": ("v5.11", ANY, net(dropout=True)),
    "v5_11_partial_freeze_dual_1layer_controller": ("v5.11", ANY, net()),
    "v5_11_partial_freeze_dual_1layer_dropout_controller": ("v5.11", ANY, net(dropout=True)),
    "v5_11_structural_h128_2layer_dropout": (
        "v5.11",
        DEEP,
        net(2, dropout=True, controller=False),
    ),
    "v5_11_dual_2layer_dropout0_controller": ("v5.11", DEEP, net(2)),
    "v5_11_11_homeostatic": ("v5.11", DEEP, SHIPPED),
    "v5_12": ("v5.11", DEEP, SHIPPED),
    "v5_12_4_as_shipped": ("v5.11", DEEP, SHIPPED),
    "v5_12_4_improved": ("v5.11", V5_12[4:], net(2, dropout=True, improved=True)),
    "v5_12_4_improved_enc_frozen_dec": (
        "v5.11",
        V5_12[4:],
        {**SHIPPED, "encoder_type": "improved"},
    ),
    "v5_12_4_via_train_validated_kwargs_bug": (
        "v5.11",
        V5_12[4:],
        net(dropout=True, improved=True),
    ),
    "dev_quick_test_template_hidden32": ("v5.11", ANY, net(dual=False)),
    "ternary_fast_test_latent8_hidden32": ("v5.11", ANY, net(dual=False, controller=False)),
}
SIZES = {
    "v5_11_structural_h128_2layer_dropout": (16, 128, 64),
    "dev_quick_test_template_hidden32": (16, 32, 32),
    "ternary_fast_test_latent8_hidden32": (8, 32, 32),
}


@pytest.fixture(scope="session")
def declared(project: Project) -> Layouts:
    found = project.source("ternary_vae").family.load_layouts()
    assert found is not None
    return found


def test_the_table_is_complete(variants: Variants) -> None:
    assert sorted(TABLE) == sorted(variants)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "module."])
def test_every_variant_is_recognised(
    name: str, prefix: str, variants: Variants, declared: Layouts
) -> None:
    layout, versions, facts = TABLE[name]
    shapes = {prefix + tensor: shape for tensor, shape in variants[name].items()}
    found = identify(declared.layouts, shapes)
    assert found.verdict == "certain"
    match = found.ranked[0]
    assert (match.layout.name, match.versions) == (layout, versions)
    assert facts.items() <= match.facts.items()
    assert match.stripped == ((prefix,) if prefix else ())
    assert match.matched == len(shapes)
    if layout == "v5.11":
        latent, hidden, narrow = SIZES.get(name, (16, 64, 32))
        sizes = {"latent": latent, "hidden": hidden, "radius_hidden": narrow}
        assert match.dimensions == sizes


def test_layouts_name_versions_that_exist(project: Project, declared: Layouts) -> None:
    known = project.source("ternary_vae").family.names
    for layout in declared.layouts:
        parts = [
            variant.versions
            for component in layout.components
            for variant in (*component.variants, *([component.absent] if component.absent else []))
        ]
        named = [layout.versions, *parts, *(trace.versions for trace in layout.traces)]
        for versions in named:
            assert set(versions) <= set(layout.versions)
            assert list(versions) == sorted(versions, key=known.index)


REAL = {
    "v5_5_latest.pt": ("v5.5", FIRST),
    "v5_5_best.pt": ("v5.5", FIRST),
    "v5_5_simplified_latest.pt": ("v5.5 simplified", FIRST[:3]),
    "v5_6_statenet_v2_init.pt": ("v5.6", SECOND),
    "v5_10_init.pt": ("v5.10", ("5.10.1",)),
    "v5_11_best.pt": ("v5.11", ("5.11.0", "5.11.11")),
    "v5_11_partial_freeze_best.pt": ("v5.11", ("5.11.0", "5.11.11")),
    "v5_12_4_best_Q.pt": ("v5.11", ("5.12.4",)),
    "v5_12_4_latest.pt": ("v5.11", ("5.12.4",)),
    "v5_12_4_null_path_best_Q.pt": ("v5.11", ("5.12.4",)),
    "v5_12_4_improved_grokking_best_Q.pt": ("v5.11", ("5.12.4.1",)),
}


def recognised(path: Path, project: Project) -> tuple[str, int, int, Recognised]:
    with open_checkpoint(path) as checkpoint:
        state = model_state(checkpoint)
        assert state is not None
        elements = sum(checkpoint.tensors[name].numel for name in state.names.values())
        found = recognise(state, checkpoint.metadata, project)
    return state.key, len(state.shapes), elements, found


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_what_the_index_says(name: str, files: Path, project: Project) -> None:
    index = {one["file"]: one for one in json.loads((files / "index.json").read_text())}
    row = index[name]
    key, tensors, elements, found = recognised(files / name, project)
    assert (key, tensors, elements) == (row["state_key"], row["n_tensors"], row["n_elements"])
    assert found.match is not None
    assert (found.match.layout.name, found.versions) == REAL[name]
    assert found.identified.verdict == "certain"
    inferred = row.get("inferred")
    if inferred:
        facts, sizes = found.match.facts, found.match.dimensions
        assert sizes["hidden"] == inferred["hidden"]
        assert facts["projection_layers"] == inferred["n_layers"]
        assert (facts["projection_dropout"] == "> 0") is inferred["dropout_gt0"]
        assert facts["use_dual_projection"] is inferred["dual"]
        assert facts["use_controller"] is inferred["controller"]
        assert (facts["encoder_type"] == "improved") is inferred["improved"]


def test_every_real_file_is_in_the_table(files: Path) -> None:
    assert sorted(REAL) == sorted(path.name for path in files.glob("*.pt"))


def test_a_config_that_was_not_trained_is_told(files: Path, project: Project) -> None:
    *_, found = recognised(files / "v5_12_4_best_Q.pt", project)
    assert found.certain
    assert any("encoder_type: frozen in the file, improved" in doubt for doubt in found.doubts)
    *_, built = recognised(files / "v5_12_4_improved_grokking_best_Q.pt", project)
    assert built.doubts == ()


def test_the_flat_options_of_5_11_are_no_version_of_tensors(files: Path, project: Project) -> None:
    *_, found = recognised(files / "v5_11_best.pt", project)
    assert found.inside is not None
    assert found.inside.name == "ternary_vae/cli"
    assert "the config inside is of ternary_vae/cli" in found.evidence
    assert not found.certain
    assert found.title == "ternary_vae 5.11.0 or 5.11.11"


def test_what_no_tensor_shows_is_listed(files: Path, project: Project) -> None:
    *_, found = recognised(files / "v5_12_4_latest.pt", project)
    assert found.match is not None
    assert "model.max_radius" in found.match.layout.not_told


def test_versions_are_told_without_skipping_any(files: Path, project: Project) -> None:
    *_, found = recognised(files / "v5_6_statenet_v2_init.pt", project)
    assert found.title == "ternary_vae 5.6.0 or 5.8.0 or 5.9.0 or 5.9.2"


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, {"training": "x", "model": [1]}, 1e400])
def test_a_config_of_junk_harms_nothing(junk: object, variants: Variants, project: Project) -> None:
    state = State("model", "model", variants["v5_12_4_as_shipped"], {})
    config = {
        "model": junk,
        "training": junk,
        "frozen_checkpoint": junk,
        "mixed_precision": junk,
        "homeostasis": {},
        "loss": {"rich_hierarchy": junk},
        "version": {"model": "5.12.4"},
        "memory": junk,
    }
    found = recognise(state, {"config": config, "metrics": junk, "epoch": junk}, project)
    assert found.match is not None
    assert judged_by(project)("v5.11", {"metrics": junk, "epoch": junk, "coverage": junk}).reason


def judged_by(project: Project) -> Callable[[str, dict[str, Any]], Judgement]:
    declared = project.source("ternary_vae").family.load_layouts()
    assert declared is not None
    assert declared.judge is not None
    return declared.judge
