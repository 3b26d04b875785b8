"""Small files made byte by byte, good and bad, without torch and without numpy."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

STOP = b"."
GLOBAL_V2 = b"ctorch._utils\n_rebuild_tensor_v2\n"
ORDERED = b"ccollections\nOrderedDict\n"


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    """LONG1, or BININT where it fits."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def integers(values: tuple[int, ...]) -> bytes:
    """A tuple of whole numbers."""
    return b"(" + b"".join(map(integer, values)) + b"t"


def storage(key: str, numel: int, kind: str = "FloatStorage", location: str = "cpu") -> bytes:
    """A persistent id."""
    return (
        b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text(location)
        + integer(numel) + b"tQ"
    )  # fmt: skip


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    numel: int,
    offset: int = 0,
    kind: str = "FloatStorage",
) -> bytes:
    """A call of _rebuild_tensor_v2."""
    return (
        GLOBAL_V2 + b"(" + storage(key, numel, kind) + integer(offset) + integers(shape)
        + integers(strides) + b"\x89" + ORDERED + b")RtR"
    )  # fmt: skip


def mapping(items: dict[str, bytes]) -> bytes:
    """A dict of texts to values."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def pickled(value: bytes) -> bytes:
    """A protocol 2 pickle."""
    return b"\x80\x02" + value + STOP


def zip_bytes(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive by the standard library."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def torch_zip(pickle: bytes, storages: dict[str, bytes] | None = None, **more: bytes) -> bytes:
    """A torch archive."""
    members = {"archive/data.pkl": pickle, "archive/byteorder": b"little"}
    members |= {f"archive/data/{key}": data for key, data in (storages or {}).items()}
    members |= {f"archive/{key}": data for key, data in more.items()}
    members["archive/version"] = b"3\n"
    return zip_bytes(members)


def good_torch_zip() -> bytes:
    """A small state dict."""
    value = mapping({"weight": tensor("0", (2, 3), (3, 1), 6), "epoch": integer(3)})
    return torch_zip(pickled(value), {"0": bytes(range(24))})


def legacy(value: bytes, storages: dict[str, tuple[int, bytes]]) -> bytes:
    """A torch legacy file."""
    magic = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
    keys = b"](" + b"".join(map(text, storages)) + b"e"
    return (
        pickled(b"\x8a\x0a" + magic) + pickled(integer(1001))
        + pickled(mapping({"little_endian": b"\x88"})) + pickled(value) + pickled(keys)
        + b"".join(struct.pack("<q", count) + data for count, data in storages.values())
    )  # fmt: skip


def good_legacy() -> bytes:
    """A small legacy state dict."""
    value = mapping({"weight": tensor("a", (2, 3), (3, 1), 6)})
    return legacy(value, {"a": (6, bytes(range(24)))})


def safetensors(header: dict[str, Any] | bytes, data: bytes = b"") -> bytes:
    """A safetensors file of a given header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(shape: list[Any], begin: Any, end: Any, dtype: str = "F32") -> dict[str, Any]:
    """One entry of a safetensors header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def good_safetensors() -> bytes:
    """Two tensors and a piece of metadata."""
    header = {"__metadata__": {"format": "pt"}, "a": entry([2], 0, 8), "b": entry([1], 8, 12)}
    return safetensors(header, bytes(range(12)))


def npy(
    header: str | bytes, data: bytes = b"", version: int = 1, length: int | None = None
) -> bytes:
    """A .npy file of a given header."""
    raw = header if isinstance(header, bytes) else header.encode("latin-1")
    width = "<H" if version == 1 else "<I"
    size = len(raw) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, size) + raw + data


def npy_header(descr: str = "<f4", shape: str = "(2, 3)", fortran: str = "False") -> str:
    """The dictionary of a .npy header."""
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


def good_npy() -> bytes:
    """Six numbers."""
    return npy(npy_header(), bytes(range(24)))


def sharded(folder: Path, index: dict[str, Any] | None = None) -> Path:
    """Two shards of safetensors and their index, which may be given."""
    (folder / "m-1.safetensors").write_bytes(safetensors({"a": entry([2], 0, 8)}, bytes(8)))
    (folder / "m-2.safetensors").write_bytes(safetensors({"b": entry([1], 0, 4)}, bytes(4)))
    path = folder / "model.safetensors.index.json"
    places = {"a": "m-1.safetensors", "b": "m-2.safetensors"}
    value = {"metadata": {"total_size": 12}, "weight_map": places} if index is None else index
    path.write_text(json.dumps(value))
    return path


class Distributed:
    """A `.metadata` pickle and one .distcp file, with every part open to change."""

    def __init__(self) -> None:
        self.chunks: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
            ((0, 0), (2, 3)),
            ((2, 0), (2, 3)),
        ]
        self.shape: tuple[int, ...] = (4, 3)
        self.file = "__0_0.distcp"
        self.drop_stored = 0
        self.shift = 0

    def write(self, folder: Path) -> Path:
        """Write both; returns the folder."""
        blobs = [
            torch_zip(pickled(tensor("0", size, (size[-1], 1), 6)), {"0": bytes(24)})
            for _, size in self.chunks
        ]
        (folder / "__0_0.distcp").write_bytes(b"".join(blobs))
        (folder / ".metadata").write_bytes(pickled(self._metadata([len(blob) for blob in blobs])))
        return folder

    def _metadata(self, lengths: list[int]) -> bytes:
        places: list[tuple[bytes, bytes]] = []
        offset = 0
        for (start, _), length in zip(self.chunks, lengths, strict=True):
            index = _record("MetadataIndex", fqn=text("w"), offset=_size(start))
            info = _record(
                "_StorageInfo", relative_path=text(self.file), offset=integer(offset),
                length=integer(length + self.shift),
            )  # fmt: skip
            places.append((index, info))
            offset += length
        places = places[self.drop_stored :]
        chunks = b"".join(
            _record("ChunkStorageMetadata", offsets=_size(start), sizes=_size(size))
            for start, size in self.chunks
        )
        properties = _new("TensorProperties") + b"(ctorch\nfloat32\n\x88\x89\x89\x89tb"
        described = _record(
            "TensorStorageMetadata", properties=properties, size=_size(self.shape),
            chunks=b"](" + chunks + b"e",
        )  # fmt: skip
        return _record(
            "Metadata", state_dict_metadata=mapping({"w": described}), planner_data=b"N",
            storage_data=b"}(" + b"".join(a + b for a, b in places) + b"u", storage_meta=b"N",
            version=text("1.0.0"),
        )  # fmt: skip


def _size(values: tuple[int, ...]) -> bytes:
    return b"ctorch\nSize\n" + integers(values) + b"\x85R"


def _new(name: str) -> bytes:
    module = "filesystem" if name == "_StorageInfo" else "metadata"
    return f"ctorch.distributed.checkpoint.{module}\n{name}\n".encode() + b")\x81"


def _record(name: str, **fields: bytes) -> bytes:
    return _new(name) + mapping(fields) + b"b"
