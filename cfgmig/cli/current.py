"""`cfgmig current`: which version each file is of, and how that is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cfgmig.cli import console, work
from cfgmig.cli.files import Target, collect
from cfgmig.errors import CfgmigError

if TYPE_CHECKING:
    from cfgmig.cli.options import Family, Paths, Quiet, TextFormat, Verbose
    from cfgmig.project import Project
    from cfgmig.schema.detect import Detection


def current(
    paths: Paths = (),  # type: ignore[assignment]
    *,
    family: Family = "",
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Tell each file's family and version, and the evidence for it.

    Exit code 1 when a version is ambiguous, 2 when a named file is of no known family.
    """
    project = work.project_of(paths)
    code, rows = 0, []
    for target in collect(paths, project.settings.get("exclude", ())):
        try:
            detection = _detect(target, project, family)
        except CfgmigError as error:
            console.say(str(error))
            code = max(code, error.exit_code)
            continue
        if detection.verdict == "unknown":
            code = max(code, 2 if target.explicit else 0)
            if not target.explicit and not verbose:
                continue
            if not verbose:
                console.say(f"{target.name}: `-v` says what it was compared with")
        code = max(code, int(detection.verdict == "ambiguous"))
        rows.append(_row(target, detection))
    if output_format == "json":
        console.data(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return code
    for row in rows:
        console.data(f"{row['file']}: {row['sentence']}\n")
        for candidate in row["candidates"] if verbose and not quiet else ():
            why = "; ".join((*candidate["reasons"], *candidate["doubts"]))
            console.data(f"  {candidate['score']:7.2f}  {candidate['version']}: {why}\n")
    return code


def _detect(target: Target, project: Project, family: str) -> Detection:
    from cfgmig.document import Document
    from cfgmig.upgrading import Options, detected

    document = Document.parse(target.read(), target.name)
    found = detected(document, project, Options(family=family or None))
    if found.verdict == "future" and found.error is not None:
        raise found.error
    return found


def _row(target: Target, detection: Detection) -> dict[str, Any]:
    best = detection.best
    return {
        "file": target.name,
        "verdict": detection.verdict,
        "version": best.name if best is not None and detection.certain else None,
        "sentence": detection.sentence if best is not None else "of no known family",
        "candidates": [
            {
                "version": one.name,
                "score": one.score,
                "reasons": list(one.reasons),
                "doubts": list(one.doubts),
            }
            for one in detection.candidates
        ],
    }
