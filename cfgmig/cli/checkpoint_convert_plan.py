"""What a conversion would do and cost; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cfgmig.cli.checkpoint_convert_report import (
    left_out,
    line,
    notes,
    route_tree,
    source_bytes,
    steps,
)
from cfgmig.cli.checkpoint_open import explained
from cfgmig.cli.checkpoint_text import size
from checkpoint_tools.text import escape

if TYPE_CHECKING:
    from cfgmig.cli.checkpoint_convert import Target
    from cfgmig.converting import Route
    from checkpoint_tools.plan import Prepared
    from checkpoint_tools.writing import Forecast


def tell(way: Route, target: Target, output_format: str, *, verbose: bool) -> str:
    """The plan and the forecast of a conversion as text or JSON."""
    from cfgmig.converting import layout_of
    from checkpoint_tools.plan import prepare
    from checkpoint_tools.writing import forecast
    from checkpoint_tools.writing.staging import check_target

    with explained():
        folder = target.format == "sharded"
        check_target(target.path, (), folder=folder, overwrite=target.overwrite)
        prepared = prepare(way.checkpoint, way.plan)
        how: Any = {**layout_of(way), **target.layout}
        cost = forecast(way.checkpoint, way.plan, target.path, **how)
    if output_format == "json":
        return _as_json(way, target, prepared, cost)
    lines = [
        f"{escape(way.checkpoint.name)} -> {escape(str(target.path))}: {target.format}",
        *steps(way, verbose=verbose),
        *_outputs(prepared),
        *left_out(way, cost.ledger, verbose=verbose),
        source_bytes(cost.ledger),
        *_cost(cost),
        *(line("note", escape(note)) for note in notes(way, cost.notes)),
        "nothing was written",
    ]
    return "".join(f"{one}\n" for one in lines)


def _outputs(prepared: Prepared) -> Iterator[str]:
    from checkpoint_tools.plan import Take, describe

    for output in prepared.outputs.values():
        origin = prepared.plan.outputs[output.name]
        same = isinstance(origin, Take) and origin.name == output.name
        told = "" if same else f"  from {escape(describe(origin))}"
        tied = f", tied to {escape(output.tie)}" if output.tie is not None else ""
        yield line(output.kind, f"{escape(output.name)}: {output.type}{tied}{told}")


def _cost(cost: Forecast) -> Iterator[str]:
    for name, count in cost.files.items():
        yield line("file", f"{escape(name)}, {size(count)}")
    kinds = ", ".join(f"{kind} {size(count)}" for kind, count in cost.bytes.items())
    yield line("work", kinds)
    yield line("memory", f"{size(cost.peak_memory)} at most, beyond the program itself")
    yield line("disk", f"{size(cost.disk_needed)} needed, {size(cost.disk_free)} free")


def _as_json(way: Route, target: Target, prepared: Prepared, cost: Forecast) -> str:
    import json
    from dataclasses import asdict

    from cfgmig.recognising import plain
    from checkpoint_tools.plan import describe

    tree = {
        **route_tree(way),
        "target": str(target.path),
        "format": target.format,
        "outputs": [
            {
                "name": output.name,
                "kind": output.kind,
                "dtype": output.type.dtype,
                "shape": list(output.type.shape),
                "bytes": output.nbytes,
                "from": describe(prepared.plan.outputs[output.name]),
                "tied_to": output.tie,
            }
            for output in prepared.outputs.values()
        ],
        "files": dict(cost.files),
        "bytes": dict(cost.bytes),
        # The target's side is counted while it is written.
        "ledger": {
            name: count
            for name, count in asdict(cost.ledger).items()
            if not name.startswith("target")
        },
        "peak_memory": cost.peak_memory,
        "disk_needed": cost.disk_needed,
        "disk_free": cost.disk_free,
        "notes": notes(way, cost.notes),
        "written": False,
    }
    return json.dumps(plain(tree), indent=2) + "\n"
