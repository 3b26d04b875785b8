"""Pickles that execute, exhaust, or lie about tensors."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from tests.checkpoint_tools import building as b

Make = Callable[[Path], bytes]


def _command(marker: Path) -> str:
    return f"touch {marker}"


def _system(marker: Path) -> bytes:
    return b"cos\nsystem\n(" + b.text(_command(marker)) + b"tR"


def _zip(value: Callable[[Path], bytes]) -> Make:
    return lambda marker: b.torch_zip(b.pickled(value(marker)))


def _raw(value: Callable[[Path], bytes]) -> Make:
    return lambda marker: b.pickled(value(marker))


def _zip_of(value: bytes) -> Make:
    return lambda _: b.torch_zip(b.pickled(value))


def _call(module: str, name: str, *args: bytes) -> bytes:
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(args) + b"tR"


def _tensor(pickle: bytes, data: bytes = bytes(16)) -> Make:
    return lambda _: b.torch_zip(b.pickled(b.mapping({"w": pickle})), {"0": data})


def _legacy_rce(marker: Path) -> bytes:
    good = b.good_legacy()
    return good.replace(b.mapping({"weight": b.tensor("a", (2, 3), (3, 1), 6)}), _system(marker))


def _doubling() -> bytes:
    """Lists of lists of lists, each twice the one before."""
    body = b"](]q\x00"
    for index in range(40):
        body += b"](" + b"h" + bytes([index]) + b"h" + bytes([index]) + b"eq" + bytes([index + 1])
    return b.mapping({"x": body + b"e"})


def _amplified() -> bytes:
    """One long text, encoded over and over."""
    long = b.text("a" * 100_000)
    again = b"".join(b"c_codecs\nencode\n(h\x00" + b.text("latin1") + b"tR" for _ in range(2000))
    return b"](" + long + b"q\x00" + again + b"e"


def _paths() -> bytes:
    """A path out of two hundred times one long text."""
    made = b"cpathlib\nPosixPath\n(" + b"h\x00" * 200 + b"tR"
    return b"](" + b.text("a" * 1_000_000) + b"q\x00" + made * 200 + b"e"


def _arguments() -> bytes:
    """One long tuple of arguments, used over and over."""
    again = b"cpathlib\nPosixPath\nh\x00R" * 50_000
    return b"](" + b"(" + b"N" * 200_000 + b"tq\x00" + again + b"e"


def _states() -> bytes:
    """One large state, given to many objects."""
    large = b.mapping({f"k{n}": b"N" for n in range(20_000)})
    again = b"cargparse\nNamespace\n)\x81h\x00b" * 20_000
    return b"](" + large + b"q\x00" + again + b"e"


def _texts() -> bytes:
    """One long text, referred to over and over."""
    return b"](" + b.text("a" * 100_000) + b"q\x00" + b"h\x00" * 100_000 + b"e"


def _old_tar(_: Path) -> bytes:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("storages", "tensors", "pickle"):
            archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


_NEST = b.tensor("0", (4,), (1,), 4)

TABLE: dict[str, tuple[Make, str]] = {
    # code execution
    "p_reduce_os_system": (_zip(_system), "os.system"),
    "p_reduce_posix_raw.bin": (_raw(_system), "os.system"),
    "p_reduce_posix_raw.pth": (_raw(_system), "os.system"),
    "p_proto0.bin": (lambda m: b"cos\nsystem\n(S'" + _command(m).encode() + b"'\ntR.", "os.system"),
    "p_proto0_zip": (
        lambda m: b.torch_zip(b"cos\nsystem\n(S'" + _command(m).encode() + b"'\ntR."),
        "os.system",
    ),
    "p_stack_global": (
        _zip(lambda m: b.text("os") + b.text("system") + b"\x93(" + b.text(_command(m)) + b"tR"),
        "os.system",
    ),
    "p_stack_global_dotted": (
        _zip_of(b.text("torch") + b.text("serialization.os.system") + b"\x93"),
        "grammar",
    ),
    "p_inst": (_zip(lambda m: b"(" + b.text(_command(m)) + b"ios\nsystem\n"), "INST"),
    "p_obj": (_zip(lambda m: b"(cos\nsystem\n" + b.text(_command(m)) + b"o"), "os.system"),
    "p_obj_opcode": (_zip_of(b"(ccollections\nOrderedDict\no"), "OBJ"),
    "p_ext_opcode": (_zip_of(b"\x82\x01"), "EXT1"),
    "p_ext4_opcode": (_zip_of(b"\x84\x01\0\0\0"), "EXT4"),
    "p_newobj_ex": (_zip_of(b"cargparse\nNamespace\n)}\x92"), "NEWOBJ_EX"),
    "p_newobj_foreign": (_zip_of(b"csubprocess\nPopen\n)\x81"), "subprocess.Popen"),
    "p_newobj_known": (_zip_of(b"ccollections\nOrderedDict\n)\x81"), "object of"),
    "p_nested_getattr_chain": (
        _zip_of(_call("builtins", "getattr", _call("builtins", "__import__", b.text("os")))),
        "getattr",
    ),
    "p_getattr_through_torch": (_zip_of(b"ctorch.serialization\nos.system\n"), "grammar"),
    "p_load_from_bytes": (
        _zip_of(_call("torch.storage", "_load_from_bytes", b"C\x01.")),
        "_load_from_bytes",
    ),
    "p_numpy_reconstruct": (
        _zip_of(_call("numpy.core.multiarray", "_reconstruct", b"N")),
        "_reconstruct",
    ),
    "p_foreign_codec": (
        _zip_of(_call("_codecs", "encode", b.text("a"), b.text("zlib_codec"))),
        "latin-1",
    ),
    "p_reconstructor": (_zip_of(_call("copyreg", "_reconstructor", b"N")), "_reconstructor"),
    "p_persid_text": (_zip_of(b"Pstorage\n"), "PERSID"),
    "p_persid_odd": (_zip_of(b.text("x") + b"Q"), "persistent id"),
    "p_bytearray8": (_zip_of(b"\x96" + struct.pack("<Q", 1) + b"a"), "BYTEARRAY8"),
    "p_next_buffer": (_zip_of(b"\x97"), "NEXT_BUFFER"),
    "p_frame_too_long": (_zip_of(b"\x95" + struct.pack("<Q", 1 << 40) + b"N"), "FRAME"),
    "p_build_setstate": (
        _zip_of(b"cargparse\nNamespace\n)\x81" + b.mapping({"__class__": b"N"}) + b"b"),
        "attributes",
    ),
    "p_build_on_ordereddict": (
        _zip_of(b.ORDERED + b")R" + b.mapping({"get": b"N"}) + b"b"),
        "state",
    ),
    "p_build_slots": (_zip_of(b.ORDERED + b")R(N}tb"), "state"),
    "p_default_factory": (
        _zip_of(_call("collections", "defaultdict", b"ccollections\nCounter\n")),
        "defaultdict",
    ),
    "p_reduce_a_tensor_as_function": (_tensor(_NEST + b")R"), "call"),
    "p_dup": (_zip_of(b"]2"), "DUP"),
    "p_pop": (_zip_of(b"]N0"), "POP"),
    "p_memo_confuse": (
        _zip_of(b"]r" + struct.pack("<I", 2**31 - 1) + b"h\x00"),
        "memo",
    ),
    "p_memo_missing": (_zip_of(b"]h\x07a"), "memoized"),
    "p_trailing_second_pickle": (
        lambda m: b.torch_zip(b.pickled(b"}") + b.pickled(_system(m))),
        "STOP",
    ),
    "p_trailing_second_pickle.bin": (lambda m: b.pickled(b"}") + b.pickled(_system(m)), "behind"),
    "p_legacy_stream_rce.pth": (_legacy_rce, "os.system"),
    "p_whole_module": (_zip_of(b"ctorch.nn.modules.linear\nLinear\n)\x81"), "state_dict"),
    "p_legacy_tar.tar": (_old_tar, "tar"),
    "p_legacy_tar": (_old_tar, "tar"),
    # exhaustion
    "d_deep_tuple_hash": (_zip_of(b"})" + b"\x85" * 300_000 + b"Ns"), "key"),
    "d_deep_tuple_in_set": (_zip_of(b"\x8f()" + b"\x85" * 300_000 + b"\x90"), "set"),
    "d_deep_tuple_as_shape": (
        _tensor(b.GLOBAL_V2 + b"(" + b.storage("0", 4) + b"K\0)" + b"\x85" * 300_000 + b")\x89NtR"),
        "tensor",
    ),
    "d_deep_nest": (_zip_of(b"]" * 200_000 + b"a" * 199_999), "nested"),
    "d_deep_dict": (_zip_of(b"}" + (b.text("a") + b"}") * 50_000 + b"s" * 50_000), "nested"),
    "d_bytearray_huge": (
        _zip_of(_call("builtins", "bytearray", b.integer(8_000_000_000))),
        "latin-1",
    ),
    "d_bytes_huge": (_zip_of(_call("builtins", "bytes", b.integer(8_000_000_000))), "bytes"),
    "d_zip_bomb_datapkl": (
        lambda _: b.torch_zip(b"\x80\x02X" + struct.pack("<I", 2_000_000_000)),
        "BINUNICODE",
    ),
    "d_long1_huge_int": (
        _zip_of(b"\x8b" + struct.pack("<i", 50_000) + b"\x7f" * 50_000),
        "50000",
    ),
    "d_long4_negative": (_zip_of(b"\x8b" + struct.pack("<i", -5)), "whole number"),
    "d_billion_laughs": (_zip_of(_doubling()), "refers to itself"),
    "d_cycle": (_zip_of(b"]q\x00h\x00a"), "nested"),
    "d_memo_index_huge.bin": (lambda _: b"\x80\x02]r\xff\xff\xff\xff.", "memo"),
    "d_memo_index_huge": (_zip_of(b"]r\xff\xff\xff\xff"), "memo"),
    "d_binbytes8_huge_len.bin": (
        lambda _: b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
        "BINBYTES8",
    ),
    "d_unicode8_huge_len": (_zip_of(b"\x8d" + struct.pack("<Q", 2**62)), "BINUNICODE8"),
    "d_amplified_encode": (_zip_of(_amplified()), "multiply"),
    "d_amplified_path": (_zip_of(_paths()), "multiply"),
    "d_amplified_arguments": (_zip_of(_arguments()), "path"),
    "d_amplified_state": (_zip_of(_states()), "multiply"),
    "d_long_text_again": (_zip_of(_texts()), "long text"),
    "d_long_key": (_zip_of(b.mapping({"a" * 5000: b"N"})), "characters"),
    "d_many_objects": (_zip_of(b"](" + b"]" * 3_000_000 + b"e"), "objects"),
    "d_many_marks": (_zip_of(b"(" * 3_000_000), "objects"),
    "d_many_nones": (_zip_of(b"](" + b"N" * 7_000_000 + b"e"), "objects"),
    "d_unending_name": (_zip_of(b"c" + b"a" * 100_000), "end"),
    "d_no_stop": (lambda _: b.torch_zip(b"\x80\x02}"), "STOP"),
    "d_empty_pickle": (lambda _: b.torch_zip(b""), "STOP"),
    "d_stack_underflow": (lambda _: b.torch_zip(b"\x80\x02ttttttttttttttttttt."), "too little"),
    "d_key_twice": (_zip_of(b"}(" + b.text("a") + b"N" + b.text("a") + b"Nu"), "twice"),
    # tensors that lie
    "t_storage_short": (_tensor(b.tensor("0", (4,), (1,), 1000)), "bytes"),
    "t_storage_missing": (_tensor(b.tensor("1", (4,), (1,), 4)), "no member"),
    "t_offset_out": (_tensor(b.tensor("0", (4,), (1,), 4, offset=2)), "reaches"),
    "t_offset_out_empty": (_tensor(b.tensor("0", (0,), (1,), 4, offset=99)), "reaches"),
    "t_negative_offset": (_tensor(b.tensor("0", (1,), (1,), 4, offset=-1)), "offset"),
    "t_negative_stride": (_tensor(b.tensor("0", (4,), (-1,), 4)), "stride"),
    "t_negative_shape": (_tensor(b.tensor("0", (-4,), (1,), 4)), "length"),
    "t_shape_overflow": (_tensor(b.tensor("0", (2**32, 2**32), (2**32, 1), 4)), "reaches"),
    "t_shape_huge_number": (_tensor(b.tensor("0", (2**200,), (0,), 4)), "length"),
    "t_many_dimensions": (_tensor(b.tensor("0", (1,) * 1000, (1,) * 1000, 4)), "dimensions"),
    "t_shape_and_strides_differ": (_tensor(b.tensor("0", (4,), (1, 1), 4)), "fit"),
    "t_stride0_expand": (_tensor(b.tensor("0", (10**6, 10**6), (0, 0), 4)), "repeats"),
    "t_setitem_on_tensor": (_tensor(_NEST + b.text("a") + b"Ns"), "no mapping"),
    "t_append_to_tensor": (_tensor(_NEST + b"Na"), "no list"),
    "t_key_traversal": (_tensor(b.tensor("../../etc/passwd", (4,), (1,), 4)), "no member"),
    "t_two_lengths": (
        lambda _: b.torch_zip(
            b.pickled(b.mapping({"a": _NEST, "c": b.tensor("0", (2,), (1,), 2)})), {"0": bytes(16)}
        ),
        "said to have",
    ),
    "t_storage_huge": (_tensor(b.tensor("0", (1,), (1,), 2**70)), "storage"),
    "t_legacy_short.pth": (
        lambda _: b.legacy(b.mapping({"w": b.tensor("a", (6,), (1,), 6)}), {"a": (6, bytes(8))}),
        "needs bytes",
    ),
    "t_legacy_count.pth": (
        lambda _: b.legacy(b.mapping({"w": b.tensor("a", (6,), (1,), 6)}), {"a": (7, bytes(24))}),
        "elements",
    ),
    "t_legacy_trailing.pth": (lambda _: b.good_legacy() + b"x", "follow"),
    "t_legacy_keys.pth": (
        lambda _: b.legacy(b.mapping({}), {"a": (6, bytes(24))}),
        "disagree",
    ),
}  # fmt: skip
