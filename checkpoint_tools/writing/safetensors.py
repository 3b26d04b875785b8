"""safetensors files, byte for byte as the reference library writes them.

Order, escapes and padding follow safetensors 0.8 (`safetensors/src/tensor.rs`: `prepare`);
unlike there, metadata are sorted, so that the same content gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring as quoted

from checkpoint_tools import limits
from checkpoint_tools.dtypes import DTYPES
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.proof import Output
from checkpoint_tools.text import quote
from checkpoint_tools.writing.copying import BLOCK
from checkpoint_tools.writing.layout import FileLayout

# The library sorts by its own list of types, last first, then by name.
_ORDER = (
    *("U64", "I64", "F64", "C64", "F32", "U32", "I32", "BF16", "F16", "U16", "I16"),
    *("F8_E5M2FNUZ", "F8_E4M3FNUZ", "F8_E8M0", "F8_E4M3", "F8_E5M2", "I8", "U8"),
    *("F6_E3M2", "F6_E2M3", "F4", "BOOL"),
)
_RANK = {code: rank for rank, code in enumerate(_ORDER)}


def entry_type(output: Output) -> tuple[str, tuple[int, ...]]:
    """The type's name and the shape as safetensors has them.

    Raises:
        PlanError: it has no such type.
    """
    dtype, shape = output.type
    if dtype == "float4_e2m1fn_x2":  # torch counts pairs
        return "F4", (*shape[:-1], shape[-1] * 2) if shape else (2,)
    code = DTYPES[dtype].safetensors
    if not code:
        raise PlanError(f"safetensors has no {dtype}, which {quote(output.name)} is")
    return code, shape


def layout(
    outputs: Sequence[Output],
    metadata: Mapping[str, str],
    anchors: Mapping[str, int] | None = None,
) -> FileLayout:
    """The layout of a file with these tensors.

    Args:
        outputs: tensors, each with bytes of its own.
        metadata: texts for `__metadata__`.
        anchors: where outputs lie in their source file. With them the header is padded so that
            most bytes keep their place within a block, and file systems can share the blocks.
    """
    types = {output.name: entry_type(output) for output in outputs}
    ordered = sorted(outputs, key=lambda output: (_RANK[types[output.name][0]], output.name))
    starts: dict[str, int] = {}
    entries: list[str] = []
    if metadata:
        texts = json.dumps(
            dict(sorted(metadata.items())), ensure_ascii=False, separators=(",", ":")
        )
        entries.append(f'"__metadata__":{texts}')
    at = 0
    for output in ordered:
        if output.name == "__metadata__":
            raise PlanError("a tensor in a safetensors file cannot be called __metadata__")
        code, shape = types[output.name]
        end = at + output.nbytes
        entries.append(
            f'{quoted(output.name)}:{{"dtype":"{code}","shape":[{",".join(map(str, shape))}],'
            f'"data_offsets":[{at},{end}]}}'
        )
        starts[output.name] = at
        at = end
    try:
        header = ("{" + ",".join(entries) + "}").encode()
    except UnicodeEncodeError as error:
        raise PlanError("a name or text of the header is no Unicode") from error
    header += b" " * (-len(header) % 8)
    if anchors:
        header += b" " * _padding(ordered, starts, 8 + len(header), anchors)
    if len(header) > limits.MAX_SAFETENSORS_HEADER:
        raise PlanError(f"the header would have {len(header)} bytes, which no reader takes")
    base = 8 + len(header)
    head = len(header).to_bytes(8, "little") + header
    places = {name: base + start for name, start in starts.items()}
    return FileLayout(base + at, places, lambda _: [(0, head)])


def _padding(
    outputs: Iterable[Output], starts: Mapping[str, int], base: int, anchors: Mapping[str, int]
) -> int:
    """Blanks that bring the most bytes to where they lie within their block in the source."""
    votes: dict[int, int] = {}
    for output in outputs:
        if output.name in anchors:
            shift = (anchors[output.name] - starts[output.name] - base) % BLOCK
            votes[shift] = votes.get(shift, 0) + output.nbytes
    # The data of a padded file may begin anywhere; ties go to the shortest padding.
    return max(sorted(votes), key=lambda shift: votes[shift], default=0)
