"""Names of tensors: in the file, within their state dict, and as the command line renames them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.errors import UsageError
from cfgmig.paths import Path, fill, match, parse_path

if TYPE_CHECKING:
    from cfgmig.states import Role
    from checkpoint_tools import Checkpoint


class Entry(NamedTuple):
    """A name for a tensor.

    Attributes:
        name: in the file.
        inner: within the state dict.
        key: the state dict's key.
        role: what the state dict is for.
        data: the tensor of the file whose data it is: itself, unless the file tells in its
            metadata that this name is tied to another one.
    """

    name: str
    inner: str
    key: str
    role: Role
    data: str


def entries(checkpoint: Checkpoint) -> list[Entry]:
    """Every name of a checkpoint, in the order of the file."""
    from cfgmig.states import states
    from checkpoint_tools.plan.plan import recorded_ties

    told = recorded_ties(checkpoint)
    absent = {name: first for name, first in told.items() if name not in checkpoint.tensors}
    found: dict[str, Entry] = {}
    for state in states(checkpoint):
        known = set(state.names.values())
        for inner, name in state.names.items():
            found[name] = Entry(name, inner, state.key, state.role, name)
        for name, first in absent.items():
            if first in known:
                found[name] = _tied(name, first, state.key, state.role)
    return [found[name] for name in (*checkpoint.tensors, *absent)]


def _tied(name: str, first: str, key: str, role: Role) -> Entry:
    prefix = f"{key}." if key else ""
    if name.startswith(prefix):
        return Entry(name, name.removeprefix(prefix), key, role, first)
    return Entry(name, name, "", "other", first)


def pairs(words: Iterable[str], option: str) -> dict[str, str]:
    """`OLD=NEW` as OLD: NEW.

    Raises:
        UsageError: a word is not that, or one name is given twice.
    """
    made: dict[str, str] = {}
    for word in words:
        old, equals, new = word.partition("=")
        if not (old and equals and new):
            raise UsageError(f"{option} {word!r} is not OLD=NEW")
        if made.setdefault(old, new) != new:
            raise UsageError(f"{option} names {old!r} twice")
    return made


def renaming(rules: Mapping[str, str], option: str) -> Renaming:
    """Rules by which names change.

    Raises:
        UsageError: a rule is no pattern, or its two sides have not the same number of stars.
    """
    made: list[tuple[str, Path, Path]] = []
    for old, new in rules.items():
        try:
            wanted, target = parse_path(old), parse_path(new)
            fill(target, ("",) * sum(segment == "*" for segment in wanted))
        except ValueError as error:
            if "*" in old or "*" in new:
                raise UsageError(f"{option} {old}={new}: {error}") from error
            wanted = target = ()  # only the very name is meant
        made.append((old, tuple(map(str, wanted)), target))
    return Renaming(made, dict(rules), option)


class Renaming:
    """Changes names by the first rule that fits; `unused` are the rules that fitted none so far."""

    def __init__(
        self, rules: Sequence[tuple[str, Path, Path]], plain: dict[str, str], option: str
    ) -> None:
        self.rules = rules
        self.plain = plain
        self.option = option
        self.unused = dict.fromkeys(plain)

    def __call__(self, name: str) -> str:
        """The new name, or the same."""
        if name in self.plain:
            self.unused.pop(name, None)
            return self.plain[name]
        segments = tuple(name.split("."))
        for old, wanted, target in self.rules:
            found = match(wanted, segments) if "*" in wanted else None
            if found is not None:
                self.unused.pop(old, None)
                return ".".join(map(str, fill(target, found)))
        return name

    def check(self) -> None:
        """Raises a UsageError when a rule fitted no name."""
        for old in self.unused:
            raise UsageError(
                f"{self.option}: no tensor is called {old!r}",
                help="`cfgmig checkpoint inspect --verbose` shows the names",
            )


def stripping(prefixes: Iterable[str], option: str) -> Stripping:
    """Prefixes that are taken off."""
    return Stripping(tuple(prefixes), option)


class Stripping:
    """Takes the first prefix that fits off a name; `unused` are those that fitted none so far."""

    def __init__(self, prefixes: tuple[str, ...], option: str) -> None:
        self.prefixes = prefixes
        self.option = option
        self.unused = dict.fromkeys(prefixes)

    def __call__(self, name: str) -> str:
        """The new name, or the same."""
        for prefix in self.prefixes:
            if name.startswith(prefix) and name != prefix:
                self.unused.pop(prefix, None)
                return name.removeprefix(prefix)
        return name

    def check(self) -> None:
        """Raises a UsageError when a prefix fitted no name."""
        for prefix in self.unused:
            raise UsageError(f"{self.option}: no tensor's name begins with {prefix!r}")


def collisions(new: Mapping[str, str]) -> Iterator[str]:
    """A sentence for every two old names that would have one new name."""
    from checkpoint_tools.text import quote

    seen: dict[str, str] = {}
    for old, to in new.items():
        first = seen.setdefault(to, old)
        if first != old:
            yield f"{quote(first)} and {quote(old)} would both be called {quote(to)}"
