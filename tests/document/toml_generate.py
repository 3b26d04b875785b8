"""Random TOML documents, spelled oddly, and the data that they say."""

from __future__ import annotations

import datetime
import json
from random import Random
from typing import Any

WORDS = ["alpha", "beta", "lr", "dim", "model", "name", "steps", "x1", "decay", "a b", "é", "1"]
DATE = datetime.date(2024, 1, 31)
STRINGS = [
    "",
    "adam",
    "two words",
    "it's",
    'say "so"',
    "C:\\x",
    "# no",
    "line\nbreak",
    "a = 1",
    "[t]",
]


def value(rng: Random, depth: int = 0) -> Any:
    """A random value that is no table."""
    roll = rng.randrange(9 if depth < 2 else 6)
    if roll < 2:
        return rng.choice([0, -3, 1000, 255, 12345678])
    if roll == 2:
        return rng.choice([0.5, 1e-4, -2.0, float("inf"), 1e22])
    if roll == 3:
        return rng.random() < 0.5
    if roll == 4:
        return rng.choice(STRINGS)
    if roll == 5:
        return rng.choice([DATE, datetime.datetime(2024, 1, 31, 7, 32), datetime.time(7, 32)])
    if roll == 6:
        return {name: value(rng, depth + 1) for name in rng.sample(WORDS, rng.randrange(3))}
    return [value(rng, depth + 1) for _ in range(rng.randrange(4))]


def table(rng: Random, depth: int = 0) -> dict[str, Any]:
    """A random table; lists of tables become `[[...]]` or not."""
    out: dict[str, Any] = {}
    for name in rng.sample(WORDS, rng.randint(1 if depth else 2, 5)):
        roll = rng.random()
        if depth < 3 and roll < 0.35:
            out[name] = table(rng, depth + 1)
        elif depth < 2 and roll < 0.43:
            out[name] = [table(rng, depth + 2) for _ in range(rng.randint(1, 3))]
        else:
            out[name] = value(rng)
    return out


class Writer:
    """Writes one document."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.pads = rng.random() < 0.2
        self.count = 0

    def text(self, data: dict[str, Any]) -> str:
        """The whole text."""
        rng = self.rng
        if rng.random() < 0.3:
            self.lines += ["# header of the file", *rng.choice([[], [""]])]
        self.body(data, ())
        if rng.random() < 0.3:
            self.lines += ["", "# trailing words"]
        eol = "\r\n" if rng.random() < 0.15 else "\n"
        text = eol.join(self.lines) + (eol if rng.random() < 0.85 else "")
        return ("\ufeff" if rng.random() < 0.05 else "") + text

    def body(self, data: dict[str, Any], path: tuple[str, ...], bare: bool = False) -> None:
        """The statements of a table, then the tables in it, each below a header.

        A `bare` table has no header of its own, so all of it goes below others.
        """
        later = []
        for name, one in data.items():
            tables = isinstance(one, list) and one and all(isinstance(x, dict) for x in one)
            roll = self.rng.random()
            if bare:
                later.append((name, one))
            elif isinstance(one, dict) and one and roll < 0.15:
                self.dotted((name,), one, path)
            elif (isinstance(one, dict) or tables) and (roll < 0.8 or not one):
                later.append((name, one))
            else:
                self.statement((name,), one, path)
        for name, one in later:
            inner = (*path, name)
            for item in one if isinstance(one, list) else [one]:
                if isinstance(one, dict) and self._needs_none(one):
                    self.body(one, inner, bare=True)
                    continue
                self.gap("")
                head = self.key(inner)
                pad = "  " * len(path) if self.pads else ""
                head = f"[[{head}]]" if isinstance(one, list) else f"[{head}]"
                self.lines.append(f"{pad}{head}{self.trail()}")
                self.body(item, inner)

    def _needs_none(self, data: dict[str, Any]) -> bool:
        """Whether a table may go without a header: the tables in it imply it."""
        return (
            bool(data)
            and all(isinstance(one, dict) and one for one in data.values())
            and self.rng.random() < 0.5
        )

    def dotted(self, keys: tuple[str, ...], data: dict[str, Any], path: tuple[str, ...]) -> None:
        """A table by dotted keys."""
        for name, one in data.items():
            if isinstance(one, dict) and one and self.rng.random() < 0.7:
                self.dotted((*keys, name), one, path)
            else:
                self.statement((*keys, name), one, path)

    def statement(self, keys: tuple[str, ...], one: Any, path: tuple[str, ...]) -> None:
        """One key with its value."""
        pad = "  " * len(path) if self.pads else ""
        self.gap(pad)
        equals = self.rng.choice([" = ", " = ", "=", "  =\t"])
        self.lines += f"{pad}{self.key(keys)}{equals}{self.spell(one)}{self.trail()}".split("\n")

    def gap(self, pad: str) -> None:
        """Blank lines and comments between two entries."""
        rng = self.rng
        self.count += 1
        roll = rng.random()
        if roll < 0.2:
            self.lines.append("")
        elif roll < 0.35:
            self.lines.append(f"{pad}# about {self.count}")
        elif roll < 0.42:
            self.lines += ["", f"{pad}# === title {self.count} ==="]
        elif roll < 0.48:
            self.lines.append(f"{pad}# option{self.count} = {rng.randrange(9)}")
        elif roll < 0.52:
            self.lines += [f"{pad}# loose {self.count}", ""]

    def trail(self) -> str:
        """Maybe a trailing comment."""
        self.count += 1
        return f"  # note {self.count}" if self.rng.random() < 0.2 else ""

    def key(self, keys: tuple[str, ...]) -> str:
        """A dotted key."""
        return self.rng.choice([".", ".", ".", " . "]).join(map(self.segment, keys))

    def segment(self, name: str) -> str:
        """One segment of a key."""
        if name.isascii() and name.replace("_", "").isalnum() and self.rng.random() < 0.9:
            return name
        return self.rng.choice([f"'{name}'", json.dumps(name, ensure_ascii=False)])

    def spell(self, one: Any) -> str:
        """A value as text, one of many ways."""
        rng = self.rng
        if isinstance(one, bool):
            return str(one).lower()
        if isinstance(one, int):
            odd = [f"{one:_}"] + ([hex(one), oct(one), bin(one), f"+{one}"] if one >= 0 else [])
            return rng.choice([str(one), *odd])
        if isinstance(one, float):
            return repr(one)
        if isinstance(one, str):
            return self.quoted(one)
        if isinstance(one, dict):
            pairs = [f"{self.segment(name)} = {self.spell_flat(x)}" for name, x in one.items()]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(one, list):
            return self.array(one)
        text = str(one.isoformat())
        return text.replace("T", " ") if rng.random() < 0.3 else text

    def spell_flat(self, one: Any) -> str:
        """A value without a line end, as braces want it."""
        while True:
            text = self.spell(one)
            if "\n" not in text:
                return text

    def quoted(self, text: str) -> str:
        """A string in one of four quotes."""
        ways = [json.dumps(text, ensure_ascii=False)] * 3
        if "'" not in text and "\n" not in text:
            ways.append(f"'{text}'")
        if "'" not in text:
            ways.append(f"'''\n{text}'''")
        if "\\" not in text and '"' not in text:
            ways.append(f'"""{text}"""')
        return self.rng.choice(ways)

    def array(self, one: list[Any]) -> str:
        """An array on one line or on many, with comments between."""
        items = [self.spell(item) for item in one]
        if self.rng.random() < 0.6 or not items:
            return "[" + self.rng.choice([", ", ","]).join(items) + "]"
        self.count += 1
        last = self.rng.choice(["", ","])
        note = self.rng.choice(["", f"  # item {self.count}"])
        return "[\n    " + ",\n    ".join(items) + f"{last}{note}\n]"


def document(rng: Random) -> tuple[str, dict[str, Any]]:
    """A random text, and what it says."""
    data = table(rng)
    return Writer(rng).text(data), data
