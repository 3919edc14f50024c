"""Where values come from, strongest first: the kernel's own options, variables, --EraConfig, files, defaults.

An option of `era` (`--mem 512`) is stronger than all of these: a command asks here only when it was not given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from era_kernel.config import arguments
from era_kernel.config.settings import Rule, Settings, rules
from era_kernel.errors import ConfigError

DEFAULT = "default"


class Found(msgspec.Struct, frozen=True):
    """A setting's value, and what gave it: an option, a variable's name, a file's path, or "default"."""

    value: Any
    source: str


def in_force() -> Settings:
    """All values. Raises ConfigError."""
    return Settings(**{name: found.value for name, found in look_up().items()})


def look_up() -> dict[str, Found]:
    """All values with their sources. Raises ConfigError for whatever of that is wrong."""
    said, filed = _said(), _from_files()
    return {rule.name: _find(rule, said, lambda: filed) for rule in rules().values()}


def setting(name: str) -> Any:
    """One value, of Settings' type. No file is looked for when a variable or the command line says it."""
    return _find(rules()[name], _said(), _from_files).value


def _find(rule: Rule, said: Mapping[str, str], filed: Callable[[], Mapping[str, Found]]) -> Found:
    if rule.name in arguments.options():
        option, given = arguments.options()[rule.name]
        return Found(_understood(rule, given, option), option)
    variable = rule.about.variable
    if variable and (text := os.environ.get(variable)):
        return Found(_understood(rule, text, variable), variable)
    if rule.name in said:
        source = f"{arguments.PREFIX}{rule.name}"
        return Found(_understood(rule, said[rule.name], source), source)
    return filed().get(rule.name) or Found(rule.default, DEFAULT)


def _from_files() -> Mapping[str, Found]:
    from era_kernel.config.files import from_files

    return from_files()


def _understood(rule: Rule, text: str, source: str) -> Any:
    try:
        return rule.about.kind.check(text)
    except ValueError:
        raise ConfigError(f"{source} is {text!r}", f"It has to be {rule.about.kind.must}.") from None


def _said() -> Mapping[str, str]:
    """What --EraConfig says, each name known."""
    said = arguments.settings()
    for name in said:
        if name not in rules():
            raise unknown(f"{arguments.PREFIX}{name}", name)
    return said


def unknown(where: str, name: str) -> ConfigError:
    """The error about a setting that there is not, with the nearest that there is."""
    import difflib

    nearest = difflib.get_close_matches(name, rules(), n=1)
    remedy = f"Did you mean {nearest[0]}?" if nearest else "`era config` shows the settings that there are."
    return ConfigError(f"{where}: there is no setting {name!r}", remedy)
