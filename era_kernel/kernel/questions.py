"""A cell's questions to the user: input_request on the stdin channel, and the answer back to the driver."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import zmq

from era_kernel.errors import EraError
from era_kernel.protocol.driver import InputContent

log = logging.getLogger(__name__)

POLL_SECONDS = 0.01
MAX_PROMPT = 10_000
Answer = Callable[[dict[str, str]], Awaitable[None]]


class Questions:
    """Asks without blocking the kernel's loop, one question at a time, and stops when its cell ends."""

    def __init__(self, session: Any, socket: Any) -> None:
        self._session = session
        self._socket = socket
        self._asking: asyncio.Task[None] | None = None

    def ask(self, content: InputContent, ident: Any, parent: dict[str, Any], answer: Answer) -> None:
        """Ask the front end that runs the cell; `answer` gets {"value": …}."""
        self.stop()
        self._asking = asyncio.create_task(self._ask(content, ident, parent, answer))

    def stop(self) -> None:
        """The cell has ended: nobody waits for the answer."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, content: InputContent, ident: Any, parent: dict[str, Any], answer: Answer) -> None:
        while self._next() is not None:
            pass  # stale replies to questions of earlier cells
        question = {"prompt": content.prompt[:MAX_PROMPT], "password": content.password}
        self._session.send(self._socket, "input_request", question, parent, ident=ident)
        # Polled: the socket's own fd is edge-triggered and shared with ipykernel's base class.
        while (value := self._next()) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        with contextlib.suppress(EraError):
            await answer({"value": value})

    def _next(self) -> str | None:
        """The value of an input_reply that has arrived, None when there is none."""
        try:
            _, reply = self._session.recv(self._socket, mode=zmq.NOBLOCK)
        except Exception:  # an invalid message: ask on
            log.warning("an invalid message on stdin", exc_info=True)
            return None
        return None if reply is None else str(reply["content"].get("value", ""))
