"""Adds TensorBoard and torch.compile, both off unless asked for."""

from cfgmig.migration import Add

revision = "5.5.2"
revises = "5.5.1"

config = [
    Add("tensorboard_dir", None, implicit=True),
    Add("experiment_name", None, implicit=True),
    Add("torch_compile", {"enabled": False}, implicit=True),
]
weights = []
