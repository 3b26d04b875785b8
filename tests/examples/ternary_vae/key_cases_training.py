"""The part of the table of keys that is about the optimiser, the schedule and the run."""

from __future__ import annotations

from typing import Any

from .key_case import FLAT, OLD_LOSS, Case, each
from .probes import course

RATE = "training.scheduler.adaptive_lr"
ON = {"training.scheduler.type": "cosine_warmup_restart", f"{RATE}.enabled": True}
STALL = tuple(course(hierarchy_B=[-0.6] * 9 + [-0.607] * 3 + [-0.7] * 8))
NOISY = tuple(course(hierarchy_B=[-0.6] * 6 + [-0.6005, -0.6005] + [-0.75] * 10, Q=[1.0, 1.1, 1.2]))
QUICK = {**ON, f"{RATE}.patience": 2}
COSINE = {"training.scheduler.type": "cosine_annealing"}
PHASE = {"name": "one", "epoch_range": [0, 4], "base_lr_scale": 1.0, "annealing": "cosine"}
PHASED = {
    "training.scheduler.type": "multi_phase_cosine",
    "training.scheduler.phases": [PHASE],
}


def _phase(**changes: Any) -> list[dict[str, Any]]:
    return [{**PHASE, **changes}]


def _phased(**changes: Any) -> dict[str, Any]:
    return {**PHASED, "training.scheduler.phases": _phase(**changes)}


SCHEDULE = (
    Case(f"{RATE}.enabled", True, "judged", {**ON, f"{RATE}.enabled": False}, STALL),
    *each(
        RATE,
        {
            "primary_metric": "Q",
            "mode": "min",
            "patience": 3,
            "factor": 0.1,
            "min_lr": 0.0009,
            "threshold": 0.01,
            "threshold_mode": "abs",
            "cooldown": 4,
            "warmup_epochs": 4,
            "verbose": True,
            "adaptive_patience": True,
            "recovery_detection": True,
        },
        "judged",
        given={**QUICK, f"{RATE}.threshold": 0.0006},
        evaluations=NOISY,
    ),
    Case(
        f"{RATE}.secondary_metrics",
        ["coverage"],
        "judged",
        {
            **QUICK,
            f"{RATE}.metric_weights": {"hierarchy_correlation": 1.0},
        },
        tuple(course(hierarchy_B=[-0.6], coverage=[0.5 + 0.02 * at for at in range(12)])),
    ),
    Case(
        f"{RATE}.metric_weights",
        {"hierarchy_correlation": 0.01, "coverage": 5.0},
        "judged",
        {
            **QUICK,
            f"{RATE}.secondary_metrics": ["coverage"],
            f"{RATE}.metric_weights": {"hierarchy_correlation": 1.0, "coverage": 0.001},
        },
        tuple(course(hierarchy_B=[-0.6], coverage=[0.5 + 0.02 * at for at in range(12)])),
    ),
    *each(
        RATE,
        {"early_stopping_patience": 3},
        "judged",
        given={**QUICK, f"{RATE}.early_stopping": True},
        evaluations=FLAT,
    ),
    *each(
        RATE,
        {"recovery_factor": 1.8, "recovery_threshold": 0.9},
        "judged",
        given={**QUICK, f"{RATE}.recovery_detection": True},
        evaluations=STALL,
    ),
    Case(f"{RATE}.early_stopping", True, "judged", QUICK, tuple(course(hierarchy_B=[-0.6] * 20))),
    Case("training.scheduler.type", "cosine_annealing", given={}),
    *each(
        "training.scheduler",
        {"T_0": 2, "T_mult": 1, "eta_min": 0.0005, "warmup_epochs": 2},
        given={
            "training.scheduler.type": "cosine_warmup_restart",
            "training.scheduler.T_0": 1,
            "training.epochs": 6,
        },
    ),
    Case("training.scheduler.T_max", 9, given=COSINE),
    Case("training.scheduler.phases[].name", _phase(name="two"), "written", PHASED),
    Case("training.scheduler.phases[].epoch_range", _phase(epoch_range=[0, 9]), given=PHASED),
    Case("training.scheduler.phases[].base_lr_scale", _phase(base_lr_scale=0.5), given=PHASED),
    Case("training.scheduler.phases[].annealing", _phase(annealing="constant"), given=PHASED),
    Case("training.scheduler.phases[].T_0", _phase(T_0=2), given=PHASED),
    Case("training.scheduler.phases[].T_mult", _phase(T_0=1, T_mult=3.0), given=_phased(T_0=1)),
)

TRAINING = (
    Case("riemannian.enabled", True),
    Case("riemannian.optimizer", "sgd", given={"riemannian.enabled": True}),
    Case("training.epochs", 3, "written", {"training.epochs": 2}),
    Case("training.batch_size", 50),
    Case("training.lr", 0.01),
    Case("training.weight_decay", 0.5),
    Case(
        "training.max_grad_norm",
        0.01,
        given={"riemannian.enabled": True, "riemannian.optimizer": "sgd"},
    ),
    Case("training.use_stratified", True),
    Case("training.high_v_budget_ratio", 0.6, given={"training.use_stratified": True}),
    Case(
        "training.use_adaptive",
        True,
        "judged",
        OLD_LOSS,
        tuple(course(hierarchy_A=[-0.5, -0.8, -0.8, -0.8])),
    ),
    Case(
        "training.hierarchy_threshold",
        -0.9,
        "judged",
        {**OLD_LOSS, "training.use_adaptive": True},
        tuple(course(hierarchy_A=[-0.5, -0.8, -0.8, -0.8])),
    ),
    Case("training.patience", 3, "judged", {"training.min_epochs": 0}, FLAT),
    Case(
        "training.min_epochs",
        14,
        "judged",
        {"training.patience": 3, "training.min_epochs": 0},
        FLAT,
    ),
    Case("training.eval_every", 2, "written"),
    Case("training.save_every", 2, "written"),
    Case("training.print_every", 2, "written"),
    Case("training.manifold_type", "frequency_optimal"),
    Case("data.use_full_dataset", True),
    Case("data.n_operations", 300),
    Case("logging.tensorboard", True, "written"),
    Case("logging.log_dir", "elsewhere", "written", {"logging.tensorboard": True}),
    Case("logging.print_every", 2, "written"),
    Case("checkpoints.save_dir", "there", "written"),
    Case("checkpoints.save_best", False, "written"),
    Case(
        "checkpoints.best_metric",
        "richness",
        "judged",
        {},
        tuple(course(richness_B=[0.001, 0.002, 0.001, 0.005], hierarchy_A=[-0.1, -0.2, -0.3])),
    ),
    Case("checkpoints.checkpoint_name", "mine", "written"),
    *each(
        "targets",
        {"coverage": 0.9, "hierarchy_B": -0.8, "richness": 0.001, "r_v9": 0.3},
        "written",
    ),
)
