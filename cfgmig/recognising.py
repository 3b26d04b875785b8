"""What a checkpoint is: its family, layout and version, with evidence and with doubts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import CfgmigError
from cfgmig.schema.solving import Identified, Match, identify
from cfgmig.states import STAMP
from cfgmig.weighing import differences

if TYPE_CHECKING:
    from cfgmig.project import Project
    from cfgmig.schema.layout import Layout, Layouts
    from cfgmig.states import State

CONFIGS = ("config", "cfg", "hparams", "hyper_parameters", "args", "run_config")
"""Keys under which trainers keep the config that a file was trained with."""
LARGEST = 1 << 18
"""Characters of JSON; a text beyond this is no config."""


class Inside(NamedTuple):
    """The config that a checkpoint holds.

    Attributes:
        key: where it is.
        data: the config.
        name: `family/version`, or several of them; empty when it is of no known family.
        sentence: how that is known, or why not.
        certain: whether it is one version.
    """

    key: str
    data: Mapping[str, Any]
    name: str
    sentence: str
    certain: bool


class Recognised(NamedTuple):
    """What was found out about one state dict and what lies beside it.

    Attributes:
        identified: the layouts by how well the tensors fit.
        versions: those that may have written it, oldest first; one when it is settled.
        evidence: why, in sentences.
        doubts: what speaks against it.
        inside: the config in the file.
        order: all versions of the family, oldest first.
    """

    identified: Identified
    versions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    inside: Inside | None = None
    order: tuple[str, ...] = ()

    @property
    def match(self) -> Match | None:
        """The layout that fits, as far as it fits; None when none does."""
        return self.identified.best

    @property
    def family(self) -> str:
        """The family's name; empty when it is unknown."""
        return self.match.layout.family if self.match else ""

    @property
    def certain(self) -> bool:
        """Whether the layout fits exactly and one version is left."""
        return self.identified.verdict == "certain" and len(self.versions) == 1

    @property
    def title(self) -> str:
        """Family and versions in one line."""
        if self.match is None:
            return "of no known family"
        if self.identified.verdict == "tie":
            names = [f"{tie.layout.family} {tie.layout.name}" for tie in self.identified.ties]
            return f"{' or '.join(names)}: cannot be told apart"
        said = {"certain": "", "likely": " (nearly)"}[self.identified.verdict]
        return f"{self.family} {span(self.versions, self.order)}{said}"


def recognise(state: State | None, metadata: Mapping[str, Any], project: Project) -> Recognised:
    """Tell what a state dict is by its shapes, the keys beside it and the config inside."""
    declared = declarations(project)
    layouts = [layout for one in declared.values() for layout in one.layouts]
    found = identify(layouts, state.shapes) if state is not None else Identified("unknown")
    inside = config_inside(metadata, project, declared)
    best = found.best
    if best is None:
        return Recognised(found, inside=inside)
    if found.verdict == "tie":
        return Recognised(found, evidence=best.evidence, inside=inside)
    evidence, doubts = list(best.evidence), list(best.doubts)
    order = project.source(best.layout.family).family.names
    versions = _stamped(best, metadata, evidence, doubts)
    if not versions:
        versions = _traced(best, order, metadata, evidence, doubts)
        versions = _told(best.layout, versions, inside, evidence, doubts)
    if inside is not None:
        doubts += _disagreements(best, inside, project, declared)
    return Recognised(found, versions, tuple(evidence), tuple(doubts), inside, order)


def declarations(project: Project) -> dict[str, Layouts]:
    """What every family of the project declares about its weights."""
    found = {name: source.family.load_layouts() for name, source in project.sources().items()}
    return {name: layouts for name, layouts in found.items() if layouts is not None}


def span(versions: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Versions as people write them: `5.11.11 to 5.12.5` for a gapless run of `known`."""
    if not versions:
        return "of an unknown version"
    first = known.index(versions[0])
    if len(versions) > 2 and known[first : first + len(versions)] == versions:
        return f"{versions[0]} to {versions[-1]}"
    return " or ".join(versions)


def config_inside(
    metadata: Mapping[str, Any], project: Project, declared: Mapping[str, Layouts]
) -> Inside | None:
    """The config that a file holds, and what it is of."""
    keys = [key for layouts in declared.values() for key in layouts.configs]
    for key in dict.fromkeys([*keys, *CONFIGS]):
        data = metadata.get(key)
        if isinstance(data, dict) and data:
            name, sentence, certain = _detect(data, key, project)
            return Inside(key, data, name, sentence, certain)
    return None


def _detect(data: Mapping[str, Any], key: str, project: Project) -> tuple[str, str, bool]:
    from cfgmig.document import Document
    from cfgmig.upgrading import Options, detected

    text = json.dumps(plain(data))
    if len(text) > LARGEST:
        return "", "it is too large to be one", False
    try:
        document = Document.parse(text, key, "json")
        found = detected(document, project, Options())
    except CfgmigError as error:
        return "", error.message, False
    if found.best is None or found.verdict in ("unknown", "future"):
        return "", found.sentence, False
    name = " or ".join(rival.name for rival in found.rivals) or found.best.name
    return name, found.sentence, found.certain


def plain(value: Any) -> Any:
    """The same tree with numbers that JSON has no word for written as text."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _stamped(
    best: Match, metadata: Mapping[str, Any], evidence: list[str], doubts: list[str]
) -> tuple[str, ...]:
    """The version that the file says of itself; none where its tensors contradict that."""
    stamp = metadata.get(STAMP)
    if not isinstance(stamp, dict) or not isinstance(stamp.get("version"), str):
        return ()
    name = f"{stamp.get('family')}/{stamp['version']}"
    if stamp.get("family") != best.layout.family or stamp["version"] not in best.versions:
        doubts.append(f"its stamp says {name}, which has other tensors")
        return ()
    evidence.append(f"its stamp says {name}")
    return (stamp["version"],)


def _traced(
    best: Match,
    order: tuple[str, ...],
    metadata: Mapping[str, Any],
    evidence: list[str],
    doubts: list[str],
) -> tuple[str, ...]:
    """The versions that the keys beside the tensors leave."""
    metrics = metadata.get("metrics")
    keys = {*metadata, *(metrics if isinstance(metrics, dict) else ())}
    versions = best.versions
    for trace in best.layout.traces:
        if not keys.issuperset(trace.keys):
            continue
        left = tuple(version for version in versions if version in trace.versions)
        words = " and ".join(f"`{key}`" for key in trace.keys)
        if not left:
            doubts.append(f"it holds {words}, as only {' or '.join(trace.versions)} wrote it")
        elif left != versions:
            evidence.append(f"it holds {words}: {span(left, order)}")
            versions = left
    return versions


def _told(
    layout: Layout,
    versions: tuple[str, ...],
    inside: Inside | None,
    evidence: list[str],
    doubts: list[str],
) -> tuple[str, ...]:
    """The versions that the config inside leaves."""
    if inside is None or not inside.name:
        return versions
    named = [name.partition("/") for name in inside.name.split(" or ")]
    if any(family != layout.family for family, _, _ in named):
        doubts.append(f"the config inside is of {inside.name}")
        return versions
    left = tuple(version for version in versions if version in {word for _, _, word in named})
    if left:
        evidence.append(f"the config inside is of {inside.name}")
        return left
    known = {version for _, _, version in named} & set(layout.versions)
    said = f"the config inside is of {inside.name}"
    if known:
        doubts.append(f"{said}, which has other tensors")
    else:
        # A dialect is a way of writing configs, no version that tensors could be of.
        evidence.append(said)
    return versions


def _disagreements(
    best: Match, inside: Inside, project: Project, declared: Mapping[str, Layouts]
) -> list[str]:
    """Settings that the config inside states and the tensors contradict."""
    from cfgmig.upgrading import Options, upgrade_document

    expect = declared[best.layout.family].expect
    if expect is None or not inside.certain or not inside.name.startswith(f"{best.layout.family}/"):
        return []
    text = json.dumps(plain(inside.data))
    try:
        upgraded = upgrade_document(text, f"{inside.key}.json", project, Options(stamp=False))
    except CfgmigError as error:
        return [f"the config inside cannot be upgraded: {error.message}"]
    except Exception as error:
        # Nobody has validated that config: it may break the family's own functions.
        return [f"the config inside cannot be upgraded: {type(error).__name__}: {error}"]
    data = upgraded.document.data
    wanted = expect(data) if isinstance(data, dict) else None
    differ = differences(wanted, best) if wanted is not None else ()
    return [f"the config inside is not what was trained: {one}" for one in differ]
