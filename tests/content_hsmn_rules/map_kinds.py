"""The three ways in which a fact about the family has its place."""

from __future__ import annotations

from typing import NamedTuple

V1, V2, V3, V4, V6 = "flat-v1", "flat-v2", "flat-v3", "flat-v4", "flat-v6"


class Proof(NamedTuple):
    """The code that speaks of `bad` and not of `good`, read as `version` of `family`."""

    code: str
    bad: str
    good: str
    version: str = "5"
    suffix: str = ".yaml"
    family: str = "hsmn"


def on(
    code: str, text: str, bad: str, good: str, version: str = "5", suffix: str = ".yaml"
) -> Proof:
    """A proof of which the files differ at the @ of their text."""
    return Proof(
        code, text.replace("@", bad) + "\n", text.replace("@", good) + "\n", version, suffix
    )


class Held(NamedTuple):
    """Where code keeps to it, `module:name`, and the test that feeds the wrong thing."""

    place: str
    test: str


class Step(NamedTuple):
    """The revision that does it, and the test that shows it."""

    revision: str
    test: str


class Reason(NamedTuple):
    """Why there is nothing to check."""

    why: str
