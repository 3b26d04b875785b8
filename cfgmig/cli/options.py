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
Sentence = Annotated[str, typer.Argument(help="What changed, in one sentence for users.")]
Code = Annotated[str, typer.Argument(help="A rule code such as CM001; none lists all.")]
VersionName = Annotated[str, typer.Argument(help="A version name; the current one by default.")]
TemplateName = Annotated[str, typer.Argument(help="A template's name; none lists them.")]
Folder = Annotated[str, typer.Argument(help="The project's root.")]

Family = Annotated[str, typer.Option(help="The model family, when files do not tell.")]
Autogenerate = Annotated[
    bool, typer.Option("--autogenerate", help="Draft its operations from the two schemas.")
]
Revises = Annotated[str, typer.Option(help="The version that it follows, when there are several.")]
To = Annotated[str, typer.Option(help="Target version; the current one by default.")]
DownTo = Annotated[str, typer.Option(help="Target version.")]
FromVersion = Annotated[
    str,
    typer.Option("--from-version", "--from", help="Take files for this version, do not detect."),
]
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
WithCheckpoints = Annotated[
    bool,
    typer.Option(
        "--with-checkpoints",
        help="Convert the checkpoints that the configs name as well, and name the new ones.",
    ),
]
Prefer = Annotated[
    list[str],
    typer.Option(help="Of two keys that become one and differ, the one to believe (repeats)."),
]
List = Annotated[bool, typer.Option("--list", help="List the runs that can be undone.")]
Force = Annotated[bool, typer.Option("--force", help="Also files that changed since that run.")]
Run = Annotated[str, typer.Option(help="The run to undo, as `--list` names it; else the last.")]
Output = Annotated[str, typer.Option(help="Write to this file instead of standard output.")]
Stamp = Annotated[str, typer.Argument(help="FAMILY/VERSION, or `detected`.")]
Weights = Annotated[
    list[str],
    typer.Argument(help="Checkpoints: files, folders of shards, URLs."),
]
Folders = Annotated[list[str], typer.Argument(help="Folders to search; the current one if none.")]
OneCheckpoint = Annotated[str, typer.Argument(help="A checkpoint: file, folder or URL.")]
OtherCheckpoint = Annotated[str, typer.Argument(help="The checkpoint to compare it with.")]
NewCheckpoint = Annotated[str, typer.Argument(help="The file to write; a folder for shards.")]
MadeCheckpoint = Annotated[str, typer.Argument(help="What was made of it.")]
Stats = Annotated[
    bool, typer.Option("--stats", help="Read every tensor: min, max, mean, std, zeros, NaN, Inf.")
]
CompatibleWith = Annotated[
    str, typer.Option(help="Only checkpoints that this config can load, or that can be converted.")
]
Atol = Annotated[float, typer.Option(help="Numbers are close within this ...")]
Rtol = Annotated[float, typer.Option(help="... plus this times the number on the right.")]
NoValues = Annotated[
    bool, typer.Option("--no-values", help="Compare names, shapes and types; read headers only.")
]
Map = Annotated[
    list[str],
    typer.Option(
        metavar="OLD=NEW",
        help="OLD on the left is NEW on the right; each `*` is one segment (repeats).",
    ),
]
Along = Annotated[
    str, typer.Option(help="Compare what a migration of the left one to this version would give.")
]
Strip = Annotated[
    list[str],
    typer.Option(metavar="PREFIX", help="Take PREFIX off names, on both sides (repeats)."),
]
AllTensors = Annotated[
    bool, typer.Option("--all", help="Every tensor, not only the model's state dict.")
]
ToMigrate = Annotated[str, typer.Option(help="Migrate to this version.")]
ForConfig = Annotated[
    str,
    typer.Option(
        "--for-config", "--for", metavar="CONFIG", help="Migrate to what this config builds."
    ),
]
PreferAdaptation = Annotated[
    list[str],
    typer.Option(
        "--prefer",
        metavar="ADAPTATION",
        help="Of several that lead to a setting, this one, even at a loss it refuses (repeats).",
    ),
]
NoStashFile = Annotated[
    bool,
    typer.Option("--no-stash", help="Keep no file of the tensors that a migration leaves out."),
]
TargetFormat = Annotated[
    str, typer.Option(help="safetensors, sharded, torch, npy or npz; else by TARGET's suffix.")
]
MaxShard = Annotated[
    str,
    typer.Option(metavar="SIZE", help="Bytes of tensors in a file of `sharded`: 5GB, 500MB."),
]
CastTo = Annotated[
    str,
    typer.Option(
        "--cast", metavar="DTYPE", help="Floating-point tensors, but no optimizer's, as this type."
    ),
]
FailOn = Annotated[
    list[str],
    typer.Option(help="Losses of casts that fail: overflow, underflow, change (repeats)."),
]
StripPrefix = Annotated[
    list[str], typer.Option(metavar="PREFIX", help="Take PREFIX off names (repeats).")
]
ModelOnly = Annotated[
    bool, typer.Option("--model-only", help="Only the model's state dict, under its own names.")
]
Rename = Annotated[
    list[str],
    typer.Option(metavar="OLD=NEW", help="Another name for a tensor (repeats)."),
]
PlanFile = Annotated[
    str,
    typer.Option(
        "--plan", metavar="FILE", help="Words for the model's tensors, listed in YAML or JSON."
    ),
]
Drop = Annotated[
    list[str],
    typer.Option(
        metavar="PATTERN",
        help="Leave out what has this name or begins with it; `*` is one segment (repeats).",
    ),
]
Aliases = Annotated[
    str,
    typer.Option(help="Tied tensors in formats without shared storages: duplicate or once."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]
Reflink = Annotated[
    bool,
    typer.Option("--reflink", help="Spend up to a block so that the file system can share data."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the plan and what it will cost; write nothing.")
]
RoundTrip = Annotated[
    bool,
    typer.Option("--round-trip", help="Also stream there and back and compare hashes."),
]
Probe = Annotated[
    bool,
    typer.Option("--probe", help="Also run both architectures on the family's inputs."),
]
