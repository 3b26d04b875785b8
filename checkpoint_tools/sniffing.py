"""Which format a file or folder is, told by its first bytes, with the evidence."""

from __future__ import annotations

import os
from typing import NamedTuple

from checkpoint_tools.errors import Unreadable, Unsafe
from checkpoint_tools.folders import LocalFolder
from checkpoint_tools.sources import Source
from checkpoint_tools.text import quote

HEAD_BYTES = 512
_INDEX = (".safetensors.index.json", ".bin.index.json", ".index.json")
# What people have lying about under the same suffixes; named so that the refusal says it.
_OTHERS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"\x7fELF", "a program"),
)


class Sniffed(NamedTuple):
    """The format module to use, and why.

    `format` is the name of a module in `checkpoint_tools.formats`; `entry` is the file to open
    when a folder was named, and "" otherwise.
    """

    format: str
    evidence: tuple[str, ...]
    entry: str = ""


def sniff_source(source: Source) -> Sniffed:
    """The format of one file.

    Raises:
        Unreadable: it is no checkpoint that is known.
        Unsafe: it is of a kind that is never read.
    """
    head = source.read_at(0, min(HEAD_BYTES, source.size))
    if not head:
        raise Unreadable("is empty", file=source.name)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x01\x02"):
        return _sniff_zip(source, head)
    if head[:6] == b"\x93NUMPY":
        return Sniffed("npy", (r"begins with \x93NUMPY",))
    if head[:4] == b"CLLM":
        return Sniffed("cllm", ("begins with CLLM",))
    if head[:4] == b"GGUF":
        return Sniffed("gguf", ("begins with GGUF",))
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" or (head[8:9].isspace() and length <= source.size):
        return Sniffed("safetensors", (f"a header of {length} bytes, then {{",))
    base = source.name.partition("?")[0]
    if base.endswith(".index.json") or (head[:1] in b"{ \n\t\r" and base.endswith(".json")):
        return Sniffed("sharded", ("a JSON file by its name",))
    if base.endswith((".cllm.state",)):
        return Sniffed("cllm_state", ("named .cllm.state; the format has no magic number",))
    if base.rpartition("/")[2] == ".metadata":
        return Sniffed("torch_distributed", ("named .metadata",))
    return _sniff_rest(source, head)


def _sniff_zip(source: Source, head: bytes) -> Sniffed:
    """A zip archive: of torch, or of numpy arrays, by the name of its first member."""
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + min(length, 400)].decode("utf-8", "replace")
    if first.endswith(".npy"):
        return Sniffed("npz", (f"a zip archive whose first member is {quote(first)}",))
    if source.name.partition("?")[0].endswith(".npz"):
        return Sniffed("npz", ("a zip archive named .npz",))
    return Sniffed("torch_zip", (f"a zip archive whose first member is {quote(first)}",))


def _sniff_rest(source: Source, head: bytes) -> Sniffed:
    for magic, name in _OTHERS:
        if head.startswith(magic):
            raise Unreadable(f"is {name}, not a checkpoint", file=source.name, offset=0)
    if head[257:262] == b"ustar":
        raise Unsafe(
            "is a tar archive, as torch wrote before 2017; it is not read",
            file=source.name,
            offset=0,
        )
    suffix = os.path.splitext(source.name.partition("?")[0])[1]  # noqa: PTH122 - may be a URL
    if suffix == ".safetensors":
        return Sniffed("safetensors", ("named .safetensors",))
    if suffix == ".npy":
        return Sniffed("npy", ("named .npy",))
    if suffix == ".npz":
        return Sniffed("npz", ("named .npz",))
    if head[:1] == b"\x80":
        return Sniffed("torch_legacy", ("begins with a pickle's PROTO",))
    if suffix in (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"):
        return Sniffed("torch_legacy", (f"named {suffix}, and neither a zip nor safetensors",))
    raise Unreadable(
        f"is no checkpoint that is known: it begins with {quote(repr(head[:8]))}",
        file=source.name,
        offset=0,
    )


def sniff_folder(folder: LocalFolder) -> Sniffed:
    """The checkpoint that a local folder is, or holds.

    Raises:
        Unreadable: it holds none, or several of which one must be named.
    """
    if folder.has(".metadata"):
        return Sniffed("torch_distributed", ("holds .metadata",), ".metadata")
    names = folder.list()
    for suffix in _INDEX:
        found = [name for name in names if name.endswith(suffix)]
        if len(found) == 1:
            return Sniffed("sharded", (f"holds {quote(found[0])}",), found[0])
        if found:
            raise Unreadable(f"holds {len(found)} indexes; name one of them", file=folder.name)
    single = [name for name in names if name.endswith((".safetensors", ".pt", ".pth", ".bin"))]
    if len(single) == 1:
        return Sniffed("", (f"holds {quote(single[0])}",), single[0])
    raise Unreadable(
        f"holds {len(single) or 'no'} checkpoints; name one of its files", file=folder.name
    )
