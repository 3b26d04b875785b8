"""A bar appears only where a person watches, and only when there is something to wait for."""

from __future__ import annotations

import io

import pytest

from cfgmig.cli import console


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("screen", "quiet", "patience", "shown"),
    [
        (Screen(), False, 0.0, True),
        (Screen(), False, 60.0, False),
        (Screen(), True, 0.0, False),
        (io.StringIO(), False, 0.0, False),
    ],
)
def test_a_meter(
    screen: io.StringIO,
    quiet: bool,
    patience: float,
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(console, "PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with console.meter("weighing", quiet=quiet) as progress:
        for done in range(0, 101, 50):
            progress(done, 100, "[red]layers.0\x1b[31m")
    said = screen.getvalue()
    assert ("weighing" in said) == shown
    assert ("100/100 bytes" in said) == shown
    assert bool(said) == shown
    assert "layers" not in said


def test_a_bar_goes_away_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(console, "PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")

    def work() -> None:
        with console.meter("weighing", quiet=False) as progress:
            progress(1, 2, "")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert screen.getvalue().endswith("\x1b[2K")  # the line is cleared
