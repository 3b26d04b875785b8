"""Gives a dual VAE the buffers of another generation, and lets its StateNet begin anew.

The generations of 5.7 and 5.10 have StateNets with other inputs, more layers and attention,
and more buffers. Encoders and decoders are the same. A StateNet of another generation is kept
beside the result and begins anew: it was never trained, and no weight depended on it. New
buffers have the values that a fresh model of the generation has.
"""

from __future__ import annotations

from cfgmig.migration import STASH, Add, Operation, Remove, Weights, structural

settings = ("layout",)
guarantee = structural("encoders and decoders are the same numbers, StateNet begins anew")

RANKED = {"r_A_ema": 0.5, "r_B_ema": 0.5}
CURVED = {"mean_radius_A": 0.5, "mean_radius_B": 0.5, "prior_sigma": 1.0, "curvature": 2.0}
LOSSES = {"loss_ema": 10.0, "loss_prev": 10.0, "loss_grad_ema": 1.0}
BUFFERS = {"v5.7": RANKED, "v5.10": RANKED | CURVED | LOSSES}
DUAL = ("v5.5", "v5.6", "v5.7", "v5.10")


def weights(state: Weights) -> list[Operation] | None:
    """StateNet leaves; buffers come and go."""
    from checkpoint_tools.plan import Init

    layout, wanted = state.facts.get("layout"), state.wanted.get("layout")
    if layout not in DUAL or wanted not in BUFFERS or layout == wanted:
        return None
    dtype = state.tensors["encoder_A.fc_mu.weight"].dtype
    buffers = BUFFERS[wanted]
    surplus = [name for name in BUFFERS["v5.10"] if name in state.tensors and name not in buffers]
    return [
        Remove("state_net", STASH, optional=True),
        Remove("statenet", STASH, optional=True),
        *(Remove(name, STASH) for name in surplus),
        *(
            Add(name, Init(dtype, (), "constant", value))
            for name, value in buffers.items()
            if name not in state.tensors
        ),
    ]
