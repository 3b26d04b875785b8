"""Learning rates of the parts of a model, as factors on the rate of the run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProgressiveUnfreeze:
    """Encoder A starts to train after a while, as tried in 5.11.6 (coverage was lost).

    0 before `start_epoch`, then linear to `scale` within `warmup_epochs`.
    """

    start_epoch: int = 5
    warmup_epochs: int = 5
    scale: float = 0.05

    def factor(self, epoch: float) -> float:
        """The factor on the learning rate of encoder A in this epoch."""
        if epoch < self.start_epoch:
            return 0.0
        if self.warmup_epochs == 0:
            return self.scale
        return self.scale * min((epoch - self.start_epoch) / self.warmup_epochs, 1.0)


def group_scales(
    *,
    encoder_a: bool,
    encoder_b: bool,
    decoder_a: bool = False,
    controller: bool = True,
    encoder_a_scale: float = 0.05,
    encoder_b_scale: float = 0.1,
) -> dict[str, float]:
    """Factors by parameter group, as in 5.11.7 to 5.12; a part that is frozen has no group.

    Args:
        encoder_a: whether it trains.
        encoder_b: whether it trains.
        decoder_a: whether it trains; only 5.12.1 let it.
        controller: whether there is one that trains.
        encoder_a_scale: option_c.encoder_a_lr_scale.
        encoder_b_scale: option_c.encoder_b_lr_scale.
    """
    scales = {"proj_A": 1.0, "proj_B": 1.0}
    if controller:
        scales["controller"] = 1.0
    if encoder_a:
        scales["encoder_A"] = encoder_a_scale
    if encoder_b:
        scales["encoder_B"] = encoder_b_scale
    if decoder_a:
        scales["decoder_A"] = 1.0
    return scales
