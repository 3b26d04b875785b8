"""The four grades of a step, and the words that stand where a value could stand."""

from __future__ import annotations

from enum import Enum, IntEnum


class Grade(IntEnum):
    """What the way back from a step gives; a plan has the worst grade of its steps."""

    EXACT = 0
    SAME_MEANING = 1
    GUARDED = 2
    IRREVERSIBLE = 3

    @property
    def words(self) -> str:
        """The grade as a user reads it."""
        return _WORDS[self]


_WORDS = {
    Grade.EXACT: "exact",
    Grade.SAME_MEANING: "same meaning",
    Grade.GUARDED: "guarded",
    Grade.IRREVERSIBLE: "irreversible",
}


class Special(Enum):
    """Markers that no config value can be mistaken for."""

    STASH = "STASH"
    IRREVERSIBLE = "IRREVERSIBLE"
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return self.value


STASH = Special.STASH
IRREVERSIBLE = Special.IRREVERSIBLE
MISSING = Special.MISSING
MARKERS = tuple(Special)
STASH_KEY = "$cfgmig_stash"
"""Where a JSON file, which has no comments, keeps what left its schema."""
