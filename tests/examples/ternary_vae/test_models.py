"""Models: the tensors of every generation, and forward passes against numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cfgmig.schema.solving import identify
from examples.ternary_vae import models
from examples.ternary_vae.models import DualVAE
from examples.ternary_vae.models.controller import Control, Controller, histogram_entropy
from examples.ternary_vae.models.parts import DecoderB, Encoder
from examples.ternary_vae.models.projection import HyperbolicProjection, Manifold
from examples.ternary_vae.models.state_net import KINDS, StateNet
from examples.ternary_vae.operations import all_trits
from schemas.ternary_vae.layouts import layouts

Variants = dict[str, dict[str, Any]]


def built(variant: Mapping[str, Any]) -> nn.Module:
    """The model of a variant: from its shapes alone, and what no tensor shows."""
    shapes = {name: tuple(shape) for name, (shape, _) in variant["tensors"].items()}
    match = identify(layouts.layouts, shapes).best
    assert match is not None
    stated = variant["settings"]
    settings: dict[str, Any] = {}
    if match.layout.name == "v5.11":
        settings["learnable_curvature"] = stated.get("learnable_curvature", False)
        settings["partial_freeze"] = stated["class"] != "TernaryVAEV5_11"
    return models.build_from(match.layout.name, match.facts, match.dimensions, settings)


def test_every_variant_is_built_tensor_for_tensor(variants: Variants) -> None:
    assert len(variants) == 33
    for name, variant in variants.items():
        state = built(variant).state_dict()
        found = [(k, list(t.shape), str(t.dtype).removeprefix("torch.")) for k, t in state.items()]
        assert found == [(k, shape, kind) for k, (shape, kind) in variant["tensors"].items()], name
        assert sum(t.numel() for t in state.values()) == variant["n_state_numel"], name


def test_every_variant_has_the_same_buffers_and_parameters(variants: Variants) -> None:
    for name, variant in variants.items():
        model = built(variant)
        sizes = {k: p.numel() for k, p in model.named_parameters()}
        assert sum(sizes.values()) == variant["n_parameters"], name
        if "buffers" in variant:
            assert [k for k, _ in model.named_buffers()] == variant["buffers"], name
        for part, size in variant.get("params_by_component", {}).items():
            own = (count for k, count in sizes.items() if k.split(".")[0] == part)
            assert sum(own) == size, (name, part)


def test_every_variant_starts_with_the_same_parts_frozen(variants: Variants) -> None:
    told = {name: v for name, v in variants.items() if "frozen_at_init" in v}
    assert len(told) == 31
    for name, variant in told.items():
        parameters = list(built(variant).named_parameters())
        frozen = {k.split(".")[0] for k, p in parameters if not p.requires_grad}
        assert sorted(frozen) == variant["frozen_at_init"], name
        training = sum(p.numel() for _, p in parameters if p.requires_grad)
        assert training == variant["n_requires_grad_at_init"], name


def test_buffers_start_as_in_files_that_were_never_trained(checkpoints: Path) -> None:
    for file in ("v5_6_statenet_v2_init.pt", "v5_10_init.pt"):
        loaded = models.load(checkpoints / file)
        fresh = models.build_from(
            loaded.match.layout.name, loaded.match.facts, loaded.match.dimensions
        )
        old = dict(loaded.model.named_buffers())
        assert old
        for name, buffer in fresh.named_buffers():
            assert torch.equal(buffer, old[name]), name


# Real checkpoints.


def test_every_real_checkpoint_loads_whole(
    checkpoints: Path, index: Mapping[str, Mapping[str, Any]]
) -> None:
    assert len(index) == 11
    for file, row in index.items():
        loaded = models.load(checkpoints / file)
        state = loaded.model.state_dict()
        assert len(state) == row["n_tensors"]
        assert sum(t.numel() for t in state.values()) == row["n_elements"]
        assert not loaded.model.training
        tensors, _ = models.read_state(checkpoints / file)
        assert all(torch.equal(state[name], value) for name, value in tensors.items()), file


def test_a_compiled_file_loads_and_an_incomplete_one_does_not(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model = DualVAE()
    state = {f"_orig_mod.{name}": value for name, value in model.state_dict().items()}
    save_file(state, tmp_path / "whole.safetensors")
    loaded = models.load(tmp_path / "whole.safetensors")
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value)
    del state["_orig_mod.encoder_A.fc_mu.weight"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match="no whole model"):
        models.load(tmp_path / "part.safetensors")


def test_a_file_of_another_kind_holds_no_model(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="no whole model of this family"):
        models.load(tmp_path / "other.safetensors")


# Parts, against numpy.


def dense(layer: nn.Module, x: np.ndarray) -> np.ndarray:
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def normed(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def silu(x: np.ndarray) -> np.ndarray:
    return x * sigmoid(x)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def test_encoders_of_both_kinds() -> None:
    x = all_trits()[::997]
    frozen, improved = Encoder(), Encoder(kind="improved").eval()
    plain = x.numpy()
    for at in (0, 2, 4):
        plain = relu(dense(frozen.encoder[at], plain))
    mu, logvar = frozen(x)
    assert mu.detach().numpy() == pytest.approx(dense(frozen.fc_mu, plain), abs=1e-5)
    assert logvar.detach().numpy() == pytest.approx(dense(frozen.fc_logvar, plain), abs=1e-5)
    other = x.numpy()
    for at in (0, 4, 8):
        other = silu(normed(dense(improved.encoder[at], other)))
    assert improved(x)[0].detach().numpy() == pytest.approx(dense(improved.fc_mu, other), abs=1e-5)


def test_only_improved_encoders_clamp_the_logvar() -> None:
    x = all_trits()[:2]
    frozen, improved = Encoder(), Encoder(kind="improved", logvar_range=(-3.0, 1.5)).eval()
    for encoder, expected in ((frozen, (99.0, -99.0)), (improved, (1.5, -3.0))):
        nn.init.zeros_(encoder.fc_logvar.weight)
        for value, clamped in zip((99.0, -99.0), expected, strict=True):
            nn.init.constant_(encoder.fc_logvar.bias, value)
            assert encoder(x)[1].unique().tolist() == [clamped]


def test_decoder_b_skips_twice_with_one_relu_between() -> None:
    decoder = DecoderB()
    z = torch.randn(3, 16)
    one, two = decoder.residual1.block, decoder.residual2.block
    hidden = relu(dense(decoder.fc_in, z.numpy()))
    hidden = relu(hidden + dense(one[2], relu(dense(one[0], hidden))))
    hidden = hidden + dense(two[2], relu(dense(two[0], hidden)))
    expected = dense(decoder.fc_out, hidden).reshape(3, 9, 3)
    assert decoder(z).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_a_projection_has_a_direction_and_a_radius() -> None:
    projection = HyperbolicProjection(latent=5, hidden=8, max_radius=0.9)
    across, along = projection.direction_net, projection.radius_net
    for layer in (across[3], along[2]):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    z = torch.randn(4, 5)
    turned = z.numpy() + dense(across[3], silu(normed(dense(across[0], z.numpy()))))
    turned = turned / np.linalg.norm(turned, axis=-1, keepdims=True)
    radius = 0.9 * sigmoid(dense(along[2], silu(dense(along[0], z.numpy()))))
    assert projection(z).detach().numpy() == pytest.approx(turned * radius, abs=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_fresh_projection_keeps_directions_at_about_half_the_radius(
    layers: int, dropout: float
) -> None:
    projection = HyperbolicProjection(layers=layers, dropout=dropout).eval()
    z = torch.randn(200, 16)
    found = projection(z)
    assert torch.allclose(torch.cosine_similarity(found, z), torch.ones(200))
    assert 0.35 < found.norm(dim=-1).mean() < 0.6
    assert found.norm(dim=-1).max() < 0.95


@pytest.mark.parametrize("curvature", [0.7, 1.0, 2.2])
def test_the_curvature_is_kept_as_geoopt_does(curvature: float) -> None:
    manifold = Manifold(curvature, learnable=True)
    assert manifold.isp_c.item() == pytest.approx(math.log(math.exp(curvature) - 1), rel=1e-6)
    assert manifold.c.item() == pytest.approx(curvature, rel=1e-6)


def test_the_controller_answers_within_its_ranges() -> None:
    controller = Controller()
    assert controller.net[5].weight.abs().max() <= 0.01 / math.sqrt(32)
    assert not controller.net[5].bias.any()
    state = torch.randn(8)
    hidden = silu(normed(dense(controller.net[0], state.numpy())))
    raw = dense(controller.net[5], silu(dense(controller.net[3], hidden)))
    positive = np.log1p(np.exp(raw))
    expected = (
        0.5 * sigmoid(raw[0]),
        positive[1] + 0.1,
        positive[2],
        positive[3] + 0.5,
        positive[4] + 0.5,
        sigmoid(raw[5]),
    )
    assert [value.item() for value in controller(state)] == pytest.approx(expected, rel=1e-5)
    without = [value.item() for value in Control.constant(state)]
    assert without == [0.0, 1.0, 0.5, 1.0, 1.0, 0.5]


def test_entropy_is_that_of_numpys_histogram() -> None:
    z = torch.randn(500, 3) * 2
    expected = []
    for column in z.numpy().T:
        counts, _ = np.histogram(column, 50, (-3, 3))
        shares = counts[counts > 0] / counts.sum()
        expected.append(-(shares * np.log(shares)).sum())
    assert histogram_entropy(z).item() == pytest.approx(np.mean(expected), rel=1e-5)


WIDTHS = {"v1": 9, "v2": 12, "v3": 14, "v4": 18, "v5, 20 inputs": 20, "v5, 21 inputs": 21}


def test_state_nets_see_and_correct_what_their_generation_did() -> None:
    assert {kind: len(one.inputs) for kind, one in KINDS.items()} == WIDTHS
    assert KINDS["v5, 21 inputs"].inputs[14] == "r_AB"
    rest = [name for name in KINDS["v5, 21 inputs"].inputs if name != "r_AB"]
    assert tuple(rest) == KINDS["v5, 20 inputs"].inputs
    for kind, width in WIDTHS.items():
        net = StateNet(kind)
        found = net(100 * torch.randn(width))
        assert found.values.shape == (len(KINDS[kind].outputs),)
        assert found.values.abs().max() <= 1
        assert list(found.attention) == list(KINDS[kind].heads)
        for head, weights in found.attention.items():
            assert weights.shape == (KINDS[kind].heads[head],)
            assert weights.sum().item() == pytest.approx(1.0)


def test_a_heads_factor_scales_its_attention() -> None:
    net = StateNet("v5, 21 inputs")
    with torch.no_grad():
        net.attention_head_scales["metric"].fill_(3.0)
    found = net(torch.randn(21)).attention
    sums = {head: weights.sum().item() for head, weights in found.items()}
    assert sums == pytest.approx({"metric": 3.0, "hyperbolic": 1.0, "curriculum": 1.0})


# The dual VAE.


def test_dual_latents_are_injected_without_gradient() -> None:
    model = DualVAE().eval()
    out = model(all_trits()[:7], rho=0.3)
    assert torch.equal(out.z_A, out.mu_A)
    assert torch.equal(out.z_B, out.mu_B)
    assert torch.allclose(out.logits_A, model.decoder_A(0.7 * out.mu_A + 0.3 * out.mu_B))
    assert torch.allclose(out.logits_B, model.decoder_B(0.7 * out.mu_B + 0.3 * out.mu_A))
    out.logits_A.square().sum().backward()
    assert model.encoder_A.fc_mu.weight.grad is not None
    assert model.encoder_B.fc_mu.weight.grad is None


def test_drawn_latents_follow_temperature_and_generator() -> None:
    model = DualVAE().train()
    x = all_trits()[:5]
    out = model(x, temperature_A=2.0, generator=torch.Generator().manual_seed(3))
    eps = torch.empty(5, 16).normal_(generator=torch.Generator().manual_seed(3))
    expected = out.mu_A + 2 * torch.exp(out.logvar_A / 2) * eps
    assert torch.allclose(out.z_A, expected)
    assert not torch.equal(out.z_B, out.mu_B)
    assert torch.equal(model(x, sample=False).z_A, out.mu_A)
    assert not torch.equal(model.eval()(x, sample=True).z_A, out.mu_A)


def test_a_section_of_an_old_version_builds_its_model() -> None:
    sizes = {
        ("5.5.0", 5): 168_772,
        ("5.6.0", 5): 168_868,
        ("5.7.0", 5): 172_257,
        ("5.9.2", 5): 168_868,
        ("5.10.1", 4): 175_588,
        ("5.10.1", 5): 176_308,
    }
    for (version, number), size in sizes.items():
        model = models.build_dual({"statenet_version": number}, version)
        assert sum(t.numel() for t in model.state_dict().values()) == size
    without = models.build_dual({"use_statenet": False, "latent_dim": 8}, "5.5.2")
    assert not any("state" in name for name, _ in without.named_modules())
    assert without.encoder_A.fc_mu.out_features == 8
    with pytest.raises(ValueError, match="statenet_version 3"):
        models.build_dual({"statenet_version": 3}, "5.10.1")
    with pytest.raises(ValueError, match=r"5\.11\.0"):
        models.build_dual({}, "5.11.0")


def test_the_models_around_the_dual_one_decode_as_it_does() -> None:
    x = all_trits()[:4]
    appetitive = models.AppetitiveVAE().eval()
    assert torch.equal(appetitive(x, rho=0.2).logits_A, appetitive.base(x, rho=0.2).logits_A)
    simple = models.SimplifiedVAE().eval()
    out = simple(x)
    assert torch.equal(out.logits_A, simple.decode_A(out.mu_A))
    assert out.logits_A.shape == (4, 9, 3)
