"""What will be done to a config of one version to make it one of another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from cfgmig.migration.grade import Grade
from cfgmig.migration.graph import RevisionGraph
from cfgmig.migration.operations import Operation
from cfgmig.migration.revision import Revision


@dataclass(frozen=True)
class Step:
    """One revision, in one direction."""

    revision: Revision
    up: bool

    @property
    def origin(self) -> str:
        """The version that it starts from."""
        return str(self.revision.revises) if self.up else self.revision.revision

    @property
    def goal(self) -> str:
        """The version that it leads to."""
        return self.revision.revision if self.up else str(self.revision.revises)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """What happens to the config, in order."""
        return self.revision.operations(up=self.up)

    @cached_property
    def grade(self) -> Grade:
        """The worst grade of its operations."""
        return self.revision.grade if self.up else self.revision.down_grade

    def describe(self) -> list[str]:
        """One sentence for each operation."""
        return [operation.describe() for operation in self.operations]


@dataclass(frozen=True)
class Plan:
    """The steps from `origin` to `goal`; without steps there is nothing to do."""

    family: str
    origin: str
    goal: str
    steps: tuple[Step, ...]

    @cached_property
    def grade(self) -> Grade:
        """The worst grade of its steps."""
        return max((step.grade for step in self.steps), default=Grade.EXACT)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def describe(self) -> list[str]:
        """One line for each step, with its grade and the revision's sentence."""
        return [
            f"{step.origin} -> {step.goal} ({step.grade.words}): {step.revision.summary}"
            if step.up
            else f"{step.origin} -> {step.goal} ({step.grade.words}): takes back: "
            f"{step.revision.summary}"
            for step in self.steps
        ]


@lru_cache(maxsize=128)
def make_plan(graph: RevisionGraph, origin: str, goal: str) -> Plan:
    """The plan from one version to another.

    Raises:
        UsageError: no way leads there, or more than one.
    """
    steps = tuple(Step(revision, up) for revision, up in graph.path(origin, goal))
    return Plan(graph.family, origin, goal, steps)
