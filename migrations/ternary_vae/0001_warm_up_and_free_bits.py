"""Adds KL warm-up and free bits; files without them train as before."""

from cfgmig.migration import Add

revision = "5.5.1"
revises = "5.5.0"

config = [
    Add("vae_a.beta_warmup_epochs", 0, implicit=True),
    Add("vae_b.beta_warmup_epochs", 0, implicit=True),
    Add("free_bits", 0.0, implicit=True),
]
weights = []
