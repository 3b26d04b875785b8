"""The options of all commands, declared once for Typer: one name, one meaning, everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

Paths = Annotated[
    list[str], typer.Argument(help="Files, folders, globs, or `-` for standard input.")
]
OnePath = Annotated[str, typer.Argument(help="A config file, or `-` for standard input.")]
OtherPath = Annotated[str, typer.Argument(help="The config to compare it with.")]
Revision = Annotated[str, typer.Argument(help="A version name, or a revision file's number.")]
Code = Annotated[str, typer.Argument(help="A rule code such as CM001; none lists all.")]
VersionName = Annotated[str, typer.Argument(help="A version name; the current one by default.")]
TemplateName = Annotated[str, typer.Argument(help="A template's name; none lists them.")]
Folder = Annotated[str, typer.Argument(help="The project's root.")]

Family = Annotated[str, typer.Option(help="The model family, when files do not tell.")]
To = Annotated[str, typer.Option(help="Target version; the current one by default.")]
DownTo = Annotated[str, typer.Option(help="Target version.")]
FromVersion = Annotated[str, typer.Option(help="Take files for this version, do not detect.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show the changes as a diff, write nothing.")]
CheckOnly = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit 1 when a file would change.")
]
Fix = Annotated[bool, typer.Option("--fix", help="Repair what is safe to repair, in place.")]
UnsafeFixes = Annotated[
    bool, typer.Option("--unsafe-fixes", help="Apply fixes that may change what a config means.")
]
Select = Annotated[list[str], typer.Option(help="Only these codes or prefixes (commas, repeats).")]
Ignore = Annotated[list[str], typer.Option(help="Not these codes or prefixes (commas, repeats).")]
OutputFormat = Annotated[str, typer.Option(help="text, json, github, sarif or junit.")]
TableFormat = Annotated[str, typer.Option(help="table, markdown or json.")]
TextFormat = Annotated[str, typer.Option(help="text or json.")]
SkipUnknown = Annotated[
    bool, typer.Option("--skip-unknown", help="Pass over files of no known family.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only results and errors.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more: infos, reasons, what was left alone.")
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", help="Processes; 0 takes as many as the files are worth.")
]
NoStamp = Annotated[
    bool, typer.Option("--no-stamp", help="Do not write `schema_version` where there is none.")
]
NoStash = Annotated[
    bool,
    typer.Option("--no-stash", help="Refuse a file rather than keep dropped keys as comments."),
]
List = Annotated[bool, typer.Option("--list", help="List the runs that can be undone.")]
Force = Annotated[bool, typer.Option("--force", help="Also files that changed since that run.")]
Run = Annotated[str, typer.Option(help="The run to undo, as `--list` names it; else the last.")]
Output = Annotated[str, typer.Option(help="Write to this file instead of standard output.")]
Stamp = Annotated[str, typer.Argument(help="FAMILY/VERSION, or `detected`.")]
Action = Annotated[str, typer.Argument(help="`inspect` or `find`.")]
Weights = Annotated[
    list[str],
    typer.Argument(help="Checkpoints: files, folders of shards, URLs; for `find` folders."),
]
Stats = Annotated[
    bool, typer.Option("--stats", help="Read every tensor: min, max, mean, std, zeros, NaN, Inf.")
]
CompatibleWith = Annotated[
    str, typer.Option(help="Only checkpoints that this config can load, or that can be converted.")
]
