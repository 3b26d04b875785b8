"""A checkpoint for programs: one JSON object with everything that `inspect` found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.recognising import plain

if TYPE_CHECKING:
    from cfgmig.cli.checkpoint_inspect import Inspection
    from cfgmig.recognising import Recognised
    from checkpoint_tools import TensorRef


def tree(one: Inspection) -> dict[str, Any]:
    """The inspection as plain data; infinite numbers are written as text."""
    checkpoint = one.checkpoint
    found: dict[str, Any] = {
        "file": checkpoint.name,
        "format": checkpoint.format,
        "files": list(checkpoint.files),
        "file_bytes": one.file_bytes,
        "stored_bytes": checkpoint.stored_bytes,
        "referenced_bytes": checkpoint.referenced_bytes,
        **_recognised(one.recognised),
        "state_dicts": [
            {
                "key": state.key,
                "role": state.role,
                "tensors": len(state.shapes),
                "elements": sum(checkpoint.tensors[name].numel for name in state.names.values()),
            }
            for state in one.states
        ],
        "tensors": [_tensor(one, ref) for ref in checkpoint.tensors.values()],
        "notes": [{"kind": note.kind, "message": note.message} for note in checkpoint.notes],
        "container": checkpoint.container,
        "metadata": checkpoint.metadata,
    }
    plained: dict[str, Any] = plain(found)
    return plained


def _tensor(one: Inspection, ref: TensorRef) -> dict[str, Any]:
    found = {
        "name": ref.name,
        "dtype": ref.dtype,
        "shape": list(ref.shape),
        "bytes": ref.nbytes,
        "alias_of": ref.alias_of,
    }
    if one.stats:
        tally = one.stats.get(ref.name)
        found["stats"] = tally.as_dict() if tally is not None else None
    return found


def _recognised(found: Recognised) -> dict[str, Any]:
    match, inside = found.match, found.inside
    told: dict[str, Any] = {
        "family": found.family or None,
        "layout": match.layout.name if match else None,
        "verdict": found.identified.verdict,
        "ties": [tie.layout.name for tie in found.identified.ties],
        "versions": list(found.versions),
        "certain": found.certain,
        "evidence": list(found.evidence),
        "doubts": list(found.doubts),
        "config": None
        if inside is None
        else {"key": inside.key, "is": inside.name or None, "because": inside.sentence},
    }
    if match is not None:
        told |= {
            "score": match.score,
            "wrappers": list(match.stripped),
            "dimensions": dict(match.dimensions),
            "facts": dict(match.facts),
            "missing": list(match.missing),
            "unexpected": list(match.unexpected),
            "mismatched": [
                {"name": clash.name, "found": list(clash.found), "wanted": list(clash.wanted)}
                for clash in match.mismatched
            ],
            "components": {part.component.name: len(part.matched) for part in match.parts},
            "not_told": list(match.layout.not_told),
        }
    return {"recognised": told}
