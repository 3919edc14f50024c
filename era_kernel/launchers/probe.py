"""Whether QEMU runs a guest here, found out by running one.

That /dev/kvm opens, and even that KVM makes a VM, proves nothing: on some hosts the guest then hangs. So the agent is
booted, in the jail, until it says HELLO: with KVM, then with TCG. The answer is kept per boot of the host.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto
from pathlib import Path

import msgspec

from era_kernel import __version__, process
from era_kernel.errors import EraError, ProtocolError
from era_kernel.launchers import host
from era_kernel.launchers.base import Probe
from era_kernel.launchers.jail import Bind, Jail, Tools, jail_argv
from era_kernel.launchers.qemu_args import Accelerator, GuestFiles, Machine, file_binds, qemu_argv
from era_kernel.paths import cache_root
from era_kernel.progress import Report, Stage, Step
from era_kernel.protocol.agent import parse_hello
from era_kernel.protocol.frames import FrameReader, FrameType

log = logging.getLogger(__name__)

QEMU = "qemu-system-x86_64"
KVM_SECONDS = 6.0
TCG_SECONDS = 40.0
TCG_TRIES = 2
PROBE_MEM = 128
_LOCK_SECONDS = 300.0
_GONE_SECONDS = 5.0
_CHUNK = 64 * 1024
_JAIL_REMEDY = (
    "The jail needs namespaces. As a user: sysctl kernel.unprivileged_userns_clone=1 and, with AppArmor, "
    "kernel.apparmor_restrict_unprivileged_userns=0. In a container: add the capability SYS_ADMIN."
)


class Verdict(msgspec.Struct, frozen=True):
    """What a probe found. `accelerator` is None when no guest ran; `key` names the host and programs it holds for."""

    key: str
    probe: Probe
    accelerator: Accelerator | None = None


class Trial(msgspec.Struct, frozen=True):
    """How a trial boot went: `hung` when neither HELLO nor an end came in time, `end` its last line of text."""

    ran: bool
    hung: bool = False
    end: str = ""


def jail_tools() -> Tools:
    """The programs that make a jail without a network. ToolMissingError."""
    return Tools(process.find_tool("bwrap"), process.find_tool("setpriv"))


def kvm_binds(accelerator: Accelerator) -> tuple[Bind, ...]:
    """The KVM device for a jail, where the accelerator wants it. FileNotFoundError when the host has none."""
    if accelerator is Accelerator.TCG:
        return ()
    return (Bind(host.jail_device(host.KVM, cache_root() / "devices"), str(host.KVM), device=True),)


def probe_qemu(files: Callable[[Report], GuestFiles], report: Report = log.info) -> Verdict:
    """The remembered verdict, or a new one; never raises. `files` gives the agent's kernel and initramfs when asked.

    One process probes at a time, the others wait for its answer. Only good news is remembered.
    """
    try:
        key = _key()
        return _recall(key) or _probe_once(key, files, report)
    except EraError as error:
        return Verdict("", Probe(False, "", error.message, error.remedy))
    except OSError as error:
        remedy = f"Set ERA_CACHE_DIR to a folder that can be written: this one is {cache_root()}."
        return Verdict("", Probe(False, "", f"QEMU could not be tried: {error}", remedy))


def _key() -> str:
    """All that the answer depends on: this boot, this version, who we are, the programs and /dev/kvm as they are."""
    tools = jail_tools()
    parts = [process.boot_id(), __version__, str(os.geteuid()), f"kvm {os.access(host.KVM, os.R_OK | os.W_OK)}"]
    for path in (process.find_tool(QEMU), tools.bwrap, str(host.KVM)):
        try:
            status = Path(path).stat()
            parts.append(f"{path} {status.st_mtime_ns} {status.st_size} {status.st_mode:o} {status.st_gid}")
        except FileNotFoundError:
            parts.append(f"{path} missing")
    return " | ".join(parts)


def _memory() -> Path:
    return cache_root() / "probe.json"


def _recall(key: str) -> Verdict | None:
    try:
        verdict = msgspec.json.decode(_memory().read_bytes(), type=Verdict)
    except (OSError, msgspec.DecodeError):
        return None
    return verdict if verdict.key == key else None


def _probe_once(key: str, files: Callable[[Report], GuestFiles], report: Report) -> Verdict:
    import filelock

    cache_root().mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(cache_root() / "probe.lock", timeout=_LOCK_SECONDS):
            if known := _recall(key):
                return known
            verdict = _probe(key, files(report), report)
            if verdict.probe.usable:
                _remember(verdict)
            return verdict
    except filelock.Timeout:
        return Verdict(key, Probe(False, "", f"Another probe of QEMU has taken more than {_LOCK_SECONDS:.0f} s"))


def _remember(verdict: Verdict) -> None:
    draft = _memory().with_name(f"probe.{os.getpid()}.json")
    draft.write_bytes(msgspec.json.encode(verdict))
    draft.rename(_memory())


def _probe(key: str, files: GuestFiles, report: Report) -> Verdict:
    report(Step(Stage.LAUNCHER, "trying out QEMU with a small guest (once per boot of this host)"))
    version = _version()
    why_no_kvm = _try_kvm(files)
    if why_no_kvm is None:
        return Verdict(key, Probe(True, f"{version}, KVM"), Accelerator.KVM)
    for _ in range(TCG_TRIES):
        trial = try_boot(trial_argv(Accelerator.TCG, files), TCG_SECONDS)
        if trial.ran:
            detail = f"{version}, TCG (no hardware virtualization: {why_no_kvm})"
            return Verdict(key, Probe(True, detail), Accelerator.TCG)
    if trial.hung:
        reason = f"QEMU started, but its guest was silent for {TCG_SECONDS:.0f} s, {TCG_TRIES} times"
        return Verdict(key, Probe(False, version, reason, "Try again when this host is less busy."))
    remedy = _JAIL_REMEDY if trial.end.startswith("bwrap:") else ""
    return Verdict(key, Probe(False, version, f"QEMU did not start a guest: {trial.end or 'it said nothing'}", remedy))


def _version() -> str:
    text = process.run([QEMU, "--version"], timeout=20).stdout
    found = re.search(r"version (\d+(?:\.\d+)*)", text)
    return f"QEMU {found[1]}" if found else "QEMU"


def _try_kvm(files: GuestFiles) -> str | None:
    """Why KVM cannot be used; None: it can."""
    try:
        binds = kvm_binds(Accelerator.KVM)
    except FileNotFoundError:
        return f"there is no {host.KVM}"
    if not os.access(host.KVM, os.R_OK | os.W_OK):
        return f"{host.KVM} is closed to this user; joining its group opens it"
    trial = try_boot(trial_argv(Accelerator.KVM, files, binds), KVM_SECONDS)
    if trial.ran:
        return None
    return f"{host.KVM} opens, but a guest hangs" if trial.hung else f"with {host.KVM}, {trial.end or 'QEMU ended'}"


def trial_argv(accelerator: Accelerator, files: GuestFiles, devices: tuple[Bind, ...] = ()) -> tuple[str, ...]:
    """The command line of a trial: a guest of one vCPU without disks or network, jailed as VMs are."""
    khz = host.tsc_khz() if accelerator is Accelerator.TCG else None
    machine = Machine("era-probe", accelerator, cpu=1, mem=PROBE_MEM, files=files, tsc_khz=khz)
    jail = Jail(jail_tools(), host.is_root(), (*file_binds(files), *devices))
    return jail_argv(jail, qemu_argv(process.find_tool(QEMU), machine))


def try_boot(argv: tuple[str, ...], limit: float, env: Mapping[str, str] | None = None) -> Trial:
    """Run a VMM until its guest's HELLO, its end, or `limit` seconds; it is gone when this returns. `env`: none."""
    ours, theirs = socket.socketpair()
    console, their_console = socket.socketpair()
    printed = bytearray()
    with ours, console:
        with theirs, their_console:
            vmm = process.start_piped(argv, env=env or {}, stream=theirs, stderr=their_console.fileno())
        try:
            outcome = _watch(ours, console, printed, limit)
        finally:
            vmm.kill()
            vmm.wait()
            _read_to_end(console, printed)
    log.debug("the trial guest %s; its console: %r", outcome.name, bytes(printed))
    return Trial(outcome is _Outcome.RAN, outcome is _Outcome.HUNG, _last_words(printed))


def _last_words(printed: bytearray) -> str:
    """The last line that tells something, without control characters; that the machine then went off does not."""
    for line in reversed(printed.decode(errors="replace").splitlines()):
        if line.strip() and "] reboot: " not in line:
            return "".join(char for char in line if char.isprintable())[:200]
    return ""


class _Outcome(Enum):
    RAN = auto()
    ENDED = auto()
    HUNG = auto()


def _watch(stream: socket.socket, console: socket.socket, printed: bytearray, limit: float) -> _Outcome:
    deadline = time.monotonic() + limit
    frames = FrameReader()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        selector.register(console, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            ready = {key.fd for key, _ in selector.select(left)}
            if console.fileno() in ready and not _read_console(console, printed):
                selector.unregister(console)
            if stream.fileno() in ready:
                data = stream.recv(_CHUNK)
                if not data:
                    return _Outcome.ENDED
                try:
                    kinds = [(frame.type, frame.payload) for frame in frames.feed(data)]
                except ProtocolError:  # words instead of frames, such as krunvm's complaints
                    printed += data
                    return _Outcome.ENDED
                for kind, payload in kinds:
                    if kind is FrameType.HELLO:
                        parse_hello(payload)
                        return _Outcome.RAN
    return _Outcome.HUNG


def _read_console(console: socket.socket, printed: bytearray) -> bool:
    """Keep the tail of what came; False at the end."""
    data = console.recv(_CHUNK)
    printed += data
    del printed[:-_CHUNK]
    return bool(data)


def _read_to_end(console: socket.socket, printed: bytearray) -> None:
    """Until the last process that holds the console is gone: bwrap's death ends QEMU's, but a little later."""
    console.settimeout(_GONE_SECONDS)
    with contextlib.suppress(TimeoutError):
        while _read_console(console, printed):
            pass
