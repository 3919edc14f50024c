"""A guest's console: kept bounded, because a guest can print without end, and shown only as plain text."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 64 * 1024
FILE_LIMIT = 1 << 20


class ConsoleLog:
    """Appends console bytes to a file of at most FILE_LIMIT bytes and keeps the last TAIL_BYTES in memory.

    A full disk costs log lines, never the VM.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tail = bytearray()

    def write(self, data: bytes) -> None:
        """Take what the guest's kernel or the VMM printed."""
        self._tail += data
        del self._tail[:-TAIL_BYTES]
        try:
            full = self._path.exists() and self._path.stat().st_size + len(data) > FILE_LIMIT
            with self._path.open("wb" if full else "ab") as file:
                file.write(self._tail if full else data)
        except OSError:
            pass

    def tail(self, lines: int = 15) -> str:
        """The last lines, without anything that a terminal would act on."""
        return "\n".join(printable(bytes(self._tail)).splitlines()[-lines:])


def printable(data: bytes) -> str:
    """Guest bytes as text that is safe in a terminal and a log: control characters but newline and tab are gone."""
    text = data.decode(errors="replace").replace("\r\n", "\n")
    return "".join(char for char in text if char in "\n\t" or char.isprintable())
