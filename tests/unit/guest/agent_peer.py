"""A blocking client of the guest agent for tests, written from the wire's description alone.

It shares no code with era_kernel.protocol, so that the two check each other. One AgentPeer holds one agent as a child
and notes, per stream, what came: bytes per fd in the order of arrival, closed fds, the exit.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

HELLO, RESUME, SPAWN, DATA, CLOSE, WINDOW, SIGNAL, RESIZE, EXIT, STATS, ERROR, POWEROFF, PARK, WARM = range(1, 15)
PTY, DRIVER, SPARE = 1, 2, 4
TEMPLATE = 1
GROUP, PROCESS, ALL = 0, 1, 2
EXITED, KILLED, NOT_STARTED = 0, 1, 2
INITIAL_CREDIT = 256 * 1024
MAX_DATA = 64 * 1024
NONCE = b"n" * 16
DEFAULT_TIMEOUT = 20.0

Frame = tuple[int, int, bytes]


def frame(kind: int, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">IBI", 5 + len(payload), kind, stream) + payload


def resume_payload(
    hostname: bytes = b"era-test", entropy: bytes = b"e" * 32, nonce: bytes = NONCE, flags: int = 0
) -> bytes:
    head = struct.pack(">Q16s16s", time.time_ns(), nonce, b"m" * 16)
    texts = b"".join(struct.pack(">H", len(text)) + text for text in (hostname, entropy))
    return head + texts + bytes([flags])


def spawn_payload(
    argv: Sequence[str | bytes],
    env: Mapping[str, str] | None = None,
    cwd: str = "/",
    flags: int = 0,
    rows: int = 0,
    cols: int = 0,
) -> bytes:
    values = {"PATH": os.defpath} if env is None else env
    strings = [cwd.encode(), *(os.fsencode(each) for each in argv), *(f"{k}={v}".encode() for k, v in values.items())]
    return struct.pack(">5H", flags, rows, cols, len(argv), len(values)) + b"".join(each + b"\0" for each in strings)


@dataclass(frozen=True)
class Exit:
    """An EXIT frame; times in µs, max_rss in KiB."""

    kind: int
    value: int
    user: int
    system: int
    max_rss: int
    oom: int


@dataclass
class StreamLog:
    """What came on one stream. `credit` is what the agent has left to send per fd; `grants` what it granted us."""

    grant: bool
    data: dict[int, bytearray] = field(default_factory=lambda: {1: bytearray(), 2: bytearray(), 4: bytearray()})
    events: list[tuple[int, bytes]] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    exit: Exit | None = None
    exit_at: dict[int, int] = field(default_factory=dict)
    credit: dict[int, int] = field(default_factory=lambda: dict.fromkeys((1, 2, 4), INITIAL_CREDIT))
    to_send: dict[int, int] = field(default_factory=lambda: dict.fromkeys((0, 3), INITIAL_CREDIT))
    errors: list[tuple[int, str]] = field(default_factory=list)

    @property
    def out(self) -> bytes:
        return bytes(self.data[1])

    @property
    def err(self) -> bytes:
        return bytes(self.data[2])


class AgentPeer:
    """An agent process and our end of its frames. Every wait has a time limit and fails with what was missing."""

    def __init__(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None, greet: bool = True) -> None:
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to = self.process.stdin.fileno()
        self._from = self.process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._next = 1
        self.control: list[Frame] = []
        self.streams: dict[int, StreamLog] = {}
        self.ended = False
        self.paused = False
        if greet:
            self._greet()

    def _greet(self) -> None:
        try:
            self.expect(HELLO)
            self.send(RESUME, 0, resume_payload())
            assert self.expect(RESUME)[2] == NONCE + b"\0\0\0\0"
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End the agent; a word of a sanitizer on its stderr fails the test."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        words = self.stderr()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        assert "Sanitizer" not in words, words
        assert "runtime error" not in words, words

    def stderr(self) -> str:
        assert self.process.stderr is not None
        if self.process.stderr.closed:
            return ""
        with self.process.stderr:
            return self.process.stderr.read().decode(errors="replace")

    # Frames

    def send(self, kind: int, stream: int = 0, payload: bytes = b"") -> None:
        self.send_raw(frame(kind, stream, payload))

    def send_raw(self, data: bytes) -> None:
        self._outgoing += data

    def pump(self, timeout: float) -> None:
        """Move bytes both ways once."""
        reading = [] if self.ended or self.paused else [self._from]
        writing = [self._to] if self._outgoing else []
        readable, writable, _ = select.select(reading, writing, [], timeout)
        if writable:
            self._write()
        if readable:
            self._read()

    def _write(self) -> None:
        try:
            del self._outgoing[: os.write(self._to, self._outgoing[: 1 << 20])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._outgoing.clear()

    def _read(self) -> None:
        data = os.read(self._from, 1 << 20)
        self.ended = not data
        self._incoming += data
        while len(self._incoming) >= 9:
            length, kind, stream = struct.unpack_from(">IBI", self._incoming)
            assert 5 <= length <= 1 << 20
            if len(self._incoming) < 4 + length:
                break
            payload = bytes(self._incoming[9 : 4 + length])
            del self._incoming[: 4 + length]
            self._take(kind, stream, payload)

    def _take(self, kind: int, stream: int, payload: bytes) -> None:
        log = self.streams.get(stream)
        if log is None or kind not in (DATA, CLOSE, WINDOW, EXIT, ERROR):
            self.control.append((kind, stream, payload))
        elif kind == DATA:
            self._take_data(stream, log, payload[0], payload[1:])
        elif kind == CLOSE:
            assert len(payload) == 1
            assert payload[0] not in log.closed
            log.closed.append(payload[0])
        elif kind == WINDOW:
            fd, credit = struct.unpack(">BI", payload)
            log.to_send[fd] += credit
            assert log.to_send[fd] <= INITIAL_CREDIT
        elif kind == EXIT:
            assert log.exit is None
            log.exit = Exit(*struct.unpack(">BIQQQB", payload))
            log.exit_at = {fd: len(data) for fd, data in log.data.items()}
        else:
            log.errors.append((int.from_bytes(payload[:4], "big"), payload[4:].decode()))

    def _take_data(self, stream: int, log: StreamLog, fd: int, data: bytes) -> None:
        assert fd not in log.closed
        assert 0 < len(data) <= MAX_DATA
        log.credit[fd] -= len(data)
        assert log.credit[fd] >= 0, "data without credit"
        log.data[fd] += data
        log.events.append((fd, data))
        if log.grant:
            self.grant(stream, fd, len(data))

    def grant(self, stream: int, fd: int, credit: int) -> None:
        self.streams[stream].credit[fd] += credit
        self.send(WINDOW, stream, struct.pack(">BI", fd, credit))

    # Waiting

    def until(self, done: Callable[[], bool], timeout: float = DEFAULT_TIMEOUT, what: str = "what was awaited") -> None:
        end = time.monotonic() + timeout
        while not done():
            left = end - time.monotonic()
            assert left > 0, f"{what} did not come within {timeout} s"
            assert not self.ended, f"the agent ended before {what} came: {self.stderr()}"
            self.pump(min(left, 0.1))

    def quiet(self, seconds: float) -> None:
        """Pump for so long, whatever comes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.ended:
            self.pump(0.02)

    def expect(self, kind: int, timeout: float = DEFAULT_TIMEOUT) -> Frame:
        """The next frame that is of the connection or of no stream of ours; it must be of this kind."""
        self.until(lambda: bool(self.control), timeout, f"a frame of type {kind}")
        found = self.control.pop(0)
        assert found[0] == kind, found
        return found

    def wait_end(self, timeout: float = DEFAULT_TIMEOUT) -> int:
        """Wait until the agent ends, taking what it sends; its exit status."""
        end = time.monotonic() + timeout
        while not self.ended:
            assert time.monotonic() < end, "the agent did not end"
            self.pump(0.1)
        return self.process.wait(timeout)

    # Streams

    def spawn(
        self,
        argv: Sequence[str | bytes],
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        flags: int = 0,
        rows: int = 0,
        cols: int = 0,
        grant: bool = True,
    ) -> int:
        stream = self._next
        self._next += 1
        self.streams[stream] = StreamLog(grant)
        self.send(SPAWN, stream, spawn_payload(argv, env, cwd, flags, rows, cols))
        return stream

    def write(self, stream: int, data: bytes, fd: int = 0, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Send input as its credit allows."""
        log = self.streams[stream]
        view = memoryview(data)
        while view:
            self.until(lambda: log.to_send[fd] > 0, timeout, "credit for input")
            part = view[: min(log.to_send[fd], MAX_DATA)]
            log.to_send[fd] -= len(part)
            self.send(DATA, stream, bytes([fd]) + part)
            self.pump(0)
            view = view[len(part) :]

    def close(self, stream: int, fd: int) -> None:
        self.send(CLOSE, stream, bytes([fd]))

    def signal(self, stream: int, number: int, scope: int = GROUP) -> None:
        self.send(SIGNAL, stream, struct.pack(">IB", number, scope))

    def finish(self, stream: int, closed: Sequence[int] = (1, 2), timeout: float = DEFAULT_TIMEOUT) -> StreamLog:
        """Wait for EXIT and the end of these outputs."""
        log = self.streams[stream]
        wanted = set(closed)
        self.until(lambda: log.exit is not None and wanted <= set(log.closed), timeout, f"the end of stream {stream}")
        return log

    def run(self, argv: Sequence[str | bytes], stdin: bytes = b"", env: Mapping[str, str] | None = None) -> StreamLog:
        """Run a command to its end."""
        stream = self.spawn(argv, env)
        self.write(stream, stdin)
        self.close(stream, 0)
        return self.finish(stream)

    def sh(self, script: str, stdin: bytes = b"") -> StreamLog:
        return self.run(["/bin/sh", "-c", script], stdin)

    def ping(self, timeout: float = DEFAULT_TIMEOUT) -> float:
        """Seconds until the agent answers STATS."""
        start = time.monotonic()
        self.send(STATS)
        self.expect(STATS, timeout)
        return time.monotonic() - start
