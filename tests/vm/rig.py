"""A VM held by a test as a shim holds one: frames on a socket, the console on another."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

from era_kernel.launchers.base import BootPlan
from era_kernel.protocol import agent
from era_kernel.protocol.frames import Frame, FrameReader, FrameType, encode_frame
from era_kernel.shim.launch import launch

COMMAND_SECONDS = 60.0
GONE_SECONDS = 15.0


@dataclass
class Guest:
    """A guest that has said HELLO and was resumed."""

    vmm: subprocess.Popen[bytes]
    stream: socket.socket
    hello: agent.AgentHello
    _frames: Iterator[Frame]
    console: bytearray = field(default_factory=bytearray)
    _next_stream: int = 1

    def sh(self, script: str) -> str:
        """What a shell script in the guest prints; AssertionError when it fails."""
        number = self._next_stream
        self._next_stream += 1
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
        payload = agent.encode_spawn(["/bin/sh", "-c", script], environment, "/")
        self.stream.sendall(encode_frame(FrameType.SPAWN, number, payload))
        out, err, closed = bytearray(), bytearray(), set[int]()
        ended: agent.ProcessExit | None = None
        for frame in self._frames:
            assert frame.type is not FrameType.ERROR, agent.parse_error(frame.payload)
            if frame.type is FrameType.DATA:
                (out if frame.payload[0] == agent.STDOUT else err).extend(frame.payload[1:])
            elif frame.type is FrameType.CLOSE:
                closed.add(frame.payload[0])
            elif frame.type is FrameType.EXIT:
                ended = agent.parse_exit(frame.payload)
            if ended is not None and closed >= {agent.STDOUT, agent.STDERR}:
                break
        assert ended is not None
        assert ended.status == 0, err.decode(errors="replace")
        return out.decode()

    def power_off(self) -> int:
        """The VMM's exit status."""
        self.stream.sendall(encode_frame(FrameType.POWEROFF, 0))
        return self.vmm.wait(GONE_SECONDS)

    def kill(self) -> None:
        """As a power cut: SIGKILL for the VMM, back when nothing of it is left."""
        self.vmm.kill()
        self.vmm.wait(GONE_SECONDS)
        for _ in _read(self.stream, GONE_SECONDS):
            pass

    def qemu(self) -> psutil.Process:
        return next(each for each in family(self.vmm.pid) if each.name().startswith("qemu"))


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _read(stream: socket.socket, silence: float) -> Iterator[Frame]:
    """Frames until the end of the stream; TimeoutError when nothing comes for `silence` seconds."""
    reader = FrameReader()
    stream.settimeout(silence)
    while True:
        with contextlib.suppress(ConnectionResetError):
            data = stream.recv(65536)
            if data:
                yield from reader.feed(data)
                continue
        return


def _copy(console: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError), console:
        while data := console.recv(65536):
            kept += data


@contextlib.contextmanager
def booted(plan: BootPlan) -> Iterator[Guest]:
    """Boot, greet, resume; at the end nothing of the VM is left."""
    launched = launch(plan)
    vmm, ours, console = launched.process, launched.stream, launched.console
    console.setblocking(True)
    printed = bytearray()
    threading.Thread(target=_copy, args=(console, printed), daemon=True).start()
    with ours:
        try:
            frames = _read(ours, max(plan.boot_timeout, COMMAND_SECONDS))
            hello = agent.parse_hello(_expect(frames, FrameType.HELLO, printed))
            nonce = secrets.token_bytes(16)
            resume = agent.Resume(time.time_ns(), nonce, secrets.token_bytes(16), "test", secrets.token_bytes(64))
            ours.sendall(encode_frame(FrameType.RESUME, 0, agent.encode_resume(resume)))
            assert agent.parse_resumed(_expect(frames, FrameType.RESUME, printed), nonce) == agent.ResumeErrors(0)
            yield Guest(vmm, ours, hello, frames, printed)
        finally:
            vmm.kill()
            vmm.wait(GONE_SECONDS)
            if launched.monitor is not None:
                launched.monitor.close()


def _expect(frames: Iterator[Frame], kind: FrameType, printed: bytearray) -> bytes:
    try:
        frame = next(frames, None)
    except TimeoutError:
        frame = None
    console = printed[-2000:].decode(errors="replace")
    assert frame is not None, f"the guest ended or was silent before {kind.name}; its console: {console}"
    assert frame.type is kind, f"{frame.type.name} instead of {kind.name}; its console: {console}"
    return frame.payload
