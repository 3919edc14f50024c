"""The payloads of the frames that the agent reads and writes (see frames.py), as frozen data. Sans-IO.

Everything parsed here was written by a guest, whose root is the attacker: sizes are checked first, text is decoded with
replacement, and what does not fit raises ProtocolError.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum, IntFlag

import msgspec

from era_kernel.errors import ProtocolError, UsageError
from era_kernel.protocol.frames import MAX_LENGTH

INITIAL_CREDIT = 256 * 1024
MAX_CREDIT = 16 * 1024 * 1024
GRANT_STEP = 64 * 1024
ENTROPY_BYTES = 64

STDIN, STDOUT, STDERR, DRIVER_IN, DRIVER_OUT = range(5)
OUTPUT_FDS = frozenset({STDOUT, STDERR, DRIVER_OUT})
INPUT_FDS = frozenset({STDIN, DRIVER_IN})

GUEST_ENV: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
"""What every process that we start in a guest finds in its environment."""

_HELLO = struct.Struct(">I16s")
_EXIT = struct.Struct(">BIQQQB")
_STATS = struct.Struct(">QQIQQQI")
_WINDOW = struct.Struct(">BI")
_SPAWN = struct.Struct(">HHHHH")
_TEXT_LIMIT = 1024
_RESUME_ERRORS = 31


class SpawnFlags(IntFlag):
    """How a process is started in the guest. WARM: by a spare of the zygote, if it lives; of no effect with PTY."""

    PTY = 1
    DRIVER = 2
    WARM = 4


NO_FLAGS = SpawnFlags(0)


class Scope(IntEnum):
    """Whom a signal is for: the process group, the process alone, or everything that it ever started."""

    GROUP = 0
    PROCESS = 1
    ALL = 2


class ExitKind(IntEnum):
    """How a process ended: by itself, by a signal, or it could not be started (`value` is an errno then)."""

    EXITED = 0
    SIGNALED = 1
    FAILED = 2


class ResumeErrors(IntFlag):
    """What the agent could not set after a boot or a restore."""

    CLOCK = 1
    ENTROPY = 2
    HOSTNAME = 4
    MACHINE_ID = 8
    PERSIST = 16


class ResumeFlags(IntFlag):
    """TEMPLATE: the guest will be parked and cloned, so /persist, whose disk is each clone's own, is not mounted."""

    TEMPLATE = 1


NO_RESUME_FLAGS = ResumeFlags(0)


class AgentHello(msgspec.Struct, frozen=True):
    """The agent's greeting. `nonce` is new in every boot, and that of the last RESUME from then on."""

    protocol: int
    nonce: bytes
    version: str


class Resume(msgspec.Struct, frozen=True):
    """What makes a guest itself after a boot or a restore: `clock` in ns since the epoch, `machine_id` of 16 bytes."""

    clock: int
    nonce: bytes
    machine_id: bytes
    hostname: str
    entropy: bytes
    flags: ResumeFlags = NO_RESUME_FLAGS


class ProcessExit(msgspec.Struct, frozen=True):
    """How a process in the guest ended. CPU times in µs, `max_rss` in KiB; `oom`: the guest's memory ran out in it."""

    kind: ExitKind
    value: int
    user: int = 0
    system: int = 0
    max_rss: int = 0
    oom: bool = False

    @property
    def status(self) -> int:
        """The exit status as a shell gives it: 128 + n for signal n, 127 or 126 for what could not start."""
        if self.kind is ExitKind.SIGNALED:
            return 128 + self.value
        if self.kind is ExitKind.FAILED:
            return 127 if self.value == _ENOENT else 126
        return self.value


_ENOENT = 2


class GuestStats(msgspec.Struct, frozen=True):
    """The guest's own figures: memory and disk in KiB, `load` over the last minute × 100, `uptime` in ms."""

    mem_total: int
    mem_available: int
    load: int
    disk_total: int
    disk_free: int
    uptime: int
    processes: int


def parse_hello(payload: bytes) -> AgentHello:
    if not _HELLO.size <= len(payload) <= _HELLO.size + _TEXT_LIMIT:
        raise ProtocolError("The guest's greeting has a wrong size")
    protocol, nonce = _HELLO.unpack_from(payload)
    return AgentHello(protocol, nonce, payload[_HELLO.size :].decode(errors="replace"))


def encode_resume(resume: Resume) -> bytes:
    hostname = resume.hostname.encode()
    return b"".join(
        (
            struct.pack(">Q16s16s", resume.clock, resume.nonce, resume.machine_id),
            struct.pack(">H", len(hostname)),
            hostname,
            struct.pack(">H", len(resume.entropy)),
            resume.entropy,
            struct.pack(">B", resume.flags),
        )
    )


def parse_resumed(payload: bytes, nonce: bytes) -> ResumeErrors:
    """The agent's answer to RESUME: what it could not set. ProtocolError unless it answers just this one."""
    if len(payload) != 20 or payload[:16] != nonce:
        raise ProtocolError("The guest's answer to RESUME is not the one that was asked for")
    return ResumeErrors(int.from_bytes(payload[16:], "big") & _RESUME_ERRORS)


def encode_spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    flags: SpawnFlags = NO_FLAGS,
    rows: int = 0,
    cols: int = 0,
) -> bytes:
    """The payload that starts a process. UsageError for a NUL in a string, or what does not fit into one frame."""
    strings = [cwd, *argv, *(f"{key}={value}" for key, value in env.items())]
    if any("\0" in each for each in strings):
        raise UsageError("A command must not hold a NUL character")
    text = b"".join(each.encode("utf-8", "surrogateescape") + b"\0" for each in strings)
    payload = _SPAWN.pack(flags, rows, cols, len(argv), len(env)) + text
    if len(payload) > MAX_LENGTH - 5:
        raise UsageError(
            f"The command is {len(payload)} bytes long, more than the 1 MiB that fits", "Put it into a file."
        )
    return payload


def encode_warm(warm: Sequence[str], driver: Sequence[str]) -> bytes:
    """The payload of WARM. `warm` is a zygote's command line, or the driver's own, which is then started ahead.

    For the latter it is the payload of the SPAWN to come, byte for byte.
    """
    flags = SpawnFlags.DRIVER | SpawnFlags.WARM if tuple(warm) == tuple(driver) else NO_FLAGS
    return encode_spawn(warm, GUEST_ENV, "/root", flags)


def parse_parked(payload: bytes) -> None:
    """The agent's answer to PARK, after which it is silent until RESUME. ProtocolError when it is none."""
    if payload:
        raise ProtocolError("The guest's answer to PARK is not empty")


def parse_warmed(payload: bytes) -> bool:
    """The agent's answer to WARM: whether something waits to become a session. ProtocolError when it says neither."""
    if payload not in (b"\0", b"\1"):
        raise ProtocolError("The guest's answer to WARM is none")
    return payload == b"\1"


def encode_window(fd: int, credit: int) -> bytes:
    return _WINDOW.pack(fd, credit)


def parse_window(payload: bytes) -> tuple[int, int]:
    """(fd, bytes granted)."""
    if len(payload) != _WINDOW.size:
        raise ProtocolError("A WINDOW frame has a wrong size")
    fd, credit = _WINDOW.unpack(payload)
    return fd, credit


def encode_signal(number: int, scope: Scope) -> bytes:
    return struct.pack(">IB", number, scope)


def encode_resize(rows: int, cols: int) -> bytes:
    return struct.pack(">HH", rows, cols)


def parse_exit(payload: bytes) -> ProcessExit:
    if len(payload) != _EXIT.size:
        raise ProtocolError("An EXIT frame has a wrong size")
    kind, value, user, system, max_rss, oom = _EXIT.unpack(payload)
    if kind > ExitKind.FAILED or value > 255:
        raise ProtocolError(f"An EXIT frame says ({kind}, {value})")
    return ProcessExit(ExitKind(kind), value, user, system, max_rss, bool(oom))


def parse_stats(payload: bytes) -> GuestStats:
    if len(payload) != _STATS.size:
        raise ProtocolError("A STATS frame has a wrong size")
    return GuestStats(*_STATS.unpack(payload))


def parse_error(payload: bytes) -> str:
    """What the agent says of a frame that it refused, for a log."""
    if not 4 <= len(payload) <= 4 + _TEXT_LIMIT:
        raise ProtocolError("An ERROR frame has a wrong size")
    return f"{payload[4:].decode(errors='replace')} (code {int.from_bytes(payload[:4], 'big')})"
