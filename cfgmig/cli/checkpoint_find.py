"""`cfgmig checkpoint find`: the checkpoints below a folder, best first, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfgmig.cli import console
from cfgmig.cli.checkpoint_open import check_format, project_of
from cfgmig.cli.files import Target
from cfgmig.errors import UsageError
from cfgmig.states import as_cfgmig

if TYPE_CHECKING:
    from cfgmig.cli.options import CompatibleWith, Folders, Quiet, TextFormat, Verbose
    from cfgmig.searching import Found, Wanted

NONE_FOUND = 1


def find(
    folders: Folders = (),  # type: ignore[assignment]
    *,
    compatible_with: CompatibleWith = "",
    output_format: TextFormat = "text",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """List the checkpoints below folders, best first, with the reason.

    With `--compatible-with` only those that the config can load or that can be converted.
    A file that is refused is told of and passed over.

    Exit code 0: some were found. 1: none was. 2: usage.
    """
    from cfgmig.schema.cache import cache_home
    from cfgmig.searching import Index, candidates, judge, ranked
    from checkpoint_tools.errors import CheckpointError

    check_format(output_format)
    for folder in folders or (".",):
        if not Path(folder).is_dir():
            raise UsageError(f"{folder} is no folder", help="name the folder to search")
    wanted = _wanted(compatible_with) if compatible_with else None
    project = project_of(compatible_with or next(iter(folders), "."))
    index = Index(cache_home())
    paths = list(dict.fromkeys(path for folder in folders or (".",) for path in candidates(folder)))
    found: list[Found] = []
    with console.progress(paths, "reading", quiet=quiet) as items:
        for path in items:
            try:
                found.append(judge(index.entry(path), project, wanted))
            except CheckpointError as error:
                console.say(str(as_cfgmig(error)), quiet=quiet)
    best = ranked(found)
    useful = [one for one in best if one.useful]
    shown = best if verbose else useful
    if output_format == "json":
        import json

        console.data(json.dumps([_tree(one) for one in shown], indent=2) + "\n")
    else:
        console.data("\n".join(_text(at, one, verbose) for at, one in enumerate(shown, 1)))
    _conclude(len(found), len(useful), compatible_with, quiet=quiet)
    return 0 if useful else NONE_FOUND


def _wanted(config: str) -> Wanted:
    from cfgmig.searching import wanted_by

    target = Target(config, explicit=True)
    return wanted_by(target.read(), target.name, project_of(config))


def _conclude(found: int, useful: int, config: str, *, quiet: bool) -> None:
    said = f"{found} checkpoint{'s' * (found != 1)}"
    if config:
        said += f", {useful} of them for {config}"
        if useful < found:
            said += "; --verbose shows the others too"
    console.say(said, quiet=quiet)


def _text(at: int, one: Found, verbose: bool) -> str:
    from cfgmig.cli.checkpoint_text import size
    from cfgmig.searching import metrics
    from checkpoint_tools.text import escape

    numbers = metrics(one.entry.metadata)
    epoch = f", epoch {numbers['epoch']:.0f}" if "epoch" in numbers else ""
    mark = f"{at}." if one.useful else "-"
    match = one.recognised.match
    layout = f", layout {match.layout.name}" if match is not None else ""
    lines = [
        f"{mark} {escape(one.entry.path)}",
        f"   {one.recognised.title}{layout}{epoch}, {one.entry.format}, {size(one.entry.size)}",
    ]
    if one.reason:
        lines.append(f"   {escape(one.reason)}")
    if verbose:
        lines += [f"   but {escape(doubt)}" for doubt in one.recognised.doubts]
        if one.weighed is not None:
            lines += [f"   note {escape(note)}" for note in one.weighed.notes]
        if numbers:
            pairs = (f"{escape(key)} {value:.6g}" for key, value in numbers.items())
            lines.append(f"   {', '.join(pairs)}")
    return "\n".join(lines) + "\n"


def _tree(one: Found) -> dict[str, Any]:
    from cfgmig.recognising import plain
    from cfgmig.searching import metrics

    match, weighed = one.recognised.match, one.weighed
    found: dict[str, Any] = {
        "file": one.entry.path,
        "format": one.entry.format,
        "file_bytes": one.entry.size,
        "family": one.recognised.family or None,
        "layout": match.layout.name if match else None,
        "verdict": one.recognised.identified.verdict,
        "versions": list(one.recognised.versions),
        "doubts": list(one.recognised.doubts),
        "rank": one.judgement.rank,
        "reason": one.reason,
        "metrics": metrics(one.entry.metadata),
    }
    if weighed is not None:
        found["compatible"] = {
            "verdict": weighed.verdict,
            "help": weighed.help,
            "notes": list(weighed.notes),
            "components": {
                count.component: {
                    "expected": count.expected,
                    "loaded": count.loaded,
                    "needed": count.needed,
                }
                for count in weighed.counts
            },
        }
    plained: dict[str, Any] = plain(found)
    return plained
