"""HomeostasisController: freeze and unfreeze parts by what is measured, as in 5.11.7 to 5.12.

Each call is one evaluation. Patience counts evaluations, hysteresis and warm-up count epochs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

B_DROP = 0.01
"""Loss of |hierarchy_B| between two evaluations that lets a frozen encoder B train again."""

Q_LOSS = -0.05
"""Change of Q over a cycle below which thresholds tighten; above 0 they relax."""

GAP = 0.005
"""How far the unfreeze threshold stays above the freeze threshold at least."""


@dataclass(frozen=True)
class Settings:
    """Section `homeostasis` of a config, and what the controller has as constants."""

    coverage_freeze_threshold: float = 0.995
    coverage_unfreeze_threshold: float = 1.0
    coverage_floor: float = 0.95
    warmup_epochs: int = 5
    hysteresis_epochs: int = 3
    enable_annealing: bool = True
    annealing_step: float = 0.005
    hierarchy_plateau_threshold: float = 0.001
    hierarchy_plateau_patience: int = 5
    hierarchy_patience_ceiling: int = 15
    controller_grad_threshold: float = 0.01
    controller_grad_patience: int = 3
    controller_patience_ceiling: int = 10
    stall_patience: int = 5
    window: int = 5
    q_window: int = 10


class Measured(NamedTuple):
    """What one evaluation found; coverage is a fraction, hierarchies are negative when good."""

    coverage: float
    hierarchy_a: float
    hierarchy_b: float
    q: float
    controller_grad: float | None = None
    """Gradient norm of the controller; None leaves the controller's rules alone."""


class Switch(NamedTuple):
    """A part that was frozen or unfrozen, and why."""

    part: str
    frozen: bool
    reason: str


@dataclass
class State:
    """Everything that changes; plain numbers, so that a checkpoint can hold it."""

    frozen: dict[str, bool]
    freeze_threshold: float
    unfreeze_threshold: float
    patience: dict[str, int]
    switched: dict[str, int | None] = field(
        default_factory=lambda: {"encoder_A": None, "encoder_B": None, "controller": None}
    )
    quiet: dict[str, int] = field(
        default_factory=lambda: {"encoder_A": 0, "encoder_B": 0, "controller": 0}
    )
    cycle_q: dict[str, float] = field(
        default_factory=lambda: {"encoder_A": 0.0, "encoder_B": 0.0, "controller": 0.0}
    )
    hierarchy_a: list[float] = field(default_factory=list)
    hierarchy_b: list[float] = field(default_factory=list)
    grads: list[float] = field(default_factory=list)
    qs: list[float] = field(default_factory=list)


class Homeostasis:
    """Encoder A starts frozen, encoder B and the controller start trainable.

    After the warm-up, and per part only if `hysteresis_epochs` have passed since its last
    switch:

    encoder A freezes when coverage < freeze threshold, and unfreezes when coverage >=
    unfreeze threshold and |hierarchy_A| gained less than the plateau threshold over a full
    window in `stall_patience` calls running.
    encoder B freezes when |hierarchy_B| gained less than that over a full window in
    `patience` calls running, and unfreezes when it fell by more than 0.01 since the last call.
    The controller freezes when its gradient norm was below the threshold in `patience` calls
    running, and unfreezes when it exceeds twice the mean of the window before.

    Whenever a part freezes, the change of Q since it last began to train decides (Q of the
    start is 0 until it was unfrozen once): above 0 relax, below -0.05 tighten. Relax lowers
    A's coverage thresholds by a step, not below the floor and at least 0.005 apart, or adds 1
    to a patience up to its ceiling; tighten does the reverse, with no upper bound for the
    thresholds, as trained, and no patience below its first value.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = s = settings or Settings()
        self.state = State(
            {"encoder_A": True, "encoder_B": False, "controller": False},
            s.coverage_freeze_threshold,
            s.coverage_unfreeze_threshold,
            {"encoder_B": s.hierarchy_plateau_patience, "controller": s.controller_grad_patience},
        )

    def is_frozen(self, part: str) -> bool:
        """Whether "encoder_A", "encoder_B" or "controller" is frozen."""
        return self.state.frozen[part]

    def update(self, epoch: int, measured: Measured) -> list[Switch]:
        """Take in one evaluation and say what is to be switched now."""
        previous_b = self.state.hierarchy_b[-1] if self.state.hierarchy_b else None
        grads_before = list(self.state.grads)
        self._remember(measured)
        if epoch < self.settings.warmup_epochs:
            return []
        wanted = [
            self._encoder_a(measured),
            self._encoder_b(measured, previous_b),
            self._controller(measured, grads_before),
        ]
        return [s for s in wanted if s is not None and self._switch(s, epoch, measured.q)]

    def describe(self) -> str:
        """One line in the form of the checkpoints, such as "enc_A:F enc_B:T ctrl:T Q:1.23"."""
        names = {"enc_A": "encoder_A", "enc_B": "encoder_B", "ctrl": "controller"}
        words = [
            f"{short}:{'F' if self.state.frozen[part] else 'T'}" for short, part in names.items()
        ]
        q = self.state.qs[-1] if self.state.qs else 0.0
        return " ".join([*words, f"Q:{q:.2f}"])

    def state_dict(self) -> dict[str, Any]:
        """All that changes, as plain values."""
        return asdict(self.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.state = State(**state)
        self.state = State(**asdict(self.state))  # asdict copies; the caller keeps its own

    def _remember(self, measured: Measured) -> None:
        state, window = self.state, self.settings.window
        state.hierarchy_a = [*state.hierarchy_a, measured.hierarchy_a][-window:]
        state.hierarchy_b = [*state.hierarchy_b, measured.hierarchy_b][-window:]
        state.qs = [*state.qs, measured.q][-self.settings.q_window :]
        if measured.controller_grad is not None:
            state.grads = [*state.grads, measured.controller_grad][-window:]

    def _is_flat(self, hierarchies: list[float]) -> bool:
        full = len(hierarchies) == self.settings.window
        gain = abs(hierarchies[-1]) - abs(hierarchies[0])
        return full and gain < self.settings.hierarchy_plateau_threshold

    def _count(self, part: str, quiet: bool) -> int:
        """Calls running in which the part's signal was quiet, this one included."""
        self.state.quiet[part] = self.state.quiet[part] + 1 if quiet else 0
        return self.state.quiet[part]

    def _encoder_a(self, measured: Measured) -> Switch | None:
        state = self.state
        calls = self._count("encoder_A", self._is_flat(state.hierarchy_a))
        if not state.frozen["encoder_A"]:
            if measured.coverage < state.freeze_threshold:
                return Switch("encoder_A", True, f"coverage {measured.coverage:.4f}")
        elif (
            measured.coverage >= state.unfreeze_threshold and calls >= self.settings.stall_patience
        ):
            return Switch("encoder_A", False, f"hierarchy_A stalled for {calls} evaluations")
        return None

    def _encoder_b(self, measured: Measured, previous: float | None) -> Switch | None:
        state = self.state
        if not state.frozen["encoder_B"]:
            calls = self._count("encoder_B", self._is_flat(state.hierarchy_b))
            if calls >= state.patience["encoder_B"]:
                return Switch("encoder_B", True, f"hierarchy_B flat for {calls} evaluations")
            return None
        if previous is not None and abs(previous) - abs(measured.hierarchy_b) > B_DROP:
            return Switch("encoder_B", False, f"hierarchy_B fell to {measured.hierarchy_b:.4f}")
        return None

    def _controller(self, measured: Measured, before: list[float]) -> Switch | None:
        state, norm = self.state, measured.controller_grad
        if norm is None:
            return None
        if not state.frozen["controller"]:
            calls = self._count("controller", norm < self.settings.controller_grad_threshold)
            if calls >= state.patience["controller"]:
                return Switch("controller", True, f"gradient small for {calls} evaluations")
            return None
        if before and norm > 2 * sum(before) / len(before):
            return Switch("controller", False, f"gradient rose to {norm:.4g}")
        return None

    def _switch(self, switch: Switch, epoch: int, q: float) -> bool:
        state, part = self.state, switch.part
        last = state.switched[part]
        if last is not None and epoch - last < self.settings.hysteresis_epochs:
            return False
        state.frozen[part], state.switched[part], state.quiet[part] = switch.frozen, epoch, 0
        if not switch.frozen:
            state.cycle_q[part] = q
        elif self.settings.enable_annealing:
            change = q - state.cycle_q[part]
            if change > 0 or change < Q_LOSS:
                self._anneal(part, relax=change > 0)
        return True

    def _anneal(self, part: str, *, relax: bool) -> None:
        state, s = self.state, self.settings
        if part == "encoder_A":
            step = -s.annealing_step if relax else s.annealing_step
            state.freeze_threshold = max(state.freeze_threshold + step, s.coverage_floor)
            state.unfreeze_threshold = max(
                state.unfreeze_threshold + step, state.freeze_threshold + GAP
            )
            return
        lowest, highest = {
            "encoder_B": (s.hierarchy_plateau_patience, s.hierarchy_patience_ceiling),
            "controller": (s.controller_grad_patience, s.controller_patience_ceiling),
        }[part]
        patience = state.patience[part] + (1 if relax else -1)
        state.patience[part] = max(min(patience, highest), lowest)
