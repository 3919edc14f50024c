"""The command `era`."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `era` and of `python -m era_kernel`; ends the process with the command's exit status."""
    from era_kernel.cli.app import run

    sys.exit(run(sys.argv[1:]))
