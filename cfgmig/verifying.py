"""Holds a converted checkpoint against its source: nothing lost, nothing invented, same function.

The way is planned again from what the result says of itself, and carried out in memory, tensor by
tensor; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.converting import Request, Route, digest, route, sidecar_of, stamp_of
from cfgmig.probing import readings
from cfgmig.remembering import format_of, remembered
from cfgmig.returning import Back, there_and_back
from cfgmig.states import STASH

if TYPE_CHECKING:
    from cfgmig.project import Project
    from cfgmig.schema.layout import Reading
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.compare import Progress
    from checkpoint_tools.matching import Matched


class Verified(NamedTuple):
    """What was found out.

    Attributes:
        source, target: the files.
        way: the way that the result says it came.
        accounts: for each tensor of the source: copied, transformed, stashed, dropped or empty.
        origins: for each tensor that the target should hold, what it is made of.
        matched: the target against what the plan makes of the source, bit for bit.
        stash: the same for what was kept beside it; None where nothing was to be.
        stash_missing: where that file should be, and is not.
        is_source: whether the source is the file that the target was made from, by its SHA-256;
            None where the target does not say.
        back: the round trip, None if it was not asked for.
        readings: what both models compute; empty if it was not asked for.
    """

    source: Checkpoint
    target: Checkpoint
    way: Route
    accounts: Mapping[str, str]
    origins: Mapping[str, str]
    matched: Matched
    stash: Matched | None = None
    stash_missing: str = ""
    is_source: bool | None = None
    back: Back | None = None
    readings: tuple[Reading, ...] = ()

    @property
    def made(self) -> bool:
        """Whether the target is what the source gives."""
        beside = (self.stash is None or self.stash.same) and not self.stash_missing
        return self.matched.same and beside and self.is_source is not False

    @property
    def fine(self) -> bool:
        """Whether that is so, everything comes back, and no reading breaks a promise."""
        return self.made and (self.back is None or self.back.fine) and not self.broken

    @property
    def broken(self) -> tuple[Reading, ...]:
        """Readings that deviate more than the way promised; any may, where it promised nothing."""
        from cfgmig.migration.guarantee import weakest

        journey = self.way.journey
        if journey is None:
            return ()
        promise = weakest([stage.guarantee for stage in journey.stages])
        if promise.kind == "structural":
            return ()
        return tuple(
            one
            for one in self.readings
            if one.deviation is not None and one.deviation > promise.epsilon
        )


def verify(
    source: Checkpoint,
    target: Checkpoint,
    project: Project,
    *,
    request: Request | None = None,
    round_trip: bool = False,
    probe: bool = False,
    progress: Progress | None = None,
) -> Verified:
    """Hold a result against its source.

    Args:
        source: what was converted, as `opened` gives it.
        target: what it was converted to.
        project: whose families are known.
        request: what was asked for; None takes what the result says of itself.
        round_trip: stream every tensor there and back too.
        probe: let the family compute with both.
        progress: called with bytes done, bytes in total, and the tensor at hand.

    Raises:
        UsageError: the result does not say how it was made, and no request does.
    """
    from checkpoint_tools.matching import match
    from checkpoint_tools.plan import describe

    wanted = (request or remembered(source, target))._replace(format=format_of(target))
    way = route(source, project, wanted)
    matched = match(source, way.plan, _bare(target), progress)
    origins = {name: describe(expr) for name, expr in way.plan.outputs.items()}
    found = Verified(source, target, way, accounts(source, way), origins, matched)
    told = stamp_of(target).get("source")
    if isinstance(told, dict):
        found = found._replace(is_source=told.get("sha256") == digest(source))
    if way.sidecar is not None:
        found = _with_stash(found, progress)
    if round_trip:
        found = found._replace(back=there_and_back(source, way, progress))
    if probe:
        found = found._replace(readings=readings(source, way, target, project))
    return found


def _bare(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint without what was kept beside it."""
    bare = copy(checkpoint)
    bare.tensors = {
        name: ref for name, ref in checkpoint.tensors.items() if not name.startswith(STASH)
    }
    return bare


def _with_stash(found: Verified, progress: Progress | None) -> Verified:
    from checkpoint_tools import open_checkpoint
    from checkpoint_tools.matching import match

    assert found.way.sidecar is not None
    place = sidecar_of(Path(found.target.name))
    if not place.is_file():
        return found._replace(stash_missing=str(place))
    with open_checkpoint(str(place)) as other:
        return found._replace(stash=match(found.source, found.way.sidecar, other, progress))


def accounts(source: Checkpoint, way: Route) -> dict[str, str]:
    """What becomes of each tensor of the source."""
    from checkpoint_tools.plan import prepare
    from checkpoint_tools.plan.expressions import takes

    found: dict[str, str] = {}
    for output in prepare(source, way.plan).outputs.values():
        word = "transformed" if output.kind == "COMPUTE" else "copied"
        for name in takes(way.plan.outputs[output.name]):
            found[name] = word if found.get(name, word) == word else "transformed"
    kept = way.sidecar.outputs.values() if way.sidecar is not None else ()
    stashed = {name for expr in kept for name in takes(expr)}
    for name, ref in source.tensors.items():
        if name in stashed:
            found.setdefault(name, "stashed")
        elif name in way.plan.drop:
            found.setdefault(name, "dropped")
        elif ref.numel == 0:
            found.setdefault(name, "empty")
    return {name: found[name] for name in source.tensors}
