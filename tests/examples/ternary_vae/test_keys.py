from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel

from examples.common.ranks import pick_device
from examples.ternary_vae.inert import inert
from examples.ternary_vae.run import parameter_groups
from examples.ternary_vae.stepping import cache_period, set_rates
from schemas.ternary_vae.v5_12_5 import Config

from . import probes
from .key_case import Case
from .key_cases import CASES


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in typing.get_args(annotation) for one in _sections(part)]


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        below = _sections(field.annotation)
        step = "[]." if typing.get_origin(field.annotation) is list else "."
        for section in below:
            yield from leaves(section, f"{prefix}{name}{step}")
        if not below:
            yield f"{prefix}{name}"


def test_every_key_of_the_head_has_a_case() -> None:
    assert {case.key for case in CASES} == set(leaves(Config))
    assert len(CASES) == len({case.key for case in CASES})


def _of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(one, id=one.key) for one in CASES if one.kind in kinds]


def _path(key: str) -> str:
    return key.partition("[]")[0]


_USUAL: dict[str, Any] = {}


def _usual(case: Case) -> Any:
    """The run that cases with the same givens are compared with."""
    mark = repr((case.kind, case.given, case.evaluations, case.epochs))
    if mark not in _USUAL:
        _USUAL[mark] = _probe(case.given, case)
    return _USUAL[mark]


def _probe(changes: dict[str, Any], case: Case) -> Any:
    if case.kind == "trained":
        return probes.trained(changes, case.epochs)
    return probes.judged(changes, case.evaluations)


@pytest.mark.parametrize("case", _of_kind("trained", "judged"))
def test_a_key_changes_the_run(case: Case) -> None:
    """Both runs are alike but for the key, so equal fingerprints mean that nothing reads it."""
    changed = {**case.given, _path(case.key): case.value}
    assert _probe(changed, case) != _usual(case)


@pytest.mark.parametrize("case", _of_kind("written"))
def test_a_key_changes_what_is_written(case: Case, tmp_path: Path) -> None:
    changed = {**case.given, _path(case.key): case.value}
    mark = repr(case.given)
    if mark not in _USUAL:
        _USUAL[mark] = probes.written(case.given, tmp_path / "usual")
    assert probes.written(changed, tmp_path / "changed") != _USUAL[mark]


def test_the_same_run_twice_is_the_same() -> None:
    """Otherwise every comparison above would pass."""
    assert probes.trained({}) == probes.trained({})


@pytest.mark.parametrize("case", _of_kind("inert"))
def test_a_key_that_changes_nothing_is_reported(case: Case) -> None:
    changed = {**case.given, case.key: case.value}
    assert inert(probes.config(changed), on_gpu=True)[case.key]
    assert probes.trained(changed) == probes.trained(case.given)


def test_no_key_that_changes_a_run_is_called_inert_in_it() -> None:
    for case in CASES:
        if case.kind in ("trained", "judged", "written"):
            given = probes.config({**case.given, _path(case.key): case.value})
            said = inert(given, on_gpu=True)
            # Its tensors change, and nothing else: both is said.
            assert case.key not in said or case.key == "model.use_controller", case.key


def test_the_gpu_and_its_cache() -> None:
    assert pick_device(1, available=4) == torch.device("cuda", 1)
    assert pick_device(1, available=0) == torch.device("cpu")
    with pytest.raises(ValueError, match="GPU 4"):
        pick_device(4, available=4)
    config = probes.config({"device.empty_cache_freq": 3})
    assert cache_period(config, torch.device("cuda", 0)) == 3
    assert cache_period(config, torch.device("cpu")) is None
    said = inert(config, on_gpu=False)
    assert said["device.empty_cache_freq"]
    assert said["device.cuda_device"]
    assert "device.empty_cache_freq" not in inert(config, on_gpu=True)


def test_the_rate_of_encoder_a_once_it_trains() -> None:
    for scale in (0.05, 0.5):
        run = probes.assembled({"option_c.encoder_a_lr_scale": scale})
        assert "encoder_A" not in set_rates(run, 0)
        run.model.unfreeze("encoder_A")
        assert set_rates(run, 0)["encoder_A"] == pytest.approx(1e-3 * scale)


def test_progressive_unfreezing_ramps_that_rate() -> None:
    run = probes.assembled({}, unfreeze=(1, 2))
    rates = []
    for epoch in range(4):
        from examples.ternary_vae.stepping import train_epoch

        rates.append(train_epoch(run, epoch).rates.get("encoder_A"))
    base = [run.schedule(epoch) for epoch in range(4)]
    assert rates[:2] == [None, None]
    assert rates[2] == pytest.approx(base[2] * 0.05 / 2)
    assert rates[3] == pytest.approx(base[3] * 0.05)


def test_option_c_decides_whether_encoders_have_a_group() -> None:
    """A config whose class says otherwise is an error of the rules (TV207)."""
    for enabled in (True, False):
        run = probes.assembled(
            {
                "option_c.enabled": enabled,
                "model.name": "TernaryVAEV5_11" + "_PartialFreeze" * enabled,
            }
        )
        groups = parameter_groups(run.model, run.config)
        assert any(group["name"] == "encoder_B" for group in groups) == enabled
