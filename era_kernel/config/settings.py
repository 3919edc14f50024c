"""All that can be configured, each with its default, what it may be, and the variable that sets it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec

from era_kernel.config import kinds
from era_kernel.config.kinds import Kind

MIN_MEM = 128
"""MiB with which a guest boots."""


class About(msgspec.Struct, frozen=True):
    """What a setting may be, and what it is for. `variable` and `option` '': there is none."""

    kind: Kind
    help: str
    variable: str = ""
    option: str = ""


class Settings(msgspec.Struct, frozen=True):
    """The values in force. None: as is usual; what that is, `paths.py` knows of the folders."""

    cpu: Annotated[int, About(kinds.whole_number(1, "vCPUs"), "vCPUs of a new VM.", option="--cpu")] = 1
    mem: Annotated[int, About(kinds.whole_number(MIN_MEM, "MiB"), "Memory of a new VM, in MiB.", option="--mem")] = 256
    network: Annotated[str, About(kinds.one_of("none", "allow_all"), "What a new VM reaches.", option="--network")] = (
        "none"
    )
    persist: Annotated[
        bool, About(kinds.SWITCH, "Give a new VM a disk, /persist, that can outlive it.", option="--persist")
    ] = False
    images: Annotated[
        Mapping[str, str],
        About(kinds.IMAGES, "Images of new VMs by language, instead of the languages' own.", option="--image"),
    ] = msgspec.field(default_factory=dict)
    timeout: Annotated[
        float, About(kinds.SECONDS, "When a command in a VM is ended, in seconds.", option="--timeout")
    ] = 30.0
    cell_commands: Annotated[
        bool,
        About(
            kinds.SWITCH,
            "Whether `%era` lines in cells of era kernels are done; kernels with a VM of their own never do them.",
            "ERA_CELL_COMMANDS",
        ),
    ] = True
    vm_runtime: Annotated[
        str,
        About(
            kinds.WORD,
            "What runs VMs: auto (the first that works here), krunvm, qemu, or what another package brings.",
            "AGENT_VM_RUNTIME",
            "--vm-runtime",
        ),
    ] = "auto"
    log_level: Annotated[
        str,
        About(
            kinds.one_of("debug", "info", "warn", "error"),
            "From what on is logged to stderr.",
            "AGENT_LOG_LEVEL",
            "--log-level",
        ),
    ] = "warn"
    log_file: Annotated[
        Path | None,
        About(
            kinds.PATH,
            "Log to this file too, one JSON object a line, at least from info on.",
            "AGENT_LOG_FILE",
            "--log-file",
        ),
    ] = None
    enable_guest_volumes: Annotated[
        bool,
        About(
            kinds.SWITCH,
            "Under krunvm, /in, /out and /persist are folders of the host's, this VM's own.",
            "AGENT_ENABLE_GUEST_VOLUMES",
        ),
    ] = False
    state_dir: Annotated[Path | None, About(kinds.PATH, "The registry and the VMs' disks.", "AGENT_STATE_DIR")] = None
    cache_dir: Annotated[
        Path | None,
        About(kinds.PATH, "Templates, image disks, the guest's kernel: can be made again.", "ERA_CACHE_DIR"),
    ] = None
    max_cache: Annotated[
        int, About(kinds.SIZE, "What `era cache prune` lets stay, in bytes or as 10G.", option="--max-size")
    ] = 10 << 30


class Rule(msgspec.Struct, frozen=True):
    """A setting as a whole."""

    name: str
    default: Any
    about: About


@cache
def rules() -> Mapping[str, Rule]:
    """Every setting by its name, in the order in which they are shown."""
    hints = get_type_hints(Settings, include_extras=True)
    usual = Settings()
    return {name: Rule(name, getattr(usual, name), hint.__metadata__[0]) for name, hint in hints.items()}
