"""The space, the limits, and what a search does and does not start."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import optuna
import pytest

from examples.common.flow import Stop
from examples.hsmn.model import build
from examples.hsmn.search import choosing, workers
from examples.hsmn.search.__main__ import main
from examples.hsmn.search.limits import affordable, measure
from examples.hsmn.search.reporting import importance
from examples.hsmn.search.space import Dimension, dimensions
from examples.hsmn.search.trials import KNOWN, REFUSED, STARTED
from examples.hsmn.search.workers import MOST, converged
from schemas.hsmn.v5 import Config

from .train_helpers import SMALL, config_file, merged, start

SWEEP: dict[str, Any] = {
    "profile": "sweep",
    "provenance": {"sweep_id": "s", "trial_id": None},
    "training": {"steps": None},
    "qahpo": {
        "max_trials": 3,
        "epochs_per_trial": 1,
        "multi_fidelity_scheduler": "none",
        "lr_min": 0.001,
        "lr_max": 0.01,
        "search_space": {
            "hidden_dim": [32, 48],
            "hd_dim": [128, 192, 256],
            "active_vocab_size": [370, 380, 4000],
            "num_reasoning_blocks": [1, 2],
        },
    },
}


def _without_nulls(data: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in data.items()
        if value is not None
    }


def sweep_file(folder: Path, change: dict[str, Any] | None = None) -> Path:
    """A sweep and its text below a folder."""
    config = config_file(folder)
    data = _without_nulls(merged(merged(SMALL, SWEEP), change or {}))
    config.write_text(json.dumps(data, indent=2))
    return config


def _config(change: dict[str, Any]) -> Config:
    data = _without_nulls(merged(merged(SMALL, SWEEP), change))
    del data["schema_version"]
    return Config.model_validate(data)


def _study(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")


def test_the_space_is_in_the_words_of_the_schema() -> None:
    found = {one.name: one for one in dimensions(_config({}))}
    assert found["hidden_dim"].path == "model.hidden_dim"
    assert found["hd_dim"].path == "model.adapter.hd_dim"
    assert found["active_vocab_size"].path == "tokenizer.active_vocab_size"
    rate = found["learning_rate"]
    assert (rate.low, rate.high, rate.log, rate.choices) == (0.001, 0.01, True, ())


def test_paths_ranges_and_lists_beside_the_space() -> None:
    space = {
        "model.blocks.moe.inner_dim": {"low": 8, "high": 64, "log": True},
        "weight_decay": {"low": 0.0, "high": 0.1},
    }
    change = {"qahpo": {"batch_sizes": [8, 16], "optimizers": ["adamw"], "search_space": space}}
    found = {one.name: one for one in dimensions(_config(change))}
    assert found["model.blocks.moe.inner_dim"].whole
    assert not found["weight_decay"].whole
    assert found["batch_size"].choices == (8, 16)
    # One optimizer is nothing to choose from.
    assert "optimizer" not in found


@pytest.mark.parametrize(
    ("name", "entry", "said"),
    [
        ("hidden_dims", [32], "no place"),
        ("model", [32], "no place"),
        ("param_budget", [32], "must stay"),
        ("budget.param_budget", [32], "must stay"),
        ("hidden_dim", 32, "neither"),
        ("hidden_dim", {"low": 64, "high": 32}, "neither"),
    ],
)
def test_what_is_no_space(name: str, entry: Any, said: str) -> None:
    config = _config({})
    config = config.model_copy(
        update={"qahpo": config.qahpo.model_copy(update={"search_space": {name: entry}})}
    )
    with pytest.raises(ValueError, match=said):
        dimensions(config)


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("ids", [362, 380])
def test_parameters_are_those_of_the_model_that_is_built(width: int, ids: int) -> None:
    change = {"model": {"hidden_dim": width}, "tokenizer": {"active_vocab_size": ids}}
    data = merged(SMALL, change)
    data["tokenizer"]["max_vocab_size"] = ids
    model = build({key: value for key, value in data.items() if key != "schema_version"})
    assert measure(data).parameters == sum(one.numel() for one in model.parameters())


def test_limits_are_violated_by_as_much_as_is_too_much() -> None:
    count = measure(SMALL).parameters
    over = measure(merged(SMALL, {"budget": {"param_budget": count - 1}}))
    assert over.violations["budget"] == pytest.approx(count / (count - 1) - 1)
    assert not over.is_feasible
    assert measure(merged(SMALL, {"budget": {"param_budget": 2 * count}})).is_feasible
    # (2^4 + 32 + 2) parameters for each id; half the budget of 100,000 pays for 1,000 of them.
    many = measure(merged(SMALL, {"tokenizer": {"active_vocab_size": 1100}}))
    assert many.violations["vocabulary"] == pytest.approx(0.1)
    odd = measure(merged(SMALL, {"model": {"adapter": {"hd_dim": 130}}}))
    assert odd.violations["divisibility"] == pytest.approx(2 / 32)
    assert odd.reasons == ["hd_dim 130 is no multiple of 32"]
    heads = measure(merged(SMALL, {"model": {"blocks": {"attention": {"num_heads": 5}}}}))
    assert any("no multiple of 5" in one for one in heads.reasons)


def test_a_vocabulary_that_nobody_names_follows_from_the_budget() -> None:
    """Half of the budget over 2^4 + 32 + 2 for each id, or what is left of the whole of it."""
    open_ = merged(SMALL, {"tokenizer": {"active_vocab_size": None, "max_vocab_size": None}})
    assert affordable(open_) == 50_000 // 50
    count, ids = measure(SMALL).parameters, SMALL["tokenizer"]["active_vocab_size"]
    tight = merged(open_, {"budget": {"param_budget": count + 75, "overhead_fraction": 0.0}})
    assert affordable(tight) == ids + 1
    assert affordable(merged(open_, {"budget": {"param_budget": 1000}})) == 362
    with pytest.raises(Stop, match="no budget"):
        affordable(merged(open_, {"budget": {"param_budget": None}}))


def test_a_search_starts_nothing_that_breaks_a_limit(tmp_path: Path) -> None:
    """Half of the widths and a third of the vocabularies cannot be; three trials can."""
    out = tmp_path / "out"
    assert main([str(sweep_file(tmp_path)), "--out", str(out)]) == 0
    trials = _study(out).get_trials()
    started = [one for one in trials if one.user_attrs.get(STARTED)]
    kept = [one for one in trials if REFUSED in one.user_attrs]
    assert len(started) == 3
    for one in started:
        assert one.params["hd_dim"] % one.params["hidden_dim"] == 0
        assert one.params["active_vocab_size"] < 4000
        assert one.user_attrs["parameters"] <= 100_000
        assert all(value <= 0 for value in one.constraints.values())
    assert {one.params["hd_dim"] % one.params["hidden_dim"] for one in kept} - {0}
    for one in kept:
        assert any(value > 0 for value in one.constraints.values())
        assert one.state is optuna.trial.TrialState.PRUNED
    folders = {int(one.name) for one in (out / "trials").iterdir()}
    assert folders == {one.number for one in started}
    assert {int(one.stem) for one in (out / "refused").iterdir()} == {one.number for one in kept}
    lines = [json.loads(line) for line in (out / "refused.jsonl").read_text().splitlines()]
    assert {one["trial_id"] for one in lines} == {one.number for one in kept}
    files = [str(one) for one in (out / "trials").glob("*/config.yaml")]
    checked = start("cfgmig", "check", *files)
    checked.communicate()
    assert checked.returncode == 0
    assert all("profile: trial" in Path(one).read_text() for one in files)
    best = min(started, key=lambda one: one.value or 9.9)
    assert (out / "best.yaml").read_text() == Path(best.user_attrs["config"]).read_text()
    assert "is no multiple of" in (out / "report.html").read_text()


def test_the_first_trial_is_the_file_and_a_repetition_is_not_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A space of two: both are trained once, and the search gives up looking for a third."""
    monkeypatch.setattr(workers, "IDLE", 8)
    change = {
        "qahpo": {
            "lr_min": None,
            "search_strategy": "random",
            "auto_stop_on_convergence": False,
            "search_space": {
                "hidden_dim": [32],
                "hd_dim": [128],
                "active_vocab_size": [380],
                "num_reasoning_blocks": [6, 7],
            },
        }
    }
    out = tmp_path / "out"
    assert main([str(sweep_file(tmp_path, change)), "--out", str(out), "--trials", "3"]) == 0
    trials = _study(out).get_trials()
    assert trials[0].params["num_reasoning_blocks"] == 6
    started = [one for one in trials if one.user_attrs.get(STARTED)]
    assert {one.params["num_reasoning_blocks"] for one in started} == {6, 7}
    assert len(started) == 2
    for one in trials:
        if KNOWN in one.user_attrs:
            assert one.value == trials[one.user_attrs[KNOWN]].value


def test_a_search_of_one_process_repeats(tmp_path: Path) -> None:
    config = str(sweep_file(tmp_path))
    found = []
    for name in ("a", "b"):
        assert main([config, "--out", str(tmp_path / name), "--trials", "2"]) == 0
        found.append([(one.params, one.value) for one in _study(tmp_path / name).get_trials()])
    assert found[0] == found[1]


def test_a_pruner_ends_trials_early(tmp_path: Path) -> None:
    """With a reduction of 2, one of two trials gets no second epoch."""
    change = {"qahpo": {"multi_fidelity_scheduler": "asha", "hyperband_eta": 2, "max_trials": 4}}
    out = tmp_path / "out"
    assert main([str(sweep_file(tmp_path, change)), "--out", str(out), "--epochs", "4"]) == 0
    started = [one for one in _study(out).get_trials() if one.user_attrs.get(STARTED)]
    pruned = [one for one in started if one.state is optuna.trial.TrialState.PRUNED]
    assert len(started) == 4
    assert pruned
    assert all(0 < len(one.intermediate_values) < 4 for one in pruned)
    for one in started:
        if one.state is optuna.trial.TrialState.COMPLETE:
            assert one.value == pytest.approx(one.intermediate_values[3])


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        ("quantum", "TPESampler"),
        ("random", "RandomSampler"),
        ("gp", "GPSampler"),
        ("pbt", "NSGAIISampler"),
    ],
)
def test_samplers_by_name(strategy: str, name: str) -> None:
    qahpo = _config({"qahpo": {"search_strategy": strategy}}).qahpo
    made, said = choosing.sampler(qahpo, 1)
    assert type(made).__name__ == said == name


def test_pruners_by_name() -> None:
    names = ("hyperband", "asha", "median", "none")
    made = []
    for name in names:
        qahpo = _config({"qahpo": {"multi_fidelity_scheduler": name}}).qahpo
        made.append(type(choosing.pruner(qahpo, 9)[0]).__name__)
    assert made == ["HyperbandPruner", "SuccessiveHalvingPruner", "MedianPruner", "NopPruner"]
    qahpo = _config({"qahpo": {"multi_fidelity_scheduler": "hyperbend"}}).qahpo
    with pytest.raises(ValueError, match="hyperbend"):
        choosing.pruner(qahpo, 9)


def test_convergence_is_twenty_trials_without_a_better_one() -> None:
    study = optuna.create_study()
    for value in [5.0, *[6.0] * 19]:
        study.add_trial(optuna.create_trial(value=value))
    assert not converged(study)
    study.add_trial(optuna.create_trial(value=5.0))
    assert converged(study)
    study.add_trial(optuna.create_trial(value=4.0))
    assert not converged(study)
    assert MOST == 999


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"qahpo": {"search_space": {"param_budget": [1, 2]}}}, 1, "HS507"),
        ({"qahpo": {"multi_fidelity_scheduler": "hyperbend"}}, 2, "hyperbend"),
        ({"qahpo": {"search_space": {"hidden_dims": [1, 2]}}}, 2, "no place"),
        ({"training": {"optimizer": "sgd"}}, 1, "HS505"),
    ],
)
def test_what_is_no_search(
    tmp_path: Path, capsys: Any, change: dict[str, Any], code: int, said: str
) -> None:
    assert main([str(sweep_file(tmp_path, change)), "--out", str(tmp_path / "out")]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "nonsense: no URL of a database"),
        ("nosql://me:secret@127.0.0.1/x", "no URL of a database"),
        ("oracle+cx_oracle://me:secret@127.0.0.1/x", "its driver is missing: No module named"),
        ("sqlite:////nowhere/study.db", "unable to open database file"),
    ],
)
def test_a_storage_that_cannot_be_used(tmp_path: Path, capsys: Any, url: str, said: str) -> None:
    arguments = [str(sweep_file(tmp_path)), "--out", str(tmp_path / "out"), "--storage", url]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "--storage" in told
    assert said in told
    assert "secret" not in told
    assert choosing.shown("postgresql://me:secret@h/x") == "postgresql://me:***@h/x"


def test_a_dimension_knows_what_it_holds() -> None:
    assert Dimension("a", "a", (1, 2)).holds(2)
    assert not Dimension("a", "a", (1, 2)).holds(3)
    assert Dimension("a", "a", (), 0.1, 0.2).holds(0.15)
    assert not Dimension("a", "a", (), 0.1, 0.2).holds(None)


def test_importance_needs_trials_and_finds_what_decides() -> None:
    study = optuna.create_study()
    spaces = {
        "a": optuna.distributions.FloatDistribution(0, 1),
        "b": optuna.distributions.FloatDistribution(0, 1),
    }
    drawn = random.Random(1)
    for _ in range(40):
        if len(study.trials) == 19:
            assert importance(study) == {}
        params = {"a": drawn.random(), "b": drawn.random()}
        trial = optuna.create_trial(
            value=params["a"] + 0.01 * params["b"], params=params, distributions=spaces
        )
        study.add_trial(trial)
    found = importance(study)
    assert found["a"] > 0.8


def test_keys_that_change_nothing_in_a_search_are_named() -> None:
    qahpo = _config({"qahpo": {"tunneling_probability": 0.3, "crossover_rate": 0.5}}).qahpo
    assert set(choosing.inert(qahpo)) == {"qahpo.tunneling_probability", "qahpo.crossover_rate"}
    genetic = _config({"qahpo": {"search_strategy": "nsga", "crossover_rate": 0.5}}).qahpo
    assert choosing.inert(genetic) == {}
