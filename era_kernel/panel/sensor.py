"""The panel's eye: a widget that shows nothing and tells when the panel is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget

_LOOK = "look"


class Sensor(anywidget.AnyWidget):
    """Calls `look` up to once a second while the panel is seen, and waits for answer() in between."""

    _esm = Path(__file__).with_name("sensor.js").read_text(encoding="utf-8")

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look
        self.on_msg(self._take)

    def answer(self) -> None:
        """The look was taken and is shown: another one may be asked for."""
        self.send({"kind": "seen"})

    def _take(self, widget: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("kind") == _LOOK:
            self._look()
