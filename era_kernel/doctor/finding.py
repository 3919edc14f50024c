"""What a check found."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from era_kernel.errors import EraError


class Grade(StrEnum):
    """ok · info: nothing to do · warning: something works less well, or not at all, but VMs do · failed: VMs do not."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    FAILED = "failed"


class Finding(msgspec.Struct, frozen=True):
    """The answer of one check. `remedy` is what to do, never empty where the grade is warning or failed."""

    name: str
    grade: Grade
    detail: str
    remedy: str = ""


def failed(name: str, error: EraError, grade: Grade = Grade.FAILED) -> Finding:
    """The finding that an error of ours amounts to."""
    return Finding(name, grade, error.message, error.remedy or "Look at the log: --log-level debug.")
