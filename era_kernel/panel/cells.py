"""What stands in the tables of VMs: text, a VM's state, a share as a bar."""

from __future__ import annotations

from dataclasses import dataclass

from era_kernel.models import VmState


@dataclass(frozen=True)
class State:
    """A VM's state, which has a colour where there are colours."""

    state: VmState

    def __str__(self) -> str:
        return self.state.value


@dataclass(frozen=True)
class Bar:
    """A share of what there is, from 0 to 1, and what it is in words."""

    share: float
    text: str

    def __str__(self) -> str:
        return self.text


Cell = str | State | Bar
"""`str()` of each is what a terminal shows."""

UNKNOWN = "–"


def duration(seconds: float) -> str:
    """A time that people read: 12 s, 3 min, 2 h 5 min, 4 d 3 h."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // 86400
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
