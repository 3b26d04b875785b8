"""Writes `text.txt`: reports of a harbour, by a context-free grammar and a seed.

The text is made, not collected, so it is free to use and the same everywhere:
`python -m examples.hsmn.data.grammar` writes it again, byte for byte.

A symbol in braces is replaced by one of its alternatives, each as likely as the next, until
none is left. Only `random.Random.random` is drawn from, whose numbers do not change between
versions of Python.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

SEED = 20251229
PARAGRAPHS = 180
FILE = Path(__file__).with_name("text.txt")

GRAMMAR: dict[str, tuple[str, ...]] = {
    "sentence": (
        "{When} {the_ship} {arrived} {from_port} with {cargo} and {cargo}.",
        "{The_person} {wrote} that {the_ship} {was_state}.",
        "{When} {the_person} {worked} {at_place} until {time}.",
        "{The_person} and {the_person} {worked} {at_place}, because {reason}.",
        "The price of {cargo} {moved} to {number} {coins} {unit}.",
        "If {reason}, {the_person} will {plan} before {time}.",
        "{There} {at_place} {the_person} found {number} {things}, {quality} and {quality}.",
        "No {thing} was {done} {at_place} while {reason}.",
        "{The_ship} left for {port} with {number} {things} on deck; {the_person} {worked} on.",
    ),
    "When": ("{when_start} {weekday}", "At {time}", "Before {time}", "On {weekday} {part}"),
    "when_start": ("Early on", "Late on", "Only on", "Again on"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "part": ("morning", "afternoon", "evening", "night"),
    "time": ("noon", "dawn", "dusk", "midnight", "{number} o'clock", "the {part} tide"),
    "the_ship": ("the {quality} {vessel}", "the {vessel} {name}", "the {name}"),
    "The_ship": ("The {quality} {vessel}", "The {vessel} {name}", "The {name}"),
    "vessel": ("barge", "schooner", "ferry", "tug", "trawler", "cutter", "steamer", "lighter"),
    "name": ("Albatross", "Meridian", "Winter Rose", "Constance", "Halcyon", "Petrel", "Juniper"),
    "arrived": ("arrived", "came in", "was towed in", "returned", "was seen", "put in"),
    "from_port": ("from {port}", "from {port} by way of {port}", "without a pilot from {port}"),
    "port": ("Aldermouth", "Brackwater", "Carrow", "Dunhaven", "Eastlock", "Fenwick", "Greyholm"),
    "cargo": (
        "{number} {unit_plural} of {good}", "{good}", "{quality} {good}", "a load of {good}",
    ),
    "good": (
        "salt", "timber", "copper", "grain", "wool", "lamp oil", "slate", "cider", "hemp",
        "glass", "tar", "dried fish", "paper", "indigo",
    ),
    "unit": ("a barrel", "a crate", "a sack", "a ton", "a bale"),
    "unit_plural": ("barrels", "crates", "sacks", "tons", "bales"),
    "the_person": ("the {role}", "the {quality} {role}", "{first}", "{first}, the {role},"),
    "The_person": ("The {role}", "The {quality} {role}", "{first}", "{first}, the {role},"),
    "role": (
        "harbour master", "pilot", "clerk", "carpenter", "keeper of the light", "cook",
        "customs officer", "rope maker", "physician", "youngest sailor",
    ),
    "first": ("Agnes", "Bertram", "Cecily", "Duncan", "Edith", "Florian", "Gudrun", "Hector"),
    "wrote": ("wrote", "said", "reported", "denied", "repeated", "could not believe"),
    "was_state": (
        "was overdue by {number} days", "had lost {number} {things}", "needed a new {thing}",
        "was {done} at {port}", "carried {cargo}", "would never reach {port}",
    ),
    "worked": (
        "worked", "waited", "counted {things}", "mended a {thing}", "slept", "argued over {good}",
        "looked for a {thing}", "wrote letters to {first}",
    ),
    "at_place": (
        "at the {place}", "behind the {place}", "near the {quality} {place}", "in the {place}",
    ),
    "place": ("customs house", "dry dock", "north quay", "rope walk", "tavern", "light", "market"),
    "reason": (
        "the {part} was {weather}", "{the_ship} {was_state}", "nobody had {done} the {thing}",
        "{good} was scarce in {port}", "{number} {things} were missing",
    ),
    "weather": ("calm", "foggy", "too cold for paint", "wet", "clear as glass", "stormy"),
    "There": ("There", "That {part}", "To everyone's surprise,", "As in other years,"),
    "thing": ("anchor", "chain", "lantern", "mast", "net", "oar", "pump", "rudder", "sail"),
    "things": ("anchors", "chains", "lanterns", "nets", "oars", "pumps", "sails", "keys", "maps"),
    "quality": (
        "old", "heavy", "narrow", "quiet", "red", "patched", "half-finished", "borrowed",
        "well-known", "crooked", "patient",
    ),
    "done": ("painted", "sold", "repaired", "weighed", "inspected", "unloaded", "forgotten"),
    "plan": (
        "repair the {thing}", "sail to {port}", "sell {good}", "ask {first}", "close the books",
    ),
    "moved": ("rose", "fell", "went back", "jumped", "sank slowly"),
    "coins": ("shillings", "crowns", "marks", "florins"),
    "number": (
        "two", "three", "four", "five", "seven", "eleven", "twelve", "nineteen", "twenty-six",
        "forty", "sixty-three", "ninety", "a hundred",
    ),
}  # fmt: skip

_SYMBOL = re.compile(r"\{(\w+)\}")


def sentence(drawn: Random) -> str:
    """One sentence of the grammar."""
    text = "{sentence}"
    while found := _SYMBOL.search(text):
        choices = GRAMMAR[found[1]]
        chosen = choices[int(drawn.random() * len(choices))]
        text = text[: found.start()] + chosen + text[found.end() :]
    return text.replace(",,", ",").replace(",.", ".").replace(", and", " and")


def text(paragraphs: int = PARAGRAPHS, seed: int = SEED) -> str:
    """Paragraphs of three to six sentences, a blank line between them."""
    drawn = Random(seed)
    parts = []
    for _ in range(paragraphs):
        count = 3 + int(drawn.random() * 4)
        parts.append(" ".join(sentence(drawn) for _ in range(count)))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
