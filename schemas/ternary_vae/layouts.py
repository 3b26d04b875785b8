"""The tensors of every generation, counted from 33 instantiated variants.

What tells generations apart is StateNet (its input is 9, 12, 14, 18, 20 or 21 wide), the
buffers beside it, and from 5.11 on the projection, whose layers are numbered by depth and
dropout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.schema.layout import Component, Expectation, Judgement, Layout, Layouts, Trace

from .components import (
    CURVED,
    DUAL,
    EMA,
    IN_5_10,
    IN_5_11,
    IN_5_12,
    LOSSES,
    RANKED,
    V1,
    V2,
    V3,
    appetitive,
    controller,
    decoder_a,
    encoder,
    manifold,
    no_projection,
    projections,
    scalars,
    simplified,
    state_nets,
    stated,
    v5_10_state_nets,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.schema.layout import Fact

WARM_UP = 50
"""Epochs of the KL warm-up of 5.5, during which the validation loss rises."""
NO_COVERAGE = 0.05
"""Below it a model reconstructs nothing; random weights reach 0.00005."""

BALL = ("model.max_radius", "model.curvature")
DROPOUTS = ("model.projection_dropout", "model.encoder_dropout", "model.decoder_dropout")

_FIRST = ("5.5.0", "5.5.1", "5.5.2", "5.6.0")
_SECOND = ("5.6.0", "5.8.0", "5.9.0", "5.9.2")
_TUNED = (Trace(("best_corr",), ("5.8.0",)), Trace(("best_corr_hyp",), ("5.9.0", "5.9.2")))
_TRAINER = ("model.rho_min", "model.rho_max", "model.lambda3_base", "model.eps_kl")

LAYOUTS = (
    Layout(
        "v5.5",
        (*_FIRST, *_SECOND[1:]),
        (
            Component("buffers", (scalars("buffers", *EMA),)),
            *DUAL,
            state_nets(stated("v1", V1, _FIRST)),
        ),
        "the dual VAE of 5.5 and of the first 5.6",
        _TRAINER,
        _TUNED,
    ),
    Layout(
        "v5.6",
        _SECOND,
        (
            Component("buffers", (scalars("buffers", *EMA),)),
            *DUAL,
            Component("state_net", (stated("v2", V2),)),
        ),
        "the dual VAE of 5.6; 5.8 and 5.9 trained the same class",
        _TRAINER,
        _TUNED,
    ),
    Layout(
        "v5.7",
        ("5.7.0",),
        (Component("buffers", (scalars("buffers", *RANKED),)), *DUAL, state_nets(stated("v3", V3))),
        "the dual VAE whose StateNet sees the ranking correlation",
        _TRAINER,
    ),
    Layout(
        "v5.10",
        IN_5_10,
        (
            Component(
                "buffers",
                (
                    scalars("buffers", *LOSSES, says="11 buffers, as the final 5.10 code had"),
                    scalars("buffers", *CURVED, says="8 buffers, as the first 5.10 code had"),
                ),
            ),
            *DUAL,
            v5_10_state_nets(),
        ),
        "the dual VAE with a learnt prior on the ball",
        _TRAINER,
    ),
    Layout(
        "v5.6 appetitive",
        ("5.6.0",),
        appetitive(),
        "appetites wrapped around a dual VAE of 5.6",
        _TRAINER,
    ),
    Layout(
        "v5.5 simplified",
        ("5.5.0", "5.5.1", "5.5.2"),
        simplified(),
        "frozen-type components under other names, as the 5.11.11 launchers wrote them; "
        "encoder_B never trained",
    ),
    Layout(
        "v5.11",
        (*IN_5_11, *IN_5_12),
        (
            encoder("encoder_A", improvable=True),
            encoder("encoder_B", improvable=True),
            decoder_a(improvable=True),
            manifold(),
            projections(),
            controller(),
        ),
        "encoders and decoder_A with a projection onto the ball, as from 5.11 on",
        (
            *BALL,
            *DROPOUTS,
            "model.learnable_curvature",
            "model.logvar_min",
            "model.logvar_max",
            "model.name (the plain class or PartialFreeze)",
            "which parts were frozen",
            "what decoder_A reads: mu, or the tangent of the point on the ball (since 5.12.1)",
        ),
        (
            Trace(("tau_frozen",), IN_5_11),
            Trace(("homeostasis_state",), IN_5_12),
            Trace(("epochs_without_improvement", "best_hierarchy"), IN_5_12),
            Trace(("grokking_summary",), ("5.12.4", "5.12.4.1")),
        ),
    ),
    # Under the same name, for it is the same model before its projection exists. Whether there
    # is an isp_c says something of a version only where there is a projection.
    Layout(
        "v5.11",
        (*IN_5_11, *IN_5_12),
        (
            encoder("encoder_A", improvable=True),
            encoder("encoder_B", improvable=True),
            decoder_a(improvable=True),
            no_projection(),
        ),
        "encoders and decoder_A, as a run of 5.11 or later loads them",
        (*DROPOUTS[1:], "model.logvar_min", "model.logvar_max"),
    ),
)


def expect(data: Mapping[str, Any]) -> Expectation | None:
    """The tensors that a config of the head version builds, and which of them it loads."""
    model = data.get("model")
    if not isinstance(model, dict):
        return None
    hidden, latent = _whole(model, "hidden_dim", 64), _whole(model, "latent_dim", 16)
    dropout = model.get("projection_dropout", 0.1)
    facts: dict[str, Fact] = {
        "encoder_type": str(model.get("encoder_type", "frozen")),
        "decoder_type": str(model.get("decoder_type", "frozen")),
        "use_dual_projection": model.get("use_dual_projection") is True,
        "use_controller": model.get("use_controller") is True,
        "projection_layers": _whole(model, "projection_layers", 1),
        "projection_dropout": "> 0" if isinstance(dropout, int | float) and dropout > 0 else "0",
        "isp_c": True,
    }
    sizes = {"latent": latent, "hidden": hidden, "radius_hidden": max(32, hidden // 2)}
    frozen = data.get("frozen_checkpoint")
    frozen = frozen if isinstance(frozen, dict) else {}
    file = frozen.get("path") if isinstance(frozen.get("path"), str) else None
    return Expectation("v5.11", facts, sizes, _needs(frozen, file), "frozen_checkpoint.path", file)


def _needs(frozen: Mapping[str, Any], file: str | None) -> tuple[str, ...]:
    """The components a config loads; all that its class needs where it names no file yet."""
    encoders = frozen.get("encoder_to_load", "both") if file else "both"
    decoder = frozen.get("decoder_to_load", "decoder_A") if file else "decoder_A"
    wanted = ("encoder_A", "encoder_B") if encoders == "both" else (encoders,)
    return tuple(
        name for name in (*wanted, decoder) if name in ("encoder_A", "encoder_B", "decoder_A")
    )


def _whole(section: Mapping[str, Any], key: str, default: int) -> int:
    value = section.get(key, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def advise(expected: Expectation, layout: str, facts: Mapping[str, Fact]) -> str | None:
    """How weights of another layout or type become what a config asks for."""
    if layout == "v5.5 simplified":
        return (
            "rename its tensors: encoder_X.N -> encoder_X.encoder.N, fc_mu_X -> encoder_X.fc_mu, "
            "decoder_A.N -> decoder_A.decoder.N"
        )
    wrong = [
        key
        for key in ("encoder_type", "decoder_type")
        if facts.get(key, "frozen") != expected.facts[key]
    ]
    if not wrong:
        return _advise_projection(expected, facts)
    if any(expected.facts[key] != "improved" for key in wrong):
        return None  # trained improved components do not turn into frozen-type ones
    said = " and ".join(f"model.{key}: frozen" for key in wrong)
    return (
        f"set {said}, or convert the weights with LayerNorms calibrated on the 19,683 inputs "
        "(keeps 99.97 % coverage; a plain rename keeps 30 %)"
    )


def _advise_projection(expected: Expectation, facts: Mapping[str, Fact]) -> str | None:
    """Why a projection does not load, and what makes it load."""
    keys = ("projection_layers", "projection_dropout", "use_dual_projection")
    wrong = [key for key in keys if facts.get(key, expected.facts[key]) != expected.facts[key]]
    if not wrong:
        return None
    convert = "convert the weights for this config (`cfgmig checkpoint convert --for`)"
    if "projection_layers" not in wrong:
        return f"{convert}: its layers are copied or renumbered, no number changes"
    have, want = (_depth(one["projection_layers"]) for one in (facts, expected.facts))
    return (
        f"the projection has {_layers(have)} in the file and {_layers(want)} in the config, so "
        f"{_role(have, facts, have)} in the file and {_role(have, expected.facts, want)} in the "
        "model: another role, not another width. Copying what happens to fit ruins it; "
        f"{convert}, which keeps what it computes, or set model.projection_layers: {have}"
    )


def _depth(value: Fact) -> int:
    return value if isinstance(value, int) else 1


def _layers(depth: int) -> str:
    return f"{depth} hidden layer{'s' * (depth != 1)}"


def _role(have: int, facts: Mapping[str, Fact], depth: int) -> str:
    """What stands at the number of the file's output layer in a projection."""
    step = 3 if facts["projection_dropout"] == "0" else 4
    number = have * step
    if have == depth:
        return f"direction_net.{number} is the output layer"
    return f"a hidden layer, before the output layer {depth * step}," if have < depth else "nothing"


def judge(layout: str, metadata: Mapping[str, Any]) -> Judgement:
    """How good a file is by what is stored in it: coverage first, then the hierarchy.

    Files of 5.5 to 5.10 store a coverage of samples from the prior, which a random model
    reaches as well; there the epoch is what tells.
    """
    found = metadata.get("metrics")
    metrics: Mapping[str, Any] = {**metadata, **found} if isinstance(found, dict) else metadata
    coverage = _number(metrics, "coverage")
    epoch = _number(metadata, "epoch")
    if coverage is not None and 0 <= coverage <= 1:
        return _by_coverage(coverage, metrics, sampled=layout == "v5.5 simplified")
    config = metadata.get("config")
    frozen = config.get("frozen_checkpoint") if isinstance(config, dict) else None
    if isinstance(frozen, dict) and frozen.get("path", "") is None:
        return Judgement(-10.0, "trained without frozen weights: its config says path null")
    if layout == "v5.11":
        return Judgement(5.0, "no coverage is stored")
    if epoch is None:
        return Judgement(3.0, "neither coverage nor epoch is stored")
    if epoch == 0:
        return Judgement(-5.0, "epoch 0: hardly trained, if at all")
    if epoch < WARM_UP:
        return Judgement(
            1.0,
            f"epoch {epoch:.0f}: a snapshot from the KL warm-up, before the decoder works "
            "(13 % coverage was measured on one); lowest validation loss says nothing there",
        )
    return Judgement(
        8.0 + min(epoch, 1000) / 1000, f"epoch {epoch:.0f}, past the KL warm-up; no coverage stored"
    )


def _by_coverage(coverage: float, metrics: Mapping[str, Any], *, sampled: bool) -> Judgement:
    said = f"coverage {coverage:.4g} stored{' (of samples)' * sampled}"
    if coverage < NO_COVERAGE:
        return Judgement(coverage - 10.0, f"{said}: it reconstructs nothing")
    for key in ("hierarchy_B", "radial_corr_B", "hierarchy"):
        hierarchy = _number(metrics, key)
        if hierarchy is not None:
            return Judgement(10 * coverage - hierarchy, f"{said}, {key} {hierarchy:.4g}")
    return Judgement(10 * coverage, said)


def _number(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if abs(value) < 1e300 else None


layouts = Layouts(LAYOUTS, expect, judge, advise, probe=".forward:probe")
