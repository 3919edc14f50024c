"""A kernel's own history of cells, for front ends that ask for it; kept in memory, bounded."""

from __future__ import annotations

import fnmatch
from collections import deque
from itertools import islice

MAX_CELLS = 1000
SESSION = 0

Entry = tuple[int, int, str]
"""(session, line, source) as a history_reply holds them; the running session is number 0."""


class History:
    """The cells of this kernel, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_CELLS)

    def add(self, line: int, source: str) -> None:
        self._entries.append((SESSION, line, source))

    def tail(self, count: int) -> list[Entry]:
        """The last `count` cells."""
        return list(islice(self._entries, max(0, len(self._entries) - count), None))

    def range(self, start: int, stop: int | None) -> list[Entry]:
        """Cells with start ≤ line < stop; no stop: to the end."""
        return [entry for entry in self._entries if entry[1] >= start and (stop is None or entry[1] < stop)]

    def search(self, pattern: str, count: int | None, *, unique: bool) -> list[Entry]:
        """The last `count` cells that a glob pattern matches; with `unique` only the newest of equal ones."""
        found = [entry for entry in self._entries if fnmatch.fnmatchcase(entry[2], pattern)]
        if unique:
            found = sorted({source: (session, line, source) for session, line, source in found}.values())
        return found[-count:] if count else found
