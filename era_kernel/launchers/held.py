"""Which VMs a launcher holds something of outside their folders, such as a container.

A copy of the record is written before anything is made and removed after all of it is gone. So what nobody knows any
more is found, whoever was killed when, and nothing of anybody else's is ever taken for ours.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from era_kernel.errors import StateFolderError
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths


def hold(state: StatePaths, record: VmRecord) -> None:
    """Raises StateFolderError."""
    try:
        state.held.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = state.held / f".{record.id}.new"
        draft.write_bytes(msgspec.json.encode(record))
        draft.rename(_file(state, record.id))
    except OSError as error:
        raise StateFolderError(f"{state.held} cannot be written: {error.strerror}", "Make room there.") from error


def holds(state: StatePaths, vm_id: str) -> bool:
    return _file(state, vm_id).exists()


def release(state: StatePaths, vm_id: str) -> None:
    _file(state, vm_id).unlink(missing_ok=True)


def held_but_unknown(state: StatePaths, known: set[str]) -> list[VmRecord]:
    """The records of VMs that a launcher holds and the registry, whose ids are `known`, does not."""
    found: list[VmRecord] = []
    for path in state.held.glob("[!.]*.json"):
        if path.stem not in known:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                record = msgspec.json.decode(path.read_bytes(), type=VmRecord)
                if record.id == path.stem:
                    found.append(record)
    return found


def _file(state: StatePaths, vm_id: str) -> Path:
    return state.held / f"{vm_id}.json"
