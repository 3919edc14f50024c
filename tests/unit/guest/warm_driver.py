"""A zygote of a driver, for tests, and sessions out of it: what the agent does, said on real sockets."""

from __future__ import annotations

import array
import ctypes
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.unit.guest.driver_peer import DRIVER, LIMIT

_SET_CHILD_SUBREAPER = 36
_SO_PASSCRED = 16
_CREDENTIALS = struct.Struct("3i")
_DRIVER_FDS = 2
ARGV = ("python3", "-I", "driver.py")


@dataclass
class Session:
    """A process that was a spare; our child, since we are the subreaper. From `error` comes what it says to its job."""

    pid: int
    error: int
    status: int | None = None

    def wait(self, timeout: float) -> int:
        """Its exit status, as Popen.wait() gives it."""
        end = time.monotonic() + timeout
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            else:
                time.sleep(0.001)
        return self.status

    def answer(self) -> bytes:
        """What it said to the job: ints of the machine, then the end."""
        with os.fdopen(self.error, "rb") as file:
            return file.read()


class Zygote:
    """`driver.py --warm`, or another language's. While it lives this process is a subreaper, as the agent is."""

    def __init__(
        self,
        script: Sequence[str] = (str(DRIVER), "--warm"),
        env: Mapping[str, str] | None = None,
        interpreter: Sequence[str] = (sys.executable, "-I"),
    ) -> None:
        _set_subreaper(True)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_PASSCRED, 1)
        self._socket.settimeout(LIMIT)
        move = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
        command = [sys.executable, "-c", move, str(theirs.fileno()), *interpreter, *script]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], cwd="/", env=env)
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        try:
            self.process.wait(LIMIT)
        finally:
            _set_subreaper(False)

    def spare(self) -> tuple[int, socket.socket]:
        """(pid, socket) of the next spare that announces itself."""
        text, parts, flags, _ = self._socket.recvmsg(16, 1024)
        assert (text, flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC)) == (b"\1", 0)
        found = {kind: data for _, kind, data in parts}
        pid = _CREDENTIALS.unpack(found[socket.SCM_CREDENTIALS])[0]
        (fd,) = array.array("i", found[socket.SCM_RIGHTS])
        return pid, socket.socket(fileno=fd)

    def start(
        self,
        fds: Sequence[int],
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        argv: Sequence[str] = ARGV,
    ) -> Session:
        """A session with these as its fds 0 to 4; our environment and folder are its own if it is told none."""
        pid, channel = self.spare()
        read, write = os.pipe()
        values = os.environ if env is None else env
        strings = [cwd or str(Path.cwd()), *argv, *(f"{key}={value}" for key, value in values.items())]
        head = struct.pack(">5H", _DRIVER_FDS, 0, 0, len(argv), len(values))
        with channel:
            socket.send_fds(channel, [head + b"".join(os.fsencode(each) + b"\0" for each in strings)], [*fds, write])
        os.close(write)
        return Session(pid, read)

    def start_driver(self, fds: Sequence[int]) -> Session:
        """A session that has taken its job."""
        session = self.start(fds)
        assert session.answer() == bytes(4)
        assert "--warm" in Path(f"/proc/{session.pid}/cmdline").read_text()
        return session


def _set_subreaper(on: bool) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, int(on), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
