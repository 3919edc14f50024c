"""Options of the commands that only a shell has, as decorators."""

from __future__ import annotations

from pathlib import Path

import click

from era_kernel.commands.parameters import together

place = together(
    click.option("--user", is_flag=True, help="Among the user's own, as if nothing is said."),
    click.option("--sys-prefix", is_flag=True, help="In this Python's environment."),
    click.option("--prefix", type=click.Path(file_okay=False, path_type=Path), help="Below this folder."),
    click.option("--language", "languages", metavar="LANGUAGE", multiple=True, help="Only this one; repeatable."),
)
