"""Damage, plain and by structure."""

from __future__ import annotations

import io
import random
import struct
import zipfile

from tests.checkpoint_tools import building as b

_EDGES = (0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WIDE = (*_EDGES, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
_OPCODES = b"(.02NFIJKLMPQRSTUVXabcd}ehijl]opqrstu)\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e"
_OPCODES += b"\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98GBC"
_PIECES = (
    b.GLOBAL_V2, b.ORDERED, b")R", b"}", b"](", b"e", b"u", b"t", b"tR", b"\x85R", b"h\x00",
    b"q\x00",
    b.storage("0", 6), b.tensor("0", (2, 3), (3, 1), 6), b.tensor("0", (6,), (0,), 6),
    b.integers((1, 2)), b.text("a"), b.text("weight"), b"N", b"\x88", b"K\x01", b"C\x01a",
    b"cargparse\nNamespace\n)\x81", b"cnumpy\ndtype\n" + b.text("f8") + b"\x85R", b"ctorch\nSize\n",
    b"c__builtin__\nset\n", b"ccollections\ndefaultdict\n", b"c_codecs\nencode\n", b"\x8f", b"b",
    b"cpathlib\nPosixPath\n", b"ctorch\nfloat32\n", b"cnumpy.core.multiarray\nscalar\n", b"2", b"0",
    b"ctorch._utils\n_rebuild_parameter\n", b"ctorch._utils\n_rebuild_tensor_v3\n",
)  # fmt: skip
_JSON = (
    '"a"', "{", "}", "[", "]", ",", ":", "0", "-1", "1e9", "9" * 30, "null", "true", '"F32"',
    '"F4"',
    '"BF16"', '"shape"', '"dtype"', '"data_offsets"', '"__metadata__"', '"\\u0061"', " ", "NaN",
    '"C64"', '"weight_map"', '"../x"', '"m-1.safetensors"', "[" * 50, '{"a":' * 50, "\x1b", "é",
)  # fmt: skip


def mutate(rng: random.Random, name: str, data: bytes) -> bytes:
    """A damaged copy of `data`."""
    shape = rng.random()
    if name.endswith((".pt", ".npz")) and shape < 0.6:
        return _in_archive(rng, data)
    if name.endswith(".safetensors") and shape < 0.6:
        length = int.from_bytes(data[:8], "little")
        header = _json(rng, data[8 : 8 + length])
        return struct.pack("<Q", len(header)) + header + data[8 + length :]
    if name.endswith(".json") and shape < 0.7:
        return _json(rng, data)
    if name.endswith((".pth", ".metadata")) and shape < 0.6:
        return _pickle(rng, data)
    if name.endswith(".npy") and shape < 0.5:
        return _npy(rng, data)
    return _bytes(rng, data)


def _bytes(rng: random.Random, data: bytes) -> bytes:
    """Flips, cuts, insertions, repetitions, and numbers set to their edges."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            break
        at = rng.randrange(len(out))
        # Most structure stands at the ends.
        if rng.random() < 0.5:
            at = (
                min(at, rng.randrange(1, 200))
                if rng.random() < 0.5
                else max(0, len(out) - at % 300 - 1)
            )
        action = rng.randrange(7)
        if action == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif action == 1:
            out[at] = rng.randrange(256)
        elif action == 2:
            del out[at : at + rng.choice((1, 4, 8, 100))]
        elif action == 3:
            out[at:at] = rng.randbytes(rng.choice((1, 4, 8, 100)))
        elif action == 4:
            out[at:at] = out[at : at + rng.choice((1, 10, 1000))]
        elif action == 5:
            del out[at:]
        else:
            form, values = rng.choice((("<H", _EDGES[:11]), ("<I", _EDGES), ("<Q", _WIDE)))
            number = struct.pack(form, rng.choice(values))
            out[at : at + len(number)] = number
    return bytes(out)


def _pickle(rng: random.Random, data: bytes) -> bytes:
    """Opcodes and whole pieces of grammar put in, exchanged and taken out."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        piece = rng.choice(_PIECES) if rng.random() < 0.5 else bytes([rng.choice(_OPCODES)])
        action = rng.randrange(4)
        if action == 0:
            out[at:at] = piece
        elif action == 1:
            out[at : at + len(piece)] = piece
        elif action == 2:
            del out[at : at + rng.randrange(1, 12)]
        else:
            end = at + rng.randrange(1, 60)
            out[at:at] = out[at:end]
    return bytes(out)


def _in_archive(rng: random.Random, data: bytes) -> bytes:
    """Members damaged, renamed, doubled or dropped, in an archive that is otherwise right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    action = rng.randrange(6)
    if action <= 2:
        pickles = [key for key in members if key.endswith(".pkl")]
        name = pickles[0] if pickles else name
        damage = _pickle if pickles else _npy
        members[name] = damage(rng, members[name])
    elif action == 3:
        members[name] = _bytes(rng, members[name])
    elif action == 4:
        del members[name]
    else:
        odd = rng.choice(
            ("../x", "/x", "a//b", "archive/data.pkl", "archive/data/0", "\x1b", "x" * 300)
        )
        members[odd] = members.pop(name)
    made = b.zip_bytes(members, rng.choice((0, 0, 0, 8)))
    return _bytes(rng, made) if rng.random() < 0.1 else made


def _json(rng: random.Random, data: bytes) -> bytes:
    text = data.decode()
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(text) + 1)
        cut = rng.choice((0, 0, 1, 2, 8))
        text = text[:at] + rng.choice(_JSON) + text[at + cut :]
    return text.encode()


def _npy(rng: random.Random, data: bytes) -> bytes:
    """The dictionary of a .npy header, with its length made right again."""
    if data[:6] != b"\x93NUMPY":
        return _bytes(rng, data)
    length = int.from_bytes(data[8:10], "little")
    header = bytearray(data[10 : 10 + length])
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(header) + 1)
        piece = rng.choice(
            (b"'", b"(", b")", b"{", b"}", b",", b"-", b"9" * 25, b"|O", b">", b"True", b"[", b"0")
        )
        header[at : at + rng.choice((0, 1, 3))] = piece
    return data[:8] + struct.pack("<H", len(header)) + bytes(header) + data[10 + length :]
