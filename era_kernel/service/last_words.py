"""Why a driver's process ended: the line on its stderr with which its language's runtime says so."""

from __future__ import annotations

from era_kernel.text import printable

LIMIT = 300
"""Bytes of a line that are kept: a guest's lines may be endless."""

_BEGINNINGS = (
    b"fatal error: ",  # Go's runtime: go/src/runtime/panic.go, throw() and fatal()
    b"panic: ",  # Go, of a goroutine
    b"era driver: ",  # our own
)


_OUT_OF_MEMORY = ("fatal error: runtime: out of memory", "fatal error: runtime: cannot allocate memory")
"""Go asked for more than there could be: the kernel ended nobody."""


class LastWords:
    """Takes stderr as it comes, in pieces cut anywhere, and keeps the last line that begins as a runtime's end does.

    What it keeps are a stranger's words: bounded, and harmless as `line` gives them.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """What was said until now has nothing to do with what comes."""
        self._found = b""
        self._open = b"\n"  # a line that has not ended yet, after the end of the one before

    def feed(self, data: bytes) -> None:
        text = self._open + data
        at = max(text.rfind(b"\n" + each) for each in _BEGINNINGS)
        if at >= 0:
            self._found = text[at + 1 : at + 1 + LIMIT].partition(b"\n")[0]
        # Cut, for a line that never ends: no beginning is found in the middle of a line.
        self._open = text[text.rfind(b"\n") :][: LIMIT + 1]

    @property
    def line(self) -> str:
        """Empty when there was none."""
        return printable(self._found.decode(errors="replace").strip())

    @property
    def of_memory(self) -> bool:
        """Whether they are that memory ran out."""
        return self.line.startswith(_OUT_OF_MEMORY)
