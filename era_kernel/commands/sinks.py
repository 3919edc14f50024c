"""What VMs print, on its way to the place where the command was typed."""

from __future__ import annotations

from collections.abc import Callable

Write = Callable[[int, bytes], None]

MAX_LINE = 64 * 1024
"""Bytes of a line that are held back for its end; a longer one is printed as several."""


class RawSink:
    """Bytes as they come, unchanged: for one VM."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def take(self, vm_id: str, fd: int, data: bytes) -> None:
        self._write(fd, data)

    def finish(self) -> None:
        """Nothing is held back."""


class LabelledSink:
    """Whole lines, each behind `ID | `: for several VMs at once."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._partial: dict[tuple[str, int], bytearray] = {}

    def take(self, vm_id: str, fd: int, data: bytes) -> None:
        held = self._partial.setdefault((vm_id, fd), bytearray())
        held += data
        end = held.rfind(b"\n") + 1
        if len(held) - end > MAX_LINE:
            end = len(held)
        if end:
            self._print(vm_id, fd, bytes(held[:end]))
            del held[:end]

    def finish(self) -> None:
        for (vm_id, fd), held in self._partial.items():
            if held:
                self._print(vm_id, fd, bytes(held))
        self._partial.clear()

    def _print(self, vm_id: str, fd: int, lines: bytes) -> None:
        label = f"{vm_id} | ".encode()
        self._write(fd, b"".join(label + line + b"\n" for line in lines.removesuffix(b"\n").split(b"\n")))
