"""What changes with the epoch alone: temperatures, weights, learning rates, curricula.

`dual`: 5.5 to 5.10. `rate`: learning rates of the head version. `curriculum`: tau of 5.11.
`freezing`: factors by part of the model. What reacts to measurements is in `controllers`.
"""

from __future__ import annotations

from .curriculum import Curriculum
from .dual import Phases
from .freezing import ProgressiveUnfreeze
from .rate import Schedule, annealing, build, phases, warm_restarts

__all__ = [
    "Curriculum",
    "Phases",
    "ProgressiveUnfreeze",
    "Schedule",
    "annealing",
    "build",
    "phases",
    "warm_restarts",
]
