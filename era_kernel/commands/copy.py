"""`cp`: a file into a VM or out of one."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from era_kernel.atomic import write_errors
from era_kernel.commands.front_end import FrontEnd, Sink
from era_kernel.commands.options import CopyOptions
from era_kernel.errors import UsageError

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager

_IN_A_VM = re.compile(r"([a-z][a-z0-9]*-[0-9a-f]{8}):(.*)", re.DOTALL)
PATIENCE = 600.0


def copy(manager: Manager, options: CopyOptions, front_end: FrontEnd) -> int:
    """Copy a file; says nothing when that went well."""
    source, target = _IN_A_VM.fullmatch(options.source), _IN_A_VM.fullmatch(options.target)
    if bool(source) == bool(target):
        said = "Both sides are in a VM" if source else "Neither side is in a VM"
        raise UsageError(
            said, "One is a path of this machine, the other ID:/PATH, such as python-1a2b3c4d:/in/data.csv."
        )

    async def work(sink: Sink) -> None:
        if target:
            host = front_end.host_file(Path(options.source), write=False)
            await manager.put(target[1], host, target[2])
        elif source:
            with write_errors(Path(options.target), UsageError, "Name another place."):
                there = _target(Path(options.target), source[2])
            host = front_end.host_file(there, write=True)
            await manager.fetch(source[1], source[2], host)

    front_end.stream(work, labelled=False, patience=PATIENCE)
    return 0


def _target(target: Path, guest_path: str) -> Path:
    """`target`, which a link is followed to, or a file in it that has the guest file's name as it was typed."""
    if not target.is_dir():
        return target.resolve() if target.is_symlink() else target
    name = posixpath.basename(guest_path)
    if guest_path and name in ("", ".", ".."):
        raise UsageError(f"{guest_path} is no file", "Name one of the VM's files.")
    return target / name
