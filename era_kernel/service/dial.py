"""Getting to a VM's driver with nothing heavy imported: the VM found or brought up, its shim dialled, the driver asked
for.

A kernel does this before it imports ipykernel.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from era_kernel.errors import VmLostError
from era_kernel.languages import LanguageSpec
from era_kernel.models import Purpose, VmState
from era_kernel.paths import StatePaths, VmPaths, open_state, state_root
from era_kernel.shim.dial import dial, new_token, spawn_payload
from era_kernel.store.peek import peek

if TYPE_CHECKING:
    from era_kernel.progress import Report


@dataclass(frozen=True)
class Dialed:
    """A connection to a VM's shim, with its token, on which the driver was asked for, and nothing read yet."""

    paths: VmPaths
    token: str
    connection: socket.socket


def dial_running(language: LanguageSpec, vm_id: str) -> Dialed | None:
    """Start a driver in a VM if it is up; `vm_id` '' is the language's own. Takes no lock and waits for nobody.

    A VM that is just going down may still take the call: the connection is lost a moment later.
    """
    state = StatePaths(state_root())
    for record in peek(state):
        wanted = (
            record.id == vm_id if vm_id else record.purpose is Purpose.KERNEL and record.spec.language == language.name
        )
        if wanted:
            try:
                return _dial(state.vm(record.id), language) if record.state is VmState.READY else None
            except VmLostError:
                return None
    return None


def dial_driver(language: LanguageSpec, vm_id: str, report: Report) -> Dialed:
    """The same in a VM that is brought up where it is not. Blocks until it is. Raises EraError."""
    return _dial(bring_up(language, vm_id, report), language)


def dial_own(language: LanguageSpec, report: Report) -> Dialed:
    """The same in a new VM for this process alone: see Manager.own_vm."""
    from era_kernel.service.manager import Manager

    state = open_state()
    return _dial(state.vm(Manager(state, report=report).own_vm(language.name).id), language)


def bring_up(language: LanguageSpec, vm_id: str, report: Report) -> VmPaths:
    """The VM `vm_id`, '' for the language's own, brought up where it is not. Raises EraError."""
    from era_kernel.service.manager import Manager

    state = open_state()
    manager = Manager(state, report=report)
    record = manager.start(vm_id) if vm_id else manager.kernel_vm(language.name)
    return state.vm(record.id)


def remove(vm_id: str) -> None:
    """Remove a VM. What cannot be done is an Outcome that nobody looks at. Raises EraError."""
    from era_kernel.service.manager import Manager

    Manager(open_state()).clean([vm_id])


def _dial(paths: VmPaths, language: LanguageSpec) -> Dialed:
    token = new_token()
    return Dialed(
        paths, token, dial(paths, token, spawn_payload(language.driver, driver=True, warm=bool(language.warm)))
    )
