"""Whether krunvm runs a guest here, found out by running one: an image with nothing but the agent, until its HELLO."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from pathlib import Path

import filelock
import msgspec

from era_kernel import __version__, process
from era_kernel.errors import EraError
from era_kernel.images.prepared import probe_image
from era_kernel.launchers import krunvm_cli as cli
from era_kernel.launchers.base import Probe
from era_kernel.launchers.host import KVM
from era_kernel.launchers.krunvm import Krunvm, start_argv
from era_kernel.launchers.probe import try_boot
from era_kernel.models import Network
from era_kernel.paths import cache_root

log = logging.getLogger(__name__)

PROBE_MEM = 128
BOOT_SECONDS = 40.0
VERSION_SECONDS = 20.0
_LOCK_SECONDS = 300.0
_INSTALL = "Install krunvm and libkrun: setup_scripts/linux/setup.sh or setup_scripts/macos/setup.sh tells how."


class _Answer(msgspec.Struct, frozen=True):
    key: str
    probe: Probe


def probe_krunvm(state: Path) -> Probe:
    """The remembered answer, or a new one; never raises. Only good news is remembered, for this boot of the host."""
    try:
        key = _key()
        return _recall(key) or _probe_once(key, state)
    except EraError as error:
        return Probe(False, "", error.message, error.remedy or _INSTALL)
    except OSError as error:
        return Probe(False, "", f"krunvm could not be tried: {error}", _INSTALL)


def _key() -> str:
    """All that the answer depends on: this boot, this version, who we are, krunvm and /dev/kvm as they are."""
    parts = [process.boot_id(), __version__, str(os.geteuid()), f"kvm {os.access(KVM, os.R_OK | os.W_OK)}"]
    for tool in (cli.KRUNVM, "buildah", "bwrap"):
        path = process.find_tool(tool)
        status = Path(path).stat()
        parts.append(f"{path} {status.st_mtime_ns} {status.st_size}")
    return " | ".join(parts)


def _memory() -> Path:
    return cache_root() / "probe-krunvm.json"


def _recall(key: str) -> Probe | None:
    try:
        answer = msgspec.json.decode(_memory().read_bytes(), type=_Answer)
    except (OSError, msgspec.DecodeError):
        return None
    return answer.probe if answer.key == key else None


def _probe_once(key: str, state: Path) -> Probe:
    cache_root().mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(cache_root() / "probe-krunvm.lock", timeout=_LOCK_SECONDS):
            if known := _recall(key):
                return known
            probe = _probe(state)
            if probe.usable:
                draft = _memory().with_name(f"probe-krunvm.{os.getpid()}.json")
                draft.write_bytes(msgspec.json.encode(_Answer(key, probe)))
                draft.rename(_memory())
            return probe
    except filelock.Timeout:
        return Probe(False, "", f"Another probe of krunvm has taken more than {_LOCK_SECONDS:.0f} s")


def _probe(state: Path) -> Probe:
    log.info("trying out krunvm with a small guest (once per boot of this host)")
    host = Krunvm(state)
    version = process.run([cli.KRUNVM, "--version"], timeout=VERSION_SECONDS, env=host.env).stdout.strip()[:80]
    name = f"era-probe-{secrets.token_hex(4)}"
    vm = cli.KrunVm(name, 1, PROBE_MEM)
    image = probe_image(host.env, host.files.folder)
    with host.locked():
        cli.check_created(host.run(cli.create_command(vm, image)), name)
    try:
        trial = try_boot(start_argv(host, name, Network.NONE, ()), BOOT_SECONDS, host.env)
    finally:
        with host.locked(), contextlib.suppress(EraError):
            host.run(cli.delete_command(name))
    if trial.ran:
        return Probe(True, version)
    if trial.hung:
        return Probe(
            False, version, f"krunvm started, but its guest was silent for {BOOT_SECONDS:.0f} s", _kvm_remedy()
        )
    if known := cli.complaint(trial.end):
        return Probe(False, version, known.message, known.remedy)
    return Probe(False, version, f"krunvm did not start a guest: {trial.end or 'it said nothing'}", _kvm_remedy())


def _kvm_remedy() -> str:
    if not KVM.exists():
        return f"There is no {KVM}: krunvm needs hardware virtualization. QEMU serves meanwhile."
    if not os.access(KVM, os.R_OK | os.W_OK):
        return f"{KVM} is closed to this user; joining its group opens it."
    return _INSTALL
