"""The panel of an IPython notebook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from era_kernel.commands.front_end import open_manager
from era_kernel.extension.channel import display

if TYPE_CHECKING:
    from era_kernel.panel.controller import Controller
    from era_kernel.panel.model import Panel


class Panels:
    """Shows the panel, on IPython's thread; what stands in for it where IPython runs in a terminal."""

    def __init__(self, *, has_front_end: bool) -> None:
        self._has_front_end = has_front_end
        self._panel: Controller | None = None

    def show(self, panel: Panel, instead: dict[str, str]) -> None:
        if not self._has_front_end:
            display(instead, {})
            return
        if self._panel is None:
            from era_kernel.panel.controller import Controller

            self._panel = Controller(panel, partial(open_manager, None), lambda: False, "")
        display({**self._panel.bundle(), **instead}, {})
