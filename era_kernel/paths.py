"""Where things are kept: the state folder (registry, VMs' disks), the cache folder (images, guest kernel)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from era_kernel.errors import StateFolderError

SYSTEM_STATE = Path("/var/lib/agent")


class StatePaths(NamedTuple):
    """The layout of a state folder; nothing in it is readable by other users."""

    root: Path

    @property
    def registry(self) -> Path:
        return self.root / "registry.json"

    @property
    def vms(self) -> Path:
        return self.root / "vms"

    @property
    def persists(self) -> Path:
        return self.root / "persist"

    @property
    def held(self) -> Path:
        """Records of VMs of which a launcher holds something outside their folders (`launchers/held.py`)."""
        return self.root / "held"

    @property
    def disks(self) -> Path:
        """What all VMs' disks are overlays on. Without it they are lost, so it is no part of the cache."""
        return self.root / "disks"

    def vm(self, vm_id: str) -> VmPaths:
        return VmPaths(self.vms / vm_id, self.persists / vm_id)


class VmPaths(NamedTuple):
    """The files of one VM. `persist` outlives `era vm clean --keep-persist`."""

    folder: Path
    persist: Path

    @property
    def record(self) -> Path:
        """A copy of the registry's record, from which a lost registry is rebuilt."""
        return self.folder / "record.json"

    @property
    def out(self) -> Path:
        """The output of the last `era vm run`. A guest may write here where it shares folders with the host."""
        return self.folder / "out"

    @property
    def boot_plan(self) -> Path:
        return self.folder / "boot.json"

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def persist_disk(self) -> Path:
        return self.persist / "persist.qcow2"

    @property
    def persist_loaded(self) -> Path:
        """There when /persist of the VM's present disk has been filled (service/persist.py)."""
        return self.folder / "persist-loaded"

    @property
    def console(self) -> Path:
        """What the guest's kernel and the VMM print; a guest writes here, so it is read as hostile bytes."""
        return self.folder / "console.log"

    @property
    def state(self) -> StatePaths:
        """The state folder that this is in."""
        return StatePaths(self.folder.parents[1])

    @property
    def bases(self) -> Path:
        """The state folder's `disks`."""
        return self.folder.parents[1] / "disks"

    @property
    def snapshot(self) -> Path:
        """The guest's state as it was when the VM was stopped. Of no use without `snapshot_record`."""
        return self.folder / "snapshot.state"

    @property
    def snapshot_record(self) -> Path:
        return self.folder / "snapshot.json"

    @property
    def shim_log(self) -> Path:
        return self.folder / "shim.log"

    @property
    def shim_lock(self) -> Path:
        """Held (flock) by the VM's shim as long as it lives: at most one shim a VM."""
        return self.folder / "shim.lock"

    @property
    def socket(self) -> Path:
        return self.folder / "shim.sock"


def state_root() -> Path:
    """The state folder, not yet made: as configured (AGENT_STATE_DIR, EraConfig.state_dir), else by the original
    agent's rule: /var/lib/agent when writable, else $XDG_CONFIG_HOME/agent, else ~/.agent. Raises ConfigError.
    """
    from era_kernel.config.sources import setting

    configured: Path | None = setting("state_dir")
    if configured:
        return configured
    if _writable(SYSTEM_STATE):
        return SYSTEM_STATE
    if config := os.environ.get("XDG_CONFIG_HOME"):
        return Path(config).expanduser().absolute() / "agent"
    return Path.home() / ".agent"


def _writable(folder: Path) -> bool:
    if folder.exists():
        return os.access(folder, os.W_OK | os.X_OK)
    return os.access(folder.parent, os.W_OK | os.X_OK)


def open_state(root: Path | None = None) -> StatePaths:
    """Make the state folder where it is missing (0700) and check that it can be written.

    Raises StateFolderError with what to do when it cannot.
    """
    folder = root or state_root()
    paths = StatePaths(folder)
    try:
        for each in (folder, paths.vms, paths.persists):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateFolderError(
            f"The state folder {folder} cannot be made: {error.strerror}", "Set AGENT_STATE_DIR to a writable folder."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StateFolderError(f"The state folder {folder} is not writable", "Set AGENT_STATE_DIR to one that is.")
    return paths


def cache_root() -> Path:
    """The cache folder: as configured (ERA_CACHE_DIR, EraConfig.cache_dir), else `era_kernel` under the user's cache
    folder. Safe to delete. Raises ConfigError.
    """
    from era_kernel.config.sources import setting

    configured: Path | None = setting("cache_dir")
    if configured:
        return configured
    import platformdirs

    return platformdirs.user_cache_path("era_kernel")
