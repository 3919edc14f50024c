"""Getting to a VM's driver with nothing heavy imported: the VM brought up, its shim dialled, the driver asked for.

A kernel does this before it imports ipykernel. It blocks: whoever has an event loop runs it in a thread.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from era_kernel.languages import LanguageSpec
from era_kernel.launchers.base import Report
from era_kernel.paths import VmPaths, open_state
from era_kernel.service.manager import Manager
from era_kernel.shim.dial import dial, spawn_payload


@dataclass(frozen=True)
class Dialed:
    """A connection to a VM's shim on which the language's driver was asked for, and nothing read yet."""

    paths: VmPaths
    connection: socket.socket


def dial_driver(language: LanguageSpec, vm_id: str, report: Report) -> Dialed:
    """Start a driver in a VM, which is brought up before; '' is the language's own VM. Raises EraError."""
    state = open_state()
    manager = Manager(state, report=report)
    record = manager.start(vm_id) if vm_id else manager.kernel_vm(language.name)
    paths = state.vm(record.id)
    return Dialed(paths, dial(paths, spawn_payload(language.driver, driver=True)))
