"""Renumbers the layers of the projection for one with dropout, or for one without.

A dropout holds no tensor, but it takes a number: with it the dense layers of a direction_net
are 0, 4, 8 instead of 0, 3, 6, those of a radius_net 0, 3, 6 instead of 0, 2, 4. Nothing
changes in evaluation. Loading one for the other puts LayerNorms in the place of layers.
"""

from __future__ import annotations

from cfgmig.migration import EXACT, Move, Operation, Weights

settings = ("projection_dropout",)
guarantee = EXACT


def _nets(state: Weights) -> tuple[str, ...]:
    dual = state.facts.get("use_dual_projection")
    return ("projection.proj_A", "projection.proj_B") if dual else ("projection",)


def weights(state: Weights) -> list[Operation] | None:
    """Every layer behind the first dropout moves on by one for each of them, or back."""
    dropout, wanted = (facts.get("projection_dropout") for facts in (state.facts, state.wanted))
    if dropout == wanted or None in (dropout, wanted):
        return None
    layers = int(state.facts["projection_layers"])
    moves: list[Operation] = []
    for net in _nets(state):
        numbers = {f"{net}.direction_net": 3, f"{net}.radius_net": 2}
        for name, step in numbers.items():
            # The last first: the number that a layer goes to is free by then.
            for at in range(layers, 0, -1):
                if step == 3 and at < layers:
                    moves.append(Move(f"{name}.{at * 3 + 1}", f"{name}.{at * 4 + 1}"))
                moves.append(Move(f"{name}.{at * step}", f"{name}.{at * (step + 1)}"))
    return moves if wanted != "0" else [one.reverse() for one in reversed(moves)]
