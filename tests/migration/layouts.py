"""Random configs with comments, blank lines and braces, and random ways up for them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from cfgmig.migration import STASH, Add, Convert, Move, Not, Operation, Regroup, Remove, Scale
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.on_data import apply
from cfgmig.migration.revision import Revision
from cfgmig.migration.site import Site
from cfgmig.paths import Path as Keys
from cfgmig.paths import find, format_path, get, has

NAMES = "lr seed width model loss steps alpha beta gamma data".split()  # noqa: SIM905
LEAVES = ["1", "0.5", "7", "true", "adam", "runs/a", "[1, 2]", "'x y'", "null"]


class Writer:
    """Writes one config of two or three levels."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.plain = rng.random() < 0.2
        self.flow = rng.choice([0.0, 0.25, 0.8])

    def text(self) -> str:
        rng = self.rng
        if not self.plain and rng.random() < 0.3:
            self.lines += ["# header", *([""] if rng.random() < 0.5 else [])]
        for key in rng.sample(NAMES, rng.randint(2, 7)):
            self.gap("")
            if rng.random() < 0.35:
                self.section(key)
            else:
                self.lines.append(f"{key}: {rng.choice(LEAVES)}{self.trail()}")
        if not self.plain and rng.random() < 0.2:
            self.lines += ["", "# footer"]
        return "\n".join(self.lines) + "\n"

    def gap(self, pad: str) -> None:
        roll = 1.0 if self.plain else self.rng.random()
        if roll < 0.15:
            self.lines.append("")
        if roll < 0.3:
            self.lines.append(f"{pad}# about {self.rng.randrange(999)}")
        elif roll < 0.36:
            self.lines += ["", f"{pad}# title {self.rng.randrange(999)}"]
        elif roll < 0.4:
            self.lines.append(f"{pad}# === banner {self.rng.randrange(99)} ===")
        elif roll < 0.43:
            self.lines.append(f"{pad}# opt: {self.rng.randrange(99)}")
        elif roll < 0.45:
            self.lines.append(f"{pad}  # deeper {self.rng.randrange(99)}")

    def trail(self) -> str:
        noted = not self.plain and self.rng.random() < 0.25
        return f"  # note {self.rng.randrange(99)}" if noted else ""

    def section(self, key: str) -> None:
        rng = self.rng
        names = rng.sample(NAMES, rng.randint(1, 4))
        if rng.random() < self.flow:
            comma = rng.choice([", ", ",  ", " ,  "])
            body = comma.join(f"{name}: {rng.choice(LEAVES)}" for name in names)
            if rng.random() < 0.2:
                body = "\n    " + body.replace(comma, ",\n    ") + "\n  "
            self.lines.append(f"{key}: {{{body}}}{self.trail()}")
            return
        self.lines.append(f"{key}:{self.trail()}")
        for name in names:
            self.gap("  ")
            if rng.random() < 0.15:
                self.lines += [f"  {name}:", f"    inner: {rng.choice(LEAVES)}{self.trail()}"]
            else:
                self.lines.append(f"  {name}: {rng.choice(LEAVES)}{self.trail()}")


def _leaves(data: Any) -> list[Keys]:
    found = [*find(data, ("*",)), *find(data, ("*", "*"))]
    return [path for path in found if all(isinstance(part, str) for part in path)]


def _word(rng: Random, data: Any) -> Operation:
    path = rng.choice(_leaves(data))
    there, value = format_path(path), get(data, path)
    words: list[Operation] = [Remove(there, STASH), Remove(there, value)]
    odd = f"{rng.choice(NAMES)}.{rng.choice(NAMES)}"
    for goal in (
        "new",
        "fresh.deep",
        f"{path[0]}_2",
        "model.fresh.deeper",
        f"{path[0]}.moved",
        odd,
    ):
        if _is_free(data, tuple(goal.split(".")), path):
            words += [Move(there, goal), Add(goal, rng.choice([1, "x", {"a": 1, "b": 2}]))]
    if isinstance(value, bool):
        words.append(Convert(there, Not()))
    elif isinstance(value, int | float):
        words.append(Convert(there, Scale(3)))
    return rng.choice(words)


def _is_free(data: Any, path: Keys, source: Keys) -> bool:
    above = [path[:depth] for depth in range(1, len(path))]
    emptied = len(source) > 1 and source[:-1] in above and len(get(data, source[:-1])) == 1
    return (
        not has(data, path)
        and source not in above
        and not emptied
        and all(not has(data, one) or isinstance(get(data, one), dict) for one in above)
    )


def _regroup(rng: Random, data: Any) -> list[Operation]:
    free = [name for name in ("net", "train", "data2") if name not in data]
    keys = [key for key in data if rng.random() < 0.8]
    if not free or not keys:
        return []
    rest = rng.choice([None, "extra"])
    table = {key: f"{rng.choice(free)}.{key}" for key in keys}
    return [] if rest in data else [Regroup(table, rest=rest)]


def way_up(rng: Random, data: Any) -> RevisionGraph:
    """Up to three revisions that fit `data`; the first version is "1"."""
    revisions, site = [], Site()
    for number in range(1, rng.randint(2, 4)):
        site.origin, site.goal = str(number), str(number + 1)
        gone: set[str] = set()  # a stash tells two of one name in one step not apart
        words = _regroup(rng, data) if rng.random() < 0.25 else []
        data = apply(words, data, site=site)
        for _ in range(rng.randint(0, 3)):
            if _leaves(data):
                word = _word(rng, data)
                if isinstance(word, Remove) and word.path in gone:
                    continue
                gone.update([word.path] if isinstance(word, Remove) else [])
                words = [*words, word]
                data = apply([word], data, site=site)
        file = Path(f"{number:04}_x.py")
        revisions.append(Revision(site.goal, site.origin, "S.", tuple(words), [], file))
    return RevisionGraph("demo", revisions)
