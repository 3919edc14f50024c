"""The host's side of a driver, for tests: the real driver as a child process, real pipes on its fds 3 and 4."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import msgspec

import era_kernel.guest
from era_kernel.protocol import driver

DRIVER = Path(era_kernel.guest.__file__).parent / "drivers/python/driver.py"
START_SCRIPT = (
    "import os, sys; fds = list(map(int, sys.argv[1:6])); [os.dup2(fd, to) for to, fd in enumerate(fds)]; "
    "[os.close(fd) for fd in fds]; os.execv(sys.argv[6], sys.argv[6:])"
)
LIMIT = 20.0


def plain(content: Any) -> Any:
    """A message's content with its mime bundles decoded."""
    return SimpleNamespace(**msgspec.json.decode(msgspec.json.encode(content)))


@dataclass
class Answer:
    """What a request gave: its events in order, its reply's content."""

    reply: Any
    events: list[Any] = field(default_factory=list)

    def only(self, kind: type[Any]) -> Any:
        (event,) = [plain(each.content) for each in self.events if isinstance(each, kind)]
        return event


class Started(Protocol):
    """A driver's process."""

    @property
    def pid(self) -> int: ...

    def wait(self, timeout: float) -> int: ...


StartDriver = Callable[[Sequence[int]], Started]
"""Starts a driver with these as its fds 0 to 4."""


def start_cold(fds: Sequence[int], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Started:
    """A python driver as the agent executes one, with these as its fds 0 to 4."""
    return start_program([sys.executable, "-I", str(DRIVER)], fds, env, cwd)


def start_program(
    program: Sequence[str], fds: Sequence[int], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Started:
    """A driver's program as the agent executes one, with these as its fds 0 to 4."""
    # From high numbers, so that no dup2 hits the source of a later one.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in fds]
    command = [sys.executable, "-c", START_SCRIPT, *map(str, high), *program]
    process = subprocess.Popen(command, pass_fds=high, start_new_session=True, env=env, cwd=cwd)
    for fd in high:
        os.close(fd)
    return process


class DriverPeer:
    """A driver that is ready for requests."""

    def __init__(self, start: StartDriver = start_cold) -> None:
        to_read, self._to_driver = os.pipe()
        self._from_driver, to_write = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        self._outputs, theirs = zip(*(os.pipe() for _ in range(2)), strict=True)
        fds = (null, *theirs, to_read, to_write)
        try:
            self.process = start(fds)
        finally:
            for fd in fds:
                os.close(fd)
        self.output = {1: bytearray(), 2: bytearray()}
        self._readers = [
            threading.Thread(target=self._copy, args=place, daemon=True) for place in enumerate(self._outputs, 1)
        ]
        for reader in self._readers:
            reader.start()
        self._messages = driver.MessageReader()
        self._queue: list[Any] = []
        self._count = 0
        os.set_blocking(self._from_driver, False)
        self.ready: Any = self.next_message()

    def _copy(self, number: int, fd: int) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(fd, 65536):
                self.output[number] += data

    def send(self, kind: str, request: str, **content: Any) -> None:
        self.send_bytes(driver.encode_request(kind, request, content))

    def send_bytes(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._to_driver, view) :]

    def end_input(self) -> None:
        """The host's end of the driver's pipe is closed."""
        os.close(self._to_driver)
        self._to_driver = os.open(os.devnull, os.O_WRONLY)

    def stop_listening(self) -> None:
        """Nobody reads the driver's messages any more."""
        os.close(self._from_driver)
        self._from_driver = os.open(os.devnull, os.O_RDONLY)

    def next_message(self, limit: float = LIMIT) -> Any:
        """The next message of the driver; EOFError when it has ended."""
        deadline = time.monotonic() + limit
        while not self._queue:
            assert time.monotonic() < deadline, f"no message within {limit} s; stderr: {bytes(self.output[2])!r}"
            try:
                data = os.read(self._from_driver, 1 << 16)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            if not data:
                raise EOFError
            self._queue += self._messages.feed(data)
        return self._queue.pop(0)

    def request(self, kind: str, **content: Any) -> Answer:
        """Send a request and wait for its reply."""
        self._count += 1
        request = f"{self._count:032x}"
        self.send(kind, request, **content)
        return self.answer(request)

    def answer(self, request: str) -> Answer:
        """What comes until this request's reply; events of an earlier cell (its threads may still show things) too."""
        answer = Answer(None)
        while True:
            message = self.next_message()
            assert message.id == request or not isinstance(message, driver.Reply)
            if isinstance(message, driver.Reply):
                answer.reply = plain(message.content)
                return answer
            answer.events.append(message)

    def start(self, code: str, **options: Any) -> str:
        """Send a cell without waiting for its end; its request id."""
        self._count += 1
        request = f"{self._count:032x}"
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "execution_count": self._count,
            **options,
        }
        self.send("execute_request", request, **content)
        return request

    def run(self, code: str, **options: Any) -> Answer:
        return self.answer(self.start(code, **options))

    def value(self, expression: str) -> str:
        """text/plain of an expression."""
        return str(self.run(expression).only(driver.ExecuteResult).data["text/plain"])

    def stdout(self, wait_for: bytes = b"", limit: float = LIMIT) -> bytes:
        """What was printed; waits until it holds `wait_for`."""
        return self._printed(1, wait_for, limit)

    def stderr(self, wait_for: bytes = b"", limit: float = LIMIT) -> bytes:
        """What was printed on stderr; waits until it holds `wait_for`."""
        return self._printed(2, wait_for, limit)

    def _printed(self, fd: int, wait_for: bytes, limit: float) -> bytes:
        deadline = time.monotonic() + limit
        while wait_for not in self.output[fd]:
            assert time.monotonic() < deadline, f"{wait_for!r} was not printed, only {bytes(self.output[fd])!r}"
            time.sleep(0.001)
        return bytes(self.output[fd])

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self) -> int:
        return self.process.wait(LIMIT)

    def close(self) -> None:
        os.close(self._to_driver)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        for reader in self._readers:
            reader.join(LIMIT)
        os.close(self._from_driver)
        for fd in self._outputs:
            os.close(fd)


@contextlib.contextmanager
def running_driver(start: StartDriver = start_cold) -> Iterator[DriverPeer]:
    peer = DriverPeer(start)
    try:
        yield peer
    finally:
        peer.close()
