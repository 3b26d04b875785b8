"""What a search draws, in the words of configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.hsmn import places
from schemas.hsmn.rules.search import FROZEN

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

    from schemas.hsmn.v5 import Config

RATE = "learning_rate"
NAMES = places.V6 | {
    "active_vocab_size": "tokenizer.active_vocab_size",
    "latent_dim": "model.blocks.attention.latent_dim",
    "inner_dim": "model.blocks.moe.inner_dim",
    "thought_steps": "model.blocks.latent.thought_steps",
    "min_freq": "tokenizer.min_freq",
}
"""Short names of a search space and their places; any path of the schema is a name as well."""


class Dimension(NamedTuple):
    """One thing that is drawn: one of several values, or a number of a range.

    Attributes:
        name: as the search space has it.
        path: where it goes in a config.
        choices: empty where it is a range.
        low: the least.
        high: the most.
        log: whether it is drawn on a logarithmic scale.
        whole: whether it is an integer.
    """

    name: str
    path: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    def draw(self, trial: BaseTrial) -> Any:
        """A value for a trial."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn."""
        if self.choices:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high


def dimensions(config: Config) -> list[Dimension]:
    """The space of a config: `qahpo.search_space`, and what lists and limits beside it say.

    An entry is a list of values, or a mapping `{low, high, log}`; `log` is false by default.
    `lr_min` and `lr_max` give a rate on a logarithmic scale, `batch_sizes` and `optimizers` of
    more than one entry their own dimensions, unless the space names them itself.

    Raises:
        ValueError: a name is no place of the schema or must stay, or an entry is no range.
    """
    qahpo = config.qahpo
    space = dict(qahpo.search_space)
    if qahpo.lr_min is not None and qahpo.lr_max is not None:
        space.setdefault(RATE, {"low": qahpo.lr_min, "high": qahpo.lr_max, "log": True})
    for name, values in (("batch_size", qahpo.batch_sizes), ("optimizer", qahpo.optimizers)):
        if len(values) > 1:
            space.setdefault(name, list(values))
    found = [_dimension(name, entry) for name, entry in space.items()]
    if not found:
        raise ValueError("qahpo.search_space is empty: there is nothing to search")
    return found


def _dimension(name: str, entry: Any) -> Dimension:
    path = NAMES.get(name, name)
    if path.rpartition(".")[2] in FROZEN or name in FROZEN:
        raise ValueError(f"qahpo.search_space.{name} must stay as it is in a search")
    if not _is_place(path):
        raise ValueError(f"qahpo.search_space.{name} is no place of the schema")
    if isinstance(entry, list) and entry:
        return Dimension(name, path, tuple(entry))
    if isinstance(entry, Mapping) and {"low", "high"} <= entry.keys() <= {"low", "high", "log"}:
        low, high = entry["low"], entry["high"]
        whole = isinstance(low, int) and isinstance(high, int)
        if low < high:
            return Dimension(name, path, (), low, high, bool(entry.get("log")), whole)
    raise ValueError(f"qahpo.search_space.{name} is neither a list nor {{low, high, log}}")


def _is_place(path: str) -> bool:
    from pydantic import BaseModel

    from schemas.hsmn.v5 import Config

    node: Any = Config
    for part in path.split("."):
        fields = getattr(node, "model_fields", {})
        if part not in fields:
            return False
        node = _model_of(fields[part].annotation)
    return not (isinstance(node, type) and issubclass(node, BaseModel))


def _model_of(annotation: Any) -> Any:
    from pydantic import BaseModel

    for one in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where a part is missing."""
    node: Any = data
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return node


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Write a value at a dotted path, making sections where there are none."""
    *above, key = path.split(".")
    for part in above:
        data = data.setdefault(part, {})
    data[key] = value
