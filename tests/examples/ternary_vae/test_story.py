"""The whole story, as a user would run it; half a minute of CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .trained import ROOT, environment


def test_old_weights_and_an_old_config_come_to_the_head_and_train_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.ternary_vae.story", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, "--epochs", "6", "--steps", "5"],
        check=False,
        cwd=ROOT,
        env={**environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert "it exists without the prefix sandbox-training/" in said
    assert "v5_11.yaml: 5.11.0 -> 5.12.5" in said
    assert "1 file checked: nothing found" in said
    assert "(as it should be)" in said
    assert "path: checkpoints/v5_5/latest.5.12.5.pt" in (tmp_path / "v5_11.yaml").read_text()
    for name in ("best.safetensors", "latest.safetensors", "report.html"):
        assert (tmp_path / "run" / name).stat().st_size > 1000
