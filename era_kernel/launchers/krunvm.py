"""The krunvm launcher: libkrun's VMs on KVM or macOS's hypervisor, created, started, listed and deleted by krunvm.

A VM's disk is its buildah container: what the guest writes stays there until the VM is deleted. The agent is in the
image (images/prepared.py); its frames go over the VM's stdin and stdout.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from era_kernel import process
from era_kernel.config.sources import setting
from era_kernel.errors import BootError, EraError, LauncherError, ToolFailedError, VmStateError
from era_kernel.images import buildah, containers_conf
from era_kernel.images.containers_conf import ContainersFiles, storage_folders
from era_kernel.images.prepared import AGENT, prepared_image
from era_kernel.launchers import held
from era_kernel.launchers import krunvm_cli as cli
from era_kernel.launchers.base import BootPlan, Probe, Saved
from era_kernel.launchers.host import KVM
from era_kernel.launchers.krunvm_jail import KrunvmView, view_argv
from era_kernel.models import Network, VmRecord
from era_kernel.paths import StatePaths, VmPaths, state_root
from era_kernel.progress import Report

log = logging.getLogger(__name__)

BOOT_SECONDS = 60.0
COMMAND_SECONDS = 120.0
_LOCK_SECONDS = 600.0
BROKEN_PROTOCOL = "broke the protocol"
"""What the shim says of a stream without frames (shim/link.py)."""
GUEST_ENVIRONMENT = {"ERA_AGENT_SYSTEM": "1"}
"""libkrun's init starts the agent, which is to set clock, hostname and entropy all the same."""


class KrunvmLauncher:
    """Runs VMs with krunvm."""

    name = "krunvm"

    def probe(self) -> Probe:
        from era_kernel.launchers.krunvm_probe import probe_krunvm

        return probe_krunvm(state_root())

    def resolve(self, image: str, report: Report) -> str:
        files = ContainersFiles(state_root())
        env = containers_conf.environment(files.state, {containers_conf.registry_of(image)})
        return buildah.resolve_image(image, report, env, Path(env[containers_conf.POLICY[0]]))

    def prepare(self, record: VmRecord, paths: VmPaths, report: Report) -> None:
        """Create the VM in krunvm, again when krunvm has lost it; change it when it is not as recorded."""
        check_network(record.spec.network)
        _check_sizes(record)
        if record.spec.network is Network.ALLOW_ALL:
            report(f"{record.id} reaches the host's own loopback too: krunvm cannot keep it off")
        state = state_of(paths)
        host = Krunvm(state.root)
        for folder in volumes(paths):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = wanted_vm(record, paths)
        with host.locked():
            listed = host.list().get(record.id)
            if listed is not None:
                if change := cli.change_command(wanted, listed):
                    cli.check_changed(host.run(change))
                return
            image = prepared_image(record.spec.image, record.digest, host.env, host.files.folder, report)
            held.hold(state, record)
            paths.persist_loaded.unlink(missing_ok=True)
            cli.check_created(host.run(cli.create_command(wanted, image)), record.id)
            if record.id not in host.list():
                raise LauncherError(
                    "krunvm said that it made the VM, and does not list it", "`krunvm list` tells more."
                )

    def plan(self, record: VmRecord, paths: VmPaths, saved: Saved | None = None) -> BootPlan:
        check_network(record.spec.network)
        host = Krunvm(state_of(paths).root)
        return BootPlan(
            vm_id=record.id,
            argv=start_argv(host, record.id, record.spec.network, tuple(volumes(paths))),
            env=host.env,
            console=str(paths.console),
            boot_timeout=BOOT_SECONDS,
        )

    def fingerprint(self, record: VmRecord) -> str | None:
        """libkrun saves no states."""
        return None

    def template_plan(self, record: VmRecord, folder: Path, report: Report) -> BootPlan:
        raise LauncherError("krunvm makes no templates", "Use --vm-runtime qemu.")

    def keeps_persist(self, paths: VmPaths) -> bool:
        """Where guest volumes are on."""
        return bool(volumes(paths))

    def delete(self, record: VmRecord, paths: VmPaths) -> None:
        state = state_of(paths)
        if not held.holds(state, record.id):
            return
        host = Krunvm(state.root)
        with host.locked():
            with contextlib.suppress(GoneError):
                host.run(cli.delete_command(record.id))
            held.release(state, record.id)

    def explain(self, error: BootError) -> EraError:
        """What krunvm printed instead of starting the VM, as an error of ours; else the same error."""
        known = cli.complaint(error.console)
        if known is None and BROKEN_PROTOCOL in error.message:
            return cli.UNCLEAN
        return known or error


class GoneError(VmStateError):
    """krunvm has no such VM."""


class Krunvm:
    """krunvm for one state folder: its environment and its lock."""

    def __init__(self, state: Path) -> None:
        self.files = ContainersFiles(state)
        self.env = {**containers_conf.environment(state), **_libraries()}

    def run(self, command: list[str]) -> str:
        """What krunvm prints. GoneError, or what its complaint means; ToolError."""
        try:
            return process.run([*_unshare(), *command], timeout=COMMAND_SECONDS, env=self.env).stdout
        except ToolFailedError as error:
            if cli.is_gone(error):
                raise GoneError(*cli.explain(error).args) from error
            raise cli.explain(error) from error

    def list(self) -> dict[str, cli.KrunVm]:
        return cli.parse_list(self.run([cli.KRUNVM, "list"]))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """krunvm reads and writes its configuration without a lock: two at once lose a VM."""
        try:
            with FileLock(self.files.krunvm / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout as error:
            raise LauncherError(f"Another process has used krunvm for {_LOCK_SECONDS / 60:.0f} minutes") from error


def state_of(paths: VmPaths) -> StatePaths:
    return StatePaths(paths.folder.parents[1])


def start_argv(host: Krunvm, name: str, network: Network, folders: tuple[Path, ...]) -> tuple[str, ...]:
    """The command line that runs the agent in a VM: on Linux with a view of the host that has but what it needs."""
    krunvm = process.find_tool(cli.KRUNVM)
    command = cli.start_command(krunvm, name, AGENT, GUEST_ENVIRONMENT)
    if platform.system() != "Linux":
        return command
    writable, readable = storage_folders(host.env)
    program = Path(krunvm).resolve().parent
    view = KrunvmView(
        bwrap=process.find_tool("bwrap"),
        writable=(*(folder for folder in writable if folder.is_dir()), Path(host.env[containers_conf.DATA]), *folders),
        readable=(*readable, host.files.folder, *_outside_system(program), *_outside_system(Path(krunvm).parent)),
        devices=(KVM,) if KVM.exists() else (),
        network=network is Network.ALLOW_ALL,
    )
    argv = (*_unshare(), *view_argv(view, command))
    return (process.find_tool(argv[0]), *argv[1:])


def _outside_system(folder: Path) -> tuple[Path, ...]:
    return () if folder.is_relative_to("/usr") or folder.is_relative_to("/bin") else (folder,)


def wanted_vm(record: VmRecord, paths: VmPaths) -> cli.KrunVm:
    spec = record.spec
    return cli.KrunVm(record.id, spec.cpu, spec.mem, volumes={str(k): v for k, v in volumes(paths).items()})


def volumes(paths: VmPaths) -> dict[Path, str]:
    """The host folders that a guest mounts, and where. Dedicated to this VM, closed to other users."""
    if not setting("enable_guest_volumes"):
        return {}
    return {paths.folder / "in": "/in", paths.out: "/out", paths.persist / "files": "/persist"}


def check_network(network: Network) -> None:
    """LauncherError where a VM cannot be kept off the network: libkrun carries it through krunvm's own sockets."""
    if network is Network.NONE and platform.system() != "Linux":
        raise LauncherError(
            "krunvm cannot keep a VM off the network on this system", "Use --network allow_all, or --vm-runtime qemu."
        )


def _check_sizes(record: VmRecord) -> None:
    if record.spec.cpu > cli.MAX_CPUS or record.spec.mem > cli.MAX_MEM:
        raise LauncherError(
            f"krunvm gives a VM at most {cli.MAX_CPUS} vCPUs and {cli.MAX_MEM} MiB", "Ask for less, or use QEMU."
        )


def _unshare() -> list[str]:
    """Root's powers over the own storage, for a plain user on Linux."""
    return [] if os.geteuid() == 0 or platform.system() != "Linux" else ["buildah", "unshare", "--"]


def _libraries() -> dict[str, str]:
    """Where brew keeps libkrun, which krunvm's loader does not look at by itself."""
    if platform.system() != "Darwin":
        return {}
    return {"DYLD_LIBRARY_PATH": os.environ.get("DYLD_LIBRARY_PATH") or "/opt/homebrew/lib"}
