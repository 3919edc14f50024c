"""Options that several commands have, as decorators."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

_SHIFT = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
CommandT = TypeVar("CommandT", bound=Callable[..., Any])
Decorator = Callable[[CommandT], CommandT]


class Seconds(click.ParamType[float]):
    """A time limit: a number of seconds above 0; `30s` is understood too."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(str(value).removesuffix("s"))
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            self.fail(f"{value!r} is no number of seconds above 0.", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """An amount of storage: a number of bytes, or of KiB, MiB, GiB or TiB with a K, M, G or T behind it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d{1,12})([KMGT]?)(i?B)?", str(value).strip(), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r} is no size such as 500M or 10G.", param, ctx)
        return int(found[1]) << _SHIFT[found[2].upper()]


def together(*options: Decorator[Any]) -> Decorator[Any]:
    """Several options as one decorator; the help shows them in this order."""

    def decorate(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Note an option that stands anywhere: the last one on the line wins, the environment only where none is there."""
    assert parameter.name is not None
    invocation = context.find_root().obj
    from_environment = context.get_parameter_source(parameter.name) is ParameterSource.ENVIRONMENT
    if value is not None and not (from_environment and getattr(invocation, parameter.name) is not None):
        setattr(invocation, parameter.name, value)


def _kept(name: str, kind: click.ParamType[Any], help_text: str, variable: str | None = None) -> Decorator[Any]:
    return click.option(name, type=kind, envvar=variable, expose_value=False, callback=_keep, help=help_text)


anywhere = together(
    _kept(
        "--vm-runtime",
        click.Choice(["auto", "krunvm", "qemu"], case_sensitive=False),
        "What runs VMs; auto, if not said: the first that works here. [AGENT_VM_RUNTIME]",
    ),
    _kept(
        "--log-level",
        click.Choice(["debug", "info", "warn", "error"], case_sensitive=False),
        "What is logged to stderr; warn if not said. [AGENT_LOG_LEVEL]",
        "AGENT_LOG_LEVEL",
    ),
    _kept(
        "--log-file",
        click.Path(dir_okay=False, path_type=Path),
        "Log to this file too, one JSON object a line. [AGENT_LOG_FILE]",
        "AGENT_LOG_FILE",
    ),
)
"""They may stand after `era`, after `era vm` and after the command. The service itself reads AGENT_VM_RUNTIME."""

selection = together(
    click.option("--vm", "vm_ids", metavar="ID", multiple=True, help="A VM; may be repeated."),
    click.option("--all", "everything", is_flag=True, help="Every VM that this can be done with."),
)

machine = together(
    click.option("--language", required=True, metavar="LANGUAGE", help="What the VM is to run, such as python."),
    click.option("--image", metavar="REF", help="An OCI image instead of the language's own."),
    click.option("--cpu", type=int, default=1, show_default=True, metavar="N", help="vCPUs."),
    click.option("--mem", type=int, default=256, show_default=True, metavar="MIB", help="Memory in MiB."),
    click.option(
        "--network",
        type=click.Choice(["none", "allow_all"]),
        default="none",
        show_default=True,
        help="What the guest reaches.",
    ),
)

guest_command = together(
    click.option("--cmd", "command", required=True, help="A command for the guest's /bin/sh."),
    click.option("--timeout", type=Seconds(), default=30, show_default=True, help="When the command is ended."),
)
