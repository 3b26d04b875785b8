"""TV101-TV108: is there a file of frozen weights, and does the config take it in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.schema.rules import Example, Problem, rule

from .read import (
    TO_LOAD,
    class_name,
    frozen_path,
    is_file,
    means_none,
    needs_frozen,
    on,
    option_c,
    path_key,
    section,
    setting,
    weights_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfgmig.schema.rules import Config

PREFIX = "sandbox-training/"
"""Folder that every path had until it was removed from the repository."""

WANTED = "frozen_checkpoint: {path: FILE, encoder_to_load: both, decoder_to_load: decoder_A}"

MODEL = "model:\n  name: TernaryVAEV5_11_PartialFreeze\n"
FILE = """\
frozen_checkpoint:
  path: checkpoints/v5_5/latest.pt
  encoder_to_load: both
  decoder_to_load: decoder_A
"""
LATEST = ("checkpoints/v5_5/latest.pt",)
GOOD_FILE = Example(MODEL + FILE, files=LATEST)


@rule(
    code="TV101",
    name="frozen-path-null",
    severity="error",
    summary="The architecture needs frozen weights, and the path to them is null.",
    explanation="""
    Every V5.11 and V5.12 class keeps encoder_A and decoder_A frozen, so without a file they
    stay random for the whole run. The old trainers only printed a line and went on.

    Measured over six epochs with `path: null`: coverage 1 of 19,683 operations throughout, while
    the loss fell from 10.1 to 3.1, hierarchy_B reached -0.57 and a best_Q.pt was written. Neither
    loss nor hierarchy shows the fault; only coverage does.

    Name a file with known coverage. The help offers the one that `cfgmig checkpoint find` ranks
    first by what is stored in it. Training from scratch is what the V5.5 classes are for.
    """,
    valid=(GOOD_FILE, Example("model:\n  latent_dim: 16\n", version="5.5.0")),
    invalid=(
        Example(MODEL + "frozen_checkpoint:\n  path: null\n"),
        Example(
            MODEL
            + "frozen_checkpoint:\n  path: null\n  encoder_to_load: null\n  decoder_to_load: null\n",
        ),
    ),
)
def frozen_path_null(config: Config) -> Iterator[Problem]:
    key = path_key(config)
    holder = key.rpartition(".")[0]
    is_there = config.has(key) if not holder else isinstance(config.get(holder), dict)
    if needs_frozen(config) and is_there and config.get(key) is None:
        best = weights_for(config, parts=True)
        yield Problem(
            key,
            f"{class_name(config)} without frozen weights never learns to reconstruct "
            "(coverage stays at 0.005 %)",
            best.help,
            best.fix,
        )


@rule(
    code="TV102",
    name="frozen-path-null-text",
    severity="error",
    summary="The path to the frozen weights is a text that was meant as null.",
    explanation="""
    `path: "null"` and `path: none` are texts in YAML: they name a file called null or none. The
    old validator knew "null" and took it for no path; the trainers looked for such a file, found
    none and went on with random weights.

    The fix writes what the text was taken for. TV101 then says whether that can work at all.
    """,
    valid=(GOOD_FILE, Example("frozen_checkpoint:\n  path: null\n")),
    invalid=(
        Example('frozen_checkpoint:\n  path: "null"\n', fixed="frozen_checkpoint:\n  path: null\n"),
        Example("frozen_checkpoint:\n  path: none\n", fixed="frozen_checkpoint:\n  path: null\n"),
    ),
)
def frozen_path_null_text(config: Config) -> Iterator[Problem]:
    key = path_key(config)
    path = config.get(key)
    if isinstance(path, str) and means_none(path):
        yield Problem(
            key,
            f"path is the text {path!r}, which names a file, not null",
            f"write `{key}: null` without quotes for no file; or {weights_for(config).help}",
            setting(key, None, safe=True),
        )


@rule(
    code="TV103",
    name="frozen-section-null",
    severity="error",
    summary="The section frozen_checkpoint is there, but empty.",
    explanation="""
    `frozen_checkpoint:` with nothing below it reads as null. The old trainers asked it for a path
    and died with "'NoneType' object has no attribute 'get'", some of them only after the data had
    been prepared.

    Write the three keys of the section; TV101 explains why the file is needed.
    """,
    valid=(GOOD_FILE, Example("frozen_checkpoint:\n  path: null\n")),
    invalid=(
        Example(MODEL + "frozen_checkpoint: null\n"),
        Example(MODEL + "frozen_checkpoint:\n", files=LATEST),
    ),
)
def frozen_section_null(config: Config) -> Iterator[Problem]:
    if config.has("frozen_checkpoint") and config.get("frozen_checkpoint") is None:
        best = weights_for(config, parts=True)
        yield Problem(
            "frozen_checkpoint",
            "frozen_checkpoint is empty; the trainers crash on it",
            f"write `{WANTED}`; {best.help}",
            best.fix,
        )


@rule(
    code="TV104",
    name="frozen-section-missing",
    severity="error",
    summary="The architecture needs frozen weights, and no section names them.",
    explanation="""
    Without the section frozen_checkpoint a V5.11 or V5.12 class starts from random encoders that
    are then never trained: coverage 0.005 %, whatever the loss says (TV101 has the measurement).
    One released hardware profile of 5.11.11 lacks the section; it worked only because that
    trainer took the path from its command line.
    """,
    valid=(GOOD_FILE, Example("model:\n  name: DualNeuralVAEV5\n")),
    invalid=(
        Example(MODEL),
        Example(MODEL, files=LATEST),
    ),
)
def frozen_section_missing(config: Config) -> Iterator[Problem]:
    if needs_frozen(config) and not config.has(path_key(config).partition(".")[0]):
        best = weights_for(config, parts=True)
        yield Problem(
            "model.name" if config.has("model.name") else "",
            f"{class_name(config)} needs frozen weights, but frozen_checkpoint is missing",
            f"add `{WANTED}`; {best.help}",
            best.fix if config.version != "cli" else None,
        )


@rule(
    code="TV105",
    name="frozen-file-missing",
    severity="error",
    summary="The file of the frozen weights does not exist.",
    explanation="""
    The path is looked up below the project root first and beside the config then. In neither place
    is there such a file. The old trainers printed a warning, trained from random weights and wrote
    checkpoints as usual, which cost whole runs (coverage 1 of 19,683).

    All paths lost the prefix `sandbox-training/` in January 2026; a config from before still has
    it. Where the file exists without the prefix, the fix removes it.
    """,
    valid=(GOOD_FILE,),
    invalid=(
        Example(MODEL + FILE),
        Example(
            MODEL + "frozen_checkpoint:\n  path: sandbox-training/checkpoints/v5_5/latest.pt\n",
            files=LATEST,
            fixed=MODEL + "frozen_checkpoint:\n  path: checkpoints/v5_5/latest.pt\n",
        ),
    ),
)
def frozen_file_missing(config: Config) -> Iterator[Problem]:
    path = frozen_path(config)
    if not path or is_file(config, path):
        return
    key = path_key(config)
    bare = path.removeprefix(PREFIX)
    if bare != path and is_file(config, bare):
        yield Problem(
            key,
            f"no such file: {path} (it exists without the prefix {PREFIX})",
            f"set `{key}: {bare}`",
            setting(key, bare),
        )
        return
    here = [config.root / path, config.folder / path]
    places = " and ".join(dict.fromkeys(str(place) for place in here))
    best = weights_for(config)
    yield Problem(
        key,
        f"no such file: {path} (looked at {places})",
        f"put the file there, or correct the path; or {best.help}",
        best.fix,
    )


@rule(
    code="TV106",
    name="frozen-parts",
    severity="error",
    summary="The path and the parts to load contradict each other.",
    explanation="""
    path, encoder_to_load and decoder_to_load are null together or set together. A file of which
    nothing is loaded leaves encoder_A and decoder_A random (coverage 0.005 %); parts without a file
    are a wish that nobody fulfils. The V5.12 trainer loaded everything whatever the two keys said,
    so a null was harmless there and is not any more.
    """,
    valid=(GOOD_FILE, Example("frozen_checkpoint:\n  path: null\n  encoder_to_load: null\n")),
    invalid=(
        Example(
            "frozen_checkpoint:\n  path: checkpoints/v5_5/latest.pt\n  encoder_to_load: null\n  decoder_to_load: decoder_A\n",
            files=LATEST,
            fixed=FILE,
        ),
        Example("frozen_checkpoint:\n  path: null\n  encoder_to_load: both\n"),
    ),
)
def frozen_parts(config: Config) -> Iterator[Problem]:
    path = frozen_path(config)
    for key, usual in TO_LOAD.items():
        part = config.get(key)
        wants = isinstance(part, str) and not means_none(part)
        if path and config.has(key) and part is None:
            yield Problem(
                key,
                f"{key.rpartition('.')[2]} is null, so those weights of {path} are not loaded",
                f"set `{key}: {usual}`",
                setting(key, usual),
            )
        elif wants and section(config, "frozen_checkpoint") and not path:
            yield Problem(
                key,
                f"{key.rpartition('.')[2]} asks for {part}, but no file is named",
                "name a file in `frozen_checkpoint.path`, or set both *_to_load: null",
            )


@rule(
    code="TV107",
    name="part-none-text",
    severity="warning",
    summary="encoder_to_load or decoder_to_load is the text none, not null.",
    explanation="""
    YAML reads a bare `none` as a text; only `null`, `~` and nothing at all are null. One released
    config has it so. No trainer before 5.12.5 read the two keys, so it went unnoticed; from there on
    a text must name a part. The upgrade to 5.12.4.1 writes null as well.
    """,
    until="5.12.4",
    valid=(GOOD_FILE, Example("frozen_checkpoint:\n  encoder_to_load: null\n", version="5.12.4")),
    invalid=(
        Example(
            "frozen_checkpoint:\n  path: null\n  encoder_to_load: none\n",
            version="5.12.4",
            fixed="frozen_checkpoint:\n  path: null\n  encoder_to_load: null\n",
        ),
    ),
)
def part_none(config: Config) -> Iterator[Problem]:
    for key in TO_LOAD:
        part = config.get(key)
        if isinstance(part, str) and means_none(part):
            yield Problem(
                key,
                f"{part!r} is a text, not null",
                f"set `{key}: null`",
                setting(key, None, safe=True),
            )


@rule(
    code="TV108",
    name="all-frozen-and-random",
    severity="error",
    summary="Both encoders are frozen, and no file says with which weights.",
    explanation="""
    With freeze_encoder_a and freeze_encoder_b nothing can learn to reconstruct: the encoders stay
    random, measured at one operation in 19,683. Classes that keep their encoders frozen anyway
    are reported by TV101 and TV104; this is about configs that freeze them on request.
    """,
    valid=(
        Example("training:\n  option_c:\n    freeze_encoder_a: true\n", version="manifold"),
        Example(
            "option_c:\n  freeze_encoder_a: true\n  freeze_encoder_b: true\nfrozen_checkpoint:\n  path: checkpoints/v5_5/latest.pt\n"
        ),
    ),
    invalid=(
        Example(
            "training:\n  option_c:\n    freeze_encoder_a: true\n    freeze_encoder_b: true\n",
            version="manifold",
        ),
    ),
)
def all_frozen(config: Config) -> Iterator[Problem]:
    where = option_c(config)
    both = on(config, f"{where}.freeze_encoder_a") and on(config, f"{where}.freeze_encoder_b")
    if both and not frozen_path(config) and not needs_frozen(config):
        yield Problem(
            f"{where}.freeze_encoder_b",
            "both encoders are frozen at random weights: nothing can learn to reconstruct",
            f"set `{where}.freeze_encoder_b: false`, or name weights in frozen_checkpoint.path",
            setting(f"{where}.freeze_encoder_b", False),
        )


rules = (
    frozen_path_null,
    frozen_path_null_text,
    frozen_section_null,
    frozen_section_missing,
    frozen_file_missing,
    frozen_parts,
    part_none,
    all_frozen,
)
