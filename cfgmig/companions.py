"""The checkpoint that a config names, converted along with the config: one run, both or neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import Refused
from cfgmig.migration.disk import shown

if TYPE_CHECKING:
    from cfgmig.converting import Route
    from cfgmig.document import Document
    from cfgmig.migration.transaction import Making
    from cfgmig.project import Project
    from cfgmig.schema.layout import Expectation
    from checkpoint_tools import Checkpoint

WRITABLE = {".pt": "torch", ".pth": "torch", ".ckpt": "torch", ".bin": "torch"}
"""Endings that a converted checkpoint keeps; any other becomes safetensors."""


class Companion(NamedTuple):
    """A checkpoint that a config needs in another form.

    Attributes:
        source: the file as it is.
        target: the file that the conversion makes, beside it.
        route: the plan.
        close: lets go of the source.
        is_there: an earlier run has made just this file already.
    """

    source: Path
    target: Path
    route: Route
    close: Callable[[], None]
    is_there: bool = False

    @property
    def sentence(self) -> str:
        """What becomes of it, for people."""
        journey = self.route.journey
        assert journey is not None
        said = f"{shown(self.source)} ({journey.origin}) -> {self.target.name} ({journey.goal})"
        if self.route.sidecar is not None:
            said += f", {len(self.route.sidecar.outputs)} tensors kept beside it"
        if journey.afresh:
            said += f"; {', '.join(journey.afresh)} will start afresh"
        return f"{said}; it is there already" if self.is_there else said


class Companions:
    """The checkpoints of a run's configs, each converted once.

    Args:
        project: whose families are known, and below which files are looked for.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.planned: dict[tuple[Any, ...], Companion] = {}

    def of(self, document: Document, family: str, path: Path) -> tuple[Document, list[str]]:
        """The document with the path of the converted checkpoint in it, and what is to be told.

        Args:
            document: a config of the family's newest version.
            family: its name.
            path: where the config lies.

        Raises:
            Refused: the checkpoint cannot be brought to what the config builds.
            Unreadable: it cannot be read.
        """
        from cfgmig.schema.rules import named_file
        from cfgmig.states import told
        from cfgmig.weighing import expectation

        data = document.data
        declared = self.project.source(family).family
        asked = expectation(data, declared) if isinstance(data, dict) else None
        if asked is None or not asked[1].file:
            return document, []
        wanted = asked[1]
        place = named_file(str(wanted.file), self.project.root, path.parent)
        if not place.is_file():
            return document, [f"{wanted.path}: {wanted.file} is not there, so it stays"]
        with told():
            companion = self._planned(place, family, data, wanted)
        if companion is None:
            return document, [f"{wanted.path}: {wanted.file} is what the config needs"]
        new = PurePosixPath(str(wanted.file)).with_name(companion.target.name).as_posix()
        from cfgmig.document import SetValue
        from cfgmig.paths import parse_path

        edited = document.edit([SetValue(parse_path(wanted.path), new)]).document
        return edited, [companion.sentence, *companion.route.notes]

    def making(self) -> list[Making]:
        """What a transaction has to make; the files appear when it is told to."""
        from cfgmig.converting import carry_out, keep, sidecar_of
        from cfgmig.migration.transaction import Making

        found = []
        for one in self.planned.values():
            if one.is_there:
                continue
            if one.route.sidecar is not None:
                found.append(Making(sidecar_of(one.target), _bound(keep, one.route)))
            found.append(Making(one.target, _bound(carry_out, one.route)))
        return found

    def close(self) -> None:
        """Let go of every checkpoint."""
        for one in self.planned.values():
            one.close()

    def _planned(
        self, place: Path, family: str, data: Mapping[str, Any], wanted: Expectation
    ) -> Companion | None:
        """The conversion of one checkpoint; None when it is what the config needs.

        Configs that want the same of the same file share the result.
        """
        sizes, facts = sorted(wanted.dimensions.items()), sorted(wanted.facts.items(), key=str)
        key = (place.resolve(), tuple(sizes), tuple(facts), wanted.needs)
        if key in self.planned:
            return self.planned[key]
        from cfgmig.converting import Request, opened, route
        from cfgmig.routing import Goal

        checkpoint = opened(str(place))
        try:
            if self._fits(checkpoint, family, wanted):
                checkpoint.close()
                return None
            ending = place.suffix if place.suffix in WRITABLE else ".safetensors"
            format = WRITABLE.get(ending, "safetensors")
            made = route(
                checkpoint, self.project, Request(Goal(family=family, config=data), format)
            )
            target, is_there = self._target(place, ending, made)
        except BaseException:
            checkpoint.close()
            raise
        companion = Companion(place, target, made, checkpoint.close, is_there)
        self.planned[key] = companion
        return companion

    def _fits(self, checkpoint: Checkpoint, family: str, wanted: Expectation) -> bool:
        """Whether it is of the newest version, and all loads that the config needs."""
        from cfgmig.recognising import recognise
        from cfgmig.states import beside, model_state
        from cfgmig.weighing import weigh_state

        declared = self.project.source(family).family
        layouts = declared.load_layouts()
        model = model_state(checkpoint)
        found = recognise(model, beside(checkpoint), self.project)
        assert layouts is not None  # it said what is wanted
        weighed = weigh_state(layouts, wanted, model, found.identified)
        differs = any(": " in note for note in weighed.notes)
        return weighed.fits and not differs and found.versions == (declared.head.name,)

    def _target(self, place: Path, ending: str, made: Route) -> tuple[Path, bool]:
        """A free name beside the source, or that of the same conversion made before.

        Raises:
            Refused: there is no end of files with such names.
        """
        from cfgmig.converting import says_the_same

        journey = made.journey
        assert journey is not None
        taken = {one.target for one in self.planned.values()}
        for count in range(1, 100):
            number = f"-{count}" if count > 1 else ""
            target = place.with_name(f"{place.stem}.{journey.goal}{number}{ending}")
            if target in taken:
                continue
            if not target.exists():
                return target, False
            if says_the_same(made, target):
                return target, True
        raise Refused(f"{target} and 98 more are taken", kind="key-collision")


def _bound(function: Callable[..., Any], made: Route) -> Callable[[Path], None]:
    """What a transaction calls with the path at which a file shall be made."""

    def make(path: Path) -> None:
        from cfgmig.states import told

        with told():
            function(made, path, durable=False)

    return make
