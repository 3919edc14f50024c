"""The command `era`."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """The entry point of `era` and of `python -m era_kernel`; ends the process with the command's exit status.

    Until a command begins, and once it has ended, Ctrl-C ends the process at once: as an exception it would come out
    of an import as a traceback, or be lost in one of the interpreter's callbacks and the command go on.
    """
    may_end = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if may_end:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from era_kernel.cli.app import run

    status = run(sys.argv[1:])
    if may_end:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(status)
