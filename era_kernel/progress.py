"""Progress, told to people by lines; those that begin a stage of a VM's making say which, for whoever shows a bar."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

Report = Callable[[str], None]
"""Takes one line of progress for a human ("making the disk of localhost/era/python")."""


class Stage(IntEnum):
    """What is made once before VMs of a kind start in a moment, in its order. Each is passed over where it is there."""

    KERNEL = 1
    INITRAMFS = 2
    LAUNCHER = 3
    IMAGE = 4
    DISK = 5
    BOOT = 6
    WARM = 7
    SAVE = 8


class Step(str):
    """A line of progress that begins a stage."""

    __slots__ = ("stage",)

    stage: Stage

    def __new__(cls, stage: Stage, text: str) -> Step:
        step = super().__new__(cls, text)
        step.stage = stage
        return step
