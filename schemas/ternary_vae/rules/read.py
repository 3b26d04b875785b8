"""How rules read a config that nobody has validated yet, and write their fixes.

Every function takes what it finds: a missing, null or mistyped part reads as nothing.
"""

from __future__ import annotations

from math import atanh, sqrt
from typing import TYPE_CHECKING, Any

from cfgmig.document import Delete, Insert, MoveTo, SetValue
from cfgmig.paths import parse_path
from cfgmig.schema.rules import Fix

from ..matrix import ALIASES, FROZEN, IMPROVED, PARTIAL, PLAIN, matrix

if TYPE_CHECKING:
    from cfgmig.offering import Offer
    from cfgmig.schema.rules import Config

CEILING = -sqrt(9 / 13)
"""Best Spearman correlation that distinct radii allow: -0.83205."""


def section(config: Config, path: str) -> dict[str, Any]:
    """The mapping at `path`, else an empty one."""
    value = config.get(path)
    return value if isinstance(value, dict) else {}


def number(config: Config, path: str, default: float | None = None) -> float | None:
    """The number at `path`; a bool is none, nor is infinity or one beyond all reason."""
    value = config.get(path)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) < 1e300 else default


def text(config: Config, path: str) -> str:
    """The text at `path`, else an empty one."""
    value = config.get(path)
    return value if isinstance(value, str) else ""


def on(config: Config, path: str, *, default: bool = False) -> bool:
    """Whether the switch at `path` is on; `default` when there is none."""
    return bool(config.get(path, default) is True)


def fmt(value: float) -> str:
    """A number as a person writes it."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def setting(path: str, value: Any, *, safe: bool = False) -> Fix:
    """A fix that changes one value."""
    return Fix((SetValue(parse_path(path), value),), safe)


def settings(values: dict[str, Any], config: Config, *, safe: bool = False) -> Fix:
    """A fix that writes several values, adding the keys that are not there."""
    changes = [
        SetValue(parse_path(path), value) if config.has(path) else Insert(parse_path(path), value)
        for path, value in values.items()
    ]
    return Fix(tuple(changes), safe)


def adding(path: str, value: Any, *, safe: bool = False) -> Fix:
    """A fix that adds a key."""
    return Fix((Insert(parse_path(path), value),), safe)


def dropping(path: str, *, safe: bool = False) -> Fix:
    """A fix that removes a key."""
    return Fix((Delete(parse_path(path)),), safe)


def renaming(old: str, new: str, *, safe: bool = False) -> Fix:
    """A fix that renames a key."""
    return Fix((MoveTo(parse_path(old), parse_path(new)),), safe)


def name_path(config: Config) -> str:
    """Where this file names its architecture."""
    return "model.name" if config.version != "manifold" else "model.model_type"


def class_name(config: Config) -> str:
    """The architecture that the file names, aliases resolved; empty when it names none."""
    if config.version == "cli":
        return PARTIAL if on(config, "option_c") else PLAIN
    name = text(config, name_path(config))
    return ALIASES.get(name, name)


def is_improved(config: Config) -> bool:
    """Whether an encoder or the decoder is of the improved type."""
    return "improved" in (text(config, "model.encoder_type"), text(config, "model.decoder_type"))


def architecture(config: Config) -> str:
    """The matrix's name for what this file builds."""
    name = class_name(config)
    return IMPROVED if name in (PLAIN, PARTIAL) and is_improved(config) else name


def needs_frozen(config: Config) -> bool:
    """Whether what this file builds is useless without frozen weights.

    The manifold trainers train encoders and decoder, so they can do without.
    """
    return config.version != "manifold" and matrix.requires(architecture(config), FROZEN)


def path_key(config: Config) -> str:
    """Where this file names the frozen weights."""
    return "v5_5_checkpoint" if config.version == "cli" else FROZEN


def frozen_path(config: Config) -> str:
    """The file of the frozen weights; empty for none, and for a text that means none."""
    path = text(config, path_key(config))
    return "" if means_none(path) else path


TO_LOAD = {
    "frozen_checkpoint.encoder_to_load": "both",
    "frozen_checkpoint.decoder_to_load": "decoder_A",
}
"""The keys and what they are set to in every run that loads weights."""


def weights_for(config: Config, *, parts: bool = False) -> Offer:
    """The file of frozen weights that this config is best served with.

    Args:
        config: the file.
        parts: let the fix write what is to be loaded, too.
    """
    from cfgmig.offering import offer

    values = TO_LOAD if parts and config.version != "cli" else {}
    return offer(config, path_key(config), values)


def is_file(config: Config, path: str) -> bool:
    """Whether the config finds a file under `path`, however odd that text is."""
    try:
        return config.resolve(path).is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def means_none(value: str) -> bool:
    """Whether a text was surely meant as null."""
    return value.strip().lower() in ("", "null", "none", "~")


def option_c(config: Config) -> str:
    """Where this file keeps the settings of the partial freeze."""
    return "training.option_c" if config.version == "manifold" else "option_c"


def is_hyperbolic(config: Config) -> bool:
    """Whether radii are hyperbolic distances, as they are from 5.12.2 on unless said otherwise."""
    stated = text(config, "loss.radius_metric")
    if stated in ("euclidean", "hyperbolic"):
        return stated == "hyperbolic"
    return config.version == "foundation" or config.at_least("5.12.2")


def reach(config: Config) -> float | None:
    """The largest radius inside the ball, in the unit in force; None when it cannot be told."""
    radius = number(config, "model.max_radius", 0.95) or 0.0
    curvature = number(config, "model.curvature", 1.0) or 0.0
    if not is_hyperbolic(config):
        return radius
    bend = sqrt(curvature) if curvature > 0 else 0.0
    return 2 * atanh(bend * radius) / bend if 0 < bend * radius < 1 else None
