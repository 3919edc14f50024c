"""From session events to IOPub messages: text is gathered, rich output filtered, everything sent to the right cell."""

from __future__ import annotations

import asyncio
import codecs
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Raw

from era_kernel.kernel.policy import filter_bundle, filter_transient
from era_kernel.protocol import driver

GATHER_SECONDS = 0.02
GATHER_CHARACTERS = 256 * 1024
TEXT_LIMIT = 64 << 20
REMEMBERED_CELLS = 256
MAX_ERROR_TEXT = 1 << 20

Header = dict[str, Any]
Publish = Callable[[str, dict[str, Any], Header], None]
AskInput = Callable[[str, driver.InputContent], None]


@dataclass(frozen=True)
class Cell:
    """Whom output belongs to: the Jupyter message of the cell, its number, whether it is to be shown at all."""

    parent: Header
    count: int
    silent: bool


class OutputRelay:
    """The SessionEvents of a kernel.

    A stream message is sent at most every GATHER_SECONDS or GATHER_CHARACTERS, and before any other message, because
    one message a line is 75 times slower and a slow client loses messages. Beyond TEXT_LIMIT bytes of a cell its text
    is dropped, and the user told how much.
    """

    def __init__(self, publish: Publish, ask_input: AskInput) -> None:
        self._publish = publish
        self._ask_input = ask_input
        self._cells: OrderedDict[str, Cell] = OrderedDict()
        self._current = Cell({}, 0, silent=False)
        self._name = "stdout"
        self._gathered: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._decoders = {name: _decoder() for name in ("stdout", "stderr")}
        self._shown = 0
        self._dropped = 0
        self._told: set[str] = set()

    def begin(self, request: str, cell: Cell) -> None:
        """From now on text belongs to this cell, and so do events of this request."""
        self.flush()
        self._cells[request] = cell
        if len(self._cells) > REMEMBERED_CELLS:
            self._cells.popitem(last=False)
        self._current = cell
        self._shown = self._dropped = 0
        self._decoders = {name: _decoder() for name in self._decoders}

    def end(self) -> None:
        """The cell's reply is about to be sent."""
        self.flush()
        if self._dropped:
            self.note(
                f"{self._dropped / 1e6:.1f} MB of this cell's output were dropped; the limit is {TEXT_LIMIT >> 20} MiB"
            )
            self._dropped = 0

    def note(self, text: str) -> None:
        """A line of the kernel's own, on the cell's stderr."""
        self.flush()
        if not self._current.silent:
            self._publish("stream", {"name": "stderr", "text": f"[era] {text}\n"}, self._current.parent)

    # ---- SessionEvents

    def text(self, name: str, data: bytes) -> None:
        if self._current.silent:
            return
        if self._shown >= TEXT_LIMIT:
            self._dropped += len(data)
            return
        self._shown += len(data)
        if name != self._name:
            self.flush()
            self._name = name
        text = self._decoders[name].decode(data)
        self._gathered.append(text)
        self._size += len(text)
        if self._size >= GATHER_CHARACTERS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.flush)

    def flush(self) -> None:
        """Send what text was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._size:
            content = {"name": self._name, "text": "".join(self._gathered)}
            self._publish("stream", content, self._current.parent)
        self._gathered.clear()
        self._size = 0

    def event(self, request: str, event: driver.Event) -> None:
        cell = self._cells.get(request)
        if cell is None:
            return
        self.flush()
        if isinstance(event, driver.InputRequest):
            self._ask_input(request, event.content)
        elif not cell.silent:
            self._show(cell, event)

    def _show(self, cell: Cell, event: driver.Event) -> None:
        match event:
            case driver.ExecuteResult(content=content):
                data, metadata = self._filtered(content.data, content.metadata)
                shown = {"execution_count": cell.count, "data": data, "metadata": metadata}
                self._publish("execute_result", shown, cell.parent)
            case driver.DisplayData(content=content) | driver.UpdateDisplayData(content=content):
                data, metadata = self._filtered(content.data, content.metadata)
                transient = filter_transient(content.transient)
                kind = "display_data" if isinstance(event, driver.DisplayData) else "update_display_data"
                self._publish(kind, {"data": data, "metadata": metadata, "transient": transient}, cell.parent)
            case driver.ErrorEvent(content=content):
                self._publish("error", error_content(content.ename, content.evalue, content.traceback), cell.parent)
            case driver.ClearOutput(content=content):
                self._publish("clear_output", {"wait": content.wait}, cell.parent)

    def _filtered(self, data: Raw, metadata: Raw) -> tuple[dict[str, Any], dict[str, Any]]:
        kept, kept_metadata, dropped = filter_bundle(data, metadata)
        for kind in dropped:
            if kind not in self._told and len(self._told) < REMEMBERED_CELLS:
                self._told.add(kind)
                self.note(f"{kind} from the VM is not shown; text, HTML, Markdown, LaTeX, JSON, SVG, PNG, JPEG are")
        return kept, kept_metadata


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")


def error_content(ename: str, evalue: str, traceback: list[str]) -> dict[str, Any]:
    """The content of an error message, bounded."""
    lines: list[str] = []
    left = MAX_ERROR_TEXT
    for line in traceback:
        if left <= 0:
            lines.append("… (cut)")
            break
        lines.append(line[:left])
        left -= len(line) + 1
    return {"ename": ename[:1000], "evalue": evalue[:MAX_ERROR_TEXT], "traceback": lines}
