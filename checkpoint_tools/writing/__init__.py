"""Writes checkpoints by streaming: whole and durable, or not at all."""

from __future__ import annotations

from checkpoint_tools.writing.conversion import Forecast, Report, convert, forecast
from checkpoint_tools.writing.errors import Unwritable
from checkpoint_tools.writing.tree import TensorAt, tree_of

__all__ = ["Forecast", "Report", "TensorAt", "Unwritable", "convert", "forecast", "tree_of"]
