"""Two checkpoints as one, so that a plan can take tensors from both."""

from __future__ import annotations

from checkpoint_tools.formats.protocol import Checkpoint, TensorRef


def beside(main: Checkpoint, other: Checkpoint, prefix: str) -> Checkpoint:
    """`main`, with the tensors of `other` under names that begin with `prefix`.

    Everything else is that of `main`; closing the result closes both.

    Raises:
        ValueError: a tensor of `main` has such a name, or `other` lies in pieces.
    """
    storages, files = len(main.storages), len(main.sources)
    more: list[TensorRef] = []
    for ref in other.tensors.values():
        if ref.storage < 0:
            raise ValueError(f"{ref.name} lies in pieces")
        name = prefix + ref.name
        if name in main.tensors:
            raise ValueError(f"{name} is there already")
        alias = None if ref.alias_of is None else prefix + ref.alias_of
        more.append(
            ref._replace(
                name=name, storage=ref.storage + storages, alias_of=alias, path=(prefix, *ref.path)
            )
        )
    both = Checkpoint(
        main.format,
        [*main.sources, *other.sources],
        [*main.tensors.values(), *more],
        [
            *main.storages,
            *(one._replace(file=one.file + files) for one in other.storages),
        ],
        metadata=main.metadata,
        container=main.container,
        notes=[*main.notes, *other.notes],
        skeleton=main.skeleton,
        name=main.name,
    )
    # Storages of archives are located when they are needed; those of `main` keep their numbers.
    both.locate, both.find_pieces = main.locate, main.find_pieces
    both.on_close = [*main.on_close, *other.on_close]
    return both
