"""Tables of VMs as HTML: static ones, for pages without widgets too, and the panel's rows. All text is escaped here.

Colours are JupyterLab's own where there are any, so that they suit its dark themes as well.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from era_kernel.models import VmState
from era_kernel.panel.cells import Bar, Cell, State
from era_kernel.panel.model import COLUMNS, Note
from era_kernel.text import printable

_COLOURS = {
    VmState.PROVISIONING: "var(--jp-warn-color1, #f57c00)",
    VmState.READY: "var(--jp-success-color1, #388e3c)",
    VmState.RUNNING: "var(--jp-brand-color1, #1976d2)",
    VmState.STOPPED: "var(--jp-ui-font-color3, #888)",
}
_ERROR = "var(--jp-error-color1, #d32f2f)"
_LINE = "var(--jp-border-color2, #ccc)"
_FULL = 0.9
"""Share from which a bar is drawn as one that is nearly full."""
_WIDTHS = ("8.8em", "5.2em", "7.3em", "5.2em", "9em", "4.9em", "4.9em", "5.2em", "4.9em")
GRID = "display:grid;white-space:nowrap;align-items:center;column-gap:.5em;grid-template-columns:" + " ".join(_WIDTHS)
_FONT = "font-size:12px;line-height:1.5"
_TABLE = f"border-collapse:collapse;{_FONT}"
_LINED = f"border-bottom:1px solid {_LINE}"
_LEFT = 'style="text-align:left"'


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table that needs no style sheet and no script."""
    head = "".join(f'<th scope="col" {_LEFT}>{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr style="{_LINED}">' + "".join(f"<td {_LEFT}>{cell_html(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f'<table cellpadding="4" style="{_TABLE}"><thead><tr style="{_LINED}">{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def head_html() -> str:
    """The panel's column names, above row_html()."""
    names = "".join(f"<b>{escape(column)}</b>" for column in COLUMNS)
    return f'<div style="{GRID};{_FONT}">{names}</div>'


def row_html(label: str, row: Sequence[Cell]) -> str:
    """A row of the panel. `label` tells those who hear it what it is about."""
    shown = "".join(f"<span>{cell_html(cell)}</span>" for cell in row)
    return f'<div role="group" aria-label="{escape(label)}" style="{GRID};{_FONT}">{shown}</div>'


def note_html(note: Note) -> str:
    """A line of its own; an error is told to those who hear it, too."""
    if not note.text:
        return ""
    role, colour = ("alert", f"color:{_ERROR};") if note.failed else ("status", "")
    return f'<div role="{role}" style="{colour}{_FONT}">{escape(note.text)}</div>'


def output_html(text: str) -> str:
    """What a command printed, as it is."""
    style = (
        f"margin:0;max-height:20em;overflow:auto;white-space:pre-wrap;border-left:3px solid {_LINE};padding-left:8px"
    )
    return f'<pre tabindex="0" aria-label="output" style="{style}">{html.escape(text)}</pre>' if text else ""


def cell_html(cell: Cell) -> str:
    match cell:
        case State(state=state):
            dot = f'<span aria-hidden="true" style="color:{_COLOURS[state]}">●</span>'
            return f"{dot} {escape(str(cell))}"
        case Bar():
            return _bar(cell)
        case _:
            return escape(cell)


def _bar(bar: Bar) -> str:
    percent = round(max(0.0, min(1.0, bar.share)) * 100)
    colour = _ERROR if bar.share >= _FULL else _COLOURS[VmState.RUNNING]
    style = (
        f"display:inline-block;width:2.4em;height:.6em;border:1px solid {_LINE};"
        f"background:linear-gradient(to right,{colour} {percent}%,transparent {percent}%)"
    )
    meter = f'role="meter" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}"'
    return f'<span {meter} aria-label="{escape(bar.text)}" style="{style}"></span> {escape(bar.text)}'


def escape(text: str) -> str:
    return html.escape(printable(text))
