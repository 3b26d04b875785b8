"""Brings a document from the version that it is of to another one, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Literal, NamedTuple

from cfgmig.errors import CfgmigError, Refused, UsageError

if TYPE_CHECKING:
    from cfgmig.document import Document, Edit, Note
    from cfgmig.migration.run import Outcome
    from cfgmig.paths import Path
    from cfgmig.project import Project, Source
    from cfgmig.schema.detect import Detection


class Options(NamedTuple):
    """What a user may decide about an upgrade or a downgrade.

    Args:
        to: the target version; the head when None.
        family: the family, when the file does not tell.
        version: the version the file is of, instead of detecting it.
        stamp: whether a file without a stamp gets one.
        stash: whether keys that leave the schema stay in the file as comments; without
            it a file that would lose something is refused.
        way: refuse a target that lies the other way; either is fine when None.
        prefer: of two keys that become one and differ, those to believe.
        layout: whether the stash also keeps how the file was laid out, where the way back
            would lay it out otherwise; who writes nothing can save that time.
    """

    to: str | None = None
    family: str | None = None
    version: str | None = None
    stamp: bool = True
    stash: bool = True
    way: Literal["up", "down"] | None = None
    prefer: tuple[str, ...] = ()
    layout: bool = True


class Report(NamedTuple):
    """What was found and done, for people.

    Args:
        family: the model family.
        from_version: the version that the file was of.
        to_version: the version that it is of now.
        certainty: how the version is known, in one sentence.
        grade: how well a downgrade can undo this: the worst grade of the steps.
        steps: one line per revision that was walked through.
        changes: one line per operation that changed something.
        notes: what was ambiguous and may want a look, as `line N: ...`.
    """

    family: str
    from_version: str
    to_version: str
    certainty: str
    grade: str
    steps: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Upgraded(NamedTuple):
    """A migrated document; `edits` are the only places where its text differs.

    Edits count in code points of the original text, without its byte order mark.
    """

    before: Document
    document: Document
    edits: tuple[Edit, ...]
    report: Report
    outcome: Outcome | None = None

    @property
    def text(self) -> str:
        """The new text."""
        return self.document.text

    @property
    def changed(self) -> bool:
        """Whether the new text differs from the old one."""
        return self.document.text != self.before.text

    @property
    def from_version(self) -> str:
        """The version that the file was of."""
        return self.report.from_version

    def origin(self, path: Path) -> Path | None:
        """Where a path of the new document stood in the old one; None for what is new."""
        if self.outcome is None:
            return path
        from cfgmig.migration.trace import origin

        return origin(self.outcome.effects, path)


def upgrade_text(
    text: str,
    *,
    to: str | None = None,
    family: str | None = None,
    version: str | None = None,
    name: str = "<text>",
    project: Project | None = None,
) -> Upgraded:
    """Upgrade the text of a config; reads and writes no config file.

    Args:
        text: YAML, or JSON or TOML when `name` ends in `.json` or `.toml`.
        to: the target version; the family's newest when None.
        family: the model family; detected when None.
        version: the version that the text is of; detected when None.
        name: how messages call the text.
        project: where families are looked up; the one of the current folder when None.

    Raises:
        Refused: the text is malformed or cannot be edited safely.
        UsageError: the version is unknown or ambiguous.
    """
    from cfgmig.project import find_project

    where = project or find_project(FilePath.cwd())
    return upgrade_document(text, name, where, Options(to=to, family=family, version=version))


def upgrade_document(
    content: bytes | str, name: str, project: Project, options: Options
) -> Upgraded:
    """Parse and migrate one document.

    Raises:
        Refused: it is malformed, from the future, or cannot be edited safely.
        UsageError: the version is unknown or ambiguous, or no way leads to the target.
    """
    from cfgmig.document import Document
    from cfgmig.document.source import collector_paused

    with collector_paused():
        document = Document.parse(content, name)
        source, detection, versions = identify(document, project, options)
        results = [migrate(document, source, version, detection, options) for version in versions]
    if any(result.text != results[0].text for result in results):
        detection.demand(name)
    return results[0]


def identify(
    document: Document, project: Project, options: Options
) -> tuple[Source, Detection, tuple[str, ...]]:
    """The family of a document and the version, or the versions, that it may be of.

    Raises:
        Refused: the document is from the future, or its stamp is malformed.
        UsageError: it is of no known family.
    """
    detection = detected(document, project, options)
    best = detection.best
    if best is None or detection.verdict in ("unknown", "future"):
        best = detection.demand(document.name)
    source = project.source(best.family.name)
    if options.version is not None:
        return source, detection, (source.family.version(options.version).name,)
    if detection.verdict == "ambiguous":
        same = [one.version for one in detection.rivals if one.family.name == source.name]
        if len(same) < len(detection.rivals):
            detection.demand(document.name)
        return source, detection, tuple(same)
    return source, detection, (best.version,)


def detected(document: Document, project: Project, options: Options) -> Detection:
    """What is known of a document's family and version."""
    from cfgmig.schema.detect import Candidate, Detection, detect

    if options.family is not None and options.version is not None:
        family = project.source(options.family).family
        given = Candidate(family, family.version(options.version).name, 0.0, ("you said so",))
        return Detection("detected", (given,))
    if options.family is not None:
        return detect(document, [project.source(options.family).family])
    own = [source.family for source in project.sources().values()]
    try:
        found = detect(document, own)
    except UsageError:
        # The stamp may name a family that an installed package brings.
        found = None
    if (found is not None and found.verdict != "unknown") or not project.plugins:
        return found or detect(document, own)
    return detect(document, [one.family for one in project.sources(plugins=True).values()])


def migrate(
    document: Document, source: Source, version: str, detection: Detection, options: Options
) -> Upgraded:
    """Walk a document from `version` to the target, step by step, and verify the result.

    Raises:
        Refused: a step does not fit the document, or the result would be wrong.
        UsageError: no way leads to the target.
    """
    from cfgmig.migration.plan import make_plan
    from cfgmig.migration.run import run

    family = source.family
    goal = family.version(options.to).name if options.to else family.head.name
    if options.way is not None:
        _refuse_the_other_way(document.name, source, version, goal, options.way)
    plan = make_plan(source.graph, version, goal)
    outcome = run(
        document,
        plan,
        stamp=family.stamp(goal),
        stamp_key=family.stamp_key,
        add_stamp=options.stamp,
        order=orders(source),
        stash=options.stash,
        prefer=options.prefer,
        layout=options.layout,
    )
    if plan:
        _validate(document, outcome, source, version, goal)
    report = Report(
        family.name,
        version,
        goal,
        detection.sentence,
        plan.grade.words,
        tuple(plan.describe()),
        tuple(outcome.log),
        _notes(outcome.notes),
    )
    return Upgraded(document, outcome.document, outcome.edits, report, outcome)


def _notes(notes: Iterable[Note]) -> tuple[str, ...]:
    """One line per message, with all the lines of the new text that it is about."""
    lines: dict[str, set[int]] = {}
    for note in notes:
        lines.setdefault(note.message, set()).add(note.line)
    return tuple(
        f"line{'s' * (len(where) > 1)} {', '.join(map(str, sorted(where)))}: {message}"
        for message, where in lines.items()
    )


def orders(source: Source) -> Callable[[str], Callable[[Path], tuple[str, ...]]]:
    """For each version: the keys of a section in the order of its schema."""

    @cache
    def of(version: str) -> Callable[[Path], tuple[str, ...]]:
        from cfgmig.schema.compile import compiled

        return compiled(source.family, version).order

    return of


def _refuse_the_other_way(name: str, source: Source, version: str, goal: str, way: str) -> None:
    """An upgrade never goes to an older version, nor a downgrade to a newer one."""
    graph = source.graph
    around = graph.ancestors(version) if way == "up" else graph.descendants(version)
    if goal != version and goal in around:
        other, is_ = ("downgrade", "older") if way == "up" else ("upgrade", "newer")
        raise UsageError(
            f"the file is of {source.name}/{version}, and {goal} is {is_}",
            file=name,
            help=f"run `cfgmig {other} --to {goal} {name}`",
        )


def _validate(before: Document, outcome: Outcome, source: Source, version: str, goal: str) -> None:
    """A migrated document is as valid as it was: an operation must not break it.

    Raises:
        Refused: the result has an error that the original did not have.
    """
    from cfgmig.schema.compile import compiled
    from cfgmig.schema.located import Located, locate, sentence

    def wrong(document: Document, name: str) -> list[Located]:
        return locate(compiled(source.family, name).validate(document.data), document.data)

    errors = wrong(outcome.document, goal)
    if not errors:
        return
    from cfgmig.migration.trace import came_back, origin

    known = {error.path for error in wrong(before, version)}
    for error in errors:
        old = origin(outcome.effects, error.path)
        if error.kind == "unknown" or _is_known(old, known):
            continue
        if error.kind == "missing" and _lacked(before, old):
            continue
        if came_back(outcome.effects, error.path):
            # The file said so before it was upgraded, and was no better then.
            continue
        name = ".".join(map(str, error.path))
        raise Refused(
            f"the result would not be a valid {source.name}/{goal}: {sentence(error, name)}",
            kind="verification-failed",
            file=before.name,
            line=before.position(old or ()).line,
            help="this is an error in the family's migrations; the file is untouched",
        )


def _is_known(path: Path | None, known: set[Path]) -> bool:
    """Whether the original already had an error at the path or around it."""
    return path is not None and any(path[: len(one)] == one for one in known)


def _lacked(before: Document, path: Path | None) -> bool:
    """Whether the original lacked the key as well: then `check` is who tells of it."""
    return path is not None and not before.has(path)


def refusal(error: CfgmigError, name: str) -> CfgmigError:
    """The error, told of the file that it is about."""
    if error.file is None:
        error.file = name
    return error
