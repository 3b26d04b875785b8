"""The standard tests of a project's content, for `cfgmig test` and for pytest.

In a test file of your project:

    from cfgmig.testing import project_tests

    test_content = project_tests(__file__)
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfgmig.errors import CfgmigError
from cfgmig.project import Project, Source, find_project

if TYPE_CHECKING:
    from cfgmig.document import Document
    from cfgmig.migration import Operation
    from cfgmig.schema import Example, Rule
    from cfgmig.upgrading import Upgraded

EXAMPLES = tuple(f"examples/**/*.{ending}" for ending in ("yaml", "yml", "json", "toml"))


class ContentError(AssertionError):
    """A project's content breaks one of the standard tests."""


@dataclass(frozen=True)
class Case:
    """One test: a name for reports and a function that raises when it fails."""

    name: str
    run: Callable[[], None]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ExampleFile:
    """An example config of the project, and the version that it is of."""

    path: Path
    document: Document
    version: str


def project_tests(file: str) -> Callable[[Case], None]:
    """A pytest test with one case per standard test of the project around `file`."""
    import pytest

    cases = list(standard_tests(find_project(Path(file))))

    @pytest.mark.parametrize("case", cases, ids=str)
    def test_content(case: Case) -> None:
        case.run()

    function: Callable[[Case], None] = test_content
    return function


def standard_tests(project: Project, families: Sequence[str] = ()) -> Iterator[Case]:
    """Every standard test of the project's own families."""
    for name, source in project.own.items():
        if families and name not in families:
            continue
        yield Case(f"{name}: one head", partial(one_head, source))
        for revision in source.graph.revisions:
            yield Case(
                f"{name}: {revision.path.stem} explains the schemas",
                partial(explains, source, revision),
            )
        examples = example_files(project, source)
        for example in examples:
            place = example.path.relative_to(project.root)
            yield Case(
                f"{name}: {place} goes up and down without a trace",
                partial(no_trace, source, example),
            )
        yield Case(
            f"{name}: every operation fires",
            partial(operations_fire, source, examples),
        )
        for rule in source.family.load_rules():
            yield Case(
                f"{name}: rule {rule.code} keeps its word",
                partial(rule_fires, source, rule),
            )


def example_files(project: Project, source: Source) -> list[ExampleFile]:
    """The project's example configs of one family: `examples` in `[tool.cfgmig]`."""
    from cfgmig.document import Document
    from cfgmig.schema.detect import detect

    found = []
    patterns = project.settings.get("examples", EXAMPLES)
    for path in sorted({path for pattern in patterns for path in project.root.glob(pattern)}):
        document = Document.parse(path.read_bytes(), str(path))
        detection = detect(document, [one.family for one in project.own.values()])
        best = detection.best
        if best is not None and best.family.name == source.name and detection.certain:
            found.append(ExampleFile(path, document, best.version))
    return found


def one_head(source: Source) -> None:
    """The revisions end in one version: the head that the family declares."""
    head = source.family.head.name
    heads = source.graph.heads
    if heads != (head,) and source.graph.revisions:
        raise ContentError(
            f"family {source.name}: the schemas end in {head}, the revisions in {', '.join(heads)}"
        )
    unknown = set(source.graph.versions) ^ set(source.family.names)
    if unknown and source.graph.revisions:
        raise ContentError(
            f"family {source.name}: not both a schema and a revision: {', '.join(sorted(unknown))}"
        )


def explains(source: Source, revision: Any) -> None:
    """A revision's operations explain exactly how one version's schema became the next."""
    from cfgmig.migration.on_fields import unexplained
    from cfgmig.schema.compile import compiled

    if revision.revises is None:
        return
    before = compiled(source.family, revision.revises).fields
    after = compiled(source.family, revision.revision).fields
    left = unexplained(revision.config, before, after)
    if left:
        lines = [
            f"  {one.path}: {one.message}" + (f" ({one.help})" * bool(one.help)) for one in left
        ]
        raise ContentError(f"{revision.path}: not explained:\n" + "\n".join(lines))


def no_trace(source: Source, example: ExampleFile) -> None:
    """An example upgraded to the head and taken back means what it meant, comments included."""
    down = _down(source, example)
    before, after = example.document, down
    if after.data != before.data:
        raise ContentError(f"{example.path}: means something else after up and down")
    lost = _texts(before) - _texts(after)
    if lost:
        raise ContentError(f"{example.path}: comments lost after up and down: {sorted(lost)}")


def _down(source: Source, example: ExampleFile) -> Document:
    head = source.family.head.name
    stamped = example.document.has((source.family.stamp_key,))
    up = _migrated(source, example.document, example.version, head, stamp=stamped)
    return _migrated(source, up.document, head, example.version, stamp=stamped).document


def _migrated(
    source: Source, document: Document, version: str, goal: str, *, stamp: bool = True
) -> Upgraded:
    """A document that is known to be of `version`, brought to `goal`."""
    from cfgmig.schema.detect import Candidate, Detection
    from cfgmig.upgrading import Options, migrate

    known = Detection("detected", (Candidate(source.family, version, 0.0),))
    return migrate(document, source, version, known, Options(to=goal, stamp=stamp))


def _texts(document: Document) -> set[str]:
    return {comment.text.strip() for comment in document.comments()}


def operations_fire(source: Source, examples: Sequence[ExampleFile]) -> None:
    """Every operation of every revision does something to some example."""
    fired: set[tuple[str, str]] = set()
    for example in examples:
        done = _migrated(source, example.document, example.version, source.family.head.name)
        if done.outcome is not None:
            fired |= {(one.revision, one.operation) for one in done.outcome.fired}
    idle = [
        f"  {revision.path.name}: {operation.describe()}"
        for revision in source.graph.revisions
        for operation in revision.config
        if not _is_silent(operation) and (revision.path.stem, operation.describe()) not in fired
    ]
    if idle:
        raise ContentError(
            f"family {source.name}: no example makes these operations do anything:\n"
            + "\n".join(idle)
        )


def _is_silent(operation: Operation) -> bool:
    """Whether an operation never changes a text on the way up, by its own words."""
    from cfgmig.migration.grade import MISSING
    from cfgmig.migration.operations import Add, Default

    if isinstance(operation, Default):
        return operation.value is MISSING
    return isinstance(operation, Add) and operation.implicit


def rule_fires(source: Source, rule: Rule) -> None:
    """A rule reports each of its invalid examples and none of the valid ones."""
    for example in rule.invalid:
        if not _problems(source, rule, example):
            raise ContentError(f"{rule.code} does not report:\n{example.text}")
    for example in rule.valid:
        if _problems(source, rule, example):
            raise ContentError(f"{rule.code} reports a valid example:\n{example.text}")
    if not rule.invalid or not rule.valid:
        raise ContentError(f"{rule.code} needs at least one valid and one invalid example")


def _problems(source: Source, rule: Rule, example: Example) -> list[Any]:
    from cfgmig.document import Document
    from cfgmig.schema.engine import check_document

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in example.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()
        document = Document.parse(example.text, str(folder / "example.yaml"))
        version = example.version or rule.until or source.family.head.name
        return check_document(document, source.family, version, root=folder, rules=[rule])


def failures(cases: Sequence[Case]) -> Iterator[tuple[Case, str | None]]:
    """Run the cases; each with the reason of its failure, or None."""
    for case in cases:
        try:
            case.run()
        except (ContentError, CfgmigError) as error:
            yield case, str(error)
        else:
            yield case, None
