"""The panel as ipywidgets. A widget is changed only where what it shows has changed, so that nobody loses the focus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ipywidgets import HTML, Box, Button, Dropdown, FloatProgress, HBox, Layout, Textarea, VBox, Widget

from era_kernel.panel.html import head_html, note_html, output_html, row_html
from era_kernel.panel.model import Action, Note, Progress, Row, cells
from era_kernel.panel.sensor import Sensor

PANEL_CLASS = "era-panel"
_NO_VMS = Note("No VMs. The first cell of a notebook makes one; so does the button below.")
_NARROW, _WIDE = "4.6em", "6.5em"


class Presses(Protocol):
    """What the panel's user does."""

    def look(self) -> None:
        """The panel is seen, or somebody asked for a new look."""

    def press(self, action: Action, vm_id: str) -> None:
        """A button of a row."""

    def make(self, language: str) -> None:
        """A new VM is wanted."""

    def run(self, language: str, command: str) -> None:
        """A command is to run in a temporary VM; or the one that runs is to end."""


class View:
    """`root` is what is displayed."""

    def __init__(self, presses: Presses, languages: Sequence[str], language: str) -> None:
        self._presses = presses
        self.sensor = Sensor(presses.look)
        self._rows: dict[str, _RowView] = {}
        self._list = VBox()
        self._head = _line()
        self._head.value = head_html()
        self._trouble = _line()
        self._bar = FloatProgress(min=0, max=1, layout=Layout(width="16em"))
        self._stage = _line()
        self._progress = HBox([self._bar, self._stage], layout=Layout(display="none", align_items="center"))
        self._new = _line()
        self._temp = _line()
        self._output = _line()
        self._language = Dropdown(options=list(languages), value=language, layout=Layout(width="8em"))
        self._command = Textarea(
            rows=2,
            continuous_update=False,
            placeholder="A command for a shell, in a VM that is made for it and deleted after it",
            layout=Layout(width="36em"),
        )
        self._run = _button("temp cell", "Run the command in a temporary VM", self._pressed_run)
        parts = [self.sensor, _framed(self._list), self._trouble, self._form(), self._progress, self._output]
        self.root = VBox(parts)
        self.root.add_class(PANEL_CLASS)

    def _form(self) -> VBox:
        new = _button("new VM", "Make a VM of this language", lambda: self._presses.make(self._language.value))
        refresh = _button("refresh", "Look at the VMs now", self._presses.look)
        lines = [[self._language, new, refresh, self._new], [self._command, self._run, self._temp]]
        return VBox([_in_line(line) for line in lines], layout=Layout(margin="12px 0 0"))

    def _pressed_run(self) -> None:
        self._presses.run(self._language.value, self._command.value)

    def show_rows(self, rows: Sequence[Row], trouble: str) -> None:
        """The VMs as they are now."""
        shown = {row.id: self._rows.get(row.id) or _RowView(row.id, self._presses) for row in rows}
        for row in rows:
            shown[row.id].show(row)
        if list(shown) != list(self._rows) or not self._list.children:
            self._list.children = [self._head, *(each.root for each in shown.values())]
        for gone in self._rows.keys() - shown.keys():
            self._rows[gone].close()
        self._rows = shown
        note = Note(trouble, failed=True) if trouble else Note() if rows else _NO_VMS
        self._trouble.value = note_html(note)

    def show_work(self, new: Note, temp: Note, progress: Progress | None, *, is_running: bool) -> None:
        """What is being made or run besides, and how far it is."""
        self._new.value, self._temp.value = note_html(new), note_html(temp)
        self._run.description = "end it" if is_running else "temp cell"
        self._bar.value = progress.share if progress else 0
        self._stage.value = note_html(Note(progress.text)) if progress else ""
        self._progress.layout.display = None if progress else "none"

    def show_output(self, text: str) -> None:
        """What the command in a temporary VM printed."""
        self._output.value = output_html(text)


class _RowView:
    """A VM's line: what it is, its buttons, and below what is to be said of it."""

    def __init__(self, vm_id: str, presses: Presses) -> None:
        self._vm_id = vm_id
        self._action = Action.STOP
        self._text = _line()
        self._note = _line()
        self._power = _button("", "", lambda: presses.press(self._action, vm_id), _NARROW)
        self._clean = _button("", f"Delete {vm_id}", lambda: presses.press(Action.CLEAN, vm_id), _NARROW)
        self.root = VBox([_in_line([self._text, self._power, self._clean]), self._note])

    def show(self, row: Row) -> None:
        shown = cells(row)
        self._text.value = row_html(f"{row.id}, {row.view.record.state}", shown)
        self._action = row.power
        self._power.description = row.power.value
        self._power.tooltip = f"{row.power.capitalize()} {row.id}"
        self._clean.description = "sure?" if row.asks else Action.CLEAN.value
        self._clean.button_style = "danger" if row.asks else ""
        self._note.value = note_html(row.note)

    def close(self) -> None:
        """Forget its widgets."""
        for each in (self._text, self._note, self._power, self._clean, *self.root.children, self.root):
            each.close()


def _line() -> HTML:
    return HTML(layout=Layout(margin="0", flex="none"))


def _in_line(parts: Sequence[Widget]) -> HBox:
    return HBox(parts, layout=Layout(align_items="center"))


def _framed(box: Box) -> Box:
    """Scrolled sideways where a page is narrower than the table."""
    return Box([box], layout=Layout(overflow="auto"))


def _button(text: str, tooltip: str, press: Callable[[], None], width: str = _WIDE) -> Button:
    button = Button(description=text, tooltip=tooltip, layout=Layout(width=width, flex="none"))
    button.on_click(lambda pressed: press())
    return button
