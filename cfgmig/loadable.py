"""CM009 and CM010: the checkpoint that a config names, against what the config builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from cfgmig.errors import CfgmigError
from cfgmig.schema.rules import Config, Problem, rule
from cfgmig.schema.subject import as_subject

if TYPE_CHECKING:
    from cfgmig.offering import Offer
    from cfgmig.schema.family import Family
    from cfgmig.weighing import Weighed


@rule(
    code="CM009",
    name="checkpoint-does-not-load",
    severity="error",
    summary="The checkpoint that the config names lacks tensors that the config takes from it.",
    explanation="""
    The names and shapes of the file's tensors are held against those that the config builds,
    from headers alone. `strict=False` would hide a missing tensor, and does not help against a
    shape that differs; a loader that catches the error goes on from random weights, and nothing
    tells. So the tensors that would load are counted here, per component, before anything runs.

    Only a family that declares layouts is checked, and only a file that is there. The config is
    read as one of the newest version.

    The help names the checkpoint that `cfgmig checkpoint find --compatible-with` ranks first
    below the project's folders (`checkpoints` in `[tool.cfgmig]`), and the fix writes it where
    it loads as it stands. Other weights are another run, so the fix is never applied unasked.
    """,
)
def checkpoint_does_not_load(config: Config) -> Iterator[Problem]:
    """At the path that names the checkpoint."""
    named = _named(config)
    if named is None:
        return
    if isinstance(named.weighed, str):
        other = _offer(config, named.path)
        message = f"{named.file} cannot be read as a checkpoint: {named.weighed}"
        yield Problem(named.path, message, other.help, other.fix)
        return
    weighed = named.weighed
    if weighed is None or weighed.fits:
        return
    help = weighed.help or f"`cfgmig checkpoint inspect {named.file}` shows what it holds"
    fix = None
    if any(count.needed for count in weighed.counts):
        other = _offer(config, named.path)
        help, fix = f"{help}; or {other.help}", other.fix
    yield Problem(named.path, f"{named.file}: {weighed.sentence}", help, fix)


@rule(
    code="CM010",
    name="checkpoint-of-other-settings",
    severity="info",
    summary="What the config takes from the checkpoint loads; the rest was built otherwise.",
    explanation="""
    A config may take a part of a checkpoint and train the rest from the start. Where the file
    holds that rest too, with other settings, loading the whole of it would fail or, worse, fit
    in part: a tensor of the same name may have another role. This tells what differs and how
    the weights would be brought over.
    """,
)
def checkpoint_of_other_settings(config: Config) -> Iterator[Problem]:
    """At the path that names the checkpoint."""
    named = _named(config)
    if named is None or isinstance(named.weighed, str) or named.weighed is None:
        return
    weighed = named.weighed
    if weighed.fits and weighed.notes:
        message = f"{named.file} was trained with other settings: {', '.join(weighed.notes)}"
        clashes = [clash for count in weighed.counts for clash in count.clashes]
        message += f" ({clashes[0]})" if clashes else ""
        yield Problem(named.path, message, weighed.advice)


RULES = (checkpoint_does_not_load, checkpoint_of_other_settings)


class Named(NamedTuple):
    """A checkpoint that a config names: where it says so, and what of it would load.

    `weighed` is a sentence where the file cannot be read.
    """

    path: str
    file: str
    weighed: Weighed | str | None


_seen: WeakKeyDictionary[Config, Named | None] = WeakKeyDictionary()


def _named(config: Config) -> Named | None:
    """The checkpoint of a config of the newest version, opened once for all rules."""
    if config not in _seen:
        _seen[config] = _look(config)
    return _seen[config]


def _look(config: Config) -> Named | None:
    family = as_subject(config).family
    if config.version != family.head.name or family.layouts is None:
        return None
    if not isinstance(config.data, dict) or not any(map(_is_file(config), _texts(config.data))):
        return None  # before anything is imported that only checkpoints need
    from cfgmig.weighing import expectation

    asked = expectation(config.data, family)
    if asked is None or not asked[1].file:
        return None
    path, file = asked[1].path, asked[1].file
    try:
        place = config.resolve(file)
        return Named(path, file, _weigh(place, config, family)) if place.is_file() else None
    except (CfgmigError, OSError) as error:
        return Named(path, file, error.message if isinstance(error, CfgmigError) else str(error))


def _is_file(config: Config) -> Callable[[str], bool]:
    def exists(text: str) -> bool:
        try:
            return config.resolve(text).is_file()
        except OSError:
            return False

    return exists


def _texts(data: Any) -> Iterator[str]:
    """The strings of a config that may name a file."""
    if isinstance(data, str):
        if "/" in data or "." in data:
            yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _texts(value)


def _weigh(place: Path, config: Config, family: Family) -> Weighed | None:
    from cfgmig.states import told
    from cfgmig.weighing import weigh
    from checkpoint_tools import open_checkpoint

    with told(), open_checkpoint(str(place)) as checkpoint:
        return weigh(config.data, family, checkpoint)


def _offer(config: Config, path: str) -> Offer:
    from cfgmig.offering import offer

    return offer(config, path)
