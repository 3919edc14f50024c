"""Every command on VMs: its name, options and help, and which handler does it. `era vm` and `%era` are this table."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from era_kernel.commands import parameters
from era_kernel.commands.front_end import Invocation
from era_kernel.commands.help import NAMES, Commands, help_text
from era_kernel.commands.options import (
    CleanOptions,
    CopyOptions,
    CreateOptions,
    ExecOptions,
    ListOptions,
    LogsOptions,
    MachineOptions,
    RunOptions,
    ShellOptions,
    StopOptions,
    TempOptions,
    job,
    select,
)


def invocation() -> Invocation:
    """What was typed, of the click context that runs; its logging set up."""
    found: Invocation = click.get_current_context().find_root().obj
    found.start_logging()
    return found


def begin() -> Invocation:
    """The same, for a command that begins now: its modules are loaded."""
    found = invocation()
    found.begin()
    return found


def manage(handler: str, options: object = None) -> int:
    """Run `handler`, given as MODULE.FUNCTION: it is loaded when it is used, not with the table."""
    module, _, function = handler.rpartition(".")
    typed = invocation()
    manager = typed.open_manager(typed.vm_runtime, typed.front_end.report)
    command = getattr(importlib.import_module(module), function)
    typed.begin()
    status: int = command(manager, options, typed.front_end)
    return status


@click.group(cls=Commands, context_settings=NAMES)
@parameters.anywhere
def vm() -> None:
    """Create, use, list and delete VMs."""


@vm.command()
@parameters.machine
@parameters.persist
@parameters.anywhere
def create(persist: bool | None, **machine: Any) -> int:
    """Create a VM and print its id."""
    return manage("era_kernel.commands.machines.create", CreateOptions(MachineOptions(**machine), persist))


@vm.command()
@parameters.selection
@parameters.anywhere
def start(vm_ids: tuple[str, ...], everything: bool) -> int:
    """Bring stopped VMs up again."""
    return manage("era_kernel.commands.machines.start", select(vm_ids, everything))


@vm.command()
@parameters.selection
@click.option("--power-off", is_flag=True, help="Shut the guest down: its memory is not kept.")
@parameters.anywhere
def stop(vm_ids: tuple[str, ...], everything: bool, power_off: bool) -> int:
    """Stop VMs. Their disks are kept, and their memory: `start` brings sessions back as they were."""
    return manage("era_kernel.commands.machines.stop", StopOptions(select(vm_ids, everything), power_off))


@vm.command()
@parameters.selection
@click.option("--keep-persist", is_flag=True, help="Keep what is in /persist.")
@parameters.anywhere
def clean(vm_ids: tuple[str, ...], everything: bool, keep_persist: bool) -> int:
    """Delete VMs and all that is on their disks."""
    return manage("era_kernel.commands.machines.clean", CleanOptions(select(vm_ids, everything), keep_persist))


@vm.command("list")
@click.option("--status", metavar="STATE", help="Only those: provisioning, ready, running or stopped.")
@click.option("--all", "everything", is_flag=True, help="Stopped ones too.")
@click.option("--json", is_flag=True, help="One JSON array, times in UTC.")
@parameters.anywhere
def list_vms(**options: Any) -> int:
    """List VMs; stopped ones only with --all or --status stopped."""
    return manage("era_kernel.commands.listing.list_vms", ListOptions(**options))


@vm.command("exec")
@parameters.selection
@parameters.command_or_hello
@parameters.limits_and_files
@parameters.anywhere
def execute(vm_ids: tuple[str, ...], everything: bool, **work: Any) -> int:
    """Run a command in VMs, side by side, and stream what it prints.

    With one --vm the bytes come unchanged, otherwise each line stands behind the id of its VM. The exit status is the
    command's (of several the first that is not 0, in the order given), or 124 when the time limit ended it.
    """
    return manage("era_kernel.commands.running.execute", ExecOptions(select(vm_ids, everything), job(**work)))


@vm.command()
@parameters.one_vm
@parameters.guest_command
@parameters.limits_and_files
@parameters.anywhere
def run(vm_id: str, **work: Any) -> int:
    """Run a command in one VM, brought up where it is not, and keep what it prints: `logs` shows it again.

    The output comes unchanged and goes to out/stdout.log and out/stderr.log in the VM's folder as well, 64 MiB each at
    most, in place of the last run's. The exit status is the command's, or 124 when the time limit ended it.
    """
    return manage("era_kernel.commands.running.run", RunOptions(vm_id, job(hello=False, **work)))


@vm.command()
@parameters.machine
@parameters.command_or_hello
@parameters.limits_and_files
@parameters.anywhere
def temp(command: str | None, hello: bool, timeout: float, files: tuple[Path, ...], **machine: Any) -> int:
    """Run a command in a VM that is made for it and deleted after it."""
    work = job(command, hello, timeout, files)
    return manage("era_kernel.commands.running.temp", TempOptions(MachineOptions(**machine), work))


@vm.command()
@parameters.one_vm
@click.option("--cmd", "command", default="/bin/bash", show_default=True, help="The program, with its arguments.")
@parameters.anywhere
def shell(**options: Any) -> int:
    """Run a program of a VM, such as its shell, on this terminal. Starts the VM where it is stopped.

    All keys are the program's. What it writes reaches the terminal unchanged. The exit status is the program's.
    """
    return manage("era_kernel.commands.machines.shell", ShellOptions(**options))


@vm.command()
@click.argument("source")
@click.argument("target")
@parameters.anywhere
def cp(source: str, target: str) -> int:
    """Copy a file into a VM or out of one: in the VM, it is ID:/PATH.

    A folder as target takes the file under its own name. Files are 1024 MiB at most.
    """
    return manage("era_kernel.commands.copy.copy", CopyOptions(source, target))


@vm.command()
@parameters.one_vm
@click.option(
    "--of",
    type=click.Choice(["run", "console", "shim"]),
    default="run",
    show_default=True,
    help="What the last `run` printed; what the guest's kernel and its hypervisor say; what the process that holds "
    "the VM logs.",
)
@click.option("--lines", type=click.IntRange(min=1), metavar="N", help="Only the last ones.")
@parameters.anywhere
def logs(**options: Any) -> int:
    """Show what is kept of a VM's output."""
    return manage("era_kernel.commands.logs.logs", LogsOptions(**options))


@vm.command()
@parameters.anywhere
def status() -> int:
    """Show all VMs as they are now. In a notebook: live, with buttons."""
    return manage("era_kernel.commands.status.status")


@vm.command()
@click.argument("vm_id", metavar="ID")
@parameters.anywhere
def use(vm_id: str) -> int:
    """Send this notebook's cells to another VM of its language, in a new session there."""
    return manage("era_kernel.commands.machines.use", vm_id)


@vm.command("help")
@click.argument("command", required=False, default="")
@parameters.anywhere
@click.pass_context
def show_help(context: click.Context, command: str) -> int:
    """Tell what a command does, or list them all."""
    invocation().front_end.document(help_text(context, command))
    return 0
