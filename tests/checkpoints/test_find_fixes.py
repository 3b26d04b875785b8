"""What `check` offers, and `--fix` writes, where a config names no checkpoint that loads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cfgmig import offering, searching
from cfgmig import project as projects
from cfgmig.checking import CheckOptions, Checkup, check, fixed
from cfgmig.errors import UsageError
from cfgmig.offering import Offer, folders, offer
from cfgmig.project import Project, find_project
from cfgmig.schema.rules import Config
from tests.checkpoints.conftest import Run, zeros
from tests.conftest import ROOT

ENCODER = {
    "encoder.0": (256, 9), "encoder.2": (128, 256), "encoder.4": (64, 128),
    "fc_mu": (16, 64), "fc_logvar": (16, 64),
}  # fmt: skip
DECODER = {"decoder.0": (32, 16), "decoder.2": (64, 32), "decoder.4": (27, 64)}
PARTS = {"encoder_A": ENCODER, "encoder_B": ENCODER, "decoder_A": DECODER}
FITTING: dict[str, tuple[int, ...]] = {
    f"{part}.{name}.{kind}": shape if kind == "weight" else shape[:1]
    for part, layers in PARTS.items()
    for name, shape in layers.items()
    for kind in ("weight", "bias")
}
TOO_WIDE = {**FITTING, "encoder_A.fc_mu.weight": (32, 64)}

CLEAN = """\
schema_version: ternary_vae/5.12.5
model:
  name: TernaryVAEV5_11_PartialFreeze
  latent_dim: 16
  encoder_type: {encoder}
frozen_checkpoint:
  path: {path}
  encoder_to_load: {parts}
  decoder_to_load: {parts}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(offering, "_JUDGED", {})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A project of its own, that no file of another test stands in."""
    folder = tmp_path / "home"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / ".git").mkdir()
    projects._find.cache_clear()
    yield folder
    projects._find.cache_clear()


def write(home: Path, path: str = "null", parts: str = "null", encoder: str = "frozen") -> Path:
    file = home / "config.yaml"
    file.write_text(CLEAN.format(path=path, parts=parts, encoder=encoder))
    return file


def checked(file: Path, *codes: str) -> Checkup:
    project = find_project(file.parent)
    return check(
        file.read_bytes(), str(file), project, CheckOptions(select=codes or ("TV1", "CM009"))
    )


def told(checkup: Checkup) -> dict[str, str | None]:
    return {one.code: one.help for one in checkup.findings if one.severity == "error"}


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cfgmig", *arguments],
        check=False,
        cwd=home,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
    )


def development(home: Path, path: str) -> Path:
    text = (ROOT / "schemas/ternary_vae/templates/development.yaml").read_text()
    file = home / "config.yaml"
    assert text.count("path: checkpoints/v5_5/latest.pt") == 1
    file.write_text(text.replace("path: checkpoints/v5_5/latest.pt", f"path: {path}"))
    return file


def three(home: Path) -> None:
    zeros(home / "checkpoints/a/best.safetensors", TOO_WIDE)
    zeros(home / "checkpoints/b/other.safetensors", {"w": (2,)})
    zeros(home / "checkpoints/c/last.safetensors", FITTING)


@pytest.mark.parametrize(
    ("path", "code"), [("null", "TV101"), ("checkpoints/a/best.safetensors", "CM009")]
)
def test_the_command_writes_the_one_that_loads(path: str, code: str, home: Path) -> None:
    three(home)
    file = development(home, path)
    before = file.read_bytes()
    first = run(home, "check", "config.yaml")
    assert first.returncode == 1
    assert f" {code} " in first.stdout
    assert "`frozen_checkpoint.path: checkpoints/c/last.safetensors`" in first.stdout
    assert "all 26 needed tensors load" in first.stdout
    assert "(--unsafe-fixes)" in first.stdout
    run(home, "check", "--fix", "config.yaml")
    assert file.read_bytes() == before
    assert run(home, "check", "--fix", "--unsafe-fixes", "config.yaml").returncode == 0
    wanted = before.replace(f"path: {path}".encode(), b"path: checkpoints/c/last.safetensors")
    assert file.read_bytes() == wanted
    second = run(home, "check", "config.yaml")
    assert (second.returncode, second.stdout) == (0, "")


@pytest.mark.parametrize("path", ["null", "checkpoints/simplified.pt", "checkpoints/gone.pt"])
def test_real_ones_by_what_they_hold(path: str, home: Path, files: Path) -> None:
    for there, here in (
        ("v5_5_best.pt", "v5_5/best.pt"),
        ("v5_5_latest.pt", "v5_5/latest.pt"),
        ("v5_12_4_null_path_best_Q.pt", "best_Q.pt"),
        ("v5_5_simplified_latest.pt", "simplified.pt"),
    ):
        (home / "checkpoints" / here).parent.mkdir(exist_ok=True)
        shutil.copyfile(files / there, home / "checkpoints" / here)
    file = development(home, path)
    said = run(home, "check", "config.yaml").stdout
    assert "`frozen_checkpoint.path: checkpoints/v5_5/latest.pt`" in said
    assert "epoch 106, past the KL warm-up" in said
    run(home, "check", "--unsafe-fixes", "config.yaml")
    assert "  path: checkpoints/v5_5/latest.pt\n" in file.read_text()
    assert run(home, "check", "config.yaml").returncode == 0


def test_it_is_the_answer_of_the_command(home: Path, files: Path, cli: Run) -> None:
    for one in files.glob("*.pt"):
        shutil.copyfile(one, home / "checkpoints" / one.name)
    for encoder in ("frozen", "improved"):
        file = write(home, encoder=encoder)
        _, out, _ = cli("find", home / "checkpoints", "--compatible-with", file)
        first = Path(out.splitlines()[0].removeprefix("1. ")).name
        assert f"checkpoints/{first}" in str(told(checked(file))["TV101"])


def test_the_fix_of_a_null_path_takes_all_parts_in(home: Path) -> None:
    three(home)
    document = fixed(checked(write(home)), unsafe=True)
    assert document.data["frozen_checkpoint"] == {
        "path": "checkpoints/c/last.safetensors",
        "encoder_to_load": "both",
        "decoder_to_load": "decoder_A",
    }


def test_an_older_config_is_upgraded_in_memory(home: Path) -> None:
    three(home)
    file = write(home)
    file.write_text(file.read_text().replace("5.12.5", "5.12.4"))
    checkup = checked(file)
    assert checkup.version == "5.12.4"
    assert "checkpoints/c/last.safetensors" in str(told(checkup)["TV101"])
    assert "path: checkpoints/c/last.safetensors" in fixed(checkup, unsafe=True).text


def test_nothing_is_offered_that_does_not_fit(home: Path) -> None:
    file = write(home)
    elsewhere = f"`cfgmig checkpoint find FOLDER --compatible-with {file}`"
    said = str(told(checked(file))["TV101"])
    assert said == f"there is no checkpoint below checkpoints; look elsewhere: {elsewhere}"
    (home / "checkpoints/c.safetensors").write_bytes(b"no checkpoint")
    said = str(told(checked(file))["TV101"])
    assert said.startswith("none of the 1 checkpoints below checkpoints can be read; look")
    zeros(home / "checkpoints/a.safetensors", TOO_WIDE)
    zeros(home / "checkpoints/b.safetensors", {"w": (2,)})
    checkup = checked(file)
    said = str(told(checkup)["TV101"])
    assert said == f"none of the 2 checkpoints below checkpoints fits; look elsewhere: {elsewhere}"
    assert checkup.fixes == ()


def test_what_reconstructs_nothing_is_not_offered(home: Path, files: Path) -> None:
    shutil.copyfile(files / "v5_12_4_null_path_best_Q.pt", home / "checkpoints/best_Q.pt")
    checkup = checked(write(home))
    assert str(told(checkup)["TV101"]).startswith("none of the 1 checkpoints")
    assert checkup.fixes == ()


def test_one_that_must_be_converted_is_named_and_not_written(home: Path, files: Path) -> None:
    shutil.copyfile(files / "v5_5_simplified_latest.pt", home / "checkpoints/a.pt")
    checkup = checked(write(home))
    said = str(told(checkup)["TV101"])
    assert said.startswith("convert checkpoints/a.pt: none of 26 needed tensors would load")
    assert "first rename its tensors" in said
    assert checkup.fixes == ()


def test_the_named_file_is_not_offered_again(home: Path, files: Path) -> None:
    shutil.copyfile(files / "v5_5_simplified_latest.pt", home / "checkpoints/a.pt")
    said = str(told(checked(write(home, "checkpoints/a.pt", "both")))["CM009"])
    assert said.startswith("rename its tensors")
    assert "none of the 1 checkpoints below checkpoints is better" in said


def test_a_file_that_cannot_be_read_is_replaced(home: Path) -> None:
    zeros(home / "checkpoints/good.safetensors", FITTING)
    (home / "checkpoints/bad.pt").write_bytes(b"no checkpoint")
    checkup = checked(write(home, "checkpoints/bad.pt", "both"))
    assert "checkpoints/good.safetensors" in str(told(checkup)["CM009"])
    assert "path: checkpoints/good.safetensors" in fixed(checkup, unsafe=True).text
    assert fixed(checkup).text == checkup.document.text


def test_the_first_snapshots_give_way_to_what_is_better(home: Path, files: Path) -> None:
    for name in ("best", "latest"):
        (home / "checkpoints/v5_5").mkdir(exist_ok=True)
        shutil.copyfile(files / f"v5_5_{name}.pt", home / f"checkpoints/v5_5/{name}.pt")
    shutil.copyfile(files / "v5_12_4_best_Q.pt", home / "checkpoints/other.pt")
    checkup = checked(write(home, "checkpoints/v5_5/best.pt", "both"), "TV114")
    (finding,) = checkup.findings
    assert "`frozen_checkpoint.path: checkpoints/other.pt`" in str(finding.help)
    assert "coverage 1 stored" in str(finding.help)
    for one in ("other.pt", "v5_5/latest.pt"):
        (home / "checkpoints" / one).unlink()
    (alone,) = checked(write(home, "checkpoints/v5_5/best.pt", "both"), "TV114").findings
    assert alone.fix is None  # latest.pt is not there, and nothing better is


def test_folders_of_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "SETTINGS", {*projects.SETTINGS, "checkpoints"})
    (home / "pyproject.toml").write_text('[tool.cfgmig]\ncheckpoints = ["w", "../far"]\n')
    zeros(home / "checkpoints/a.safetensors", FITTING)
    file = write(home)
    assert "there is no checkpoint below w and ../far" in str(told(checked(file))["TV101"])
    far = zeros(home.parent / "far/b.safetensors", FITTING)
    assert f"path: {far}\n" in fixed(checked(file), unsafe=True).text
    far.unlink()
    zeros(home / "w/deep/er/a.safetensors", FITTING)
    assert "path: w/deep/er/a.safetensors\n" in fixed(checked(file), unsafe=True).text


@pytest.mark.parametrize("wrong", ["checkpoints", 3, ["a", 3], None])
def test_folders_are_a_list_of_texts(wrong: Any) -> None:
    with pytest.raises(UsageError, match="no list of folders"):
        folders(Project(ROOT, {"checkpoints": wrong}, declared=True))
    assert folders(Project(ROOT)) == ("checkpoints",)


def test_of_too_many_the_last_changed_are_looked_at(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, name in enumerate("abcd"):
        path = zeros(home / f"checkpoints/{name}.safetensors", FITTING)
        os.utime(path, (at, at))
    monkeypatch.setattr(offering, "MOST", 2)
    file = write(home)
    assert "checkpoints/c.safetensors" in str(told(checked(file))["TV101"])
    for name in "cd":
        zeros(home / f"checkpoints/{name}.safetensors", TOO_WIDE)
    said = str(told(checked(file))["TV101"])
    assert "none of the 2 checkpoints below checkpoints that were changed last, of 4, fits" in said


def test_each_file_is_looked_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(home)
    looked: list[str] = []
    real = searching.Index.entry

    def counted(self: searching.Index, path: str) -> searching.Entry:
        looked.append(path)
        return real(self, path)

    monkeypatch.setattr(searching.Index, "entry", counted)
    for _ in range(3):
        assert "c/last" in str(told(checked(write(home)))["TV101"])
    assert len(looked) == 3
    os.utime(home / "checkpoints/b/other.safetensors", (1, 1))
    checked(write(home))
    assert [Path(path).name for path in looked[3:]] == ["other.safetensors"]


def test_a_clean_check_searches_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three(home)

    def never(*_: object) -> Iterator[str]:
        raise AssertionError("searched")

    monkeypatch.setattr(offering, "candidates", never)
    assert told(checked(write(home, "checkpoints/c/last.safetensors", "both"))) == {}
    with pytest.raises(UsageError, match="searched"):
        checked(write(home))


def test_nothing_heavy_is_imported(home: Path) -> None:
    three(home)
    development(home, "null")
    code = (
        "import sys; from cfgmig.cli.main import run; run(['check', 'config.yaml']);"
        "sys.stderr.write('\\n' + ' '.join(m for m in "
        "('torch', 'numpy', 'pydantic', 'ruamel', 'typer', 'rich') if m in sys.modules))"
    )
    run(home, "check", "config.yaml")  # compiles the schemas, once
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=home, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "c/last.safetensors" in done.stdout
    assert done.stderr.rpartition("\n")[2] == ""


def test_odd_names_are_told_escaped_and_not_written(home: Path) -> None:
    zeros(home / "checkpoints/a\x1b[31m.safetensors", FITTING)
    checkup = checked(write(home))
    assert "checkpoints/a\\x1b[31m.safetensors" in str(told(checkup)["TV101"])
    assert checkup.fixes == ()


def test_a_config_without_its_document_is_only_told_the_command() -> None:
    assert offer(Config({"a": None}, "1"), "a") == Offer(
        "look elsewhere: `cfgmig checkpoint find FOLDER --compatible-with CONFIG`"
    )


@pytest.mark.parametrize("model", ["3", "[]", "null", "{latent_dim: -3, projection_layers: x}"])
def test_data_that_nobody_validated(model: str, home: Path) -> None:
    three(home)
    file = home / "config.yaml"
    file.write_text(
        f"schema_version: ternary_vae/5.12.5\nmodel: {model}\nfrozen_checkpoint: null\n"
    )
    assert "look elsewhere" in str(told(checked(file))["TV103"])
