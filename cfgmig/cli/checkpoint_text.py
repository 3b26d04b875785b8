"""A checkpoint on a terminal: what it is, the tree of its tensors, what lies beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from checkpoint_tools.text import escape

if TYPE_CHECKING:
    from cfgmig.cli.checkpoint_inspect import Inspection
    from cfgmig.cli.checkpoint_stats import Tally
    from cfgmig.recognising import Recognised
    from cfgmig.states import State
    from checkpoint_tools import Checkpoint, TensorRef

LABEL = 12
DEEPEST = 16
"""Names are split into at most so many parts; the rest stays together."""
ALIKE = 3
"""So many numbered parts of one structure are shown as one."""
ONE_LINE = 4
SHOWN = 8
"""Items of a list, and names of a kind, that are shown without `--verbose`."""
LINES = 1000
"""Lines of metadata that are shown without it."""
UNITS = ("B", "kB", "MB", "GB", "TB")


def render(one: Inspection, *, verbose: bool) -> str:
    """The whole inspection as text."""
    lines = [*_head(one), ""]
    for state in one.states:
        lines += _state(one, state, verbose=verbose)
    beside = {key: value for key, value in one.checkpoint.metadata.items() if not _is_stub(value)}
    if beside:
        tree = _tree(beside, "  ", verbose=verbose, optimizers=one.optimizers)
        lines += ["", "metadata", *islice(tree, None if verbose else LINES)]
        if next(tree, None) is not None:
            lines.append("  ... (--verbose shows the rest)")
    return "\n".join(lines) + "\n"


def size(count: int) -> str:
    """Bytes as people read them, in powers of 1000."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{count} B" if unit == 0 else f"{amount:.3g} {UNITS[unit]}"


def words(values: Iterable[str], most: int = SHOWN) -> str:
    """Names in one line, escaped; the first ones when there are many."""
    names = [escape(value) for value in values]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _head(one: Inspection) -> Iterator[str]:
    checkpoint, found = one.checkpoint, one.recognised
    files = f" in {len(checkpoint.files)} files" if len(checkpoint.files) > 1 else ""
    yield f"{escape(checkpoint.name)}: {checkpoint.format}, {size(one.file_bytes)}{files}"
    yield _line("is", escape(found.title))
    yield from _recognised(found)
    yield _line("bytes", _bytes(checkpoint))
    for note in checkpoint.notes:
        yield _line("note", escape(note.message))


def _recognised(found: Recognised) -> Iterator[str]:
    match = found.match
    if match is not None:
        summary = f": {match.layout.summary}" if match.layout.summary else ""
        yield _line("layout", f"{match.layout.name}{summary}")
    for at, sentence in enumerate(found.evidence):
        yield _line("because" if at == 0 else "", escape(sentence))
    for at, sentence in enumerate(found.doubts):
        yield _line("but" if at == 0 else "", escape(sentence))
    if match is None:
        near = found.identified.ranked[:1]
        if near and near[0].matched:
            yield _line(
                "nearest",
                f"{near[0].layout.family} {near[0].layout.name}, {near[0].matched} tensors fit",
            )
    else:
        if match.stripped:
            yield _line("wrapped in", words(match.stripped))
        if match.dimensions:
            pairs = sorted(match.dimensions.items())
            yield _line("dimensions", ", ".join(f"{name} {number}" for name, number in pairs))
        for label, names in (("missing", match.missing), ("unexpected", match.unexpected)):
            if names:
                yield _line(label, words(names))
        if match.mismatched:
            yield _line("mismatched", words(map(str, match.mismatched)))
        if match.layout.not_told:
            yield _line("not told", "by tensors: " + ", ".join(match.layout.not_told))
    if found.inside is not None:
        yield _line("config", f"under `{found.inside.key}`: {escape(found.inside.sentence)}")


def _line(label: str, text: str) -> str:
    return f"  {label.ljust(LABEL)}{text}"


def _bytes(checkpoint: Checkpoint) -> str:
    stored, referenced = checkpoint.stored_bytes, checkpoint.referenced_bytes
    count = len(checkpoint.tensors)
    said = f"{count} tensor{'s' * (count != 1)}, {size(stored)} stored"
    if stored == referenced:
        return f"{said}, all of it referenced"
    return f"{said}, {size(referenced)} of it referenced ({stored - referenced} bytes are not)"


def _state(one: Inspection, state: State, *, verbose: bool) -> Iterator[str]:
    refs = {inner: one.checkpoint.tensors[name] for inner, name in state.names.items()}
    stats = {inner: one.stats.get(name) for inner, name in state.names.items()}
    title = escape(state.key) or "tensors"
    role = f" ({state.role})" if state.role != "model" else ""
    yield f"{title}{role}  {_total(refs.values())}"
    if state.role == "optimizer" and not verbose and not one.stats:
        yield "  (not listed; --verbose does)"
        return
    yield from _children(_trie(refs), "  ", refs, stats if one.stats else {}, verbose)


def _total(refs: Iterable[TensorRef]) -> str:
    every = list(refs)
    dtypes = sorted({ref.dtype for ref in every})
    elements = sum(ref.numel for ref in every)
    return (
        f"{len(every)} tensor{'s' * (len(every) != 1)}, {elements:,} elements, "
        f"{size(sum(ref.nbytes for ref in every))} {'/'.join(dtypes)}"
    )


Trie = dict[str, Any]
"""Parts of names; a leaf is the whole name."""


def _trie(names: Iterable[str]) -> Trie:
    root: Trie = {}
    for name in names:
        node = root
        *parents, last = name.split(".", DEEPEST)
        # A dot more, where a tensor's name is the beginning of another's.
        for part in parents:
            while isinstance(node.get(part), str):
                part += "."
            node = node.setdefault(part, {})
        while last in node:
            last += "."
        node[last] = name
    return root


def _children(
    node: Trie,
    indent: str,
    refs: Mapping[str, TensorRef],
    stats: Mapping[str, Tally | None],
    verbose: bool,
) -> Iterator[str]:
    parts = list(node)
    at = 0
    while at < len(parts):
        part, below = parts[at], node[parts[at]]
        if isinstance(below, str):
            yield from _leaf(part, below, indent, refs, stats)
            at += 1
            continue
        run = 1 if verbose or stats else _run(node, parts, at, refs)
        name = escape(part)
        if run >= ALIKE:
            name = f"{name} ... {escape(parts[at + run - 1])} ({run} alike)"
        else:
            run = 1
        while len(below) == 1 and isinstance(only := next(iter(below.values())), dict):
            name, below = f"{name}.{escape(next(iter(below)))}", only
        if not stats and _is_small(below, refs):
            yield f"{indent}{name}: {_joined(below, refs)}"
        else:
            yield f"{indent}{name}"
            yield from _children(below, f"{indent}  ", refs, stats, verbose)
        at += run


def _run(node: Trie, parts: Sequence[str], at: int, refs: Mapping[str, TensorRef]) -> int:
    """How many numbered parts from here on have the same structure."""
    if not parts[at].isdecimal():
        return 1
    first = _signature(node[parts[at]], refs)
    count = 1
    for part in parts[at + 1 :]:
        is_next = part.isdecimal() and int(part[:9]) == int(parts[at][:9]) + count
        if not is_next or _signature(node[part], refs) != first:
            break
        count += 1
    return count


def _signature(below: Trie | str, refs: Mapping[str, TensorRef]) -> Any:
    if isinstance(below, str):
        return refs[below].dtype, refs[below].shape
    return tuple((part, _signature(node, refs)) for part, node in below.items())


def _is_small(node: Trie, refs: Mapping[str, TensorRef]) -> bool:
    return len(node) <= ONE_LINE and all(
        isinstance(below, str) and refs[below].alias_of is None for below in node.values()
    )


def _joined(node: Trie, refs: Mapping[str, TensorRef]) -> str:
    """Weight and bias, and the like, in one line."""
    every = [(part, refs[name]) for part, name in node.items()]
    shapes = ", ".join(f"{escape(part)} {_shape(ref)}" for part, ref in every)
    dtypes = "/".join(sorted({ref.dtype for _, ref in every}))
    return f"{shapes}  {dtypes}, {size(sum(ref.nbytes for _, ref in every))}"


def _leaf(
    part: str,
    name: str,
    indent: str,
    refs: Mapping[str, TensorRef],
    stats: Mapping[str, Tally | None],
) -> Iterator[str]:
    ref = refs[name]
    alias = f", the same as {escape(ref.alias_of)}" if ref.alias_of else ""
    yield f"{indent}{escape(part)} {_shape(ref)}  {ref.dtype}, {size(ref.nbytes)}{alias}"
    if stats:
        yield f"{indent}  {_numbers(stats.get(name))}"


def _shape(ref: TensorRef) -> str:
    return f"[{', '.join(map(str, ref.shape))}]"


def _numbers(found: Tally | None) -> str:
    if found is None:
        return "no numbers are read for this element type"
    said = f"zeros {found.zeros}, NaN {found.nan}, Inf {found.inf}"
    if found.count == 0:
        return said
    return (
        f"min {found.min:.6g}, max {found.max:.6g}, mean {found.mean:.6g}, std {found.std:.6g}, "
        + said
    )


def _is_stub(value: object) -> bool:
    """Whether it only says how many tensors stood there."""
    return isinstance(value, dict) and set(value) == {"$tensors"}


def _tree(
    value: Mapping[str, Any], indent: str, *, verbose: bool, optimizers: Sequence[str] = ()
) -> Iterator[str]:
    for key, below in value.items():
        name = escape(str(key))
        if key in optimizers and not verbose:
            yield f"{indent}{name}: (state of an optimizer; --verbose shows it)"
        elif isinstance(below, dict) and below and not _is_stub(below):
            yield f"{indent}{name}"
            yield from _tree(below, f"{indent}  ", verbose=verbose)
        else:
            yield f"{indent}{name}: {_value(below, verbose=verbose)}"


def _value(value: Any, *, verbose: bool) -> str:
    import json

    if isinstance(value, list):
        most = len(value) if verbose else SHOWN
        shown = ", ".join(_value(one, verbose=verbose) for one in value[:most])
        more = f", ... {len(value)} items" if len(value) > most else ""
        return f"[{shown}{more}]"
    if isinstance(value, str):
        return escape(value) if value else "''"
    return escape(json.dumps(value, default=str))
