"""The final report: one HTML file with everything in it, which opens without a server."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from .checkpoints import write_bytes

STYLE = """
:root { color-scheme: light dark; --ink: #222; --soft: #777; --line: #ddd; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --soft: #9a9a9a; --line: #444; --page: #1b1b1b; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); } svg .t { font-weight: 600; }
svg .g { stroke: var(--line); } svg .l { stroke: var(--soft); stroke-dasharray: 4 3; }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .8rem; font-size: 12px; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: 13px; }
"""


class Table(NamedTuple):
    """A heading, the names of the columns and rows of texts."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Picture(NamedTuple):
    """A PNG file and what it shows."""

    data: bytes
    caption: str


def render(
    title: str,
    summary: str,
    tables: Sequence[Table],
    charts: Sequence[str],
    pictures: Sequence[Picture] = (),
    texts: Mapping[str, str] = {},
) -> str:
    """The page; charts are SVG texts, everything else is escaped."""
    parts = [f"<h1>{escape(title)}</h1><p>{escape(summary)}</p>"]
    parts += [_table(table) for table in tables if table.rows]
    if charts:
        drawn = "".join(f"<div>{chart}</div>" for chart in charts)
        parts.append(f'<h2>Course of the run</h2><div class="charts">{drawn}</div>')
    for picture in pictures:
        source = base64.b64encode(picture.data).decode()
        parts.append(
            f'<h2>Projection</h2><figure><img alt="" src="data:image/png;base64,{source}">'
            f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        )
    for heading, text in texts.items():
        parts.append(f"<h2>{escape(heading)}</h2><pre>{escape(text)}</pre>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<h2>{escape(table.title)}</h2><table><tr>{head}</tr>{rows}</table>"


def write(path: Path, page: str) -> None:
    """Write the page whole."""
    write_bytes(path, page.encode())
