"""One typed command: arguments in, exit status out, whatever goes wrong told where it was typed."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import click

from era_kernel.commands.front_end import FrontEnd, Invocation
from era_kernel.errors import EraError, sentence

INTERRUPTED = 128 + signal.SIGINT


def dispatch(commands: click.Group, arguments: Sequence[str], name: str, invocation: Invocation) -> int:
    """Run one of `commands`, which are typed as `name`; its exit status: 2 for a usage error, 1 for a failure.

    Only what is no Exception is raised.
    """
    front_end = invocation.front_end
    try:
        status: int = commands.main(list(arguments), prog_name=name, standalone_mode=False, obj=invocation)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except EraError as error:
        return _failed(error, front_end)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        front_end.error(_usage(error))
        return error.exit_code
    except OSError as error:
        return _refused(error, front_end)
    except Exception as error:
        return _bug(error, invocation)
    finally:
        front_end.end_progress()
    return status


def _failed(error: EraError, front_end: FrontEnd) -> int:
    import logging

    log = logging.getLogger(__name__)
    detail = getattr(error, "console", "") or getattr(error, "output", "")
    for line in detail.splitlines():
        log.debug("| %s", line)
    front_end.error(error)
    return error.exit_status


def _usage(error: click.ClickException) -> str:
    text = sentence(error.format_message())
    if isinstance(error, click.UsageError) and error.ctx is not None:
        text = f"{text} `{error.ctx.command_path} --help` tells more."
    return text


def _refused(error: OSError, front_end: FrontEnd) -> int:
    """What the operating system refused is no bug of ours: a folder that is closed, a name that is too long."""
    import logging

    logging.getLogger(__name__).debug("refused", exc_info=error)
    names = [os.fsdecode(each) for each in (error.filename, error.filename2) if isinstance(each, str | bytes)]
    said = f"{' -> '.join(names)}: {error.strerror or error}" if names else str(error)
    front_end.error(EraError(said, "Check its name, who owns it and how its disk is mounted; `era doctor` looks too."))
    return 1


def _bug(error: Exception, invocation: Invocation) -> int:
    import logging

    from era_kernel.logs import in_use

    logging.getLogger(__name__).info("unexpected error", exc_info=error)
    _, file = in_use()
    where = f"the details are in {file}" if file else "run it with --log-level debug"
    invocation.front_end.error(f"{type(error).__name__}: {error}. This is a bug; {where}.")
    return 1
