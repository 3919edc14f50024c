"""`era` and its commands: arguments in, exit status out. What they do is told in `vm`, `doctor` and `install`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from era_kernel import __version__
from era_kernel.cli import parameters
from era_kernel.cli.options import (
    CacheListOptions,
    CachePruneOptions,
    CleanOptions,
    CreateOptions,
    DoctorOptions,
    ExecOptions,
    InstallOptions,
    ListOptions,
    MachineOptions,
    StopOptions,
    TempOptions,
    select,
)
from era_kernel.cli.output import Console, open_standard_streams
from era_kernel.errors import EraError

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager, Progress

OptionsT = TypeVar("OptionsT")
OpenManager = Callable[["str | None", "Progress"], "Manager"]

INTERRUPTED = 128 + signal.SIGINT


def open_manager(runtime: str | None, report: Progress) -> Manager:
    """The service on the state folder of this environment."""
    from era_kernel.paths import open_state
    from era_kernel.service.manager import Manager

    return Manager(open_state(), runtime, report)


def run(argv: Sequence[str], open_manager: OpenManager = open_manager) -> int:
    """Run `era` with these arguments; its exit status. Nothing but SystemExit is raised."""
    open_standard_streams()
    console = Console()
    invocation = Invocation(console, open_manager)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        status: int = era.main(list(argv), prog_name="era", standalone_mode=False, obj=invocation)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except EraError as error:
        return _failed(error, console)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        console.error(_usage(error))
        return error.exit_code
    except Exception as error:
        return _bug(error, invocation)
    finally:
        console.end_progress()
    return status


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _failed(error: EraError, console: Console) -> int:
    import logging

    log = logging.getLogger(__name__)
    detail = getattr(error, "console", "") or getattr(error, "output", "")
    for line in detail.splitlines():
        log.debug("| %s", line)
    console.error(error)
    return error.exit_status


def _usage(error: click.ClickException) -> str:
    text = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        text = f"{text} `{error.ctx.command_path} --help` tells more."
    return text


def _bug(error: Exception, invocation: Invocation) -> int:
    import logging

    logging.getLogger(__name__).info("unexpected error", exc_info=error)
    where = f"the details are in {invocation.log_file}" if invocation.log_file else "run it with --log-level debug"
    invocation.console.error(f"{type(error).__name__}: {error}. This is a bug; {where}.")
    return 1


# ---- what commands share


@dataclass
class Invocation:
    """One run of `era`: what the options that stand anywhere on the line said."""

    console: Console
    open_manager: OpenManager
    vm_runtime: str | None = None
    log_level: str | None = None
    log_file: Path | None = None

    def start_logging(self) -> None:
        from era_kernel.cli.logging import set_up

        set_up(self.log_level, self.log_file)


def _invocation() -> Invocation:
    invocation: Invocation = click.get_current_context().find_root().obj
    invocation.start_logging()
    return invocation


def _manage(handler: Callable[[Manager, OptionsT, Console], int], options: OptionsT) -> int:
    invocation = _invocation()
    manager = invocation.open_manager(invocation.vm_runtime, invocation.console.report)
    return handler(manager, options, invocation.console)


# ---- commands


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="era %(version)s")
@parameters.anywhere
def era() -> None:
    """Notebooks and commands in microVMs of their own."""


@era.group()
@parameters.anywhere
def vm() -> None:
    """Create, use, list and delete VMs."""


@vm.command()
@parameters.machine
@click.option("--persist", is_flag=True, help="Give it a second disk, /persist, which `clean --keep-persist` keeps.")
@parameters.anywhere
def create(persist: bool, **machine: Any) -> int:
    """Create a VM and print its id."""
    from era_kernel.cli import vm as handlers

    return _manage(handlers.create, CreateOptions(MachineOptions(**machine), persist))


@vm.command()
@parameters.selection
@parameters.anywhere
def start(vm_ids: tuple[str, ...], everything: bool) -> int:
    """Bring stopped VMs up again."""
    from era_kernel.cli import vm as handlers

    return _manage(handlers.start, select(vm_ids, everything))


@vm.command()
@parameters.selection
@click.option("--power-off", is_flag=True, help="Shut the guest down: its memory is not kept.")
@parameters.anywhere
def stop(vm_ids: tuple[str, ...], everything: bool, power_off: bool) -> int:
    """Stop VMs. Their disks are kept, and their memory: `start` brings sessions back as they were."""
    from era_kernel.cli import vm as handlers

    return _manage(handlers.stop, StopOptions(select(vm_ids, everything), power_off))


@vm.command()
@parameters.selection
@click.option("--keep-persist", is_flag=True, help="Keep what is in /persist.")
@parameters.anywhere
def clean(vm_ids: tuple[str, ...], everything: bool, keep_persist: bool) -> int:
    """Delete VMs and all that is on their disks."""
    from era_kernel.cli import vm as handlers

    return _manage(handlers.clean, CleanOptions(select(vm_ids, everything), keep_persist))


@vm.command("list")
@click.option("--status", metavar="STATE", help="Only those: provisioning, ready, running or stopped.")
@click.option("--all", "everything", is_flag=True, help="Stopped ones too.")
@click.option("--json", is_flag=True, help="One JSON array, times in UTC.")
@parameters.anywhere
def list_vms(**options: Any) -> int:
    """List VMs; stopped ones only with --all or --status stopped."""
    from era_kernel.cli import vm as handlers

    return _manage(handlers.list_vms, ListOptions(**options))


@vm.command("exec")
@parameters.selection
@parameters.guest_command
@parameters.anywhere
def execute(vm_ids: tuple[str, ...], everything: bool, command: str, timeout: float) -> int:
    """Run a command in VMs, side by side, and stream what it prints.

    With one --vm the bytes come unchanged, otherwise each line stands behind the id of its VM. The exit status is the
    command's (of several the first that is not 0, in the order given), or 124 when the time limit ended it.
    """
    from era_kernel.cli import vm as handlers

    return _manage(handlers.execute, ExecOptions(select(vm_ids, everything), command, timeout))


@vm.command()
@parameters.machine
@parameters.guest_command
@parameters.anywhere
def temp(command: str, timeout: float, **machine: Any) -> int:
    """Run a command in a VM that is made for it and deleted after it."""
    from era_kernel.cli import vm as handlers

    return _manage(handlers.temp, TempOptions(MachineOptions(**machine), command, timeout))


@era.group()
@parameters.anywhere
def cache() -> None:
    """What was made once to start VMs quickly, and can be made again."""


@cache.command("list")
@click.option("--json", is_flag=True, help="One JSON array.")
@parameters.anywhere
def list_cache(json: bool) -> int:
    """List templates and unused image disks, the least recently used first."""
    from era_kernel.cli import cache as handlers

    return _manage(handlers.list_cache, CacheListOptions(json))


@cache.command()
@click.option("--all", "everything", is_flag=True, help="Remove all of it.")
@click.option("--max-size", type=parameters.Size(), default="10G", show_default=True, help="What may stay: 500M, 10G.")
@parameters.anywhere
def prune(everything: bool, max_size: int) -> int:
    """Remove what was used least recently until the rest is small enough."""
    from era_kernel.cli import cache as handlers

    return _manage(handlers.prune, CachePruneOptions(max_size, everything))


@era.command()
@click.option("--json", is_flag=True, help="One JSON array of the findings.")
@parameters.anywhere
def doctor(json: bool) -> int:
    """Check all that a VM needs here, by booting one too."""
    from era_kernel.cli.doctor import doctor as handler

    return handler(DoctorOptions(json), _invocation().console)


def _install_options(user: bool, sys_prefix: bool, prefix: Path | None, languages: tuple[str, ...]) -> InstallOptions:
    import sys

    if user + sys_prefix + (prefix is not None) > 1:
        raise click.UsageError("--user, --sys-prefix and --prefix exclude each other.")
    return InstallOptions(Path(sys.prefix) if sys_prefix else prefix, languages)


@era.command()
@parameters.place
@parameters.anywhere
def install(**options: Any) -> int:
    """Make the kernels known to Jupyter."""
    from era_kernel.cli.install import install as handler

    return handler(_install_options(**options), _invocation().console)


@era.command()
@parameters.place
@parameters.anywhere
def uninstall(**options: Any) -> int:
    """Take the kernels away from Jupyter. VMs stay."""
    from era_kernel.cli.install import uninstall as handler

    return handler(_install_options(**options), _invocation().console)
