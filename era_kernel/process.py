"""The only host module that starts processes, and the only one that signals them.

A process is named by (pid, create time, boot id) and signalled through a pidfd, so that a recycled pid never gets a
signal that was meant for another process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from era_kernel.errors import ToolFailedError, ToolMissingError
from era_kernel.models import ProcessIdentity

log = logging.getLogger(__name__)

Child = subprocess.Popen[bytes]
OUTPUT_TAIL = 4096
HAS_PROC = Path("/proc/self/stat").exists()
SAME_START = 0.005
"""Seconds; the kernel counts in hundredths."""

PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "buildah": "buildah",
    "krunvm": "krunvm",
    "mkfs.erofs": "erofs-utils",
    "mkfs.ext4": "e2fsprogs",
    "bwrap": "bubblewrap",
    "mmdebstrap": "mmdebstrap",
    "lz4": "lz4",
    "zstd": "zstd",
    "apt-cache": "apt",
    "pasta": "passt",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}


class Completed(NamedTuple):
    """A program that ended with status 0: what it wrote, decoded with replacement."""

    stdout: str
    stderr: str


def find_tool(name: str) -> str:
    """The absolute path of a program; ToolMissingError names the package that holds it.

    The folder is the real one: a jail has /usr, but not the link /bin to it that PATH may name first.
    """
    import shutil

    path = shutil.which(name)
    if path is None:
        raise _missing(name)
    return str(Path(path).parent.resolve() / Path(path).name)


def _missing(name: str) -> ToolMissingError:
    package = PACKAGES.get(name, name)
    return ToolMissingError(f"{name} is not installed", f"Install the package {package}, then try again.")


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    input: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: IO[bytes] | None = None,
) -> Completed:
    """Run a program to its end, without a shell; it dies with its process group when `timeout` seconds are over.

    `stdout` sends the output to a file instead of into the result. Raises ToolMissingError, ToolFailedError.
    """
    command = [find_tool(str(argv[0])), *map(str, argv[1:])]
    log.debug("run %s", shlex.join(command))
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolFailedError(f"{argv[0]} took longer than {timeout:.0f} s and was ended") from error
            raise
    text = (out or b"").decode(errors="replace")
    complaint = err.decode(errors="replace")
    if process.returncode != 0:
        tail = "\n".join(part for each in (text, complaint) if (part := each[-OUTPUT_TAIL:].strip()))
        last = tail.splitlines()[-1] if tail else "it printed nothing"
        raise ToolFailedError(
            f"{Path(command[0]).name} failed with status {process.returncode}: {last}",
            status=process.returncode,
            output=tail,
        )
    return Completed(text, complaint)


def spawn_detached(argv: Sequence[str | Path], *, log_file: Path, pass_fds: Sequence[int] = ()) -> ProcessIdentity:
    """Start a program that outlives us: a session of its own, no terminal, its output appended to `log_file`.

    A thread reaps it, so that it never stays behind as a zombie while we live.
    """
    import threading

    command = [find_tool(str(argv[0])), *map(str, argv[1:])]
    log.debug("spawn %s", shlex.join(command))
    with log_file.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=pass_fds,
            cwd="/",
        )
    identity = identify(process.pid)
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    return identity


@cache
def boot_id() -> str:
    """This boot's id: a pid recorded in another boot means nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"boot-{psutil.boot_time():.0f}"


def identify(pid: int) -> ProcessIdentity:
    """The identity of a living process; ProcessLookupError when there is none."""
    return ProcessIdentity(pid, _start_time(pid), boot_id())


def _start_time(pid: int) -> float:
    """When a process started: on Linux in seconds since boot, which a step of the clock does not change (proc(5))."""
    if HAS_PROC:
        return int(_stat(pid)[19]) / os.sysconf("SC_CLK_TCK")
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the third on, its state. ProcessLookupError.

    Not psutil's, which takes 13 ms and 2 MiB to import: every shim would have it.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessLookupError(pid) from error


def is_alive(identity: ProcessIdentity | None) -> bool:
    """Whether just this process still runs; a zombie has ended."""
    if identity is None or not _is_same(identity):
        return False
    if HAS_PROC:
        try:
            return _stat(identity.pid)[0] not in (b"Z", b"X")
        except ProcessLookupError:
            return False
    import psutil

    try:
        return bool(psutil.Process(identity.pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_same(identity: ProcessIdentity) -> bool:
    """Whether the pid is still this process's, be it a zombie (one whose threads still hold its files, too)."""
    try:
        return identity.boot_id == boot_id() and abs(_start_time(identity.pid) - identity.create_time) < SAME_START
    except ProcessLookupError:
        return False


@contextlib.contextmanager
def _pidfd(identity: ProcessIdentity) -> Iterator[int | None]:
    """A pidfd of just this process, or None. Opened first and checked after: the pid cannot be recycled in between."""
    try:
        fd = os.pidfd_open(identity.pid)
    except (ProcessLookupError, OSError):
        yield None
        return
    try:
        yield fd if _is_same(identity) else None
    finally:
        os.close(fd)


def send_signal(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal just this process; False when it had ended already."""
    with _pidfd(identity) as fd:
        if fd is None:
            return False
        try:
            signal.pidfd_send_signal(fd, number)
        except ProcessLookupError:
            return False
        return True


def wait_gone(identity: ProcessIdentity, timeout: float) -> bool:
    """Wait until the process has ended, `timeout` seconds at most; whether it has."""
    with _pidfd(identity) as fd:
        if fd is None:
            return True
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        return bool(poller.poll(timeout * 1000))


def end(identity: ProcessIdentity, *, grace: float = 2.0, kill_wait: float = 5.0) -> bool:
    """SIGTERM, `grace` seconds, SIGKILL; whether the process is gone."""
    if not send_signal(identity, signal.SIGTERM) or wait_gone(identity, grace):
        return True
    send_signal(identity, signal.SIGKILL)
    return wait_gone(identity, kill_wait)


def start_piped(
    argv: Sequence[str], *, env: Mapping[str, str], stream: socket.socket, stderr: int, pass_fds: Sequence[int] = ()
) -> Child:
    """Start a program whose stdin and stdout are `stream` and whose stderr is the fd `stderr`.

    It gets the fds `pass_fds` under their own numbers. A session of its own, so that a signal for our process group
    does not reach it.
    """
    log.debug("start %s", shlex.join(argv))
    fd = stream.fileno()
    try:
        return subprocess.Popen(
            argv,
            stdin=fd,
            stdout=fd,
            stderr=stderr,
            env=dict(env),
            start_new_session=True,
            pass_fds=pass_fds,
            cwd="/",
        )
    except FileNotFoundError as error:
        raise _missing(argv[0]) from error


def run_bytes(argv: Sequence[str], input: bytes, *, timeout: float) -> bytes:
    """Run a filter over bytes, without a shell; what it wrote. Raises ToolMissingError, ToolFailedError."""
    command = [find_tool(argv[0]), *argv[1:]]
    log.debug("filter %s", shlex.join(command))
    try:
        done = subprocess.run(command, input=input, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolFailedError(f"{argv[0]} took longer than {timeout:.0f} s and was ended") from error
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace")[-OUTPUT_TAIL:].strip()
        raise ToolFailedError(f"{argv[0]} failed with status {done.returncode}: {tail}", "", done.returncode, tail)
    return done.stdout
