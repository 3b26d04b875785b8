"""From a config, or from what the tensors of a checkpoint show, to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schemas.ternary_vae.matrix import ALIASES, PARTIAL, PLAIN

from .dual import AppetitiveVAE, DualVAE, SimplifiedVAE
from .projected import Architecture, ProjectedVAE

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cfgmig.schema.layout import Fact
    from schemas.ternary_vae.v5_12_4 import Model

AnyModel = DualVAE | AppetitiveVAE | SimplifiedVAE | ProjectedVAE
"""All have `encode(x)` and `decode_A(z)`."""

SOME_DROPOUT = 0.1
"""Tensors show that there is dropout, not how much; every run took this."""

_BUFFERS = {"v5.5": 2, "v5.6": 2, "v5.7": 4, "v5.10": 11}
_STATE_NETS = {
    "5.5.0": ("v5.5", "v1"),
    "5.5.1": ("v5.5", "v1"),
    "5.5.2": ("v5.5", "v1"),
    "5.6.0": ("v5.6", "v2"),
    "5.7.0": ("v5.7", "v3"),
    "5.8.0": ("v5.6", "v2"),
    "5.9.0": ("v5.6", "v2"),
    "5.9.2": ("v5.6", "v2"),
    "5.10.0": ("v5.10", "v4"),
    "5.10.1": ("v5.10", "v4"),
}
"""Layout and StateNet of each flat version, as its last code had them."""


def build(model: Model | Mapping[str, Any]) -> ProjectedVAE:
    """The model that the section `model` of a config of the head version describes.

    Raises:
        pydantic.ValidationError: a plain dict is no such section; misspelt keys are errors.
        ValueError: there is no such architecture class.
    """
    return ProjectedVAE(architecture(model))


def architecture(model: Model | Mapping[str, Any]) -> Architecture:
    """The settings of `build`, which raises the same."""
    from schemas.ternary_vae.v5_12_4 import Model

    section = model if isinstance(model, Model) else Model.model_validate(dict(model))
    name = ALIASES.get(section.name, section.name)
    if name not in (PLAIN, PARTIAL):
        raise ValueError(f"{section.name} is no class of this family: {PLAIN} and {PARTIAL} are")
    # manifold_aware marked outputs for the reader, and never changed a number.
    settings = section.model_dump(exclude={"name", "manifold_aware"})
    return Architecture(partial_freeze=name == PARTIAL, **settings)


def build_dual(model: BaseModel | Mapping[str, Any], version: str) -> DualVAE:
    """The model that the section `model` of a flat config, 5.5.0 to 5.10.1, describes.

    Raises:
        ValueError: there is no such version, or no StateNet of the number that is asked for.
    """
    section = dict(model)
    if version not in _STATE_NETS:
        raise ValueError(f"no dual VAE was built at version {version}")
    layout, kind = _STATE_NETS[version]
    if layout == "v5.10":
        number = section.get("statenet_version", 4)
        kinds = {4: "v4", 5: "v5, 21 inputs"}
        if number not in kinds:
            raise ValueError(f"statenet_version {number} never had code in 5.10; 4 and 5 had")
        kind = kinds[number]
    if not section.get("use_statenet", True):
        kind = "none"
    return DualVAE(section.get("latent_dim", 16), kind, _BUFFERS[layout])


def build_from(
    layout: str,
    facts: Mapping[str, Fact],
    dimensions: Mapping[str, int],
    settings: Mapping[str, Any] | None = None,
) -> AnyModel:
    """The model whose tensors a checkpoint holds.

    Args:
        layout: name of a layout of `schemas.ternary_vae.layouts`.
        facts: what `cfgmig.schema.solving.identify` found out of the tensors.
        dimensions: sizes that it solved.
        settings: fields of `Architecture` that no tensor shows (max_radius, decoder_input,
            partial_freeze and more), for the layout `v5.11`.

    Raises:
        ValueError: there is no such layout, or settings are given to one that takes none.
    """
    if layout == "v5.11":
        return ProjectedVAE(Architecture(**{**_shown(facts, dimensions), **(settings or {})}))
    if settings:
        raise ValueError(f"a model of layout {layout} has no settings beside its tensors")
    latent = dimensions.get("latent", 16)
    if layout == "v5.6 appetitive":
        return AppetitiveVAE(latent, dimensions.get("history", 0))
    if layout == "v5.5 simplified":
        return SimplifiedVAE(latent)
    if layout not in _BUFFERS:
        raise ValueError(f"{layout} is no layout of this family")
    kind, buffers = str(facts["state_net"]), int(facts.get("buffers", _BUFFERS[layout]))
    # The code that first had a curvature called StateNet so, for its 18 inputs only.
    old = kind == "v4" and buffers == 8
    return DualVAE(latent, kind, buffers, "statenet" if old else "state_net")


def _shown(facts: Mapping[str, Fact], dimensions: Mapping[str, int]) -> dict[str, Any]:
    """The fields of `Architecture` that tensors show."""
    keys = ("encoder_type", "decoder_type", "use_dual_projection", "use_controller", "isp_c")
    return {
        **{key: facts[key] for key in keys},
        "projection_layers": facts["projection_layers"],
        "projection_dropout": SOME_DROPOUT if facts["projection_dropout"] == "> 0" else 0.0,
        "latent_dim": dimensions["latent"],
        "hidden_dim": dimensions["hidden"],
        "radius_hidden": dimensions["radius_hidden"],
    }
