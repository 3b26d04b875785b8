"""From a path or URL to an opened checkpoint."""

from __future__ import annotations

import gc
import os
from importlib import import_module
from typing import TYPE_CHECKING, cast

from checkpoint_tools.errors import CheckpointError
from checkpoint_tools.folders import Folder, LocalFolder, folder_of
from checkpoint_tools.sniffing import Sniffed, sniff_folder, sniff_source
from checkpoint_tools.sources import Source, is_url, open_source

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint, Format

_WITH_NEIGHBOURS = ("sharded", "torch_distributed", "cllm_state")


def sniff(path: str | os.PathLike[str]) -> Sniffed:
    """Which format a file, folder or URL is, and why.

    Raises:
        Unreadable: it is no checkpoint that is known.
        Unsafe: it is of a kind that is never read.
    """
    name = os.fspath(path)
    if not is_url(name) and os.path.isdir(name):  # noqa: PTH112 - kept as the user wrote it
        folder = LocalFolder(name)
        try:
            found = sniff_folder(folder)
            if found.format:
                return found
            source: Source = folder.open(found.entry)
        finally:
            folder.close()
        return sniff_source(source)._replace(entry=found.entry)
    source = open_source(name)
    try:
        return sniff_source(source)
    finally:
        source.close()


def open_checkpoint(
    path: str | os.PathLike[str], *, format: str | None = None, follow_links: bool = False
) -> Checkpoint:
    """Open a checkpoint; only headers are read.

    Args:
        path: a file, a folder with an index or a `.metadata`, or a URL.
        format: the module of `checkpoint_tools.formats` to use instead of the one sniffed.
        follow_links: open shards that are symbolic links.

    Raises:
        Unreadable: not there, or no checkpoint (exit code 2).
        Malformed, Unsafe: refused (exit code 3).
    """
    name = os.fspath(path)
    if not is_url(name) and os.path.isdir(name):  # noqa: PTH112 - kept as the user wrote it
        folder: Folder = LocalFolder(name, follow_links=follow_links)
        source, found = _from_folder(cast("LocalFolder", folder))
        return _open(source, format or found.format, folder)
    source = open_source(name)
    try:
        chosen = format or sniff_source(source).format
    except BaseException:
        source.close()
        raise
    if chosen not in _WITH_NEIGHBOURS:
        return _open(source, chosen, None)
    folder = folder_of(name, follow_links=follow_links)
    return _open(source, chosen, folder)


def _from_folder(folder: LocalFolder) -> tuple[Source, Sniffed]:
    try:
        found = sniff_folder(folder)
        source = folder.open(found.entry)
        return source, found if found.format else sniff_source(source)
    except BaseException:
        folder.close()
        raise


def _open(source: Source, format: str, folder: Folder | None) -> Checkpoint:
    module = cast("Format", import_module(f"checkpoint_tools.formats.{format}"))
    # A plan is a great many small objects without cycles; collecting among them is half the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        checkpoint = module.open(source, folder)
    except CheckpointError as error:
        if error.partial is None:
            _close(source, folder)
        error.within(source.name)
        raise
    except BaseException:
        _close(source, folder)
        raise
    finally:
        if collecting:
            gc.enable()
    if folder is not None and folder.close not in checkpoint.on_close:
        checkpoint.on_close.append(folder.close)
    return checkpoint


def _close(source: Source, folder: Folder | None) -> None:
    source.close()
    if folder is not None:
        folder.close()
