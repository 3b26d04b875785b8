"""What reacts to measurements: every controller has `state_dict` and `load_state_dict`.

`balance`, `state_net`: 5.5 to 5.10. `feedback`: 5.9, and the end of a run. `homeostasis`:
5.11.7 to 5.12. `grokking`: 5.12.4. `adaptive_lr`, `adaptive_loss`: 5.12.5.
"""

from __future__ import annotations

from .adaptive_loss import AdaptiveLoss
from .adaptive_lr import AdaptiveLr
from .balance import GradientBalance, Lambdas
from .feedback import CoverageFeedback, EarlyStop
from .grokking import Grokking
from .homeostasis import Homeostasis, Measured, Switch
from .homeostasis import Settings as HomeostasisSettings
from .state_net import Scales, StateNetCorrections, state_vector

__all__ = [
    "AdaptiveLoss",
    "AdaptiveLr",
    "CoverageFeedback",
    "EarlyStop",
    "GradientBalance",
    "Grokking",
    "Homeostasis",
    "HomeostasisSettings",
    "Lambdas",
    "Measured",
    "Scales",
    "StateNetCorrections",
    "Switch",
    "state_vector",
]
