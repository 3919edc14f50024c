"""`status`: all VMs as they are now; live where there is a panel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from era_kernel.commands.front_end import FrontEnd
from era_kernel.panel.model import Panel

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager

LOOK_APART = 0.3
"""Seconds between the two looks that show who uses how much of the processors."""


def status(manager: Manager, options: None, front_end: FrontEnd) -> int:
    """Look twice, and show the VMs."""
    panel = Panel()
    if _look(manager, panel):
        time.sleep(LOOK_APART)
        _look(manager, panel)
    front_end.status(panel)
    return 0


def _look(manager: Manager, panel: Panel) -> bool:
    """Whether any VM is up."""
    views = manager.list(include_stopped=True)
    used = manager.cpu_seconds(view.record for view in views)
    panel.seen(views, used, time.monotonic())
    return bool(used)
