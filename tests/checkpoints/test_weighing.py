"""How much of a checkpoint would load for a config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cfgmig.errors import UsageError
from cfgmig.project import Project
from cfgmig.schema.family import Family, Version
from cfgmig.states import State
from cfgmig.weighing import Weighed, expectation, weigh, weigh_state
from checkpoint_tools import open_checkpoint

LOAD = {"path": "a.pt", "encoder_to_load": "both", "decoder_to_load": "decoder_A"}
Variants = dict[str, dict[str, tuple[int, ...]]]


def config(frozen: dict[str, Any] | None = None, **model: Any) -> dict[str, Any]:
    return {
        "model": {"name": "TernaryVAEV5_11_PartialFreeze", "projection_layers": 2, **model},
        "frozen_checkpoint": LOAD if frozen is None else frozen,
    }


@pytest.fixture(scope="session")
def family(project: Project) -> Family:
    return project.source("ternary_vae").family


def weighed(data: dict[str, Any], family: Family, shapes: dict[str, tuple[int, ...]]) -> Weighed:
    asked = expectation(data, family)
    assert asked is not None
    return weigh_state(*asked, State("model", "model", shapes, {}))


def real(data: dict[str, Any], family: Family, path: Path) -> Weighed:
    with open_checkpoint(path) as checkpoint:
        found = weigh(data, family, checkpoint)
    assert found is not None
    return found


def loaded(found: Weighed) -> dict[str, tuple[int, int]]:
    return {count.component: (count.loaded, count.expected) for count in found.counts}


def test_a_file_of_the_first_generation(family: Family, files: Path) -> None:
    found = real(config(), family, files / "v5_5_latest.pt")
    assert found.verdict == "loads"
    assert found.fits
    assert loaded(found)["encoder_A"] == (10, 10)
    assert loaded(found)["decoder_A"] == (6, 6)
    assert loaded(found)["projection"] == (0, 16)
    assert found.sentence == ("all 26 needed tensors load; manifold, projection would start afresh")


def test_the_same_architecture_loads_in_full(family: Family, files: Path) -> None:
    data = config(use_dual_projection=True, use_controller=True)
    found = real(data, family, files / "v5_12_4_best_Q.pt")
    assert (found.loaded, found.expected) == (68, 68)
    assert (found.verdict, found.notes) == ("loads", ())


def test_nothing_loads_of_the_simplified_names(family: Family, files: Path) -> None:
    found = real(config(), family, files / "v5_5_simplified_latest.pt")
    assert found.verdict == "convert"
    assert found.loaded == 0
    assert found.sentence.startswith("none of 26 needed tensors would load")
    assert found.help is not None
    assert found.help.startswith("rename its tensors")


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module."])
def test_nothing_loads_through_a_wrapper(prefix: str, family: Family, variants: Variants) -> None:
    shapes = {prefix + name: shape for name, shape in variants["v5_6_statenet_v2"].items()}
    found = weighed(config(), family, shapes)
    assert (found.verdict, found.loaded) == ("convert", 0)
    assert found.help == f"strip {prefix!r} from its names"


def test_improved_components_do_not_take_frozen_ones(family: Family, files: Path) -> None:
    data = config(encoder_type="improved", decoder_type="improved")
    found = real(data, family, files / "v5_12_4_best_Q.pt")
    assert found.verdict == "convert"
    assert 0 < found.loaded < found.expected
    assert found.help is not None
    assert "calibrated" in found.help
    assert "encoder_type: frozen in the file, improved in the config" in found.notes
    back = real(config(), family, files / "v5_12_4_improved_grokking_best_Q.pt")
    assert (back.verdict, back.help) == ("partly", None)


def test_another_depth_is_another_role_not_another_width(
    family: Family, variants: Variants
) -> None:
    data = config(use_dual_projection=True, use_controller=True)
    found = weighed(data, family, variants["v5_11_dual_1layer_dropout_controller"])
    assert found.verdict == "loads"
    projection = next(count for count in found.counts if count.component == "projection")
    clashes = {str(clash) for clash in projection.clashes}
    assert "projection.proj_A.direction_net.4.weight is [16, 64], not [64, 64]" in clashes
    assert found.notes == ("projection_layers: 1 in the file, 2 in the config",)


def test_another_latent_width_loads_nowhere_in_full(family: Family, files: Path) -> None:
    found = real(config(latent_dim=8), family, files / "v5_5_latest.pt")
    assert found.verdict == "partly"
    assert "encoder_A.fc_mu.weight is [16, 64], not [8, 64]" in found.sentence


def test_only_what_is_asked_for_is_needed(family: Family, variants: Variants) -> None:
    frozen = {"path": "a.pt", "encoder_to_load": "encoder_A", "decoder_to_load": None}
    found = weighed(config(frozen), family, variants["v5_5"])
    assert [count.component for count in found.counts if count.needed] == ["encoder_A"]
    none = {"path": "a.pt", "encoder_to_load": None, "decoder_to_load": None}
    nothing = weighed(config(none), family, variants["v5_5"])
    assert (nothing.verdict, nothing.fits) == ("nothing", False)


def test_without_a_path_all_is_needed_that_the_class_needs(
    family: Family, variants: Variants
) -> None:
    frozen = {"path": None, "encoder_to_load": None, "decoder_to_load": None}
    assert weighed(config(frozen), family, variants["v5_5"]).verdict == "loads"


def test_no_tensor_at_all(family: Family) -> None:
    asked = expectation(config(), family)
    assert asked is not None
    found = weigh_state(*asked, None)
    assert (found.verdict, found.loaded) == ("nothing", 0)


@pytest.mark.parametrize("data", [{}, {"model": None}, {"model": "x"}])
def test_a_config_without_a_model_asks_nothing(data: dict[str, Any], family: Family) -> None:
    assert expectation(data, family) is None


@pytest.mark.parametrize(
    "model", [{"latent_dim": "16"}, {"hidden_dim": None}, {"projection_dropout": "x"}]
)
def test_mistyped_settings_do_no_harm(model: dict[str, Any], family: Family) -> None:
    assert expectation(config(**model), family) is not None


def test_needed_components_must_be_known(family: Family) -> None:
    with pytest.raises(UsageError, match="no tensors of encoder_A are known"):
        weighed(config(encoder_type="odd"), family, {})


def test_other_components_may_be_unknown(family: Family, variants: Variants) -> None:
    found = weighed(config(projection_layers=99), family, variants["v5_5"])
    assert found.verdict == "loads"
    assert "projection: no tensors are known for these settings" in found.notes


def test_a_family_without_layouts_says_nothing() -> None:
    plain = Family("plain", "Plain", (Version("1"),), package="plain")
    assert expectation({"model": {}}, plain) is None
