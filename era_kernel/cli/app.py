"""`era` and its commands: arguments in, exit status out. Those on VMs are `era_kernel.commands.table`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

from era_kernel import __version__
from era_kernel.cli.options import CacheListOptions, CachePruneOptions, ConfigOptions, DoctorOptions, InstallOptions
from era_kernel.cli.output import Console, open_standard_streams
from era_kernel.cli.parameters import place
from era_kernel.commands import parameters, table
from era_kernel.commands.dispatch import dispatch
from era_kernel.commands.front_end import Invocation, OpenManager, open_manager
from era_kernel.commands.help import NAMES
from era_kernel.config.arguments import take_arguments

AGAIN_SECONDS = 0.01


def run(argv: Sequence[str], open_manager: OpenManager = open_manager) -> int:
    """Run `era` with these arguments; its exit status. Nothing but SystemExit is raised."""
    open_standard_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    return dispatch(era, take_arguments(argv), "era", Invocation(Console(), open_manager, begin=_catch_interrupts))


def _catch_interrupts() -> None:
    """From now on Ctrl-C is an exception, so that commands clean up; see cli.main()."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = _interrupt_again


def _interrupt_again(lost: sys.UnraisableHookArgs) -> None:
    """Python drops an exception that comes up in a callback, such as imports have: Ctrl-C must not be lost there."""
    if lost.exc_type is KeyboardInterrupt:
        threading.Timer(AGAIN_SECONDS, signal.raise_signal, (signal.SIGINT,)).start()
    else:
        sys.__unraisablehook__(lost)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.find_root().obj.front_end.line(f"era {__version__}")
        context.exit()


@click.group(context_settings=NAMES)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
@parameters.anywhere
def era() -> None:
    """Notebooks and commands in microVMs of their own."""


era.add_command(table.vm)


@era.group()
@parameters.anywhere
def cache() -> None:
    """What was made once to start VMs quickly, and can be made again."""


@cache.command("list")
@click.option("--json", is_flag=True, help="One JSON array.")
@parameters.anywhere
def list_cache(json: bool) -> int:
    """List templates and unused image disks, the least recently used first."""
    return table.manage("era_kernel.cli.cache.list_cache", CacheListOptions(json))


@cache.command()
@click.option("--all", "everything", is_flag=True, help="Remove all of it.")
@click.option(
    "--max-size", type=parameters.Size(), help="What may stay: 500M, 10G.", **parameters.usual("max_cache", "10G")
)
@parameters.anywhere
def prune(everything: bool, max_size: int) -> int:
    """Remove what was used least recently until the rest is small enough."""
    return table.manage("era_kernel.cli.cache.prune", CachePruneOptions(max_size, everything))


@era.command()
@click.option("--json", is_flag=True, help="One JSON array of the findings.")
@parameters.anywhere
def doctor(json: bool) -> int:
    """Check all that a VM needs here, by booting one too."""
    from era_kernel.cli.doctor import doctor as handler

    return handler(DoctorOptions(json), table.begin().front_end)


@era.command()
@click.option("--json", is_flag=True, help="One JSON object: the settings, each with its value and source.")
@parameters.anywhere
def config(json: bool) -> int:
    """Show what is configured, and what says so.

    From weak to strong: the default, era_kernel_config.py or .json in a folder of `jupyter --paths`,
    --EraConfig.NAME=VALUE on the command line, the variable, the command's own option.
    """
    from era_kernel.cli.config import config as handler

    typed = table.begin()
    said = {"vm_runtime": typed.vm_runtime, "log_level": typed.log_level, "log_file": typed.log_file}
    return handler(ConfigOptions(said, json), typed.front_end)


def _install_options(
    user: bool, sys_prefix: bool, prefix: Path | None, languages: tuple[str, ...], temporary: bool = False
) -> InstallOptions:
    if user + sys_prefix + (prefix is not None) > 1:
        raise click.UsageError("--user, --sys-prefix and --prefix exclude each other.")
    return InstallOptions(Path(sys.prefix) if sys_prefix else prefix, languages, temporary)


@era.command()
@place
@click.option(
    "--temp", "temporary", is_flag=True, help="Also era-LANGUAGE-temp, whose kernels have a new VM each: for graders."
)
@parameters.anywhere
def install(**options: Any) -> int:
    """Make the kernels known to Jupyter."""
    from era_kernel.cli.install import install as handler

    return handler(_install_options(**options), table.begin().front_end)


@era.command()
@place
@parameters.anywhere
def uninstall(**options: Any) -> int:
    """Take the kernels away from Jupyter. VMs stay."""
    from era_kernel.cli.install import uninstall as handler

    return handler(_install_options(**options), table.begin().front_end)
