"""The parts that TernaryVAE's generations are made of, as tensors.

Sizes that never changed are numbers: 9 trits in, 27 logits out, encoders 256-128-64.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from cfgmig.schema.layout import Component, Variant, linear, norm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.schema.layout import Shape, Size

DEEPEST = 6
"""Hidden layers of a projection that are recognised; no run ever had more than two."""

IN_5_10 = ("5.10.0", "5.10.1")
IN_5_11 = ("5.11.0", "5.11.11")
IN_5_12 = ("5.12.0", "5.12.1", "5.12.2", "5.12.3", "5.12.4", "5.12.4.1", "5.12.5")
IMPROVED_IN = ("5.12.4", "5.12.4.1", "5.12.5")


def _stack(name: str, widths: tuple[Size, ...], step: int, normed: bool) -> dict[str, Shape]:
    """Dense layers numbered in steps; with `normed`, a LayerNorm after all but the last."""
    tensors: dict[str, Shape] = {}
    for at, (into, out) in enumerate(pairwise(widths)):
        tensors |= linear(f"{name}.{at * step}", out, into)
        if normed and at < len(widths) - 2:
            tensors |= norm(f"{name}.{at * step + 1}", out)
    return tensors


def encoder(name: str, prefix: str = "", *, improvable: bool = False) -> Component:
    heads = linear(f"{prefix}{name}.fc_mu", "latent", 64)
    heads |= linear(f"{prefix}{name}.fc_logvar", "latent", 64)
    body = f"{prefix}{name}.encoder"
    frozen = _stack(body, (9, 256, 128, 64), 2, normed=False)
    improved = _stack(body, (9, 256, 128, 64), 4, normed=True) | norm(f"{body}.9", 64)
    types = _types(name, "encoder", frozen | heads, improved | heads, "1, 5 and 9")
    return Component(name, types[: 1 + improvable])


def decoder_a(prefix: str = "", *, improvable: bool = False) -> Component:
    body = f"{prefix}decoder_A.decoder"
    widths: tuple[Size, ...] = ("latent", 32, 64, 27)
    frozen, improved = _stack(body, widths, 2, normed=False), _stack(body, widths, 4, normed=True)
    types = _types("decoder_A", "decoder", frozen, improved, "1 and 5")
    return Component("decoder_A", types[: 1 + improvable])


def _types(
    name: str, kind: str, frozen: Mapping[str, Shape], improved: Mapping[str, Shape], numbers: str
) -> tuple[Variant, ...]:
    says = f"{name} is of the improved type: LayerNorm at {numbers}"
    return (
        Variant(frozen, {f"{kind}_type": "frozen"}),
        Variant(improved, {f"{kind}_type": "improved"}, says, IMPROVED_IN),
    )


def decoder_b(prefix: str = "") -> Component:
    body = f"{prefix}decoder_B"
    tensors = linear(f"{body}.fc_in", 128, "latent") | linear(f"{body}.fc_out", 27, 128)
    for block in (1, 2):
        for layer in (0, 2):
            tensors |= linear(f"{body}.residual{block}.block.{layer}", 128, 128)
    return Component("decoder_B", (Variant(tensors),))


def _state_net(
    inputs: int, hidden: int, latent: int, outputs: int, heads: Mapping[str, int], prefix: str
) -> dict[str, Shape]:
    """StateNet; from the third one on its encoder has a layer more, and attention heads."""
    deep = (3, 5) if heads else (3,)
    tensors = linear(f"{prefix}.encoder.0", hidden, inputs) | norm(f"{prefix}.encoder.1", hidden)
    for layer in deep[:-1]:
        tensors |= linear(f"{prefix}.encoder.{layer}", hidden, hidden)
    tensors |= linear(f"{prefix}.encoder.{deep[-1]}", latent, hidden)
    tensors |= linear(f"{prefix}.decoder.0", hidden, latent)
    tensors |= linear(f"{prefix}.decoder.2", outputs, hidden)
    for head, width in heads.items():
        tensors |= linear(f"{prefix}.{head}_attention.0", width, inputs)
    return tensors


def stated(
    name: str, tensors: Mapping[str, Shape], versions: tuple[str, ...] = (), more: str = ""
) -> Variant:
    return Variant(tensors, {"state_net": name}, f"StateNet {name}{more}", versions)


def state_nets(*variants: Variant, absent: tuple[str, ...] = ()) -> Component:
    none = Variant({}, {"state_net": "none"}, "it has no StateNet", absent)
    return Component("state_net", variants, absent=none)


def scalars(name: str, *names: str, says: str = "", versions: tuple[str, ...] = ()) -> Variant:
    return Variant(dict.fromkeys(names, ()), {name: len(names)}, says, versions)


EMA = ("grad_norm_A_ema", "grad_norm_B_ema")
RANKED = (*EMA, "r_A_ema", "r_B_ema")
CURVED = (*RANKED, "mean_radius_A", "mean_radius_B", "prior_sigma", "curvature")
LOSSES = (*CURVED, "loss_ema", "loss_prev", "loss_grad_ema")

DUAL = (encoder("encoder_A"), encoder("encoder_B"), decoder_a(), decoder_b())
V1 = _state_net(9, 32, 8, 4, {}, "state_net")
V2 = _state_net(12, 32, 8, 4, {}, "state_net")
V3 = _state_net(14, 48, 10, 5, {"metric": 8}, "state_net")
_V4_HEADS = {"metric": 10, "hyperbolic": 6}
_V5_20 = _state_net(20, 64, 14, 8, {"metric": 12, "hyperbolic": 6, "curriculum": 4}, "state_net")
_V5_21 = _state_net(21, 64, 14, 8, {"metric": 13, "hyperbolic": 6, "curriculum": 4}, "state_net")
_SCALES: dict[str, Shape] = {
    f"state_net.attention_head_scales.{head}": () for head in ("metric", "hyperbolic", "curriculum")
}


def v5_10_state_nets() -> Component:
    old, new = (_state_net(18, 64, 12, 7, _V4_HEADS, name) for name in ("statenet", "state_net"))
    return state_nets(
        stated("v4", old, ("5.10.0",), " under its first name `statenet`"),
        stated("v4", new),
        stated("v5, 20 inputs", _V5_20, ("5.10.1",)),
        stated("v5, 21 inputs", _V5_21 | _SCALES, ("5.10.1",)),
    )


def _projection(layers: int, dropout: bool, names: tuple[str, ...]) -> Variant:
    """One net for the direction, one for the radius, once for both latents or for each."""
    tensors: dict[str, Shape] = {}
    dense, narrow = (4, 3) if dropout else (3, 2)
    for name in names:
        direction = ("latent", *("hidden",) * layers, "latent")
        radius = ("latent", *("radius_hidden",) * layers, 1)
        tensors |= _stack(f"{name}.direction_net", direction, dense, normed=True)
        tensors |= _stack(f"{name}.radius_net", radius, narrow, normed=False)
    numbers = ", ".join(str(at * dense) for at in range(layers + 1))
    kind = "dual" if len(names) > 1 else "single"
    return Variant(
        tensors,
        {
            "use_dual_projection": len(names) > 1,
            "projection_layers": layers,
            "projection_dropout": "> 0" if dropout else "0",
        },
        f"a {kind} projection with {layers} hidden layer{'s' * (layers > 1)} and "
        f"{'dropout > 0' if dropout else 'no dropout'}: its dense layers are {numbers}",
        () if layers == 1 else (*IN_5_11[1:], *IN_5_12),
    )


_SINGLE = ("projection",)
_BOTH = ("projection.proj_A", "projection.proj_B")


def projections() -> Component:
    depths = range(1, DEEPEST + 1)
    ways = [(layers, dropout) for layers in depths for dropout in (True, False)]
    return Component(
        "projection",
        tuple(_projection(*way, names) for names in (_BOTH, _SINGLE) for way in ways),
    )


def no_projection() -> Component:
    """Stands for projection, manifold and controller in a file that has none of them yet."""
    says = "it has no projection: a run that loads it begins a new one"
    return Component("projection", (), absent=Variant({}, {"projection": "none"}, says))


def manifold() -> Component:
    ways = [
        Variant(
            dict.fromkeys((f"{name}.manifold.isp_c" for name in names), ()),
            {"isp_c": True, "use_dual_projection": len(names) > 1},
        )
        for names in (_BOTH, _SINGLE)
    ]
    before = "no isp_c: the first V5.11 code, before the curvature was a tensor"
    return Component(
        "manifold",
        tuple(ways),
        absent=Variant({}, {"isp_c": False}, before, ("5.11.0",)),
    )


def controller() -> Component:
    tensors = linear("controller.net.0", 32, 8) | norm("controller.net.1", 32)
    tensors |= linear("controller.net.3", 32, 32) | linear("controller.net.5", 6, 32)
    there = Variant(tensors, {"use_controller": True}, "it has a controller")
    return Component(
        "controller",
        (there,),
        absent=Variant({}, {"use_controller": False}, "it has no controller"),
    )


def appetitive() -> tuple[Component, ...]:
    names = ("ranking", "hierarchy", "curiosity", "symbiosis", "closure")
    own: dict[str, Shape] = {f"appetite_{name}": () for name in names}
    own |= {"ranking.valuations": (19683,), "curiosity.z_history": ("history", "latent")}
    for side in ("query_A", "key_B", "query_B", "key_A"):
        own |= linear(f"symbiosis.{side}", 32, "latent")
    for side in ("value_A", "value_B"):
        own |= linear(f"symbiosis.{side}", "latent", "latent")
    own |= {"symbiosis.mi_estimator.weight": (1, "latent", "latent")}
    own |= {"symbiosis.mi_estimator.bias": (1,), "closure.identity_idx": ()}
    state_net = _state_net(12, 32, 8, 4, {}, "base.state_net")
    return (
        Component("appetites", (Variant(own, says="appetites around a model under `base.`"),)),
        Component("buffers", (scalars("buffers", *(f"base.{name}" for name in EMA)),)),
        encoder("encoder_A", "base."),
        encoder("encoder_B", "base."),
        decoder_a("base."),
        decoder_b("base."),
        Component("state_net", (stated("v2", state_net),)),
    )


def simplified() -> tuple[Component, ...]:
    encoders = []
    for side in "AB":
        tensors = _stack(f"encoder_{side}", (9, 256, 128, 64), 2, normed=False)
        tensors |= linear(f"fc_mu_{side}", "latent", 64) | linear(f"fc_logvar_{side}", "latent", 64)
        encoders.append(Component(f"encoder_{side}", (Variant(tensors),)))
    decoder = Variant(_stack("decoder_A", ("latent", 32, 64, 27), 2, normed=False))
    return (*encoders, Component("decoder_A", (decoder,)))
