"""Processes of a guest that goes on from a snapshot, kept for the clients that they belonged to."""

from __future__ import annotations

from collections import defaultdict

from era_kernel import process
from era_kernel.shim.snapshot import SavedStream


class Claims:
    """Which processes each absent client may claim. Those of a client that has ended are to be ended."""

    def __init__(self, saved: list[SavedStream]) -> None:
        self._by_token: defaultdict[str, list[SavedStream]] = defaultdict(list)
        for each in saved:
            self._by_token[each.token].append(each)

    def take(self, token: str) -> list[int]:
        """The guest streams of a client that came back, once."""
        return [each.guest_stream for each in self._by_token.pop(token, [])]

    def __bool__(self) -> bool:
        return bool(self._by_token)

    def take_ownerless(self) -> list[int]:
        """The guest streams of clients that have ended meanwhile, once."""
        gone = [token for token, streams in self._by_token.items() if not process.is_alive(streams[0].owner)]
        return [stream for token in gone for stream in self.take(token)]
