"""Indexes and folders that lead elsewhere, and distributed metadata that lies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.checkpoint_tools import building as b

Build = Callable[[Path, Path], Path]


def _placed(places: dict[str, Any], **facts: Any) -> Build:
    def build(folder: Path, _: Path) -> Path:
        return b.sharded(folder, {"metadata": facts, "weight_map": places})

    return build


def _both(**changes: str) -> Build:
    return _placed({"a": "m-1.safetensors", "b": "m-2.safetensors"} | changes)


def _linked(target: str) -> Build:
    """The second shard is a symbolic link."""

    def build(folder: Path, _: Path) -> Path:
        path = b.sharded(folder)
        (folder / "m-2.safetensors").rename(folder.parent / "outside.safetensors")
        (folder / "m-2.safetensors").symlink_to(target)
        return path

    return build


def _pipe(folder: Path, _: Path) -> Path:
    path = b.sharded(folder)
    (folder / "m-2.safetensors").unlink()
    os.mkfifo(folder / "m-2.safetensors")
    return path


def _directory(folder: Path, _: Path) -> Path:
    path = b.sharded(folder)
    (folder / "m-2.safetensors").unlink()
    (folder / "m-2.safetensors").mkdir()
    return path


def _pipe_named(folder: Path, _: Path) -> Path:
    os.mkfifo(folder / "model.pt")
    return folder / "model.pt"


def _huge_index(folder: Path, _: Path) -> Path:
    path = b.sharded(folder)
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    return path


def _text_index(text: str) -> Build:
    def build(folder: Path, _: Path) -> Path:
        path = b.sharded(folder)
        path.write_text(text)
        return path

    return build


def _bin_rce(folder: Path, marker: Path) -> Path:
    pickle = b.pickled(b"cos\nsystem\n(" + b.text(f"touch {marker}") + b"tR")
    (folder / "m-1.bin").write_bytes(b.torch_zip(pickle))
    path = folder / "pytorch_model.bin.index.json"
    path.write_text(json.dumps({"weight_map": {"w": "m-1.bin"}}))
    return path


def _dcp(**changes: Any) -> Build:
    def build(folder: Path, _: Path) -> Path:
        made = b.Distributed()
        for key, value in changes.items():
            setattr(made, key, value)
        return made.write(folder)

    return build


def _scattered() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Long strips side by side, none of them on a line with another."""
    return [((n, 3 * n), (10**6, 2)) for n in range(1500)]


def _dcp_rce(folder: Path, marker: Path) -> Path:
    b.Distributed().write(folder)
    command = b"cos\nsystem\n(" + b.text(f"touch {marker}") + b"tR"
    (folder / ".metadata").write_bytes(b.pickled(command))
    return folder


def _dcp_edit(edit: Callable[[Path], None]) -> Build:
    def build(folder: Path, _: Path) -> Path:
        b.Distributed().write(folder)
        edit(folder)
        return folder

    return build


def _cut_distcp(folder: Path) -> None:
    path = folder / "__0_0.distcp"
    path.write_bytes(path.read_bytes()[:-100])


def _trailing_metadata(folder: Path) -> None:
    path = folder / ".metadata"
    path.write_bytes(path.read_bytes() + b"x")


TABLE: dict[str, tuple[Build, str]] = {
    "i_traversal": (_both(b="../secret.safetensors"), "another place"),
    "i_normalised": (_both(b="x/../m-2.safetensors"), "another place"),
    "i_backslash": (_both(b="..\\m-2.safetensors"), "another place"),
    "i_absolute": (_both(b="/etc/passwd"), "another place"),
    "i_dots": (_both(b=".."), "no file name"),
    "i_empty_name": (_both(b=""), "no file name"),
    "i_device_name": (_both(b="NUL.safetensors"), "device"),
    "i_stream_name": (_both(b="m-2.safetensors:x"), "another place"),
    "i_control_name": (_both(b="m\x1b[31m.safetensors"), "hide"),
    "i_nul_name": (_both(b="m-2.safetensors\0x"), "hide"),
    "i_symlink_out": (_linked("../outside.safetensors"), "symbolic link"),
    "i_symlink_fake_cache": (_linked("../../blobs/" + "a" * 64), "symbolic link"),
    "i_symlink_cycle": (_linked("m-2.safetensors"), "symbolic link"),
    "i_fifo": (_pipe, "pipe"),
    "i_fifo_itself": (_pipe_named, "pipe"),
    "i_directory": (_directory, "directory"),
    "i_devzero": (_linked("/dev/zero"), "symbolic link"),
    "i_missing_shard": (_both(b="m-3.safetensors"), "No such file"),
    "i_tensor_not_in_shard": (_both(c="m-2.safetensors"), "lacks it"),
    "i_tensor_not_in_index": (_placed({"a": "m-1.safetensors", "x": "m-2.safetensors"}), "lacks"),
    "i_dup_in_two_shards": (_both(b="m-1.safetensors", a="m-2.safetensors"), "is in"),
    "i_total_size_lie": (
        _placed({"a": "m-1.safetensors", "b": "m-2.safetensors"}, total_size=13), "13"
    ),
    "i_case_twins": (_both(c="M-1.safetensors"), "one file"),
    "i_list_as_shard": (_placed({"a": ["m-1.safetensors"]}), "no file name"),
    "i_index_1GB": (_huge_index, "bytes"),
    "i_index_list": (_text_index("[]"), "weight_map"),
    "i_index_no_map": (_text_index("{}"), "weight_map"),
    "i_index_key_twice": (_text_index('{"weight_map":{"a":"x","a":"y"}}'), "twice"),
    "i_index_deep": (_text_index('{"weight_map":' + "[" * 200_000), "nested"),
    "i_index_nan": (_text_index('{"metadata":{"total_size":NaN}}'), "NaN"),
    "i_bin_rce": (_bin_rce, "os.system"),
    "c_dcp_metadata_rce": (_dcp_rce, "os.system"),
    "c_dcp_traversal": (_dcp(file="../__0_0.distcp"), "another place"),
    "c_dcp_missing_file": (_dcp(file="__1_0.distcp"), "tensor 'w'"),
    "c_dcp_hole": (_dcp(shape=(5, 3)), "leave out 3 of 15"),
    "c_dcp_overlap": (_dcp(chunks=[((0, 0), (2, 3)), ((1, 0), (2, 3))]), "overlap"),
    "c_dcp_outside": (_dcp(chunks=[((0, 0), (2, 3)), ((3, 0), (2, 3))]), "beyond"),
    "c_dcp_scattered": (_dcp(chunks=_scattered(), shape=(10**9, 10**9)), "irregularly"),
    "c_dcp_not_stored": (_dcp(drop_stored=1), "nowhere stored"),
    "c_dcp_chunks_share_bytes": (_dcp(shift=1), "overlaps"),
    "c_dcp_file_cut": (_dcp_edit(_cut_distcp), "needs bytes"),
    "c_dcp_trailing": (_dcp_edit(_trailing_metadata), "STOP"),
}  # fmt: skip
