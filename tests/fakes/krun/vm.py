"""The VM of `krunvm start`: QEMU (TCG), the container's root over virtio-fs, its streams wired as libkrun wires them.

stdin, stdout and stderr each have a port of their own, so that bytes stay as they are. The network is on always, as
with libkrun's TSI: what the guest reaches is what this process reaches, host loopback (10.0.2.2) included.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.krun import guest
from tests.fakes.krun.config import Vm
from tests.fakes.krun.containers import FAILED, fail

QEMU = "qemu-system-x86_64"
FILE_SERVERS = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
PORTS = ("krun-stdin", "krun-stdout", "krun-stderr", "krun-control")
QUIET = 0.05
"""Seconds without output after the command's end: then all of it has come."""
LONGEST_DRAIN = 10.0
SOCKET_SECONDS = 10.0
CHUNK = 65536
MS_BIND, MS_REC = 4096, 16384
PR_SET_PDEATHSIG = 1

Part = subprocess.Popen[bytes]

_libc = ctypes.CDLL(None, use_errno=True)


def run(vm: Vm, root: Path, command: str | None, arguments: list[str], envs: list[str]) -> int:
    """Boot, run the command to its end, give its exit status."""
    if not guest.is_made():
        print("The fake's guest is not made: `python -m tests.fakes.krun.guest` makes it.", file=sys.stderr)
        return FAILED
    configuration = _configuration(vm, root, command, arguments, envs)
    _map_volumes(vm, root)
    with tempfile.TemporaryDirectory(prefix="krun-") as work, _started(vm, root, Path(work)) as parts:
        return _serve(Path(work), parts, configuration)


def _configuration(vm: Vm, root: Path, command: str | None, arguments: list[str], envs: list[str]) -> bytes:
    """What init.c reads: host name, working directory, command, environment."""
    image = json.loads((root / ".krun_config.json").read_text()).get("OCIv1", {}).get("config", {})
    if command is not None:
        argv = [command, *arguments]
    else:
        argv = [*(image.get("Entrypoint") or []), *(image.get("Cmd") or [])] or ["/bin/sh"]
    environment = dict(each.split("=", 1) for each in image.get("Env") or [] if "=" in each)
    environment |= {"HOSTNAME": vm.name, "HOME": "/root"}
    environment |= dict(each.split("=", 1) for each in envs if "=" in each)
    workdir = vm.workdir or image.get("WorkingDir") or "/"
    strings = [vm.name, workdir, str(len(argv)), *argv, *(f"{key}={value}" for key, value in environment.items())]
    data = b"".join(each.encode() + b"\0" for each in strings)
    return struct.pack("<I", len(data)) + data


def _map_volumes(vm: Vm, root: Path) -> None:
    """Bind mounts into the root, as krunvm makes them on Linux; virtio-fs shows them."""
    for host, inside in vm.mapped_volumes.items():
        target = Path(f"{root}{inside}")
        with contextlib.suppress(FileExistsError):
            target.mkdir(mode=0o755)
        _libc.umount(os.fsencode(target))
        if _libc.mount(os.fsencode(host), os.fsencode(target), None, MS_BIND | MS_REC, None) < 0:
            fail("Error setting VM mapped volumes")


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _spawn(argv: list[str], **options: object) -> Part:
    """A part of this process, to whoever looks from outside: it ends with it."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent, **options)  # type: ignore[call-overload, no-any-return]


@contextlib.contextmanager
def _started(vm: Vm, root: Path, work: Path) -> Iterator[tuple[Part, Part]]:
    """QEMU and its file server; neither outlives this."""
    server = next((path for path in FILE_SERVERS if Path(path).exists()), "virtiofsd")
    files = [server, f"--socket-path={work}/root.sock", "-o", f"source={root}", "-o", "sandbox=chroot,log_level=err"]
    with (Path(work) / "virtiofsd.log").open("wb") as log:
        try:
            virtiofsd = _spawn([*files, "-o", "cache=auto"], stdout=log, stderr=log)
        except FileNotFoundError:
            fail("Error starting VM")
    machine: Part | None = None
    try:
        _await_socket(work / "root.sock", virtiofsd)
        machine = _spawn(qemu_argv(vm, work), stdout=subprocess.DEVNULL)
        yield machine, virtiofsd
    finally:
        for each in (machine, virtiofsd):
            if each is not None:
                each.kill()
                each.wait()


def _await_socket(path: Path, owner: Part) -> None:
    deadline = time.monotonic() + SOCKET_SECONDS
    while not path.exists():
        if owner.poll() is not None or time.monotonic() > deadline:
            print((path.parent / "virtiofsd.log").read_text(errors="replace"), file=sys.stderr)
            fail("Error starting VM")
        time.sleep(0.005)


def qemu_argv(vm: Vm, work: Path) -> list[str]:
    ports: list[str] = []
    for name in PORTS:
        ports += ["-chardev", f"socket,id={name},path={work}/{name}.sock,server=on,wait=off"]
        ports += ["-device", f"virtserialport,name={name},chardev={name}"]
    return [
        *(QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", vm.name),
        *("-global", "virtio-mmio.force-legacy=false"),  # libvhost-user serves no other
        *("-object", f"memory-backend-memfd,id=m0,size={vm.mem}M,share=on"),
        *("-M", "microvm,x-option-roms=off,isa-serial=on,rtc=on,memory-backend=m0"),
        *("-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-m", str(vm.mem), "-smp", str(vm.cpus)),
        *("-kernel", str(guest.KERNEL), "-initrd", str(guest.INITRAMFS), "-append", _kernel_command_line()),
        *("-chardev", f"file,id=console,path={work}/console.log", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=root,path={work}/root.sock"),
        *("-device", "vhost-user-fs-device,queue-size=1024,chardev=root,tag=krun-root"),
        *("-netdev", "user,id=net,ipv6=off", "-device", "virtio-net-device,netdev=net"),
        *("-device", "virtio-serial-device", *ports),
    ]


def _kernel_command_line() -> str:
    words = ["console=ttyS0", "reboot=t", "panic=-1", "quiet"]
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "bogomips":
            words += ["tsc=reliable", f"tsc_early_khz={round(float(value) * 500)}"]
            break
    return " ".join(words)


def _connect(path: Path, machine: Part) -> socket.socket:
    deadline = time.monotonic() + SOCKET_SECONDS
    while True:
        port = socket.socket(socket.AF_UNIX)
        try:
            port.connect(str(path))
        except OSError:
            port.close()
            if machine.poll() is not None or time.monotonic() > deadline:
                fail("Error starting VM")
            time.sleep(0.005)
        else:
            return port


def _serve(work: Path, parts: tuple[Part, Part], configuration: bytes) -> int:
    """Carry the streams until the command has ended and all that it wrote has come."""
    ports = [_connect(work / f"{name}.sock", parts[0]) for name in PORTS]
    stdin, stdout, stderr, control = ports
    threading.Thread(target=_feed, args=(stdin,), daemon=True).start()
    control.sendall(configuration)
    outputs = {stdout: 1, stderr: 2}
    status: int | None = None
    ended = 0.0
    while True:
        watched = [*outputs, *([] if status is not None else [control])]
        ready, _, _ = select.select(watched, [], [], 1.0 if status is None else QUIET)
        for port in ready:
            data = port.recv(CHUNK)
            if port is control:
                if not data:
                    return _broken(work)
                status, ended = data[0], time.monotonic()
            elif not data:
                del outputs[port]
            else:
                _write(outputs[port], data)
        if status is None and not ready and any(part.poll() is not None for part in parts):
            return _broken(work)
        if status is not None and (not ready or time.monotonic() > ended + LONGEST_DRAIN):
            return status


def _broken(work: Path) -> int:
    """The machine went off before the command ended: what it printed last, and krunvm's status."""
    for name in ("virtiofsd.log", "console.log"):
        print((work / name).read_text(errors="replace")[-4096:], file=sys.stderr, flush=True)
    return FAILED


def _feed(port: socket.socket) -> None:
    """stdin to the guest until either ends."""
    with contextlib.suppress(OSError):
        while data := os.read(0, CHUNK):
            port.sendall(data)
        while _unread(port):  # at a hang-up, QEMU drops what it has not read
            time.sleep(0.005)
        port.shutdown(socket.SHUT_RDWR)


def _unread(port: socket.socket) -> int:
    """Bytes sent that the other end has not read (SIOCOUTQ, unix(7))."""
    return int(struct.unpack("i", fcntl.ioctl(port, termios.TIOCOUTQ, bytes(4)))[0])


def _write(fd: int, data: bytes) -> None:
    """All of it; a reader that is gone does not stop the guest."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while data:
            data = data[os.write(fd, data) :]
