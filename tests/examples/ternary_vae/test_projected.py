"""The models of 5.11 on: what a config builds, what trains, and what the decoder reads."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
import torch
from torch import Tensor

from examples.ternary_vae import models
from examples.ternary_vae.geometry import logmap0
from examples.ternary_vae.models import Architecture, ProjectedVAE
from examples.ternary_vae.operations import all_trits
from schemas.ternary_vae.layouts import expect

SECTION: dict[str, Any] = {
    "name": "TernaryVAEV5_11_PartialFreeze",
    "latent_dim": 16,
    "hidden_dim": 64,
    "max_radius": 0.95,
    "curvature": 1.0,
    "use_controller": True,
    "use_dual_projection": True,
    "projection_layers": 2,
    "projection_dropout": 0.1,
    "encoder_type": "improved",
}
X = all_trits()[::401]


def with_gradient(model: ProjectedVAE, loss: Tensor) -> set[str]:
    """The parts that a loss reaches."""
    model.zero_grad(set_to_none=True)
    loss.backward()
    moved = (n for n, p in model.named_parameters() if p.grad is not None and p.grad.any())
    return {name.split(".")[0] for name in moved}


def everything(model: ProjectedVAE) -> Tensor:
    out = model(X, sample=True)
    points = out.z_A_hyp.square().sum() + (out.z_B_hyp * out.mu_B.detach()).sum()
    return points + out.logits_A.logsumexp(-1).sum() + sum(out.control)


def test_a_config_builds_what_its_layout_expects() -> None:
    expected = expect({"model": SECTION})
    assert expected is not None
    one = models.build(SECTION)
    other = models.build_from(expected.layout, expected.facts, expected.dimensions)
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (one, other)]
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) == 80


def test_every_key_of_the_section_arrives() -> None:
    values = {
        "latent_dim": 8,
        "hidden_dim": 48,
        "max_radius": 0.9,
        "curvature": 0.8,
        "use_controller": False,
        "use_dual_projection": False,
        "learnable_curvature": True,
        "projection_layers": 3,
        "projection_dropout": 0.25,
        "decoder_input": "mu",
        "encoder_type": "improved",
        "decoder_type": "improved",
        "encoder_dropout": 0.3,
        "decoder_dropout": 0.4,
        "logvar_min": -4.0,
        "logvar_max": 1.0,
    }
    model = models.build({**SECTION, **values})
    assert {key: getattr(model.architecture, key) for key in values} == values
    assert model.encoder_B.encoder[3].p == 0.3
    assert model.encoder_A.logvar_range == (-4.0, 1.0)
    assert model.decoder_A.decoder[3].p == 0.4
    assert model.projection.direction_net[3].p == 0.25
    assert model.projection.max_radius == 0.9
    assert model.curvature().item() == pytest.approx(0.8)
    assert model.controller is None


def test_classes_by_name() -> None:
    assert models.build(SECTION).architecture.partial_freeze
    old = {**SECTION, "name": "TernaryVAEV5_11_OptionC"}
    assert models.build(old).architecture.partial_freeze
    plain = {**SECTION, "name": "TernaryVAEV5_11"}
    assert not models.build(plain).architecture.partial_freeze
    with pytest.raises(ValueError, match="TernaryVAEV5_12 is no class"):
        models.build({**SECTION, "name": "TernaryVAEV5_12"})


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="n_projection_layers"):
        models.build({**SECTION, "n_projection_layers": 2})


def test_layouts_that_do_not_exist_or_take_no_settings() -> None:
    with pytest.raises(ValueError, match="no layout"):
        models.build_from("v6", {}, {})
    with pytest.raises(ValueError, match="no settings"):
        models.build_from("v5.5", {"state_net": "v1"}, {}, {"max_radius": 0.9})


def test_means_are_what_evaluation_uses_unless_asked() -> None:
    model = ProjectedVAE(Architecture(partial_freeze=True)).eval()
    out = model(X)
    assert torch.equal(out.z_B, out.mu_B)
    one, two, three = (
        model(X, sample=True, generator=torch.Generator().manual_seed(seed)).z_B
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    assert not torch.equal(one, out.mu_B)
    assert not torch.equal(model.train()(X).z_B, out.mu_B)


@pytest.mark.parametrize("dual", [False, True])
def test_the_decoder_reads_the_latent_or_the_tangent_vector(dual: bool) -> None:
    settings = {"use_dual_projection": dual, "curvature": 0.5}
    of_mu = ProjectedVAE(Architecture(**settings)).eval()
    of_tangent = ProjectedVAE(Architecture(**settings, decoder_input="tangent")).eval()
    of_tangent.load_state_dict(of_mu.state_dict())
    one, two = of_mu(X), of_tangent(X)
    assert torch.equal(one.z_A_hyp, two.z_A_hyp)
    assert torch.equal(one.logits_A, of_mu.decoder_A(one.mu_A))
    assert torch.allclose(two.logits_A, of_mu.decoder_A(logmap0(one.z_A_hyp, 0.5)))


def test_a_single_projection_serves_both_sides() -> None:
    model = ProjectedVAE(Architecture()).eval()
    model.encoder_B.load_state_dict(model.encoder_A.state_dict())
    out = model(X)
    assert torch.equal(out.z_A_hyp, out.z_B_hyp)


@pytest.mark.parametrize("kind", ["frozen", "improved"])
def test_the_plain_class_trains_its_projection_alone(kind: str) -> None:
    settings: Any = {"encoder_type": kind, "decoder_type": kind}
    model = ProjectedVAE(Architecture(**settings))
    # Not even improved encoders, which have gradients, ever train in this class.
    assert with_gradient(model, everything(model)) == {"projection"}
    assert model.architecture.trains == ("projection",)


def test_partial_freeze_trains_encoder_b_too() -> None:
    settings: Any = {"partial_freeze": True, "use_controller": True, "use_dual_projection": True}
    model = ProjectedVAE(Architecture(**settings, decoder_input="tangent"))
    assert with_gradient(model, everything(model)) == {"projection", "controller"}
    model.train_only(*model.architecture.trains)
    expected = {"encoder_B", "projection", "controller"}
    assert with_gradient(model, everything(model)) == expected
    model.unfreeze("encoder_A", "decoder_A")
    expected |= {"encoder_A", "decoder_A"}
    assert with_gradient(model, everything(model)) == expected
    model.freeze("encoder_B", "controller")
    assert with_gradient(model, everything(model)) == expected - {"encoder_B", "controller"}
    with pytest.raises(ValueError, match="encoder_C is no part"):
        model.freeze("encoder_C")


def test_logits_of_the_tangent_vector_train_the_projection_through_a_frozen_decoder() -> None:
    for name, reached in (("tangent", {"projection"}), ("mu", set())):
        settings: Any = {"decoder_input": name}
        model = ProjectedVAE(Architecture(**settings, partial_freeze=True))
        loss = model(X).logits_A.logsumexp(-1).sum()
        assert (with_gradient(model, loss) if loss.requires_grad else set()) == reached


def test_a_learnable_curvature_gets_a_gradient() -> None:
    settings: Any = {"decoder_input": "tangent", "use_dual_projection": True}
    model = ProjectedVAE(Architecture(**settings, learnable_curvature=True))
    model(X).logits_A.logsumexp(-1).sum().backward()
    assert model.projection.proj_A.manifold.isp_c.grad.abs() > 0
    fixed = ProjectedVAE(Architecture(**settings))
    fixed.unfreeze("projection")
    assert not fixed.projection.proj_A.manifold.isp_c.requires_grad
    assert fixed.curvature() == 1.0


@pytest.mark.parametrize("partial", [False, True])
def test_the_controller_sees_radii_entropies_and_divergences(partial: bool) -> None:
    model = ProjectedVAE(Architecture(partial_freeze=partial, use_controller=True)).eval()
    seen: list[Tensor] = []
    assert model.controller is not None
    model.controller.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    out = model(X)
    (state,) = seen
    assert state[0].item() == pytest.approx(out.z_A_hyp.norm(dim=-1).mean().item())
    assert state[1].item() == pytest.approx(out.z_B_hyp.norm(dim=-1).mean().item())
    assert (state[2:4] == 1).all().item() is partial
    prior = torch.distributions.Normal(0.0, 1.0)
    for at, mu, logvar in ((4, out.mu_A, out.logvar_A), (5, out.mu_B, out.logvar_B)):
        posterior = torch.distributions.Normal(mu, torch.exp(logvar / 2))
        kl = torch.distributions.kl_divergence(posterior, prior).sum(-1).mean()
        assert state[at].item() == pytest.approx(kl.item(), rel=1e-4)
    assert state[6:].tolist() == [0.0, 0.0]
