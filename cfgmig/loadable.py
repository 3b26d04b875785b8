"""CM009: the checkpoint that a config names does not hold what the config builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    family = as_subject(config).family
    if config.version != family.head.name or family.layouts is None:
        return
    if not isinstance(config.data, dict) or not any(map(_is_file(config), _texts(config.data))):
        return  # before anything is imported that only checkpoints need
    from cfgmig.weighing import expectation

    asked = expectation(config.data, family)
    if asked is None or not asked[1].file:
        return
    path = asked[1].path
    try:
        place = config.resolve(asked[1].file)
        if not place.is_file():
            return
        weighed = _weigh(place, config, family)
    except (CfgmigError, OSError) as error:
        said = error.message if isinstance(error, CfgmigError) else str(error)
        other = _offer(config, path)
        message = f"{asked[1].file} cannot be read as a checkpoint: {said}"
        yield Problem(path, message, other.help, other.fix)
        return
    if weighed is None or weighed.fits:
        return
    help = weighed.help or f"`cfgmig checkpoint inspect {asked[1].file}` shows what it holds"
    fix = None
    if any(count.needed for count in weighed.counts):
        other = _offer(config, path)
        help, fix = f"{help}; or {other.help}", other.fix
    yield Problem(path, f"{asked[1].file}: {weighed.sentence}", help, fix)


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
