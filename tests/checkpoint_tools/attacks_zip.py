"""Zip archives that hide, overlap, explode or contradict themselves."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.checkpoint_tools import building as b

Make = Callable[[Path], bytes]
_END = struct.Struct("<4s4H2IH")
_CENTRAL = 46


def _edited(edit: Callable[[bytearray], None]) -> Make:
    def make(_: Path) -> bytes:
        data = bytearray(b.good_torch_zip())
        edit(data)
        return bytes(data)

    return make


def _central(data: bytearray) -> int:
    """Where the central directory begins."""
    return int(_END.unpack_from(data, len(data) - 22)[6])


def _flag(data: bytearray) -> None:
    data[_central(data) + 8] |= 1


def _flag_both(data: bytearray) -> None:
    data[_central(data) + 8] |= 1
    data[6] |= 1


def _name_mismatch(data: bytearray) -> None:
    data[30] = ord("X")


def _crc(data: bytearray) -> None:
    at = _central(data) + 16
    data[at] ^= 1
    data[14] ^= 1


def _crc_of_one(data: bytearray) -> None:
    data[_central(data) + 16] ^= 1


def _method(data: bytearray) -> None:
    data[_central(data) + 10] = 12
    data[8] = 12


def _size_past_end(data: bytearray) -> None:
    struct.pack_into("<II", data, _central(data) + 20, 1 << 30, 1 << 30)


def _size_short(data: bytearray) -> None:
    at = _central(data)
    (size,) = struct.unpack_from("<I", data, at + 20)
    struct.pack_into("<II", data, at + 20, size - 4, size - 4)
    struct.pack_into("<II", data, 18, size - 4, size - 4)


def _header_moved(data: bytearray) -> None:
    struct.pack_into("<I", data, _central(data) + 42, 4)


def _extra_past_end(data: bytearray) -> None:
    struct.pack_into("<H", data, 28, 60_000)


def _count(value: int) -> Callable[[bytearray], None]:
    def edit(data: bytearray) -> None:
        struct.pack_into("<HH", data, len(data) - 14, value, value)

    return edit


def _zip64_lie(data: bytearray) -> None:
    """Sizes announced as zip64, without the field that holds them."""
    struct.pack_into("<I", data, _central(data) + 20, 0xFFFFFFFF)


def _duplicate(_: Path) -> bytes:
    import warnings

    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("archive/data.pkl", b.pickled(b"}"))
        archive.writestr("archive/data.pkl", b.pickled(b"cos\nsystem\n"))
    return out.getvalue()


def _with_names(*names: str) -> Make:
    return lambda _: b.zip_bytes({"archive/data.pkl": b.pickled(b"}")} | dict.fromkeys(names, b"x"))


def _raw_name(name: bytes) -> Make:
    """A name that the standard library would not write."""
    filler = "n" * len(name)

    def make(_: Path) -> bytes:
        data = b.zip_bytes({"archive/data.pkl": b.pickled(b"}"), filler: b"x"})
        return data.replace(filler.encode(), name)

    return make


def _overlap(_: Path) -> bytes:
    """Many central entries for one local header."""
    name, body = b"archive/data.pkl", bytes(1_000_000)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, len(body), len(body), 16, 0)
    data = local + name + body
    entries = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, len(body), len(body), 16,
                    0, 0, 0, 0, 0, 0) + b"archive/%07d." % index
        for index in range(2000)
    )  # fmt: skip
    return data + entries + _END.pack(b"PK\5\6", 0, 0, 2000, 2000, len(entries), len(data), 0)


def _many_members(_: Path) -> bytes:
    """A directory of a million entries, as zip64 counts them."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", *(0,) * 9, 1, *(0,) * 6) + b"a"
    directory = entry * 1_000_000
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, len(directory), 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(directory), 1)
    return (
        b"PK\3\4"[:0]
        + directory
        + record
        + locator
        + _END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


def _bomb_storage(_: Path) -> bytes:
    size = 1 << 28
    return _deflated(
        "archive/data/0",
        size,
        b.pickled(b.mapping({"w": b.tensor("0", (size // 4,), (1,), size // 4)})),
    )


def _bomb_pickle(_: Path) -> bytes:
    return _deflated("archive/data.pkl", 1 << 28, None)


def _deflated(name: str, size: int, pickle: bytes | None) -> bytes:
    """One member of `size` zeros, made without holding them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        if pickle is not None:
            archive.writestr("archive/data.pkl", pickle)
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w") as member:
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))
    return out.getvalue()


def _compressed_storage(_: Path) -> bytes:
    pickle = b.pickled(b.mapping({"w": b.tensor("0", (4,), (1,), 4)}))
    return b.zip_bytes({"a/data.pkl": pickle, "a/data/0": bytes(16)}, zipfile.ZIP_DEFLATED)


def _inflates_longer(_: Path) -> bytes:
    """A deflated pickle whose true length is not the one announced."""
    body = b.pickled(b"}") + bytes(5000)
    data = bytearray(b.zip_bytes({"archive/data.pkl": body}, zipfile.ZIP_DEFLATED))
    at = _central(data)
    for place in (at + 16, 14):
        struct.pack_into("<I", data, place, zlib.crc32(body[:100]))
    for place in (at + 24, 22):
        struct.pack_into("<I", data, place, 100)
    return bytes(data)


def _zip_npy(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Make:
    return lambda _: b.zip_bytes(members, method)


def _npz_bomb(_: Path) -> bytes:
    return _deflated("a.npy", 1 << 28, None)


def _npz_twice(_: Path) -> bytes:
    return b.zip_bytes({"a": b.good_npy(), "a.npy": b.good_npy()})


TABLE: dict[str, tuple[Make, str]] = {
    "p_dup_datapkl": (_duplicate, "two members"),
    "p_central_local_name_mismatch": (_edited(_name_mismatch), "another name"),
    "p_zip_flag_encrypted_bit": (_edited(_flag), "encrypted"),
    "p_zip_flag_encrypted_both": (_edited(_flag_both), "encrypted"),
    "p_zip_bad_crc": (_edited(_crc), "CRC-32"),
    "p_zip_crc_differs": (_edited(_crc_of_one), "CRC-32"),
    "p_torchscript_constants": (
        _with_names("archive/constants.pkl", "archive/code/__torch__.py"), "TorchScript"
    ),
    "p_two_roots": (_with_names("other/data.pkl"), "data.pkl"),
    "p_no_pickle": (lambda _: b.zip_bytes({"a/b": b"x"}), "data.pkl"),
    "d_zip_bomb_storage": (_bomb_storage, "inflates"),
    "d_zip_bomb_pickle": (_bomb_pickle, "inflates"),
    "d_zip_storage_compressed": (_compressed_storage, "compressed"),
    "d_zip_inflates_longer": (_inflates_longer, "inflate"),
    "d_overlap_members": (_overlap, "overlap"),
    "d_many_members": (_many_members, "members"),
    "z_method_unknown": (_edited(_method), "compression"),
    "z_size_past_end": (_edited(_size_past_end), "overlaps"),
    "z_size_short": (_edited(_size_short), "nobody"),
    "z_header_moved": (_edited(_header_moved), "before the first"),
    "z_extra_past_end": (_edited(_extra_past_end), "reaches into"),
    "z_count_short": (_edited(_count(2)), "belong to no member"),
    "z_count_long": (_edited(_count(9)), "cannot fit"),
    "z_zip64_lie": (_edited(_zip64_lie), "zip64"),
    "z_prefix": (lambda _: b"PK\3\4 polyglot" + b.good_torch_zip(), "end record"),
    "z_trailing": (lambda _: b.good_torch_zip() + b"#!/bin/sh\n", "follow the end"),
    "z_comment": (
        lambda _: b.good_torch_zip()[:-2] + b"\x16\0" + b.good_torch_zip()[-22:], "end"
    ),
    "z_truncated": (lambda _: b.good_torch_zip()[:-40], "end record"),
    "z_empty": (lambda _: _END.pack(b"PK\5\6", 0, 0, 0, 0, 0, 0, 0), "empty"),
    "z_name_traversal": (_with_names("archive/../../evil"), "out of the archive"),
    "z_name_absolute": (_with_names("/etc/evil"), "out of the archive"),
    "z_name_drive": (_with_names("C:/evil"), "out of the archive"),
    "z_name_backslash": (_raw_name(b"archive\\..\\evil"), "out of the archive"),
    "z_name_nul": (_raw_name(b"archive/a\0b"), "hide"),
    "z_name_escape": (_raw_name(b"archive/\x1b[31mred"), "hide"),
    "z_name_not_utf8": (_raw_name(b"archive/\xff\xfe"), "UTF-8"),
    "n_npz_bomb.npz": (_npz_bomb, "inflates"),
    "n_npz_dup.npz": (_npz_twice, "one name"),
    "n_npz_traversal.npz": (_zip_npy({"../../evil.npy": b.good_npy()}), "out of the archive"),
    "n_npz_object.npz": (
        _zip_npy({"a.npy": b.npy(b.npy_header("|O", "(1,)"), b.pickled(b"N"))}), "Python objects"
    ),
    "n_npz_shape.npz": (_zip_npy({"a.npy": b.npy(b.npy_header(shape="(9,)"), bytes(4))}), "needs"),
    "n_npz_deflated_shape.npz": (
        _zip_npy({"a.npy": b.npy(b.npy_header(shape="(9,)"), bytes(4))}, zipfile.ZIP_DEFLATED),
        "needs",
    ),
    "n_npz_not_npy.npz": (_zip_npy({"a.npy": b"hello, hello, hello"}), ".npy"),
}  # fmt: skip
