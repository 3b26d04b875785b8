"""Which version a file is of: by its stamp, else by structure and evidence."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cfgmig.errors import CfgmigError, UsageError
from cfgmig.paths import format_path, parse_path
from cfgmig.schema.evidence import Evidence, Has, Heading, Holds, Lacks, Mentions, Named, Says
from cfgmig.schema.stamp import STAMP_KEY, read_stamp, unknown_family, unknown_version
from cfgmig.schema.structure import Shape, structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cfgmig.document import Document
    from cfgmig.schema.family import Family

Verdict = Literal["stamped", "detected", "ambiguous", "unknown", "future"]

MARGIN = 0.5
"""Scores closer than this cannot be told apart."""
FILLED = 0.4
"""Points for a version all of whose keys are in the file: less than the margin, because a
short file is no proof of an old version. It orders candidates and decides nothing."""
ENOUGH = 0.5
"""A family that knows a smaller part of the file's keys has nothing to do with it."""
MOST = 3
"""So many reasons, and candidates, are told."""
TIES = 8
"""So many tied versions are compared by their values, which means to build them."""


class Candidate(NamedTuple):
    """A version that the file might be of; reasons speak for it, doubts against it."""

    family: Family
    version: str
    score: float
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`family/version`."""
        return self.family.stamp(self.version)


class Detection(NamedTuple):
    """The verdict on one file, and the candidates, best first.

    `rivals` are the candidates that cannot be told apart when it is ambiguous; a file that
    is no mapping is not `stampable`.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...] = ()
    rivals: tuple[Candidate, ...] = ()
    error: CfgmigError | None = None
    stampable: bool = True

    @property
    def best(self) -> Candidate | None:
        """The first candidate, however uncertain."""
        return self.candidates[0] if self.candidates else None

    @property
    def certain(self) -> bool:
        """Whether the file says, or shows, one version."""
        return self.verdict in ("stamped", "detected")

    @property
    def sentence(self) -> str:
        """The verdict and its strongest reasons, in one line."""
        best = self.best
        if best is None or self.verdict in ("unknown", "future"):
            return str(self.error.message) if self.error else "of no known family"
        if self.verdict == "ambiguous":
            return f"{' or '.join(rival.name for rival in self.rivals)}: cannot be told apart"
        why = "; ".join((*best.reasons[:MOST], *best.doubts[:MOST]))
        return f"{best.name}: {why}" if why else best.name

    def demand(self, name: str) -> Candidate:
        """The one version of the file `name`.

        Raises:
            Refused: the file is from the future.
            UsageError: the version is ambiguous, or the file is of no known family.
        """
        if self.error is not None:
            raise self.error
        best = self.best
        if best is not None and self.certain:
            return best
        if best is None or self.verdict == "unknown":
            raise UsageError(
                "not a config of any known family",
                file=name,
                help=f"say what it is: {self._how('FAMILY/VERSION', name)}",
            )
        names = [rival.name for rival in self.rivals]
        raise UsageError(
            f"cannot tell {' from '.join(names)}",
            file=name,
            help=f"say which: {self._how(names[0], name)}",
        )

    def _how(self, stamp: str, name: str) -> str:
        """How a user says of what family and version the file is."""
        if self.stampable:
            return f"`cfgmig stamp {stamp} {name}`"
        family, _, version = stamp.partition("/")
        return f"`--family {family} --from-version {version}`"


def detect(document: Document, families: Sequence[Family]) -> Detection:
    """Detect the family and the version of a document.

    Raises:
        Refused: its stamp is malformed.
        UsageError: its stamp names a family or a version that does not exist.
    """
    stamped = _by_stamp(document, families)
    if stamped is not None:
        return stamped
    found = _by_keys(document, families)
    return found._replace(stampable=isinstance(document.data, dict))


def _by_keys(document: Document, families: Sequence[Family]) -> Detection:
    facts = _Facts(document)
    judged = [one for family in families for one in _judge(facts, family)]
    relevant = [one for one in judged if one.coverage >= ENOUGH]
    if not relevant:
        near = _contenders(judged, facts)[:MOST]
        return Detection("unknown", tuple(one.candidate() for one in near))
    ranked = _contenders(relevant, facts)
    tied = _tied(ranked)
    if 1 < len(tied) <= TIES:
        errors = [_value_errors(one, document.data) for one in tied]
        for one, count in zip(tied, errors, strict=True):
            one.score -= count - min(errors)
        ranked = _ranked(ranked)
        tied = _tied(ranked)
    candidates = tuple(one.candidate() for one in ranked[: max(MOST, len(tied))])
    if len(tied) == 1:
        return Detection("detected", candidates)
    return Detection("ambiguous", candidates, candidates[: len(tied)])


def _by_stamp(document: Document, families: Sequence[Family]) -> Detection | None:
    for key in dict.fromkeys([STAMP_KEY, *(family.stamp_key for family in families)]):
        stamp = read_stamp(document, key)
        if stamp is None:
            continue
        family = next((one for one in families if one.name == stamp.family), None)
        if family is None:
            raise unknown_family(document, stamp, [one.name for one in families])
        if stamp.version in family.names:
            reason = f"its stamp says {stamp}"
            return Detection("stamped", (Candidate(family, stamp.version, 100.0, (reason,)),))
        error = unknown_version(document, stamp, family)
        if isinstance(error, UsageError):
            raise error
        return Detection("future", error=error)
    return None


class _Facts:
    """What evidence is held against: looked up once per document."""

    def __init__(self, document: Document) -> None:
        self.data = document.data
        self.name = document.name.replace("\\", "/").rpartition("/")[2]
        self.heading = leading_comments(document)
        self._paths: dict[str, tuple[bool, Any]] = {}

    def find(self, path: str) -> tuple[bool, Any]:
        """Whether the path is there, and its value."""
        found = self._paths.get(path)
        if found is None:
            found = self._paths[path] = self._look_up(path)
        return found

    def all(self, path: str) -> list[Any]:
        """Every plain value at a path that may have stars."""
        from cfgmig.paths import find, get

        values = [get(self.data, one) for one in find(self.data, parse_path(path))]
        return [one for one in values if not isinstance(one, dict | list) and one is not None]

    def _look_up(self, path: str) -> tuple[bool, Any]:
        node = self.data
        for segment in parse_path(path):
            # a string has items too, but no paths
            container = node if isinstance(node, dict | list) else ()
            try:
                node = container[segment]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                return False, None
        return True, node


class _Judged:
    """A version against a file: by structure at once, by evidence when it matters."""

    def __init__(self, family: Family, bit: int, shape: Shape, score: float, hits: int) -> None:
        self.family = family
        self.version = family.versions[bit]
        self.bit = bit
        self.shape = shape
        self.score = score
        self.coverage = hits / len(shape.leaves) if shape.leaves else 0.0
        self.bound = score + sum(item.weight for item in self.version.evidence)
        self.weighed: list[tuple[float, str]] = []

    def weigh(self, facts: _Facts) -> None:
        """Let the evidence count."""
        self.weighed = [_weigh(item, facts) for item in self.version.evidence]
        self.score += sum(points for points, _ in self.weighed)

    def candidate(self) -> Candidate:
        """With everything that speaks for it and against it."""
        reasons = [sentence for points, sentence in self.weighed if points > 0]
        doubts = [sentence for points, sentence in self.weighed if points < 0]
        unknown = self.shape.unknown_to(self.bit)
        missing = self.shape.missing_for(self.bit)
        total = len(self.shape.leaves)
        if unknown:
            doubts.append(f"{len(unknown)} of its {total} keys are not known: {_some(unknown)}")
        elif total:
            reasons.append(f"all of its {total} keys are known")
        if missing:
            doubts.append(f"it lacks {len(missing)} required: {_some(missing)}")
        score = round(self.score, 3)
        return Candidate(self.family, self.version.name, score, tuple(reasons), tuple(doubts))


def _judge(facts: _Facts, family: Family) -> Iterator[_Judged]:
    known = structure(family)
    shape = known.shape(facts.data, family.stamp_key)
    leaves = Counter(mask for _, mask in shape.leaves)
    missing = Counter(mask for _, mask in shape.missing)
    for bit in range(len(family.versions)):
        flag = 1 << bit
        hits = sum([count for mask, count in leaves.items() if mask & flag])
        lacks = sum([count for mask, count in missing.items() if mask & flag])
        filled = min(1.0, hits / known.sizes[bit]) if known.sizes[bit] else 0.0
        score = FILLED * filled - (len(shape.leaves) - hits) - lacks
        yield _Judged(family, bit, shape, score, hits)


def _contenders(judged: list[_Judged], facts: _Facts) -> list[_Judged]:
    """The best few, with their evidence; the others could not reach them with all of theirs."""
    weighed: list[_Judged] = []
    for one in sorted(judged, key=lambda one: -one.bound):
        best = sorted((other.score for other in weighed), reverse=True)[:MOST]
        if len(best) == MOST and one.bound < best[-1] and one.bound <= best[0] - MARGIN:
            break
        one.weigh(facts)
        weighed.append(one)
    return _ranked(weighed)


def _ranked(judged: list[_Judged]) -> list[_Judged]:
    """Best first; of equals the newer one first."""
    return sorted(judged, key=lambda one: (-one.score, one.family.name, -one.bit))


def _tied(ranked: list[_Judged]) -> list[_Judged]:
    return [one for one in ranked if ranked[0].score - one.score < MARGIN]


def _value_errors(one: _Judged, data: Any) -> int:
    from cfgmig.schema.compile import compiled

    errors = compiled(one.family, one.version.name).validate(data)
    return sum(error.type not in ("extra_forbidden", "missing") for error in errors)


def _weigh(item: Evidence, facts: _Facts) -> tuple[float, str]:
    """Points for (positive) or against (negative) and the sentence that says so."""
    if isinstance(item, Says | Mentions):
        found, value = facts.find(item.path)
        text = as_text(value)
        if not found or isinstance(value, dict | list):
            return 0.0, ""
        if isinstance(item, Mentions):
            hit = re.search(item.regex, text)
            return (item.weight, f"`{item.path}` mentions {hit[0]!r}") if hit else (0.0, "")
        sign = 1 if re.fullmatch(item.regex, text) else -1
        return sign * item.weight, f"`{item.path}` says {text!r}"
    if isinstance(item, Has):
        is_there = facts.find(item.path)[0]
        sentence = f"it has `{item.path}`" if is_there else f"it has no `{item.path}`"
        return (item.weight if is_there else -item.weight), sentence
    if isinstance(item, Holds):
        return _weigh_kind(item, facts)
    if isinstance(item, Lacks):
        is_there = facts.find(item.path)[0]
        return (-item.weight, f"it has `{item.path}`") if is_there else (0.0, "")
    if isinstance(item, Heading | Named):
        where, text = _prose(item, facts)
        hit = re.search(item.regex, text)
        return (item.weight, f"{where} {hit[0]!r}") if hit else (0.0, "")
    raise UsageError(f"unknown kind of evidence: {item!r}")


def _weigh_kind(item: Holds, facts: _Facts) -> tuple[float, str]:
    values = facts.all(item.path)
    if not values:
        return 0.0, ""
    kind = str if item.kind == "text" else (int, float)
    if any(isinstance(value, kind) and not isinstance(value, bool) for value in values):
        return item.weight, f"`{item.path}` holds a {item.kind}"
    return -item.weight, f"`{item.path}` holds no {item.kind}"


def _prose(item: Heading | Named, facts: _Facts) -> tuple[str, str]:
    if isinstance(item, Named):
        return "its name has", facts.name
    return "its first comments say", facts.heading


def as_text(value: Any) -> str:
    """A value as evidence sees it: `true`, `null`, `5.1`, or the string itself."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def leading_comments(document: Document) -> str:
    """The comments above the first key, one per line."""
    lines = document.text.count("\n") + 2
    data = document.data
    if isinstance(data, dict) and data:
        lines = document.position((str(next(iter(data))),)).line
    return "\n".join(one.text for one in document.comments() if one.line < lines)


def _some(paths: list[Any], most: int = 4) -> str:
    names = [format_path(path) for path in paths[:most]]
    return ", ".join(names) + (", ..." if len(paths) > most else "")
