"""What a VM is: the frozen records that the store keeps and the parts hand to each other."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

VmId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9]*-[0-9a-f]{8}\Z")]
"""`LANGUAGE-` and 8 hex digits. Names the VM's folder, so a decoded id is never anything else."""


class VmState(StrEnum):
    """A VM's state, as the listing shows it.

    provisioning: being made · ready: up, nobody's process in it · running: up, with a session or a
    command in it · stopped: not up, its disk kept.
    """

    PROVISIONING = "provisioning"
    READY = "ready"
    RUNNING = "running"
    STOPPED = "stopped"


class Network(StrEnum):
    """What a guest reaches: nothing, or what a user network of the host's reaches."""

    NONE = "none"
    ALLOW_ALL = "allow_all"


class Purpose(StrEnum):
    """Whom a VM is for: the notebooks of its language, whoever created it by hand, or one command."""

    KERNEL = "kernel"
    USER = "user"
    TEMP = "temp"


class VmSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked for when a VM was created. `mem` in MiB, `cpu` in vCPUs, `image` an image reference."""

    language: str
    image: str
    cpu: int = 1
    mem: int = 256
    network: Network = Network.NONE
    persist: bool = False


class ProcessIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A process that cannot be mistaken for another one with the same pid.

    `create_time` in seconds since boot (macOS: since the epoch), `boot_id` from /proc/sys/kernel/random/boot_id.
    """

    pid: int
    create_time: float
    boot_id: str


class VmRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the registry keeps of a VM.

    `digest` is the image's (sha256:…) as the reference meant it at creation, `created` and `last_run` are seconds since
    the epoch (`last_run` 0.0: never), `shim` and `vmm` are set while the VM is up. `owner` is the process that a temp
    VM is for: the VM does not outlive it. `state` is never `running` here: only a look into the VM tells.
    """

    id: VmId
    spec: VmSpec
    purpose: Purpose
    launcher: str
    digest: str
    created: float
    state: VmState = VmState.PROVISIONING
    last_run: float = 0.0
    shim: ProcessIdentity | None = None
    vmm: ProcessIdentity | None = None
    owner: ProcessIdentity | None = None


class ExecResult(msgspec.Struct, frozen=True):
    """How a command in a guest ended.

    `status` is its exit status, or 128 + n when signal n ended it, or 124 when the time limit did. `oom`: the guest's
    memory ran out under it.
    """

    vm_id: str
    status: int
    timed_out: bool = False
    oom: bool = False
