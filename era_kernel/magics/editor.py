"""Completion and help for `%era` lines that are being typed. Pure, but for `known_vms`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from era_kernel.commands.front_end import open_manager
from era_kernel.commands.help import NAMES
from era_kernel.commands.table import vm
from era_kernel.errors import EraError
from era_kernel.languages import LANGUAGES
from era_kernel.magics import LINE

log = logging.getLogger(__name__)

_VM_PARAMETERS = {"vm_ids", "vm_id", "vm"}


@dataclass(frozen=True)
class Completion:
    """What may stand from `start` to `end` (positions in the code, in code points)."""

    matches: list[str]
    start: int
    end: int


def typed_line(code: str, cursor: int) -> str | None:
    """The text behind `%era` or `%%era` up to the cursor, None where the cursor is in no such line."""
    before = code[:cursor].rpartition("\n")[2]
    for name in (LINE, "%" + LINE):
        rest = before.removeprefix(name)
        if rest != before and rest[:1] in (" ", "\t"):
            return rest
    return None


def complete(text: str, cursor: int, known_vms: Callable[[], Sequence[str]]) -> Completion:
    """What may follow `text`, which is as of typed_line(). `known_vms` is asked only where an id is to stand."""
    words = text.split()
    begun = "" if not text or text[-1].isspace() else words.pop()
    matches = sorted(each for each in _candidates(words, begun, known_vms) if each.startswith(begun))
    return Completion(matches, cursor - len(begun), cursor)


def _candidates(words: Sequence[str], begun: str, known_vms: Callable[[], Sequence[str]]) -> Sequence[str]:
    if not words:
        return list(vm.commands)
    command = vm.commands.get(words[0])
    if command is None:
        return []
    awaited = _awaited(command, words)
    if awaited is None:
        return [name for each in command.params for name in each.opts if name.startswith("--")]
    if awaited.name in _VM_PARAMETERS:
        return known_vms()
    if awaited.name == "language":
        return list(LANGUAGES)
    if awaited.name == "command" and isinstance(awaited, click.Argument):
        return list(vm.commands)
    return list(awaited.type.choices) if isinstance(awaited.type, click.Choice) else []


def _awaited(command: click.Command, words: Sequence[str]) -> click.Parameter | None:
    """The parameter whose value comes next, None where an option's name may."""
    for each in command.params:
        if isinstance(each, click.Option) and words[-1] in each.opts and not each.is_flag:
            return each
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    return arguments[0] if arguments and len(words) == 1 else None


def help_for(text: str) -> str:
    """The help of the command that a line names, else of all."""
    words = text.split()
    with click.Context(vm, info_name=LINE, **NAMES) as context:
        command = vm.commands.get(words[0].strip("?")) if words else None
        if command is None:
            return vm.get_help(context)
        with click.Context(command, parent=context, info_name=command.name) as inner:
            return command.get_help(inner)


def known_vms() -> list[str]:
    """The ids of all VMs, none where the registry cannot be read."""
    try:
        return [view.record.id for view in open_manager(None, log.info).list(include_stopped=True)]
    except EraError:
        return []
