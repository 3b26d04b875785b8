"""What the engine's own rules see of a file, beyond what a family's rules see."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from cfgmig.schema.rules import Config

if TYPE_CHECKING:
    from cfgmig.document import Document
    from cfgmig.schema.compile import CompiledVersion
    from cfgmig.schema.detect import Detection
    from cfgmig.schema.located import Located
    from cfgmig.schema.unknown import Moved


class Subject(Config):
    """A config with its version compiled and the way in which the version was found."""

    def __init__(
        self,
        document: Document,
        compiled: CompiledVersion,
        *,
        root: FilePath,
        folder: FilePath,
        detection: Detection | None = None,
        moved: Moved | None = None,
    ) -> None:
        super().__init__(
            document.data,
            compiled.name,
            root=root,
            folder=folder,
            document=document,
            versions=compiled.family.names,
        )
        self.source = document
        self.compiled = compiled
        self.family = compiled.family
        self.detection = detection
        self.moved = moved

    @cached_property
    def located(self) -> list[Located]:
        """What the schema, and the file's profile, have against it, told of its paths."""
        from cfgmig.schema.located import locate

        found = locate(self.compiled.validate(self.data), self.data)
        if self.family.profiles is None:
            return found
        from cfgmig.schema.profile import owed, profile_of

        profile = profile_of(self, self.family)
        if profile is None:
            return found
        taken = {one.path for one in found}
        more = owed(self, profile, self.compiled)
        return [*found, *(one for one in more if one.path not in taken)]


def as_subject(config: Config) -> Subject:
    """The engine's view of a config that the engine itself made."""
    if not isinstance(config, Subject):
        raise TypeError("the engine's rules need a Subject; run them through the engine")
    return config
