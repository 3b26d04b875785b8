from __future__ import annotations

import json
import math
import struct
import zlib
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from rich.console import Console

from examples.common import charts, pictures, report
from examples.common.events import Events, crc32c
from examples.common.journal import Journal, read
from examples.common.live import Shown, View


def test_the_checksum_is_that_of_the_rfc() -> None:
    """RFC 3720, appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


def _records(path: Path) -> list[bytes]:
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        found.append(content[at + 12 : at + 12 + length])
        at += 16 + length
    assert at == len(content)
    return found


def test_event_files_hold_numbers_and_pictures(tmp_path: Path) -> None:
    with Events(tmp_path) as events:
        events.numbers(7, {"loss": 0.25, "ä": -1.0})
        events.picture(300, "disk", torch.zeros(4, 5, 3, dtype=torch.uint8))
    first, numbers, picture = _records(events.path)
    assert first.endswith(b"brain.Event:2")
    assert b"\x0a\x04loss\x15" + struct.pack("<f", 0.25) in numbers
    assert b"\x10\x07" in numbers[:12]
    assert b"\x10\xac\x02" in picture[:14]
    assert b"\x89PNG" in picture


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with Events(tmp_path) as events:
        for step in range(200):
            events.numbers(step, {"loss": step / 2})
        events.picture(199, "disk", torch.zeros(4, 5, 3, dtype=torch.uint8))
    found = reading.EventAccumulator(str(tmp_path))
    found.Reload()
    assert [one.value for one in found.Scalars("loss")] == [step / 2 for step in range(200)]
    image = found.Images("disk")[0]
    assert (image.step, image.width, image.height) == (199, 5, 4)


def test_a_second_writer_takes_another_file(tmp_path: Path) -> None:
    with Events(tmp_path, 5.0) as one, Events(tmp_path, 5.0) as two:
        assert one.path != two.path


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


def test_a_narrow_terminal_cuts_no_names() -> None:
    from examples.common.live import table

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
