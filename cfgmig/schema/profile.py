"""Profiles: one schema, and what a file owes to it beyond that by the purpose it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.paths import format_path, parse_path
from cfgmig.schema.evidence import Has, Lacks, Says
from cfgmig.schema.located import Located

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cfgmig.paths import Path
    from cfgmig.schema.compile import CompiledVersion
    from cfgmig.schema.family import Family
    from cfgmig.schema.rules import Config

Shown = Has | Lacks | Says


class Profile(NamedTuple):
    """What files of one purpose owe: more keys than the schema requires, narrower bounds.

    Paths that a version does not have are passed over, so that one profile serves them all.

    Args:
        name: what the profile key says.
        summary: what such a file is for, in one sentence.
        shown_by: how a file that does not say its profile shows that it is of it: in any of
            these ways, each of them evidence that must hold as a whole.
        requires: paths that must be there and not null. A tuple of paths means that one of
            them must.
        bounds: lowest and highest number at a path; None is open.
        versions: those whose files it is about; all when empty.
    """

    name: str
    summary: str = ""
    shown_by: tuple[tuple[Shown, ...], ...] = ()
    requires: tuple[str | tuple[str, ...], ...] = ()
    bounds: Mapping[str, tuple[float | None, float | None]] = {}
    versions: tuple[str, ...] = ()


def profile_of(config: Config, family: Family) -> Profile | None:
    """The profile that a file names, else the first one that it shows itself to be of."""
    profiles = [
        profile
        for profile in family.load_profiles()
        if not profile.versions or config.version in profile.versions
    ]
    said = config.get(family.profile_key)
    if said is not None:
        return next((profile for profile in profiles if profile.name == said), None)
    for profile in profiles:
        if any(all(_holds(item, config) for item in way) for way in profile.shown_by):
            return profile
    return None


def _holds(item: Shown, config: Config) -> bool:
    if isinstance(item, Says):
        import re

        from cfgmig.schema.detect import as_text

        value = config.get(item.path)
        return config.has(item.path) and re.fullmatch(item.regex, as_text(value)) is not None
    return config.has(item.path) == isinstance(item, Has)


def owed(config: Config, profile: Profile, version: CompiledVersion) -> Iterator[Located]:
    """What a file lacks, or says outside the bounds, of its profile."""
    for entry in profile.requires:
        ways = (entry,) if isinstance(entry, str) else entry
        known = [path for path in map(parse_path, ways) if version.entry(path) is not None]
        if known and all(config.get(format_path(path)) is None for path in known):
            yield Located(known[0], "missing", _needed(profile, known), None)
    for name, (low, high) in profile.bounds.items():
        value = config.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        wanted = _outside(value, low, high)
        if wanted:
            message = f"Input should be {wanted} in a {profile.name}"
            yield Located(parse_path(name), "value", message, value)


def _needed(profile: Profile, paths: list[Path]) -> str:
    names = " or ".join(f"`{format_path(path)}`" for path in paths)
    return f"a {profile.name} must say {names}"


def _outside(value: Any, low: float | None, high: float | None) -> str:
    """What the number should be instead; nothing where it is within its bounds."""
    if low is not None and value < low:
        return f"greater than or equal to {low!r}"
    if high is not None and value > high:
        return f"less than or equal to {high!r}"
    return ""
