"""The names that the pickle grammar knows, and what each may be called with.

Nothing is imported by name: a production is a function of this module that checks its arguments
and describes the result. Sources: torch/_utils.py, torch/storage.py, numpy/core/multiarray.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from checkpoint_tools import limits
from checkpoint_tools.dtypes import BITS, BY_STORAGE, DTYPES, TORCH_ALIASES
from checkpoint_tools.pickle_values import (
    Collection,
    DType,
    Global,
    Leaf,
    NumpyDType,
    Ordered,
    Record,
    Refusal,
    StorageRef,
    Tensor,
    is_key,
)

Production = Callable[[tuple[Any, ...]], object]


def _lengths(value: object, what: str) -> tuple[int, ...]:
    if type(value) is not tuple or len(value) > limits.MAX_DIMENSIONS:
        raise Refusal(f"a tensor whose {what} is no short tuple")
    for part in value:
        if type(part) is not int or not 0 <= part <= limits.MAX_ELEMENTS:
            raise Refusal(f"a tensor whose {what} holds something else than lengths")
    return value


def _short(value: object) -> str:
    return repr(value) if len(repr(value)) < 80 else repr(value)[:77] + "..."


def _view(storage: object, offset: object, shape: object, strides: object, dtype: str) -> Tensor:
    """A view, proven to lie inside of what its storage declares."""
    if type(storage) is not StorageRef or type(offset) is not int or offset < 0:
        raise Refusal("a tensor without a storage or an offset")
    if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        raise Refusal("a tensor whose shape and strides do not fit together")
    if len(shape) > limits.MAX_DIMENSIONS:
        raise Refusal(f"a tensor of {len(shape)} dimensions")
    numel, last, most = 1, offset, limits.MAX_ELEMENTS
    for length, stride in zip(shape, strides, strict=True):
        if type(length) is not int or type(stride) is not int:
            raise Refusal("a tensor whose shape or strides hold something else than numbers")
        if not 0 <= length <= most or not 0 <= stride <= most:
            raise Refusal(f"a tensor with a length {length} and a stride {stride}")
        numel *= length
        last += (length - 1) * stride
    size = BITS[dtype] // 8
    room = storage.numel if storage.dtype else storage.numel // size
    if (numel and last >= room) or offset > room:
        raise Refusal(
            f"a tensor that reaches element {last} of a storage of {room}: shape {_short(shape)},"
            f" strides {_short(strides)}, offset {offset}"
        )
    if numel > limits.FREE_EXPANSION // size:
        held = last + 1 - offset
        if numel > limits.MAX_EXPANSION * held:
            raise Refusal(
                f"a tensor that repeats {held * size} stored bytes to {numel * size}", unsafe=True
            )
    return Tensor(storage, dtype, offset, shape, strides)


def _tensor_v2(args: tuple[Any, ...]) -> Tensor:
    if len(args) not in (4, 6, 7):
        raise Refusal(f"_rebuild_tensor_v2 with {len(args)} arguments")
    storage = args[0]
    if type(storage) is not StorageRef or not storage.dtype:
        raise Refusal("a tensor without a typed storage")
    _check_hooks(args[5:6])
    return _view(storage, args[1], args[2], args[3], storage.dtype)


def _tensor_v3(args: tuple[Any, ...]) -> Tensor:
    if len(args) not in (7, 8) or type(args[6]) is not DType:
        raise Refusal(f"_rebuild_tensor_v3 with {len(args)} arguments")
    _check_hooks(args[5:6])
    return _view(args[0], args[1], args[2], args[3], args[6].name)


def _check_hooks(hooks: tuple[Any, ...]) -> None:
    for hook in hooks:
        if hook is not None and not (type(hook) in (Ordered, dict) and not hook):
            raise Refusal("a tensor with backward hooks", unsafe=True)


def _parameter(args: tuple[Any, ...]) -> Tensor:
    if len(args) not in (3, 4) or type(args[0]) is not Tensor:
        raise Refusal("a parameter without a tensor")
    _check_hooks(args[2:3])
    return args[0]


def _from_type(args: tuple[Any, ...]) -> object:
    """`_rebuild_from_type_v2(function, type, arguments, state)` of a tensor with attributes."""
    if len(args) != 4 or type(args[0]) is not Global or type(args[1]) is not Global:
        raise Refusal("a tensor of a type of its own")
    function, kind, inner, _ = args
    if kind.name not in ("torch.Tensor", "torch.nn.parameter.Parameter"):
        raise Refusal(f"a tensor of type {kind.name}")
    if function.call not in (_tensor_v2, _tensor_v3, _parameter) or type(inner) is not tuple:
        raise Refusal(f"a tensor made by {function.name}")
    return function.call(inner)


def _size(args: tuple[Any, ...]) -> tuple[int, ...]:
    if len(args) != 1 or type(args[0]) not in (tuple, list):
        raise Refusal("torch.Size without a tuple")
    return _lengths(tuple(args[0]), "size")


def _word(key: str) -> Production:
    def production(args: tuple[Any, ...]) -> Leaf:
        if not 1 <= len(args) <= 2 or type(args[0]) is not str:
            raise Refusal(f"a {key} without a name")
        index = args[1] if len(args) == 2 else None
        if index is not None and type(index) is not int:
            raise Refusal(f"a {key} without a number")
        return Leaf({f"${key}": args[0] if index is None else f"{args[0]}:{index}"})

    return production


def _path(separator: str) -> Production:
    def production(args: tuple[Any, ...]) -> Leaf:
        if len(args) > 256 or any(type(part) is not str for part in args):
            raise Refusal("a path whose parts are no text")
        text = separator.join(args)
        return Leaf({"$path": text.replace(separator * 2, separator, 1) or "."})

    return production


def _ordered(args: tuple[Any, ...]) -> Ordered:
    made = Ordered()
    if not args:
        return made
    if len(args) == 1 and type(args[0]) is list:
        for pair in args[0]:
            if type(pair) not in (tuple, list) or len(pair) != 2 or not is_key(pair[0]):
                raise Refusal("an OrderedDict of something else than pairs")
            made[pair[0]] = pair[1]
        return made
    raise Refusal("an OrderedDict of something else than pairs")


def _default_dict(args: tuple[Any, ...]) -> Ordered:
    if len(args) > 1 or (args and type(args[0]) is not Global and args[0] is not None):
        raise Refusal("a defaultdict with arguments")
    if args and args[0] is not None and args[0].name not in _FACTORIES:
        raise Refusal(f"a defaultdict that calls {args[0].name}", unsafe=True)
    return Ordered()


def _counter(args: tuple[Any, ...]) -> object:
    if len(args) != 1 or type(args[0]) is not dict:
        raise Refusal("a Counter without counts")
    return args[0]


def _collection(kind: str) -> Production:
    def production(args: tuple[Any, ...]) -> Collection:
        if len(args) > 1 or (args and type(args[0]) not in (list, tuple)):
            raise Refusal(f"a {kind} of something else than a list")
        items = list(args[0]) if args else []
        if not all(map(is_key, items)):
            raise Refusal(f"a {kind} of something else than names and numbers")
        return Collection(kind, items)

    return production


def _numbers(kind: str) -> Production:
    """Slice and range: up to three whole numbers or None."""

    def production(args: tuple[Any, ...]) -> Leaf:
        if not 1 <= len(args) <= 3 or any(a is not None and type(a) is not int for a in args):
            raise Refusal(f"a {kind} of something else than numbers")
        return Leaf({f"${kind}": list(args)})

    return production


def _complex(args: tuple[Any, ...]) -> Leaf:
    if len(args) != 2 or any(type(part) not in (int, float) for part in args):
        raise Refusal("a complex number of something else than two numbers")
    return Leaf({"$complex": list(args)})


def _encode(args: tuple[Any, ...]) -> bytes:
    """`_codecs.encode(text, 'latin1')`: how protocol 2 writes bytes."""
    if len(args) != 2 or type(args[0]) is not str or args[1] not in ("latin1", "latin-1"):
        raise Refusal("an encoding other than latin-1", unsafe=True)
    try:
        return args[0].encode("latin-1")
    except UnicodeEncodeError as error:
        raise Refusal("bytes that are no bytes") from error


def _bytearray(args: tuple[Any, ...]) -> bytes:
    """A bytearray of bytes that are in the file; not of a length, which would cost memory."""
    if len(args) == 1 and type(args[0]) is bytes:
        return args[0]
    if not args:
        return b""
    return _encode(args)


def _empty_bytes(args: tuple[Any, ...]) -> bytes:
    if args:
        raise Refusal("bytes made from arguments", unsafe=True)
    return b""


def _numpy_dtype(args: tuple[Any, ...]) -> NumpyDType:
    if not 1 <= len(args) <= 3 or type(args[0]) is not str or len(args[0]) > 12:
        raise Refusal("a numpy dtype of more than a name")
    return NumpyDType(args[0])


_SCALARS = {"f2": "e", "f4": "f", "f8": "d", "b1": "?", "c8": "2f", "c16": "2d"} | {
    f"{kind}{size}": code if kind == "i" else code.upper()
    for kind in "iu"
    for size, code in ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
}


def _numpy_scalar(args: tuple[Any, ...]) -> object:
    if len(args) != 2 or type(args[0]) is not NumpyDType or type(args[1]) is not bytes:
        raise Refusal("a numpy scalar of something else than bytes")
    kind, data = args
    code = _SCALARS.get(kind.code)
    if code is not None:
        order = ">" if kind.order == ">" else "<"
        if struct.calcsize(order + code) != len(data):
            raise Refusal(f"a numpy {kind.code} of {len(data)} bytes")
        values = struct.unpack(order + code, data)
        return values[0] if len(values) == 1 else Leaf({"$complex": list(values)})
    if kind.code[:1] == "U" and len(data) % 4 == 0 and len(data) <= 4 * limits.MAX_NAME:
        try:
            return data.decode("utf-32-be" if kind.order == ">" else "utf-32-le").rstrip("\0")
        except UnicodeDecodeError as error:
            raise Refusal("a numpy text that is no text") from error
    raise Refusal(f"a numpy scalar of dtype {kind.code}")


def _storage_type(_: tuple[Any, ...]) -> object:
    raise Refusal("a storage that is made rather than loaded", unsafe=True)


def _namespace(args: tuple[Any, ...]) -> Record:
    if args:
        raise Refusal("a namespace with arguments")
    return Record("types.SimpleNamespace")


_PLAIN_TYPES = ("dict", "list", "int", "float", "str", "bool", "tuple")
_FACTORIES = {f"builtins.{name}" for name in (*_PLAIN_TYPES, "set")} | {"collections.OrderedDict"}

_CALLS: dict[str, Production | None] = {
    "collections.OrderedDict": _ordered,
    "collections.defaultdict": _default_dict,
    "collections.Counter": _counter,
    "builtins.set": _collection("set"),
    "builtins.frozenset": _collection("frozenset"),
    "builtins.slice": _numbers("slice"),
    "builtins.range": _numbers("range"),
    "builtins.complex": _complex,
    "builtins.bytes": _empty_bytes,
    "builtins.bytearray": _bytearray,
    "_codecs.encode": _encode,
    "torch._utils._rebuild_tensor": _tensor_v2,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch.Size": _size,
    "torch.device": _word("device"),
    "torch.serialization._get_layout": _word("layout"),
    "torch.storage.UntypedStorage": _storage_type,
    "torch.UntypedStorage": _storage_type,
    "numpy.dtype": _numpy_dtype,
    "types.SimpleNamespace": _namespace,
} | dict.fromkeys(
    ("torch.Tensor", "torch.nn.parameter.Parameter", *(f"builtins.{n}" for n in _PLAIN_TYPES))
)
_CALLS |= {
    f"{m}.scalar": _numpy_scalar for m in ("numpy.core.multiarray", "numpy._core.multiarray")
}
_CALLS |= {
    f"{module}.{name}": _path("\\" if "Windows" in name else "/")
    for module in ("pathlib", "pathlib._local")
    for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
}
_RECORDS = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
)


def _build_table() -> dict[str, object]:
    table: dict[str, object] = {name: Global(name, call) for name, call in _CALLS.items()}
    for name in _RECORDS:
        known = table.get(name)
        call = known.call if isinstance(known, Global) else None
        table[name] = Global(name, call, record=True)
    for name, dtype in BY_STORAGE.items():
        for module in ("torch", "torch.cuda"):
            full = f"{module}.{name}"
            table[full] = Global(full, _storage_type, storage_dtype=dtype.name)
    for full in ("torch.storage.UntypedStorage", "torch.UntypedStorage"):
        table[full] = Global(full, _storage_type, storage_dtype="")
    for name, meant in [(n, n) for n in DTYPES] + list(TORCH_ALIASES.items()):
        table[f"torch.{name}"] = DType(meant)
    return table


TORCH_GLOBALS: dict[str, object] = _build_table()


def torch_storage(value: object) -> StorageRef:
    """The storage that a persistent id of torch means: ('storage', type, key, location, numel)."""
    if type(value) is not tuple or len(value) not in (5, 6) or value[0] != "storage":
        raise Refusal("a persistent id that is no storage", unsafe=True)
    _, kind, key, location, numel = value[:5]
    if type(kind) is not Global or kind.storage_dtype is None:
        raise Refusal("a storage of unknown type")
    if type(key) is not str or type(location) is not str or type(numel) is not int or numel < 0:
        raise Refusal("a storage whose key, place or length is none")
    if numel > limits.MAX_ELEMENTS:
        raise Refusal(f"a storage of {numel} elements")
    if len(value) == 5 or value[5] is None:
        return StorageRef(key, kind.storage_dtype, numel, location)
    raise Refusal("a storage that is a view of another, as torch wrote before 0.4")
