"""Making, starting, stopping and deleting VMs. Handlers take (manager, options, front_end) and give the exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from era_kernel.commands.front_end import FrontEnd
from era_kernel.commands.options import CleanOptions, CreateOptions, Selection, ShellOptions, StopOptions
from era_kernel.errors import EraError, UnknownVmError
from era_kernel.models import VmState

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager, Outcome

_Done = tuple[str, "EraError | None"]
"""A VM's id, and why it could not be done."""


def create(manager: Manager, options: CreateOptions, front_end: FrontEnd) -> int:
    """Make a VM; its id is the only thing on stdout."""
    machine = options.machine
    record = manager.create(
        machine.language,
        image=machine.image,
        cpu=machine.cpu,
        mem=machine.mem,
        network=machine.network,
        persist=options.persist,
    )
    front_end.line(record.id)
    return 0


def start(manager: Manager, options: Selection, front_end: FrontEnd) -> int:
    """Bring stopped VMs up, one after the other."""
    ids = options.ids
    if ids is None:
        ids = tuple(view.record.id for view in manager.list(VmState.STOPPED, include_stopped=True))
    outcomes = _meant(options, map(_attempt(manager.start), ids))
    return _each_done(outcomes, "started", "No VMs to start.", front_end)


def stop(manager: Manager, options: StopOptions, front_end: FrontEnd) -> int:
    """Stop VMs; their disks stay, and their memory unless they are powered off."""
    outcomes = manager.stop(options.selection.ids, power_off=options.power_off)
    return _each_done(_meant(options.selection, _pairs(outcomes)), "stopped", "No VMs to stop.", front_end)


def clean(manager: Manager, options: CleanOptions, front_end: FrontEnd) -> int:
    """Delete VMs and their disks."""
    outcomes = manager.clean(options.selection.ids, keep_persist=options.keep_persist)
    return _each_done(_meant(options.selection, _pairs(outcomes)), "cleaned", "No VMs to clean.", front_end)


def shell(manager: Manager, options: ShellOptions, front_end: FrontEnd) -> int:
    """Run a program of a VM on the terminal."""
    return front_end.shell(manager, manager.get(options.vm_id).id, options.command)


def use(manager: Manager, vm_id: str, front_end: FrontEnd) -> int:
    """Send a notebook's cells to the VM."""
    return front_end.use(manager, vm_id)


def _attempt(action: Callable[[str], object]) -> Callable[[str], _Done]:
    def attempt(vm_id: str) -> _Done:
        try:
            action(vm_id)
        except EraError as error:
            return vm_id, error
        return vm_id, None

    return attempt


def _meant(selection: Selection, outcomes: Iterable[_Done]) -> Iterable[_Done]:
    """With --all, a VM that somebody else removed meanwhile was not meant."""
    return (each for each in outcomes if selection.ids is not None or not isinstance(each[1], UnknownVmError))


def _pairs(outcomes: Iterable[Outcome]) -> Iterable[_Done]:
    return ((outcome.vm_id, outcome.error) for outcome in outcomes)


def _each_done(outcomes: Iterable[_Done], done: str, nothing: str, front_end: FrontEnd) -> int:
    """A line for each VM as it is done; 1 when one of them failed."""
    status, count = 0, 0
    for vm_id, error in outcomes:
        count += 1
        if error is None:
            front_end.line(f"{vm_id} {done}")
        else:
            front_end.error(error, vm_id)
            status = 1
    if not count:
        front_end.line(nothing)
    return status
