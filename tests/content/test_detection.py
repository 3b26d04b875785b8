"""A file without a stamp is recognised by what it holds; its name is never needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.content.tools import STAMP, detected, golden, head, migrate, parse

OTHERS = {
    "appetitive_vae": "5.6.0",
    "frequency_optimal": "manifold",
    "mathematical_framework": "5.12.4",
    "ternary_fast_test": "5.11.0",
    "v5_12_5_foundation": "foundation",
}
"""Files whose names tell no version, and what they are by their contents."""

EXACTLY = {
    **dict.fromkeys(("v5_5.r1",), "5.5.0"),
    **dict.fromkeys(("v5_5.r2",), "5.5.1"),
    **dict.fromkeys(("v5_10.r6", "v5_10.r7", "v5_10.r9"), "5.10.1"),
    **dict.fromkeys(("v5_12_4.r4",), "5.12.4.1"),
}
"""Files whose names give the line, and whose contents decide which of its versions."""


def expected(file: Path) -> str:
    lineage = file.stem.partition(".")[0]
    if lineage in OTHERS:
        return OTHERS[lineage]
    if file.stem in EXACTLY:
        return EXACTLY[file.stem]
    digits = re.match(r"v(\d+(?:_\d+)+)", lineage)
    assert digits is not None
    number = digits[1].replace("_", ".")
    return number if number.count(".") > 1 else f"{number}.0"


def without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.lstrip().startswith("#"))


def test_every_corpus_file_is_what_its_name_says(corpus: Path) -> None:
    files = sorted((corpus / "ternary_vae" / "configs").glob("*.yaml"))
    assert len(files) == 44
    for file in files:
        text = file.read_text("utf-8")
        for name in (file.name, "config.yaml"):
            found = detected(parse(text, name))
            assert (found.verdict, found.best and found.best.version) == (
                "detected",
                expected(file),
            ), f"{file.name} as {name}: {found.sentence}"


def test_no_corpus_file_is_wrong_without_name_and_comments(corpus: Path) -> None:
    for file in sorted((corpus / "ternary_vae" / "configs").glob("*.yaml")):
        found = detected(parse(without_comments(file.read_text("utf-8"))))
        versions = {one.version for one in found.rivals or found.candidates[:1]}
        assert expected(file) in versions, f"{file.name}: {found.sentence}"


@pytest.mark.parametrize("file", golden(), ids=lambda one: one.stem)
def test_golden_files(file: Path) -> None:
    found = detected(parse(file.read_bytes(), "config.yaml"))
    versions = {one.version for one in found.rivals or found.candidates[:1]}
    assert file.stem in versions, found.sentence


@pytest.mark.parametrize("file", golden(), ids=lambda one: one.stem)
def test_a_migrated_file_is_stamped(file: Path) -> None:
    after = migrate(parse(file.read_bytes(), file.name), file.stem, head()).document
    found = detected(parse(after.to_bytes(), "config.yaml"))
    assert after.data[STAMP] == f"ternary_vae/{head()}"
    assert (found.verdict, found.best and found.best.version) == ("stamped", head())


FLAT = """\
model: {latent_dim: 16}
batch_size: 256
total_epochs: 200
optimizer: {lr_start: 0.001}
vae_a: {beta_start: 0.3, beta_end: 0.8, temp_start: 1.0, temp_end: 0.3}
vae_b: {beta_start: 0.0, beta_end: 0.5, temp_start: 0.9, temp_end: 0.2}
free_bits: 0.5
tensorboard_dir: runs
checkpoint_dir: out
"""


def test_what_cannot_be_told_apart_is_ambiguous() -> None:
    found = detected(parse(FLAT))
    assert found.verdict == "ambiguous"
    assert {one.version for one in found.rivals} >= {"5.5.2", "5.6.0"}


@pytest.mark.parametrize(
    ("change", "version"),
    [
        (("# TernaryVAE V5.6\n", ""), "5.6.0"),
        (("# Ternary VAE v5.5 again\n", ""), "5.5.2"),
        (("", "padic_losses: {norm_loss_weight: 0.1}\n"), "5.6.0"),
        (("", "target_ranking_correlation: 0.9\nexperiment_name: v5_7\n"), "5.7.0"),
    ],
)
def test_a_hint_decides(change: tuple[str, str], version: str) -> None:
    before, after = change
    found = detected(parse(before + FLAT + after))
    assert found.best is not None
    assert found.best.version == version, found.sentence


def test_a_folder_of_another_version_does_not_outweigh_the_keys() -> None:
    text = FLAT.replace("checkpoint_dir: out", "checkpoint_dir: checkpoints/v5_5")
    found = detected(parse(text + "continuous_feedback: {coverage_ema_alpha: 0.95}\n"))
    assert found.best is not None
    assert found.best.version == "5.9.2", found.sentence
