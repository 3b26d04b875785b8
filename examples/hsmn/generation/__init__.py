"""QSG: all new positions at once, in five phases."""

from .qsg import Phases, Settings, encode_context, generate, phases
from .sampling import kept, sample

__all__ = ["Phases", "Settings", "encode_context", "generate", "kept", "phases", "sample"]
