"""Cleans a guest's markup in a process of its own, which is killed when it takes too long, and then made anew."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from era_kernel import process
from era_kernel.markup.kinds import Kind

log = logging.getLogger(__name__)

MAX_MARKUP = 1 << 20
"""Characters of what is cleaned, and bytes of what is made of it."""
SECONDS = 1.0
START_SECONDS = 10.0
"""For the first answer of a new worker, which loads its parsers first."""


class Cleaner:
    """One worker, started with the first text; threads take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._worker: process.Child | None = None
        self._stream: socket.socket | None = None

    def clean(self, kind: Kind, text: str) -> str | None:
        """Harmless HTML made of `text`; None for what is too long, too deep, or takes longer than SECONDS."""
        if len(text) > MAX_MARKUP:
            return None
        with self._turn:
            deadline = time.monotonic() + (SECONDS if self._stream is not None else START_SECONDS)
            try:
                return self._ask(kind, text.encode("utf-8", "replace"), deadline)
            except (OSError, ValueError) as error:
                log.info("%s of %d characters cannot be shown: %s", kind, len(text), error)
                self.close()
                return None

    def close(self) -> None:
        """End the worker, if there is one."""
        if self._stream is not None:
            self._stream.close()
        if self._worker is not None:
            self._worker.send_signal(signal.SIGKILL)
            self._worker.wait()
        self._stream = self._worker = None

    def _ask(self, kind: Kind, data: bytes, deadline: float) -> str | None:
        stream = self._stream or self._start()
        stream.settimeout(max(0.001, deadline - time.monotonic()))
        stream.sendall(f"{kind} {len(data)}\n".encode() + data)
        answer = bytearray()
        while (end := answer.find(b"\n")) < 0:
            answer += _more(stream, deadline)
        if answer[:end] == b"-":
            return None
        length = int(answer[:end])
        if length > MAX_MARKUP:
            raise ValueError(f"{length} bytes came of it")
        while len(answer) < end + 1 + length:
            answer += _more(stream, deadline)
        return answer[end + 1 :].decode()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs, Path(os.devnull).open("wb") as null:
            command = [sys.executable, "-P", "-m", "era_kernel.markup.worker"]
            environment = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
            self._worker = process.start_piped(command, env=environment, stream=theirs, stderr=null.fileno())
        self._stream = ours
        return ours


def _more(stream: socket.socket, deadline: float) -> bytes:
    stream.settimeout(max(0.001, deadline - time.monotonic()))
    data = stream.recv(1 << 16)
    if not data:
        raise OSError("the worker ended")
    return data
