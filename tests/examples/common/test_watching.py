from __future__ import annotations

import json
import math
import struct
import sys
import zlib
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image
from rich.console import Console

from examples.common import charts, pictures, report
from examples.common.events import Events
from examples.common.events import events as event_files
from examples.common.journal import Journal, read
from examples.common.live import Pace, Shown, View, duration, table


def _read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    return found.Reload()


def test_events_are_on_disk_before_the_writer_is_closed(tmp_path: Path) -> None:
    """A run that is killed has all epochs before in its event file."""
    with Events(tmp_path) as events:
        for step in range(3):
            events.numbers(step, {"loss": step / 2, "ä": -1.0})
        pixels = torch.zeros(4, 5, 3, dtype=torch.uint8)
        pixels[1, 2] = torch.tensor([255, 0, 7])
        events.picture(300, "disk", pixels)
        found = _read(tmp_path)
    assert found.Tags()["scalars"] == ["loss", "ä"]
    assert [(one.step, one.value) for one in found.Scalars("loss")] == [(0, 0.0), (1, 0.5), (2, 1)]
    image = found.Images("disk")[0]
    assert (image.step, image.width, image.height) == (300, 5, 4)
    with Image.open(BytesIO(image.encoded_image_string)) as picture:
        assert picture.getpixel((2, 1)) == (255, 0, 7)


def test_a_resumed_run_replaces_the_steps_that_it_repeats(tmp_path: Path) -> None:
    with Events(tmp_path) as events:
        for step in range(4):
            events.numbers(step, {"loss": 1.0})
    with Events(tmp_path, first_step=2) as events:
        events.numbers(2, {"loss": 5.0})
    assert len(list(tmp_path.iterdir())) == 2
    found = [(one.step, one.value) for one in _read(tmp_path).Scalars("loss")]
    assert found == [(0, 1.0), (1, 1.0), (2, 5.0)]


def test_without_tensorboard_a_run_goes_on_and_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    for name in [one for one in sys.modules if one.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    said: list[str] = []
    assert event_files(tmp_path / "events", said.append) is None
    assert "tensorboard is not installed" in said[0]
    assert "`pip install tensorboard`" in said[0]
    assert not (tmp_path / "events").exists()


def test_a_png_has_the_pixels() -> None:
    pixels = torch.randint(0, 256, (6, 4, 3), dtype=torch.uint8)
    data = pictures.png(pixels)
    assert data[16:24] == struct.pack(">II", 4, 6)
    start = data.index(b"IDAT") + 4
    (size,) = struct.unpack(">I", data[start - 8 : start - 4])
    rows = zlib.decompress(data[start : start + size])
    for row in range(6):
        line = rows[row * 13 : (row + 1) * 13]
        assert line == b"\0" + pixels[row].numpy().tobytes()


def test_flattening_keeps_radii_and_the_main_plane() -> None:
    turn = torch.linspace(0, 2 * math.pi, 40)[:-1]
    plane = torch.stack([turn.cos(), turn.sin(), torch.zeros_like(turn)], 1)
    points = plane * torch.linspace(0.1, 0.9, 39).unsqueeze(1)
    found = pictures.flat(points)
    torch.testing.assert_close(found.norm(dim=1), points.double().norm(dim=1))
    # Both are the same plane, up to a rotation or a mirror: inner products stay.
    torch.testing.assert_close(found @ found.T, points.double() @ points.double().T)


def test_a_disk_shows_each_point_in_its_colour() -> None:
    shown = pictures.disk(torch.tensor([[0.0, 0.5], [0.5, 0.0]]), torch.tensor([0, 9]), 101)
    assert tuple(shown[25, 50].tolist()) == pictures.COLOURS[0]
    assert tuple(shown[50, 75].tolist()) == pictures.COLOURS[9]
    assert tuple(shown[50, 78].tolist()) == pictures.COLOURS[9], "deep ones are larger"
    assert tuple(shown[50, 50].tolist()) == pictures.BACKGROUND


def test_ticks_are_round_and_within() -> None:
    assert charts.ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert charts.ticks(-0.83, -0.79) == pytest.approx([-0.83, -0.82, -0.81, -0.8, -0.79])
    assert charts.ticks(0, 19) == [0, 5, 10, 15]


def test_a_chart_puts_values_where_they_belong() -> None:
    text = charts.lines("a & b", {"x": [(0, 0.0), (10, 1.0), (11, math.nan)]}, {"top": 1.0})
    tree = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    (line,) = tree.iter(f"{space}polyline")
    (x0, y0), (x1, y1) = (tuple(map(float, p.split(","))) for p in line.attrib["points"].split())
    assert x0 == charts.LEFT
    assert x1 == charts.WIDTH - charts.RIGHT
    (level,) = (one for one in tree.iter(f"{space}line") if one.attrib.get("class") == "l")
    assert float(level.attrib["y1"]) == y1 < y0
    assert "nothing was measured" in charts.lines("none", {"x": [(0, math.nan)]})


def test_a_report_is_one_file_without_a_network() -> None:
    page = report.render(
        "a run",
        "1 < 2",
        [report.Table("T", ("a",), [("<b>",)])],
        [charts.lines("loss", {"loss": [(0, 1.0), (1, 0.5)]})],
        [report.Picture(b"\x89PNG", "what it shows")],
        {"Config": "a: <1>"},
    )
    assert "&lt;b&gt;" in page
    assert "a: &lt;1&gt;" in page
    assert "data:image/png;base64,iVBORw==" in page
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in outside
    assert "<script" not in page


def test_a_journal_rewinds_and_survives_half_a_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "metrics.jsonl")
    journal.restart()
    journal.write({"event": "start"})
    for epoch in range(4):
        journal.write({"epoch": epoch, "loss": math.inf if epoch == 1 else 1.0})
    journal.write({"event": "end", "epochs": 4})
    with journal.path.open("a") as file:
        file.write('{"epoch": 5, "lo')
    assert len(read(journal.path)) == 6
    assert read(journal.path)[2]["loss"] is None
    journal.rewind(1)
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert [one.get("epoch") for one in lines] == [None, 0, 1]


def _shown() -> Shown:
    return Shown(
        "a label",
        epoch=2,
        epochs=10,
        numbers={"coverage": (1.0, "target 1"), "Q": (None, "")},
        rates={"encoder_B": 1e-4},
        parts={"encoder_A": False, "encoder_B": True},
        alerts=[f"alert {number}" for number in range(9)],
    )


def test_the_live_view_shows_the_run() -> None:
    out = StringIO()
    view = View(live=True, say=pytest.fail, console=Console(file=out, force_terminal=True))
    assert view.is_live
    view.show(_shown())
    view.line("[a line]")
    view.close()
    text = out.getvalue()
    for word in ("a label", "epoch 3 of 10", "target 1", "encoder_B 0.0001", "alert 8", "[a line]"):
        assert word in text
    assert "alert 2" not in text


def test_steps_and_the_time_that_is_left_are_in_view() -> None:
    shown, out = _shown(), StringIO()
    shown.step, shown.steps, shown.left = 12, 39, 200.0
    Console(file=out, width=100).print(table(shown))
    assert "a label   epoch 3 of 10, step 12 of 39, 3 min left" in out.getvalue()
    out.truncate(0)
    shown.step = 39
    Console(file=out, width=100).print(table(shown))
    assert "step" not in out.getvalue()
    assert [duration(one) for one in (44.6, 99, 700, 12_000)] == [
        *("45 s", "99 s", "12 min", "3 h 20 min")
    ]


@pytest.mark.parametrize(("seconds", "drawn"), [(0.04, 0), (0.06, 8)])
def test_only_epochs_of_over_two_seconds_draw_their_steps(seconds: float, drawn: int) -> None:
    """40 steps: of 0.04 s they take 1.6 s, of 0.06 s 2.4 s, with a drawing each quarter second."""
    now = 100.0
    pace, found = Pace(lambda: now), []
    for _ in range(2):
        pace.start()
        for step in range(1, 41):
            now += seconds
            if pace.is_due(step, 40):
                found.append(step)
    assert found == [5, 10, 15, 20, 25, 30, 35, 40][:drawn] * 2


def test_a_narrow_terminal_cuts_no_names() -> None:
    shown, out = _shown(), StringIO()
    shown.rates = {f"a part with a long name {number}": 0.1 for number in range(5)}
    Console(file=out, width=60).print(table(shown))
    for word in ("coverage", "learning rates", "target 1", "training"):
        assert word in out.getvalue()


def test_without_a_terminal_there_are_lines(capsys: Any) -> None:
    said: list[str] = []
    view = View(live=True, say=said.append)
    assert not view.is_live
    view.show(_shown())
    view.line("plain")
    view.close()
    assert said == ["plain"]
    assert capsys.readouterr().out == ""
