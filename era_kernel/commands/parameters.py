"""Options that several commands have, as decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
Decorator = Callable[[CommandT], CommandT]


class Seconds(click.ParamType[float]):
    """A time limit: a number of seconds above 0; `30s` is understood too."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from era_kernel.config.kinds import parse_seconds

        try:
            return parse_seconds(value)
        except ValueError:
            self.fail(f"{value!r} is no number of seconds above 0.", param, ctx)


class Size(click.ParamType[int]):
    """An amount of storage: a number of bytes, or of KiB, MiB, GiB or TiB with a K, M, G or T behind it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from era_kernel.config.kinds import parse_size

        try:
            return parse_size(value)
        except ValueError:
            self.fail(f"{value!r} is no size such as 500M or 10G.", param, ctx)


def together(*options: Decorator[Any]) -> Decorator[Any]:
    """Several options as one decorator; the help shows them in this order."""

    def decorate(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Note an option that stands anywhere: the last one on the line wins."""
    assert parameter.name is not None
    if value is not None:
        setattr(context.find_root().obj, parameter.name, value)


def _kept(name: str, kind: click.ParamType[Any], help_text: str) -> Decorator[Any]:
    return click.option(name, type=kind, expose_value=False, callback=_keep, help=help_text)


def usual(name: str, shown: str) -> dict[str, Any]:
    """An option's default that is configured. The help shows what is usual and how it is called: nothing is read."""
    return {"default": partial(_configured, name), "show_default": f"{shown}, or EraConfig.{name}"}


def _configured(name: str) -> Any:
    from era_kernel.config.sources import setting

    return setting(name)


def _usual_later(name: str, shown: str) -> dict[str, Any]:
    """The same where None is handed on, and the service asks what is configured."""
    return {**usual(name, shown), "default": None}


anywhere = together(
    _kept(
        "--vm-runtime",
        click.Choice(["auto", "krunvm", "qemu"], case_sensitive=False),
        "What runs VMs; auto, if not said: the first that works here. [AGENT_VM_RUNTIME, EraConfig.vm_runtime]",
    ),
    _kept(
        "--log-level",
        click.Choice(["debug", "info", "warn", "error"], case_sensitive=False),
        "What is logged to stderr; warn if not said. [AGENT_LOG_LEVEL, EraConfig.log_level]",
    ),
    _kept(
        "--log-file",
        click.Path(dir_okay=False, path_type=Path),
        "Log to this file too, one JSON object a line. [AGENT_LOG_FILE, EraConfig.log_file]",
    ),
)
"""They may stand after `era`, after `era vm` and after the command. Variables and files: `era_kernel.config`."""

selection = together(
    click.option("--vm", "vm_ids", metavar="ID", multiple=True, help="A VM; may be repeated."),
    click.option("--all", "everything", is_flag=True, help="Every VM that this can be done with."),
)

machine = together(
    click.option("--language", required=True, metavar="LANGUAGE", help="What the VM is to run, such as python."),
    click.option("--image", metavar="REF", help="An OCI image.", **_usual_later("images", "the language's own")),
    click.option("--cpu", type=int, metavar="N", help="vCPUs.", **_usual_later("cpu", "1")),
    click.option("--mem", type=int, metavar="MIB", help="Memory in MiB.", **_usual_later("mem", "256")),
    click.option(
        "--network",
        type=click.Choice(["none", "allow_all"]),
        help="What the guest reaches.",
        **_usual_later("network", "none"),
    ),
)

persist = click.option(
    "--persist/--no-persist",
    help="Give it a second disk, /persist, which `clean --keep-persist` keeps.",
    **_usual_later("persist", "no-persist"),
)

one_vm = click.option("--vm", "vm_id", metavar="ID", required=True, help="The VM.")

_COMMAND_HELP = "A command for the guest's /bin/sh."
guest_command = click.option("--cmd", "command", required=True, help=_COMMAND_HELP)
command_or_hello = together(
    click.option("--cmd", "command", help=_COMMAND_HELP),
    click.option("--hello", is_flag=True, help="Instead of a command: say hello in the VM's language."),
)

limits_and_files = together(
    click.option("--timeout", type=Seconds(), help="When the command is ended.", **usual("timeout", "30")),
    click.option(
        "--file",
        "files",
        type=click.Path(path_type=Path),
        multiple=True,
        help="A file of this machine for the VM's /in; may be repeated.",
    ),
)
