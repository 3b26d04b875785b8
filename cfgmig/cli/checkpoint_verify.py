"""`cfgmig checkpoint verify`: whether a checkpoint is what a conversion makes of another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.cli import console
from cfgmig.cli.checkpoint_bits import Matched, match
from cfgmig.cli.checkpoint_convert import goal_of, request
from cfgmig.cli.checkpoint_open import check_format, explained, opened, project_of

if TYPE_CHECKING:
    from cfgmig.cli.options import (
        CastTo,
        Drop,
        Family,
        ForConfig,
        FromVersion,
        MadeCheckpoint,
        ModelOnly,
        NoStashFile,
        OneCheckpoint,
        Probe,
        Quiet,
        Rename,
        RoundTrip,
        StripPrefix,
        TextFormat,
        ToMigrate,
        Verbose,
    )
    from cfgmig.converting import Request, Route
    from cfgmig.schema.layout import Reading
    from checkpoint_tools import Checkpoint

DIFFERENT = 1


class Back(NamedTuple):
    """A round trip: what came back, or why there is no way back."""

    matched: Matched | None
    reason: str = ""

    @property
    def fine(self) -> bool:
        """Whether everything came back."""
        return self.matched is not None and self.matched.same


class Verified(NamedTuple):
    """What was found out.

    Attributes:
        accounts: for each tensor of the source: copied, transformed, stashed, dropped or empty.
        origins: for each tensor that the target should hold, what it is made of.
        stash: the file of stashed tensors, None where there is none to be.
        stash_missing: where that file should be, and is not.
        back: the round trip, None if it was not asked for.
        is_source: whether the source is the file that the target was made from, by its SHA-256;
            None where the target does not say.
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
    back: Back | None = None
    is_source: bool | None = None
    readings: tuple[Reading, ...] = ()

    @property
    def made(self) -> bool:
        """Whether the target is what the source gives."""
        beside = (self.stash is None or self.stash.same) and not self.stash_missing
        return self.matched.same and beside and self.is_source is not False

    @property
    def fine(self) -> bool:
        """Whether that is so and, if it was asked for, everything comes back."""
        return self.made and (self.back is None or self.back.fine)


def verify(
    source: OneCheckpoint,
    target: MadeCheckpoint,
    *,
    to: ToMigrate = "",
    from_version: FromVersion = "",
    family: Family = "",
    for_config: ForConfig = "",
    no_stash: NoStashFile = False,
    model_only: ModelOnly = False,
    strip_prefix: StripPrefix = (),  # type: ignore[assignment]
    rename: Rename = (),  # type: ignore[assignment]
    drop: Drop = (),  # type: ignore[assignment]
    cast: CastTo = "",
    round_trip: RoundTrip = False,
    probe: Probe = False,
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Compare a converted checkpoint with what the conversion makes of its source.

    A migrated one says itself how it was made; else name the options of the conversion. Every
    tensor of the source is accounted for, every tensor of the target has its origin, and all
    elements are compared by their SHA-256; nothing is written.

    Exit code 0: it is what the source gives. 1: it is not. 2: usage, or a file that cannot be
    read. 3: a file is malformed or unsafe.
    """
    check_format(output_format)
    goal = goal_of(to, from_version, family, for_config, stash=not no_stash)
    wanted = request("", goal, model_only, strip_prefix, rename, drop, cast)
    said = None if wanted == request("", None, False, (), (), (), "") else wanted
    with (
        opened(target) as other,
        opened(source, joined=goal is not None or was_migrated(other)) as one,
    ):
        with console.meter("verifying", quiet=quiet) as progress, explained():
            found = _verified(one, other, Path(target), said, progress)
            if round_trip:
                found = found._replace(back=_back(one, found.way, progress))
            if probe:
                found = found._replace(readings=_readings(found))
        from cfgmig.cli import checkpoint_verify_text as shown

        if output_format == "json":
            console.data(shown.as_json(found))
        else:
            console.data(shown.render(found, verbose=verbose))
    return 0 if found.fine else DIFFERENT


def was_migrated(target: Checkpoint) -> bool:
    """Whether a checkpoint says that a migration made it."""
    from cfgmig.converting import stamp_of

    return bool(stamp_of(target))


def _verified(
    one: Checkpoint,
    other: Checkpoint,
    path: Path,
    said: Request | None,
    progress: console.Metered,
) -> Verified:
    from cfgmig.converting import digest, route, sidecar_of, stamp_of
    from cfgmig.verifying import remembered
    from checkpoint_tools.plan import describe

    is_torch = other.format.startswith("torch")
    wanted = remembered(one, other) if said is None else said
    wanted = wanted._replace(format="torch" if is_torch else "safetensors")
    way = route(one, project_of(one.name), wanted)
    matched = match(one, way.plan, other, progress)
    origins = {name: describe(expr) for name, expr in way.plan.outputs.items()}
    found = Verified(one, other, way, accounts(one, way), origins, matched)
    told = stamp_of(other).get("source")
    if isinstance(told, dict):
        found = found._replace(is_source=told.get("sha256") == digest(one))
    if way.sidecar is None:
        return found
    beside = sidecar_of(path)
    if not beside.is_file():
        return found._replace(stash_missing=str(beside))
    with opened(str(beside)) as kept:
        return found._replace(stash=match(one, way.sidecar, kept, progress))


def _readings(found: Verified) -> tuple[Reading, ...]:
    from cfgmig.verifying import readings

    return readings(found.source, found.way, found.target, project_of(found.source.name))


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


def _back(source: Checkpoint, way: Route, progress: console.Metered) -> Back:
    """Stream along a route and back; what it leaves out by name is not expected to return."""
    from checkpoint_tools.plan import Irreversible, Plan, compose, plan_of, reverse_plan, types_of
    from checkpoint_tools.plan.expressions import takes

    kept = way.sidecar.outputs if way.sidecar is not None else {}
    there = plan_of(
        [*way.plan.outputs.items(), *((f"stash/{name}", expr) for name, expr in kept.items())],
        way.plan.drop,
        way.plan.ties,
    )
    taken = {name for expr in there.outputs.values() for name in takes(expr)}
    types = {name: type for name, type in types_of(source).items() if name in taken}
    try:
        back = reverse_plan(there, types)
    except Irreversible as error:
        return Back(None, error.reason)
    whole = compose(there, back)
    lost = whole.drop | (source.tensors.keys() - taken) | way.plan.drop
    matched = match(source, Plan(whole.outputs, frozenset(lost)), source, progress)
    left = [name for name in matched.found.only_right if name in taken]
    matched.found.only_right[:] = left
    return Back(matched)
