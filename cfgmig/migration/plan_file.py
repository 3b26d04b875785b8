"""The words for weights as a YAML or JSON file, for conversions that no revision describes.

    - move: {from: encoder, to: backbone.encoder}
    - split: {path: layers.*.qkv.weight, into: [layers.*.q.weight, ...], sizes: [64, 64, 64]}
    - remove: {path: head, keep: true}

One word each, in order; paths are those of a model's state dict. `optional: true` lets a word
find nothing. Everything is a value: no expression is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cfgmig.errors import CfgmigError, UsageError
from cfgmig.migration.grade import IRREVERSIBLE, STASH
from cfgmig.migration.operations import Add, Convert, Move, Operation, Remove
from cfgmig.migration.tensors import Joined, Repeated, Reshaped, Resized, Split, Transposed

if TYPE_CHECKING:
    from cfgmig.document import Document


def read_plan(content: bytes, name: str) -> tuple[Operation, ...]:
    """The operations that a plan file lists.

    Raises:
        Refused: it is no YAML or JSON.
        UsageError: an entry is no word, or lacks what it needs; with its line.
    """
    from cfgmig.document import Document

    document = Document.parse(content, name)
    if not isinstance(document.data, list) or not document.data:
        raise UsageError("a plan is a list of words", file=name, line=1, help=f"known: {_known()}")
    return tuple(_operation(document, at, entry) for at, entry in enumerate(document.data))


def _known() -> str:
    return ", ".join(_WORDS)


def _operation(document: Document, at: int, entry: Any) -> Operation:
    line = document.position((at,), "value").line

    def wrong(message: str, help: str | None = None) -> UsageError:
        return UsageError(message, file=document.name, line=line, help=help)

    word, values = next(iter(entry.items())) if isinstance(entry, dict) and entry else ("", None)
    if word not in _WORDS or len(entry) != 1 or not isinstance(values, dict):
        raise wrong("this is no word of a plan", f"one of {_known()}, each with its values")
    needed, more, make = _WORDS[word]
    missing = [key for key in needed if key not in values]
    unknown = sorted(set(map(str, values)) - {*needed, *more, "optional"})
    if missing or unknown:
        said = f"lacks `{missing[0]}`" if missing else f"has no `{unknown[0]}`"
        raise wrong(f"`{word}` {said}", f"it takes {', '.join([*needed, *more, 'optional'])}")
    try:
        for key, value in values.items():
            _check(key, value)
        return make(values)
    except (TypeError, ValueError, CfgmigError) as error:
        reason = error.message if isinstance(error, CfgmigError) else str(error)
        raise wrong(f"`{word}`: {reason}") from error


_TEXTS = ("path", "from", "to", "dtype")
_NAMES = ("into", "of")
_FLAGS = ("keep", "optional")


def _check(key: str, value: Any) -> None:
    """Raise TypeError where a value is not of the kind that its key asks for."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    is_list = isinstance(value, list)
    if key in _FLAGS:
        fine, kind = isinstance(value, bool), "true or false"
    elif key in _NAMES:
        fine, kind = is_list and all(isinstance(one, str) for one in value), "a list of names"
    elif key == "fill":
        fine, kind = is_number or isinstance(value, float), "a number"
    elif key in _TEXTS:
        # A resized dimension and a reshaped tensor say their lengths with the same two words.
        fine, kind = isinstance(value, str) or is_number or is_list, "a path"
    elif key in ("shape", "sizes", "dims"):
        fine = is_list and all(type(one) is int for one in value)
        kind = "a list of whole numbers"
    else:
        fine, kind = is_number, "a whole number"
    if not fine:
        raise TypeError(f"`{key}` must be {kind}, not {value!r}")


def _optional(values: Mapping[str, Any]) -> bool:
    return bool(values.get("optional", False))


def _move(values: Mapping[str, Any]) -> Operation:
    return Move(values["from"], values["to"], _optional(values))


def _copy(values: Mapping[str, Any]) -> Operation:
    from checkpoint_tools.plan import Take

    return Add(values["to"], Take(values["from"]), optional=_optional(values))


def _remove(values: Mapping[str, Any]) -> Operation:
    kept = STASH if values.get("keep") else IRREVERSIBLE
    return Remove(values["path"], kept, _optional(values))


def _add(values: Mapping[str, Any]) -> Operation:
    from checkpoint_tools.dtypes import DTYPES
    from checkpoint_tools.plan import Init

    word = str(values["dtype"])
    codes = {one.safetensors: name for name, one in DTYPES.items() if one.safetensors}
    dtype = word if word in DTYPES else codes.get(word.upper())
    if dtype is None:
        raise ValueError(f"{word} is no element type")
    fill = Init(dtype, tuple(values["shape"]), "constant", float(values.get("fill", 0.0)))
    return Add(values["path"], fill, optional=_optional(values))


def _transpose(values: Mapping[str, Any]) -> Operation:
    first, second = values.get("dims", (-2, -1))
    return Convert(values["path"], Transposed(first, second), _optional(values))


def _reshape(values: Mapping[str, Any]) -> Operation:
    codec = Reshaped(tuple(values["from"]), tuple(values["to"]))
    return Convert(values["path"], codec, _optional(values))


def _resize(values: Mapping[str, Any]) -> Operation:
    old, new = values["from"], values["to"]
    if not isinstance(old, int) or not isinstance(new, int):
        raise TypeError("`from` and `to` must be lengths")
    codec = Resized(values["dim"], old, new, float(values.get("fill", 0.0)))
    return Convert(values["path"], codec, _optional(values))


def _repeat(values: Mapping[str, Any]) -> Operation:
    return Convert(
        values["path"], Repeated(values["times"], values.get("dim", 0)), _optional(values)
    )


def _split(values: Mapping[str, Any]) -> Operation:
    codec = Split(tuple(values["into"]), tuple(values["sizes"]), values.get("dim", 0))
    return Convert(values["path"], codec, _optional(values))


def _join(values: Mapping[str, Any]) -> Operation:
    codec = Joined(tuple(values["of"]), tuple(values["sizes"]), values.get("dim", 0))
    return Convert(values["path"], codec, _optional(values))


_Make = Callable[[Mapping[str, Any]], Operation]
_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], _Make]] = {
    "move": (("from", "to"), (), _move),
    "copy": (("from", "to"), (), _copy),
    "remove": (("path",), ("keep",), _remove),
    "add": (("path", "dtype", "shape"), ("fill",), _add),
    "transpose": (("path",), ("dims",), _transpose),
    "reshape": (("path", "from", "to"), (), _reshape),
    "resize": (("path", "dim", "from", "to"), ("fill",), _resize),
    "repeat": (("path", "times"), ("dim",), _repeat),
    "split": (("path", "into", "sizes"), ("dim",), _split),
    "join": (("path", "of", "sizes"), ("dim",), _join),
}
"""Word -> what it needs, what it may have, what makes the operation."""
