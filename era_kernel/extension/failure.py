"""A cell's failure without a host traceback."""

from __future__ import annotations

from era_kernel.errors import EraError


class CellFailedError(EraError):
    """Shown by IPython as `lines` alone; those of a VM were cut and filtered by the relay."""

    def __init__(self, message: str, lines: list[str]) -> None:
        super().__init__(message)
        self._lines = lines

    def _render_traceback_(self) -> list[str]:
        return self._lines
