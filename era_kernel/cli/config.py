"""`era config`: what is in force, and what says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from era_kernel.cli.options import ConfigOptions
from era_kernel.commands.front_end import FrontEnd
from era_kernel.config.settings import rules
from era_kernel.config.sources import DEFAULT, Found, look_up
from era_kernel.paths import cache_root, state_root

COLUMNS = ("Setting", "Value", "From")


def config(options: ConfigOptions, front_end: FrontEnd) -> int:
    """Show every setting with its value and its source, as a table or as JSON."""
    found = in_force(options.said)
    if options.json:
        values = {name: {"value": plain(each.value), "from": each.source} for name, each in found.items()}
        front_end.document(json.dumps(values, indent=2) + "\n")
    else:
        front_end.table(COLUMNS, [(name, shown(name, each.value), each.source) for name, each in found.items()])
    return 0


def in_force(said: Mapping[str, object]) -> dict[str, Found]:
    """What is configured under what this command's own options `said`, the usual folders by their names."""
    usual = {"state_dir": state_root, "cache_dir": cache_root}
    found = look_up()
    for name, root in usual.items():
        if found[name].value is None:
            found[name] = Found(root(), DEFAULT)
    options = {name: Found(value, f"--{name.replace('_', '-')}") for name, value in said.items() if value is not None}
    return found | options


def plain(value: object) -> object:
    """For JSON: a path is text."""
    return str(value) if isinstance(value, Path) else value


def shown(name: str, value: object) -> str:
    """For a person: as a variable or an option would say it."""
    return "-" if value is None else rules()[name].about.kind.show(value) or "-"
