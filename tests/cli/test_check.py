from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.conftest import Run

STALE = "configs/v5_11_projection.yaml"


def test_findings_carry_file_line_column_and_the_command_that_helps(cfgmig: Run) -> None:
    done = cfgmig("check", STALE)
    assert done.returncode == 1
    assert f"{STALE}:1:1: CM004 " in done.stdout
    assert f"help: run `cfgmig upgrade {STALE}`" in done.stdout
    assert "1 file checked" in done.stderr


def test_a_finding_stands_at_its_own_key(cfgmig: Run, home: Path) -> None:
    file = home / STALE
    file.write_text(file.read_text().replace("  hidden_dim: 64 ", "  hiden_dim: 64 "))
    line = 1 + file.read_text().splitlines().index(
        next(line for line in file.read_text().splitlines() if "hiden_dim" in line)
    )
    done = cfgmig("check", STALE, "--select", "CM001")
    assert f"{STALE}:{line}:3: CM001 " in done.stdout
    assert "hidden_dim" in done.stdout


@pytest.mark.parametrize("name", ["text", "json", "github", "sarif", "junit"])
def test_every_format_tells_the_same_findings(name: str, cfgmig: Run) -> None:
    done = cfgmig("check", "configs", "--output-format", name)
    assert done.returncode == 1
    codes = {line.split()[1] for line in cfgmig("check", "configs").stdout.splitlines()
             if not line.startswith(" ")}  # fmt: skip
    assert codes
    assert all(code in done.stdout for code in codes)
    if name == "json":
        json.loads(done.stdout)
    if name == "sarif":
        assert json.loads(done.stdout)["version"] == "2.1.0"
    if name == "junit":
        ET.fromstring(done.stdout)


def test_select_and_ignore(cfgmig: Run) -> None:
    only = cfgmig("check", STALE, "--select", "CM004").stdout
    assert "CM004" in only
    assert "CM006" not in only
    none = cfgmig("check", STALE, "--ignore", "ALL")
    assert none.stdout == ""
    assert none.returncode == 0
    wrong = cfgmig("check", STALE, "--select", "ZZ9")
    assert wrong.returncode == 2
    assert "cfgmig explain" in wrong.stderr


def test_the_safe_fix_keeps_the_digits(cfgmig: Run, home: Path) -> None:
    file = home / "configs/v5_12_4_from_scratch.yaml"
    before = file.read_text()
    shown = cfgmig("check", str(file), "--diff", "--select", "CM005")
    assert "-  weight_decay: 1e-4  " in shown.stdout
    assert "+  weight_decay: 1.0e-4" in shown.stdout
    assert file.read_text() == before
    cfgmig("check", str(file), "--fix", "--select", "CM005")
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(), file.read_text().splitlines(), strict=True)
        if old != new
    ]
    assert [old.split()[:2] for old, _ in changed] == [["weight_decay:", "1e-4"]]
    assert cfgmig("check", str(file), "--select", "CM005").returncode == 0


def test_standard_input(cfgmig: Run, home: Path) -> None:
    done = cfgmig("check", "-", input=(home / STALE).read_text())
    assert done.returncode == 1
    assert "<stdin>:1:1: CM004" in done.stdout


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"a: 1\na: 2\n", 3, ["odd.yaml:2:1", "stands twice", "line 1"]),
        (b"a: [1, 2\n", 3, ["odd.yaml:2"]),
        (b"a: \xff\xfe\n", 3, ["odd.yaml", "UTF-8"]),
        (b"hello: world\nother: 1\n", 2, ["not a config of any known family"]),
        (b"schema_version: ternary_vae/9.0\n", 3, ["newer", "pip install --upgrade"]),
        (b"schema_version: nobody/1.0\n", 2, ["family 'nobody'"]),
        (b"schema_version: 12\n", 3, ["odd.yaml:1:17", "family/version"]),
    ],
)
def test_bad_input_is_named(
    content: bytes, code: int, words: list[str], cfgmig: Run, home: Path
) -> None:
    (home / "odd.yaml").write_bytes(content)
    done = cfgmig("check", "odd.yaml")
    assert done.returncode == code, done.stdout + done.stderr
    for word in words:
        assert word in done.stdout + done.stderr
    assert (home / "odd.yaml").read_bytes() == content


def test_a_missing_file_is_no_clean_file(cfgmig: Run) -> None:
    done = cfgmig("check", "configs/nothing.yaml")
    assert done.returncode == 2
    assert "configs/nothing.yaml" in done.stderr


def test_foreign_files_in_a_folder_are_passed_over(cfgmig: Run, home: Path) -> None:
    (home / "configs/ci.yaml").write_text("on: [push]\njobs: {}\n")
    quiet = cfgmig("check", "configs", "--ignore", "ALL")
    assert quiet.returncode == 0
    assert "ci.yaml" not in quiet.stderr
    assert "ci.yaml" in cfgmig("check", "configs", "--ignore", "ALL", "-v").stderr
    assert cfgmig("check", "configs/ci.yaml", "--skip-unknown").returncode == 0


def test_jobs_change_nothing(cfgmig: Run) -> None:
    one = cfgmig("check", "configs", "--output-format", "json")
    two = cfgmig("check", "configs", "--output-format", "json", "--jobs", "2")
    assert one.stdout == two.stdout


def test_no_color_unless_asked(cfgmig: Run) -> None:
    assert "\x1b" not in cfgmig("check", STALE).stdout
    assert "\x1b" in cfgmig("check", STALE, env={"FORCE_COLOR": "1"}).stdout
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert "\x1b" not in cfgmig("check", STALE, env=both).stdout
