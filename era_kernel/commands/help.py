"""Help, shown where the command was typed rather than on the process's stdout."""

from __future__ import annotations

import itertools
from typing import Any

import click

NAMES: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
"""Settings of the groups' contexts: what asks for help, the same wherever a command is typed."""


class Command(click.Command):
    """A command whose --help goes to the front end, and whose options are not taken for another one's value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        names = {name for each in options for name in (*each.opts, *each.secondary_opts)}
        taking = {name for each in options if not each.is_flag for name in each.opts}
        before = ""
        for word in itertools.takewhile(lambda each: each != "--", args):
            if before in taking and word in names:
                raise click.BadOptionUsage(
                    before, f"Option {before!r} requires an argument, and {word!r} is an option.", ctx
                )
            before = "" if before in taking else word
        return super().parse_args(ctx, args)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _to_front_end(super().get_help_option(ctx))


class Commands(click.Group):
    """A group whose --help, and whose commands' --help, goes to the front end."""

    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _to_front_end(super().get_help_option(ctx))


def _to_front_end(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.callback = _show
    return option


def _show(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.find_root().obj.front_end.document(context.get_help() + "\n")
        context.exit()


def help_text(context: click.Context, name: str) -> str:
    """The help of the command `name` of the context's group, or of the group. Raises NoSuchCommand."""
    group = context.parent
    assert group is not None
    assert isinstance(group.command, click.Group)
    if not name:
        return group.get_help() + "\n"
    command = group.command.get_command(group, name)
    if command is None:
        raise click.exceptions.NoSuchCommand(name, possibilities=group.command.commands, ctx=group)
    with click.Context(command, parent=group, info_name=name) as inner:
        return command.get_help(inner) + "\n"
